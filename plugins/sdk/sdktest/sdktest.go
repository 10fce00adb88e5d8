// Package sdktest is the suite that every plugin of gx passes, those in this tree and those of others. It serves a plugin
// over a real gRPC connection on a unix socket and plays the core, in all the ways in which a run goes well or badly:
//
//	func TestConformance(t *testing.T) {
//		sdktest.Writer(t, sdktest.WriterCase{
//			Plugin:     myplugin.Plugin("test"),
//			Parameters: `{"path": "` + t.TempDir() + `/out.csv"}`,
//			Landed:     readFile, // how the suite sees what really arrived
//		})
//	}
//
// Every law is a subtest. A case may skip one by its name, and says why. The suite looks for goroutines that are left
// over, so it must not run in parallel with other tests.
package sdktest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
	plugin "github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Patience is how long the suite waits for any one thing before it calls it stuck.
const Patience = 30 * time.Second

// law is one subtest.
type law[C any] struct {
	name string
	test func(t *testing.T, c *C)
}

// run runs the laws that the case does not skip.
func run[C any](t *testing.T, laws []law[C], c *C, skip map[string]string) {
	t.Helper()
	for name, reason := range skip {
		if strings.TrimSpace(reason) == "" {
			t.Errorf("skip of %q gives no reason", name)
		}
		if !slices.ContainsFunc(laws, func(l law[C]) bool { return l.name == name }) {
			t.Errorf("skip of %q, and there is no such law", name)
		}
	}
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			if reason, skipped := skip[l.name]; skipped {
				t.Skip(reason)
			}
			l.test(t, c)
		})
	}
}

// core is a connection to a plugin that is being served.
type core struct {
	t      *testing.T
	plugin v1.PluginClient
	reader v1.ReaderClient
	writer v1.WriterClient
}

// start serves a plugin until the test ends, and then looks for goroutines that outlived it.
func start(t *testing.T, p sdk.Plugin) *core {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if t.Failed() {
			return // what failed may have left anything
		}
		if err := goleak.Find(before); err != nil {
			t.Errorf("goroutines outlive the plugin's last call: %v", err)
		}
	})
	dir, err := os.MkdirTemp("", "gx") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "plugin")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := sdk.Server(nil)
	service := sdk.Service(p).(plugin.GRPCPlugin)
	if err := service.GRPCServer(nil, server); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec), grpc.MaxCallRecvMsgSize(protocol.MaxMessage),
			grpc.MaxCallSendMsgSize(protocol.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &core{t: t, plugin: v1.NewPluginClient(conn), reader: v1.NewReaderClient(conn), writer: v1.NewWriterClient(conn)}
}

// within gives a context that ends with the test or with the suite's patience.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// wantFault fails unless err carries a Fault that says more than "internal".
func wantFault(t *testing.T, what string, err error) {
	t.Helper()
	f := protocol.AsFault(err)
	switch {
	case err == nil:
		t.Errorf("%s: no error", what)
	case f == nil:
		t.Errorf("%s: an error without a code: %v", what, err)
	case f.Code == "" || f.What == "":
		t.Errorf("%s: an empty fault: %+v", what, f)
	}
}

// wantUnsupported fails unless err is the honest answer of a plugin that lacks a verb.
func wantUnsupported(t *testing.T, verb string, err error) {
	t.Helper()
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.Unsupported {
		t.Errorf("%s: %v, want a fault with the code %q", verb, err, protocol.Unsupported)
	}
}

func mode(streaming bool) v1.Mode {
	if streaming {
		return v1.Mode_MODE_STREAMING
	}
	return v1.Mode_MODE_BATCH
}

// budget is what the suite allows a plugin to hold, in bytes.
const budget = 64 << 20
