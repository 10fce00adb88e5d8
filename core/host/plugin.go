package host

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// Options of a launch.
type Options struct {
	// Env is what a plugin gets of the core's environment: names, or prefixes that end in *.
	Env []string
	// Log receives what plugins write to standard error, one line a call; may be nil.
	Log func(plugin, line string)
	// MTLS encrypts the connection; it doubles the cost of the data path.
	MTLS bool
	// Memory is what the process may hold resident, in bytes; 0 for no limit.
	Memory int64
	// Handshake bounds the time from start to readiness; 10 s when zero.
	Handshake time.Duration
	// Ping is how often a plugin must answer, PingBudget how long it may take; 3 s and 15 s when zero.
	Ping, PingBudget time.Duration
}

// DefaultEnv is what plugins need of an environment without being told secrets.
var DefaultEnv = []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_*", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "GOMEMLIMIT", "GOMAXPROCS", "GOGC",
	"GODEBUG", "GORACE", "GOCOVERDIR"}

// Plugin is a running plugin process.
type Plugin struct {
	Name string
	conn *grpc.ClientConn
	proc *process
	tail *tail
	stop context.CancelFunc
	end  func()

	sockets *socketDir

	watch sync.WaitGroup
	mu    sync.Mutex // guards fault and dead
	fault error
	dead  chan struct{} // closed when fault is set
}

// Launch starts a plugin and shakes hands. The caller must Kill it.
func Launch(ctx context.Context, loc Location, o Options) (*Plugin, error) {
	if o.Memory > 0 && !memoryLimits {
		return nil, protocol.Faultf(protocol.Unsupported, "memory limits of plugins need Linux").Hint("leave plugin.memoryMb out")
	}
	p := &Plugin{Name: loc.Name, tail: &tail{name: loc.Name, log: o.Log}, dead: make(chan struct{})}
	sockets, err := newSocketDir()
	if err != nil {
		return nil, protocol.Faultf(protocol.Internal, "a folder for the sockets of plugins: %w", err).Hint("TMPDIR with a folder that can be written")
	}
	p.sockets = sockets
	// go-plugin's server puts pipes in the place of a plugin's standard output and error, and sends what is written there
	// over the connection.
	printed := [2]*tail{{name: loc.Name, log: o.Log}, {name: loc.Name, log: o.Log}}
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  protocol.Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{protocol.Version: {protocol.ServiceName: connGrabber{}}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		SkipHostEnv:      true,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: sockets.path},
		AutoMTLS:         o.MTLS,
		StartTimeout:     orElse(o.Handshake, 10*time.Second),
		Stderr:           p.tail,
		SyncStdout:       printed[0],
		SyncStderr:       printed[1],
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions:  dialOptions(o.MTLS),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			cmd.Env = append(cmd.Env, allowed(o.Env)...)
			cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", protocol.EnvParent, os.Getpid()))
			if o.Memory > 0 {
				cmd.Env = append(cmd.Env, goMemLimit(o.Memory)) // the last of two counts
			}
			proc, err := newProcess(cmd, loc.Path, loc.Args)
			if err != nil {
				return nil, err
			}
			p.proc = proc
			return proc, nil
		},
	})
	rpc, err := client.Client()
	if err == nil {
		var raw any
		if raw, err = rpc.Dispense(protocol.ServiceName); err == nil {
			p.conn = raw.(*grpc.ClientConn)
		}
	}
	if err != nil {
		client.Kill()
		sockets.remove()
		return nil, p.notAPlugin(loc, err)
	}
	p.end = client.Kill
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.watch.Add(2)
	go p.awaitDeath(ctx)
	go p.ping(ctx, orElse(o.Ping, 3*time.Second), orElse(o.PingBudget, 15*time.Second))
	if o.Memory > 0 {
		p.watch.Add(1)
		go p.watchMemory(ctx, o.Memory)
	}
	return p, nil
}

func orElse[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func dialOptions(mtls bool) []grpc.DialOption {
	opts := []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(wire.Codec),
			grpc.MaxCallRecvMsgSize(protocol.MaxMessage),
			grpc.MaxCallSendMsgSize(protocol.MaxMessage),
		),
		grpc.WithInitialWindowSize(protocol.Window),
		grpc.WithInitialConnWindowSize(2 * protocol.Window),
		grpc.WithWriteBufferSize(protocol.TransportBuffer),
		grpc.WithReadBufferSize(protocol.TransportBuffer),
	}
	if !mtls {
		opts = append(opts, grpc.WithTransportCredentials(wire.SocketCredentials()))
	}
	return opts
}

// connGrabber hands the bare connection out; the calls are in client.go.
type connGrabber struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (connGrabber) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

func (connGrabber) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}

// allowed picks the variables of the core's environment that a plugin may see.
func allowed(names []string) []string {
	if names == nil {
		names = DefaultEnv
	}
	var out []string
	for _, kv := range os.Environ() {
		key, _, _ := strings.Cut(kv, "=")
		for _, n := range names {
			prefix, wild := strings.CutSuffix(n, "*")
			if key == n || wild && strings.HasPrefix(key, prefix) {
				out = append(out, kv)
				break
			}
		}
	}
	return out
}

// notAPlugin words a failed start for somebody who does not know what a handshake is.
func (p *Plugin) notAPlugin(loc Location, err error) error {
	if p.proc == nil || !p.proc.hasStarted() {
		return protocol.Faultf(protocol.Config, "%s cannot be started: %w", loc.Path, err).
			Hint("check that it is a program for this machine")
	}
	what := fmt.Sprintf("%s is not a gx plugin: it did not shake hands", loc.Path)
	if last := p.tail.last(); last != "" {
		what += fmt.Sprintf("; it said %q", last)
	}
	if strings.Contains(err.Error(), "ncompatible API version") {
		what = fmt.Sprintf("%s speaks another protocol version than %d", loc.Path, protocol.Version)
	}
	return protocol.Faultf(protocol.Config, "%s", what).
		Hint("name a program that was built with the gx SDK; see plugins/README.md")
}

// awaitDeath notices the end of the process.
func (p *Plugin) awaitDeath(ctx context.Context) {
	defer p.watch.Done()
	select {
	case <-p.proc.done:
		if !p.proc.wasAsked() {
			p.fail(p.obituary())
		}
	case <-ctx.Done():
	}
}

func (p *Plugin) obituary() error {
	how := "ended"
	if st := p.proc.exitState(); st != nil {
		how = st.String()
	}
	what := fmt.Sprintf("plugin %s (process %s) died: %s", p.Name, p.proc.ID(), how)
	if last := p.tail.last(); last != "" {
		what += fmt.Sprintf("; its last words: %q", last)
	}
	return protocol.Faultf(protocol.PluginFailed, "%s", what).Hint("run the job again; what was not confirmed is read again")
}

// ping notices a process that is there and does not answer, such as a stopped one.
func (p *Plugin) ping(ctx context.Context, every, budget time.Duration) {
	defer p.watch.Done()
	health := grpc_health_v1.NewHealthClient(p.conn)
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		call, cancel := context.WithTimeout(ctx, budget)
		_, err := health.Check(call, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
		cancel()
		if status.Code(err) == codes.DeadlineExceeded && ctx.Err() == nil {
			p.fail(protocol.Faultf(protocol.PluginFailed, "plugin %s (process %s) hangs: no answer for %v",
				p.Name, p.proc.ID(), budget).Hint("look at that process, or end it; the job can be run again"))
			return
		}
	}
}

func (p *Plugin) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		p.fault = err
		close(p.dead)
	}
}

// Dead is closed when the plugin has died or hangs; Err then says how.
func (p *Plugin) Dead() <-chan struct{} { return p.dead }

// Err is nil while the plugin lives.
func (p *Plugin) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// Pid is the process id.
func (p *Plugin) Pid() string { return p.proc.ID() }

// explain replaces the transport's word for a broken connection by the reason, and names the plugin where its code broke
// the protocol.
func (p *Plugin) explain(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if protocol.AsFault(err) != nil {
		return err
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Unknown, codes.Internal:
		select { // a dying process breaks its connection a moment before it is seen to be dead
		case <-p.dead:
		case <-time.After(time.Second):
		}
		if died := p.Err(); died != nil {
			return died
		}
	}
	switch status.Code(err) {
	case codes.Canceled, codes.DeadlineExceeded:
		return err
	}
	return protocol.Faultf(protocol.PluginFailed, "plugin %s: %s", p.Name, status.Convert(err).Message())
}

// farewell is what a plugin gets for an orderly exit.
const farewell = 2500 * time.Millisecond

// Kill ends the process and everything it started, and returns what it used. It grants a moment for an orderly exit and
// may be called again.
func (p *Plugin) Kill() Usage {
	p.stop()
	p.proc.mu.Lock()
	p.proc.asked = true
	p.proc.mu.Unlock()
	if p.Err() != nil {
		p.proc.killGroup() // it will not answer a polite request
	}
	// go-plugin asks for a shutdown without a deadline; a process that is stopped would keep it waiting for ever.
	rude := time.AfterFunc(farewell, p.proc.killGroup)
	defer rude.Stop()
	p.end()
	<-p.proc.done
	p.sockets.remove()
	p.watch.Wait()
	_ = p.proc.stdin.Close()
	return usageOf(p.proc.exitState())
}

func (p *process) hasStarted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started
}

func (p *process) wasAsked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *process) exitState() *os.ProcessState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Describe asks the plugin who it is.
func (p *Plugin) Describe(ctx context.Context) (*v1.DescribeReply, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := v1.NewPluginClient(p.conn).Describe(ctx, &v1.DescribeRequest{})
	explained := p.explain(err)
	if err != nil && p.Err() == nil && protocol.AsFault(err) == nil {
		return nil, protocol.Faultf(protocol.PluginFailed, "plugin %s shook hands and does not say who it is: %s", p.Name, status.Convert(err).Message()).
			Hint("name a program that was built with the gx SDK; see plugins/README.md")
	}
	return out, explained
}

// Check asks the plugin to judge parameters; a live check may talk to servers and gets longer.
func (p *Plugin) Check(ctx context.Context, in *v1.CheckRequest) (*v1.CheckReply, error) {
	limit := 10 * time.Second
	if in.Live {
		limit = 60 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := v1.NewPluginClient(p.conn).Check(ctx, in)
	return out, p.explain(err)
}
