package sdk

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Serve runs the plugin until the core is done with it. It is the whole of a plugin's main function. Standard output
// belongs to the handshake; what a plugin wants to say goes to standard error, a line each.
func Serve(p Plugin) {
	if os.Getenv(protocol.Handshake.MagicCookieKey) != protocol.Handshake.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "%s is a plugin of gx and is started by it; try: gx plugin info %s\n", p.Name, p.Name)
		os.Exit(2)
	}
	followParent()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  protocol.Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.ServiceName: Service(p)}},
		GRPCServer:       Server,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
}

// Server makes the gRPC server of a plugin: the limits, windows and codec of the protocol on top of opts.
func Server(opts []grpc.ServerOption) *grpc.Server {
	if len(opts) == 0 { // go-plugin passes credentials when the core asked for TLS
		opts = []grpc.ServerOption{grpc.Creds(wire.SocketCredentials())}
	}
	return grpc.NewServer(append(opts,
		grpc.ForceServerCodecV2(wire.Codec),
		grpc.MaxRecvMsgSize(protocol.MaxMessage),
		grpc.MaxSendMsgSize(protocol.MaxMessage),
		grpc.InitialWindowSize(protocol.Window),
		grpc.InitialConnWindowSize(2*protocol.Window),
		grpc.WriteBufferSize(protocol.TransportBuffer),
		grpc.ReadBufferSize(protocol.TransportBuffer),
	)...)
}

// Service is the go-plugin side of a Plugin; only the conformance suite and Serve need it.
func Service(p Plugin) plugin.Plugin { return &service{plugin: p} }

type service struct {
	plugin.NetRPCUnsupportedPlugin
	plugin Plugin
}

func (s *service) GRPCServer(_ *plugin.GRPCBroker, srv *grpc.Server) error {
	v1.RegisterPluginServer(srv, &describer{plugin: s.plugin})
	if s.plugin.Reader != nil {
		v1.RegisterReaderServer(srv, &readerServer{spec: s.plugin.Reader})
	}
	if s.plugin.Writer != nil {
		v1.RegisterWriterServer(srv, &writerServer{spec: s.plugin.Writer})
	}
	return nil
}

func (s *service) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("the sdk has no client side; that is core/host")
}

// followParent ends this process when the core is gone, whatever way it went. Three independent signs: the kernel's
// parent-death signal, the end of standard input (a pipe that only the core holds), and a changed parent process id.
func followParent() {
	dieWithParent()
	parent, err := strconv.Atoi(os.Getenv(protocol.EnvParent))
	if err != nil {
		parent = os.Getppid()
	}
	if os.Getppid() != parent {
		os.Exit(1) // it died before we looked
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		leave()
	}()
	go func() {
		for range time.Tick(protocol.ParentPoll) {
			if os.Getppid() != parent {
				leave()
			}
		}
	}()
}

// leave ends the process with everything it started: the core made it the leader of a group of its own.
func leave() {
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(1)
}
