package sdk

import (
	"context"
	"errors"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

type describer struct {
	v1.UnimplementedPluginServer
	plugin Plugin
}

func (d *describer) Describe(context.Context, *v1.DescribeRequest) (*v1.DescribeReply, error) {
	out := &v1.DescribeReply{Name: d.plugin.Name, Version: d.plugin.Version, Doc: d.plugin.Doc}
	if r := d.plugin.Reader; r != nil {
		out.Roles = append(out.Roles, &v1.RoleSpec{Role: v1.Role_ROLE_READER, Doc: r.Doc,
			Capabilities: r.Capabilities, Parameters: parameters(options.Describe(r.New().Config()))})
	}
	if w := d.plugin.Writer; w != nil {
		out.Roles = append(out.Roles, &v1.RoleSpec{Role: v1.Role_ROLE_WRITER, Doc: w.Doc,
			Capabilities: w.Capabilities, Parameters: parameters(options.Describe(w.New().Config()))})
	}
	return out, nil
}

func parameters(ps []options.Param) []*v1.Parameter {
	var out []*v1.Parameter
	for _, p := range ps {
		if p.Ignored {
			continue
		}
		out = append(out, &v1.Parameter{Name: p.Name, Type: p.Type, Default: p.Default, Allowed: p.Allowed,
			Required: p.Required, Secret: p.Secret, Aliases: p.Aliases, Doc: p.Doc, Children: parameters(p.Children)})
	}
	return out
}

func (d *describer) Check(ctx context.Context, in *v1.CheckRequest) (*v1.CheckReply, error) {
	var cfg, instance any
	switch {
	case in.Role == v1.Role_ROLE_READER && d.plugin.Reader != nil:
		r := d.plugin.Reader.New()
		instance, cfg = r, r.Config()
	case in.Role == v1.Role_ROLE_WRITER && d.plugin.Writer != nil:
		w := d.plugin.Writer.New()
		instance, cfg = w, w.Config()
	default:
		return nil, protocol.Faultf(protocol.Config, "%s cannot be a %s", d.plugin.Name, roleName(in.Role))
	}
	problems := decode(in.Parameters, cfg, in.Lenient)
	if live, ok := instance.(LiveChecker); ok && in.Live && !options.Failed(problems) {
		problems = append(problems, live.CheckLive(ctx)...)
	}
	out := &v1.CheckReply{}
	if l, ok := instance.(Laner); ok {
		out.Lanes = uint32(max(0, l.Lanes()))
	}
	for _, p := range problems {
		out.Problems = append(out.Problems, &v1.Problem{Code: valid(p.Code), Path: valid(p.Path), Seen: valid(p.Seen),
			Want: valid(p.Want), Try: valid(p.Try), Warning: p.Warning})
	}
	return out, nil
}

func roleName(r v1.Role) string {
	if r == v1.Role_ROLE_READER {
		return "reader"
	}
	return "writer"
}

// decode fills a parameter struct and returns everything that is wrong with it. Paths are relative to the parameter.
func decode(src []byte, cfg any, lenient bool) []options.Problem {
	v, problems := options.Parse(src)
	if options.Failed(problems) {
		return problems
	}
	var opts []options.Option
	if lenient {
		opts = append(opts, options.Lenient())
	}
	return append(problems, options.Decode(v, "", cfg, opts...)...)
}

// open is decode for Open, where the core has checked before: whatever is still wrong is one Fault.
func open(in *v1.OpenRequest, cfg any) error {
	for _, p := range decode(in.Parameters, cfg, in.Lenient) {
		if !p.Warning {
			return protocol.Faultf(protocol.Config, "%s", p.String())
		}
	}
	return nil
}

func openInfo(in *v1.OpenRequest) OpenInfo {
	return OpenInfo{
		Job: in.Job, Run: in.Run, Streaming: in.Mode == v1.Mode_MODE_STREAMING, Lanes: int(in.Lanes),
		Memory: int64(in.Memory),
		Peer:   peer(in.GetPeer()),
	}
}

func openReply(o Opened) *v1.OpenReply {
	return &v1.OpenReply{
		Notes: validAll(o.Notes), ReplaySafe: o.ReplaySafe, Columns: validAll(o.Columns), Documents: o.Documents, Resumes: o.Resumes,
		Frozen: o.Frozen, Transactions: o.Transactions, NoTransactions: valid(o.NoTransactions),
		Self: &v1.Peer{Plugin: o.Self.Plugin, Columns: validAll(o.Self.Columns), WantsColumns: o.Self.WantsColumns,
			WantsDestination: o.Self.WantsDestination, ColumnTypes: validAll(o.Self.ColumnTypes), Keys: validAll(o.Self.Keys),
			Operations: v1.Operations(o.Self.Operations), NoOperations: valid(o.Self.NoOperations)},
	}
}

// peer reads what the other side said; a word of a later version is none.
func peer(in *v1.Peer) Peer {
	p := Peer{Plugin: in.GetPlugin(), Columns: in.GetColumns(), WantsColumns: in.GetWantsColumns(), WantsDestination: in.GetWantsDestination(),
		ColumnTypes: in.GetColumnTypes(), Keys: in.GetKeys(), NoOperations: in.GetNoOperations()}
	switch in.GetOperations() {
	case v1.Operations_OPERATIONS_APPLIED:
		p.Operations = OperationsApplied
	case v1.Operations_OPERATIONS_UNKNOWN:
		p.Operations = OperationsUnknown
	}
	return p
}

// valid makes text fit for a protobuf string: gRPC refuses a message with anything else.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func validAll(ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = valid(s)
	}
	return out
}

// fault makes sure that every error that crosses the process border carries a code. Words that were put around a Fault on
// its way here are kept.
func fault(err error) error {
	if err == nil {
		return nil
	}
	if f := protocol.AsFault(err); f != nil {
		if err == error(f) || !errors.Is(err, f) {
			return f // as it was made, or as it came over gRPC
		}
		out := *f
		out.What = strings.Replace(err.Error(), f.Error(), f.What, 1)
		return &out
	}
	switch {
	case protocol.IsCanceled(err):
		return protocol.Faultf(protocol.Stopped, "%w", err)
	case errors.Is(err, context.DeadlineExceeded):
		return protocol.Faultf(protocol.Unreachable, "%w", err)
	}
	return protocol.Faultf(protocol.Internal, "%w", err)
}
