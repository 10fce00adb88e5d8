package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gx-etl/gx/core/dirty"
	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fan"
	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/host"
	"github.com/gx-etl/gx/core/state"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/spf13/cobra"
)

type runFlags struct {
	documentFlags
	report string
	drain  time.Duration
	quiet  bool
	resume bool

	summary    string
	dataxCodes bool
}

func (a *app) runCommand() *cobra.Command {
	var flags runFlags
	c := &cobra.Command{
		Use:   "run JOB",
		Short: "Run a job",
		Long: `run reads a job (a path, a URL, or - for standard input) and moves its rows. A batch job ends with its source;
a streaming job runs until SIGINT or SIGTERM, which stop it in order: stop reading, flush, commit, finish.
A second signal ends it at once.

With --resume a batch job goes on where its last run was stopped or died: shards that are done are not read again, and
neither is what prepares the target (preSql). When nothing is unfinished it begins at its start, so a scheduler may
always give it. The job must be the one that was begun; speed, memory and errorLimit may differ.

Exit codes: 0 done · 1 failed · 2 job or setting wrong, nothing touched · 3 too many dirty records ·
4 outcome in doubt · 5 plugin not trusted · 6 a server stayed unreachable · 130/143 stopped by a signal`,
		Args: oneArg("a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := oneOf("summary", flags.summary, []string{"gx", "datax"})
			if err == nil {
				err = a.runJob(cmd.Context(), args[0], &flags)
			}
			if flags.dataxCodes {
				return a.dataxExit(err)
			}
			return err
		},
	}
	flags.register(c)
	f := c.Flags()
	f.StringVar(&flags.report, "report", "", "write the closing report as JSON to this `file`")
	f.DurationVar(&flags.drain, "drain-timeout", time.Minute, "how long an orderly stop may take; 0 for no limit")
	f.StringVar(&flags.summary, "summary", "gx", "the counts at the end: gx, or datax for the lines that scripts around DataX search for")
	f.BoolVar(&flags.dataxCodes, "datax-exit-codes", false, "exit as DataX does: 0 done, 255 failed for whatever reason, 143 stopped by a signal")
	f.BoolVar(&flags.resume, "resume", false, "go on with the last run of a batch job, if it is unfinished")
	f.BoolVar(&flags.quiet, "quiet", false, "no progress, only notes and the report")
	return c
}

func (a *app) runJob(ctx context.Context, where string, flags *runFlags) error {
	if ctx == nil {
		ctx = context.Background()
	}
	doc, err := a.read(ctx, where, &flags.documentFlags)
	if err != nil {
		return err
	}
	signals := watchSignals()
	defer signals.end()
	if options.Failed(doc.problems) {
		return a.refuse(ctx, doc, &flags.documentFlags)
	}
	a.printProblems(doc.label, doc.problems)
	for i, j := range doc.jobs {
		if skip, err := a.skipped(doc, i, flags.resume); err != nil {
			return err
		} else if skip {
			continue
		}
		if err := a.runOne(ctx, doc, j, flags, signals); err != nil {
			return err
		}
	}
	return nil
}

// refuse prints what is wrong with a document, with what the plugins have to say about the steps that could be read.
func (a *app) refuse(ctx context.Context, doc *document, flags *documentFlags) error {
	problems := doc.problems
	for _, j := range doc.jobs {
		p, found, err := a.prepare(ctx, j, flags, false)
		if err == nil {
			p.kill()
			problems = append(problems, found...)
		}
	}
	options.Sort(problems)
	return a.errProblems(doc.label, problems)
}

// runOne runs one job from its plan to its report.
func (a *app) runOne(ctx context.Context, doc *document, j *job.Job, flags *runFlags, signals *signals) error {
	p, problems, err := a.prepare(ctx, j, &flags.documentFlags, j.Setting.DryRun)
	if err != nil {
		return err
	}
	defer p.kill()
	options.Sort(problems)
	if err := a.errProblems(doc.label, problems); err != nil {
		return err
	}
	if j.Setting.DryRun {
		_, err := fmt.Fprintf(a.stdout, "%s: dry run, nothing was moved\n", j.Name)
		return err
	}
	dir := a.jobDir(doc, j)
	lock, err := state.Acquire(dir, j.Name)
	if err != nil {
		if f := fault.Of(err); dir == j.Setting.Checkpoint.Dir && f.Place == "" {
			f.At(j.SettingPath("checkpoint.dir"))
		}
		return err
	}
	defer lock.Release()
	out := a.newScreen(flags.quiet)
	out.datax = flags.summary == "datax"
	kept, err := a.takeUp(j, dir, flags.resume, out.note)
	if err != nil {
		return err
	}
	lines, err := a.dirtyLines(p, dir)
	if err != nil {
		return err
	}

	e := &engine.Engine{Plan: p.plan, Reader: p.reader(), Writer: p.writer(), Dirty: lines, State: kept,
		DrainBudget: flags.drain, Note: out.note}
	processes := fmt.Sprintf("core %d", os.Getpid())
	for _, pl := range p.readers {
		processes += ", reader " + pl.Pid()
	}
	for _, pl := range p.writers {
		processes += ", writer " + pl.Pid()
	}
	var sink *dirty.Sink
	if p.sink != nil {
		sink = &dirty.Sink{Writer: writer{p.sink.Writer()}, Plan: p.plan, Refused: lines, Note: out.note}
		e.Dirty = sink
		processes += ", dirty records " + p.sink.Pid()
	}
	out.note(fmt.Sprintf("%s: %s → %s, run %s, processes: %s", p.plan.Job, p.plan.Reader.Plugin, p.plan.Writer.Plugin, p.plan.Run, processes))
	hard, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(signals.hard, func() {
		cancel(protocol.Faultf(protocol.Stopped, "ended at once by a second signal").Hint("run the job again; what was not confirmed is read again"))
	})()
	stopClock := out.clock(e)
	report, err := e.Run(hard, signals.soft)
	stopClock()
	if cerr := lines.Close(); err == nil && cerr != nil {
		err = protocol.Faultf(protocol.Internal, "dirty records: %w", cerr).At("setting.dirty")
	}
	if lines.Written() {
		report.DirtyFile = dirtyPath(p, dir)
	}
	if sink != nil {
		report.DirtySink = &engine.DirtyUse{Plugin: p.plan.Sink.Plugin, Place: sink.Place(), Kept: sink.Kept(), Refused: sink.Turned()}
	}
	report.Processes = a.usage(p)
	out.report(report)
	if flags.report != "" {
		if werr := a.writeReport(flags.report, report); werr != nil && err == nil {
			return werr
		}
	}
	return a.verdict(report, err, signals)
}

// jobDir is where the job keeps its lock and its dirty records: where the job itself says, or else where gx does.
func (a *app) jobDir(doc *document, j *job.Job) string {
	if dir := j.Setting.Checkpoint.Dir; dir != "" {
		return dir
	}
	return a.settings.stateDir(doc.file)
}

// verdict is the exit code of a run whose report is printed.
func (a *app) verdict(r *engine.Report, err error, signals *signals) error {
	if n := signals.number(); n != 0 && (r.Outcome == "stopped" || err != nil && signals.hard.Err() != nil) {
		return exitCode(128 + n)
	}
	if err != nil {
		return exitCode(fault.Exit(err))
	}
	if r.Outcome == "out of time" && r.Mode == "batch" {
		return exitCode(fault.ExitFailed)
	}
	return nil
}

// reader is the one reader of the job, or all of them as one.
func (p *prepared) reader() engine.Reader {
	if len(p.readers) == 1 {
		return p.readers[0].Reader()
	}
	var each []engine.Reader
	for _, pl := range p.readers {
		each = append(each, pl.Reader())
	}
	return fan.Readers(p.plan.Readers, each)
}

// writer is the one writer of the job, or all of them as one.
func (p *prepared) writer() engine.Writer {
	if len(p.writers) == 1 {
		return writer{p.writers[0].Writer()}
	}
	var each []engine.Writer
	for _, pl := range p.writers {
		each = append(each, writer{pl.Writer()})
	}
	return fan.Writers(p.plan.Writers, each)
}

// writer joins host.Writer to the interface that engine declares.
type writer struct{ *host.Writer }

func (w writer) Write(ctx context.Context, lane int, transaction string) (engine.Lane, error) {
	l, err := w.Writer.Write(ctx, lane, transaction)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// dirtyLines is where dirty records go as lines of JSON: all of them, or those that their writer's target refused.
type dirtyLines interface {
	engine.DirtySink
	Written() bool
	Close() error
}

func dirtyPath(p *prepared, dir string) string {
	if p.plan.Dirty.Path != "" {
		return p.plan.Dirty.Path
	}
	return filepath.Join(dir, p.plan.Job+".dirty.jsonl")
}

func (a *app) dirtyLines(p *prepared, dir string) (dirtyLines, error) {
	if p.plan.Dirty.Type == job.DirtyStdout {
		f, ok := a.stdout.(*os.File)
		if !ok {
			return nil, protocol.Faultf(protocol.Config, "there is no standard output").At("setting.dirty.type")
		}
		return state.NewDirtyLines(f, p.plan.Job, p.plan.Run), nil
	}
	return &state.DirtyFile{Path: dirtyPath(p, dir), Job: p.plan.Job, Run: p.plan.Run}, nil
}

// usage ends the plugins and lists what every process of the job has used.
func (a *app) usage(p *prepared) []engine.ProcessUse {
	self := host.SelfUsage()
	uses := []engine.ProcessUse{{Name: "core", Pid: fmt.Sprint(os.Getpid()), CPUSeconds: (self.User + self.System).Seconds(), MaxRSS: self.MaxRSS}}
	plugins := p.plugins()
	ended := make([]engine.ProcessUse, len(plugins))
	var wg sync.WaitGroup
	for i, pl := range plugins {
		wg.Go(func() {
			pid, u := pl.Pid(), pl.Kill()
			name := pl.Name
			if pl == p.sink {
				name += " (dirty)"
			}
			ended[i] = engine.ProcessUse{Name: name, Pid: pid, CPUSeconds: (u.User + u.System).Seconds(), MaxRSS: u.MaxRSS}
		})
	}
	wg.Wait()
	return append(uses, ended...)
}

func (a *app) writeReport(path string, r *engine.Report) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return protocol.Faultf(protocol.Internal, "report: %w", err).At("--report")
	}
	defer func() { _ = os.Remove(f.Name()) }()
	err = writeJSON(masked{a, f}, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return protocol.Faultf(protocol.Internal, "report: %w", err).At("--report")
	}
	return nil
}

// signals turns the first SIGINT or SIGTERM into soft and the second into hard.
type signals struct {
	soft    chan struct{}
	hard    context.Context
	end     func()
	mu      sync.Mutex
	first   syscall.Signal
	hardEnd context.CancelFunc
}

func watchSignals() *signals {
	s := &signals{soft: make(chan struct{})}
	s.hard, s.hardEnd = context.WithCancel(context.Background())
	ch := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case sig := <-ch:
				if n == 0 {
					s.mu.Lock()
					s.first, _ = sig.(syscall.Signal)
					s.mu.Unlock()
					close(s.soft)
				} else {
					s.hardEnd()
				}
			case <-done:
				return
			}
		}
	})
	s.end = func() {
		signal.Stop(ch)
		close(done)
		wg.Wait()
	}
	return s
}

// number is the first signal that came, or 0.
func (s *signals) number() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.first)
}
