package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/journal"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/plugins/protocol"
)

// statePath is the state file of a job.
func statePath(dir, job string) string { return filepath.Join(dir, job+".state") }

// takeUp looks for what an earlier run of a batch job left unfinished. Streaming jobs have no state file: where they go on
// is in the source.
func (a *app) takeUp(j *job.Job, dir string, resume bool, note func(string)) (*engine.State, error) {
	if j.Mode == job.Streaming {
		if resume {
			note("--resume: a streaming job always goes on where its source says")
		}
		return nil, nil
	}
	s := &engine.State{Path: statePath(dir, j.Name), Document: j.Essence(), Mask: j.Mask}
	old, err := journal.Load(s.Path)
	if err != nil {
		return nil, err
	}
	if old != nil && old.Job != j.Name {
		return nil, protocol.Faultf(protocol.Config, "the state file %s is of the job %q, and this is %q", s.Path, old.Job, j.Name).
			Hint("gx state reset, if no job of that name is to go on")
	}
	if old == nil || old.Ended {
		if resume {
			note("--resume: no earlier run is unfinished, so the job begins at its start")
		}
		return s, nil
	}
	s.Old, s.Resume = old, resume
	if !resume {
		s.Settles = job.Contains(old.Document, j.EssenceOf(job.Writer))
		return s, nil
	}
	if changes := job.Differences(old.Document, s.Document); len(changes) > 0 {
		return nil, protocol.Faultf(protocol.Config, "the job has changed since run %s, which is unfinished: %s", old.Run, strings.Join(changes, "; ")).
			Hint("go on with the job as it was (and its variables: --bizdate, -D), or run without --resume to start over")
	}
	return s, nil
}

// skipped tells that a job of a document with several was finished by the run that is to be resumed.
func (a *app) skipped(doc *document, i int, resume bool) (bool, error) {
	if !resume || i == len(doc.jobs)-1 || doc.jobs[i].Mode == job.Streaming {
		return false, nil
	}
	path := func(j *job.Job) string { return statePath(a.jobDir(doc, j), j.Name) }
	s, err := journal.Load(path(doc.jobs[i]))
	if err != nil || s == nil || !s.Ended || len(job.Differences(s.Document, doc.jobs[i].Essence())) > 0 {
		return false, err
	}
	for _, later := range doc.jobs[i+1:] {
		l, err := journal.Load(path(later))
		if err != nil {
			return false, err
		}
		if l != nil && !l.Ended {
			_, err := fmt.Fprintf(a.stderr, "gx: %s was done by run %s, before %s was left unfinished\n", doc.jobs[i].Name, s.Run, later.Name)
			return true, err
		}
	}
	return false, nil
}
