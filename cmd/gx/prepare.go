package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/host"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// prepared is a plan with its plugin processes, started and asked whether they take their parameters.
type prepared struct {
	plan             *plan.Plan
	readers, writers []*host.Plugin // as in the plan; nil for one that did not start
	sink             *host.Plugin   // of dirty records; nil when a file or standard output takes them
}

// plugins are those that were started.
func (p *prepared) plugins() (out []*host.Plugin) {
	for _, pl := range slices.Concat(p.readers, p.writers, []*host.Plugin{p.sink}) {
		if pl != nil {
			out = append(out, pl)
		}
	}
	return out
}

func (p *prepared) kill() {
	var wg sync.WaitGroup
	for _, pl := range p.plugins() {
		wg.Go(func() { pl.Kill() })
	}
	wg.Wait()
}

// prepare plans a job, starts its plugins and collects everything that is wrong, from the plan and from the plugins at
// once. Nothing outside is touched unless live is set. The caller kills what was started.
func (a *app) prepare(ctx context.Context, j *job.Job, flags *documentFlags, live bool) (*prepared, []options.Problem, error) {
	pl, problems := plan.Build(j, plan.NewRun(time.Now()), flags.lenient)
	if flags.noRawSQL {
		problems = append(problems, refuseRawSQL(j, pl)...)
	}
	if flags.destructive {
		allowDestructive(j, pl)
	}
	finder, err := a.settings.finder()
	if err != nil {
		return nil, nil, err
	}
	out := &prepared{plan: pl, readers: make([]*host.Plugin, len(pl.Readers)), writers: make([]*host.Plugin, len(pl.Writers))}
	var sides []*side
	for i := range pl.Readers {
		sides = append(sides, &side{step: &pl.Readers[i], role: v1.Role_ROLE_READER, plugin: &out.readers[i]})
	}
	for i := range pl.Writers {
		sides = append(sides, &side{step: &pl.Writers[i], role: v1.Role_ROLE_WRITER, plugin: &out.writers[i]})
	}
	if pl.Sink != nil {
		sides = append(sides, &side{step: pl.Sink, role: v1.Role_ROLE_WRITER, plugin: &out.sink})
	}
	var wg sync.WaitGroup
	for _, s := range sides {
		if s.step.Type == "" {
			continue // the document said so already
		}
		wg.Go(func() { s.problems = s.start(ctx, a, finder, pl, j, live) })
	}
	wg.Wait()
	pl.Join()
	for _, s := range sides {
		problems = append(problems, s.problems...)
		if s.role == v1.Role_ROLE_READER && s.lanes > 0 && j.Setting.LanesUnsaid {
			pl.UseLanes(max(pl.Lanes, s.lanes))
		}
	}
	return out, problems, nil
}

// side is one plugin of the job being prepared.
type side struct {
	step     *plan.Step
	role     v1.Role
	plugin   **host.Plugin
	problems []options.Problem
	lanes    int // that its parameters ask for
}

func (s *side) start(ctx context.Context, a *app, finder *host.Finder, pl *plan.Plan, j *job.Job, live bool) []options.Problem {
	bad := func(err error) []options.Problem {
		f := fault.Of(err)
		p := options.Problem{Code: options.CodeUnknownPlugin, Path: s.step.TypePath, Seen: f.What, Try: f.Try}
		return []options.Problem{j.Place(p)}
	}
	loc, err := s.locate(finder)
	if err != nil {
		return bad(err)
	}
	s.step.Plugin = loc.Name
	launch := host.Options{Log: a.pluginLog()}
	if program := s.step.Program; program != nil {
		launch.MTLS, launch.Memory = program.MTLS, program.MemoryMB<<20
		if program.SHA256 != "" {
			if err := loc.Verify(program.SHA256); err != nil { // it is never started
				return s.untrusted(j, err)
			}
		}
	}
	proc, err := host.Launch(ctx, loc, launch)
	if err != nil {
		return bad(err)
	}
	*s.plugin = proc
	d, err := proc.Describe(ctx)
	if err != nil {
		return bad(err)
	}
	i := slices.IndexFunc(d.Roles, func(r *v1.RoleSpec) bool { return r.Role == s.role })
	if i < 0 {
		return bad(protocol.Faultf(protocol.Config, "plugin %s cannot be a %s", d.Name, roleName(s.role)).Hint("gx plugin list"))
	}
	mode, need := v1.Mode_MODE_BATCH, protocol.CapBatch
	if pl.Streaming {
		mode, need = v1.Mode_MODE_STREAMING, protocol.CapStreaming
	}
	if !slices.Contains(d.Roles[i].Capabilities, need) {
		return bad(protocol.Faultf(protocol.Config, "plugin %s does not run in %s mode", d.Name, need).Hint("another setting.mode"))
	}
	answer, err := proc.Check(ctx, &v1.CheckRequest{Role: s.role, Parameters: s.step.Parameters, Mode: mode, Live: live, Lenient: pl.Lenient})
	if err != nil {
		return bad(err)
	}
	var out []options.Problem
	s.lanes = int(answer.Lanes)
	for _, p := range answer.Problems {
		path := s.step.Path
		if p.Path != "" {
			path += "." + p.Path // a path of its own, not a key
		}
		if strings.Contains(p.Seen, "${") {
			continue // a variable without a value, which the document's own problems name
		}
		out = append(out, j.Place(options.Problem{Code: p.Code, Path: path, Seen: p.Seen, Want: p.Want, Try: p.Try, Warning: p.Warning}))
	}
	return out
}

// untrusted says that the plugin's program is not the one that the job asks for.
func (s *side) untrusted(j *job.Job, err error) []options.Problem {
	f, code := fault.Of(err), options.CodeUnknownPlugin
	if f.Code == protocol.Untrusted {
		code = options.CodeUntrustedPlugin
	}
	at := strings.TrimSuffix(s.step.Path, ".parameter") + ".plugin.sha256"
	return []options.Problem{j.Place(options.Problem{Code: code, Path: at, Seen: f.What, Try: f.Try})}
}

func (s *side) locate(finder *host.Finder) (host.Location, error) {
	if s.step.Program != nil && s.step.Program.Path != "" {
		return host.At(s.step.Program.Path)
	}
	return finder.Find(s.step.Type, roleName(s.role))
}

// errProblems ends a command after its problems were printed.
func (a *app) errProblems(label string, problems []options.Problem) error {
	n := a.printProblems(label, problems)
	if n == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(a.stderr, "gx: %s in %s; nothing was touched\n", count(n, "problem"), label)
	if slices.ContainsFunc(problems, func(p options.Problem) bool { return p.Code == options.CodeUntrustedPlugin }) {
		return exitCode(fault.ExitUntrusted)
	}
	return exitCode(fault.ExitConfig)
}
