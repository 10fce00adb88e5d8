package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gx-etl/gx/core/host"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/core/state"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/spf13/cobra"
)

// keptPositions is a job whose reader's source keeps its positions.
type keptPositions struct {
	job    *job.Job
	dir    string // of its lock
	plan   *plan.Plan
	step   *plan.Step // of the reader
	reader *host.Plugin
}

// eachKept calls positions for every job of a document whose source keeps its positions, and file for every other one.
func (a *app) eachKept(cmd *cobra.Command, where string, flags *documentFlags,
	positions func(context.Context, *keptPositions) error, file func(name, path string) error) error {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	doc, err := a.read(ctx, where, flags)
	if err != nil {
		return err
	}
	if len(doc.jobs) == 0 {
		return a.errProblems(doc.label, doc.problems)
	}
	for _, j := range doc.jobs {
		if err := a.kept(ctx, doc, j, flags, positions, file); err != nil {
			return err
		}
	}
	return nil
}

// kept starts the readers of a job, and nothing else of it, to hear what their sources keep. Of a state file only the name is
// needed, so a document that is not fit to run will do for that.
func (a *app) kept(ctx context.Context, doc *document, j *job.Job, flags *documentFlags,
	positions func(context.Context, *keptPositions) error, file func(name, path string) error) error {
	pl, problems := plan.Build(j, plan.NewRun(time.Now()), flags.lenient)
	finder, err := a.settings.finder()
	if err != nil {
		return err
	}
	dir := a.jobDir(doc, j)
	var keepers []*keptPositions
	for i := range pl.Readers {
		k := &keptPositions{job: j, dir: dir, plan: pl, step: &pl.Readers[i]}
		if k.step.Type == "" {
			continue
		}
		reader := &side{step: k.step, role: v1.Role_ROLE_READER, plugin: &k.reader}
		found := reader.start(ctx, a, finder, pl, j, false)
		if k.reader != nil {
			defer k.reader.Kill()
		}
		keeps, err := k.keeps(ctx)
		if err != nil {
			return err
		}
		if keeps {
			keepers, problems = append(keepers, k), append(problems, found...)
		}
	}
	if len(keepers) == 0 {
		return file(j.Name, statePath(dir, j.Name))
	}
	problems = append(problems, doc.problems...)
	options.Sort(problems)
	if err := a.errProblems(doc.label, problems); err != nil {
		return err
	}
	for _, k := range keepers {
		if err := positions(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// keeps asks the reader whether its source keeps positions.
func (k *keptPositions) keeps(ctx context.Context) (bool, error) {
	if k.reader == nil {
		return false, nil
	}
	about, err := k.reader.Describe(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(about.Roles, func(r *v1.RoleSpec) bool {
		return r.Role == v1.Role_ROLE_READER && slices.Contains(r.Capabilities, protocol.CapPositions)
	}), nil
}

func (k *keptPositions) mode() v1.Mode {
	if k.plan.Streaming {
		return v1.Mode_MODE_STREAMING
	}
	return v1.Mode_MODE_BATCH
}

// lock holds the job's name, so that it does not start meanwhile on this machine.
func (k *keptPositions) lock() (release func(), err error) {
	lock, err := state.Acquire(k.dir, k.job.Name)
	if err != nil {
		return nil, fmt.Errorf("positions move only while the job does not run: %w", err)
	}
	return lock.Release, nil
}
