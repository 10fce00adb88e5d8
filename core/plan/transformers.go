package plan

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/core/transform"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
)

// transformers compiles what stands between reader and writer: first the list of the settings, then the steps in the order
// in which the hops pass them.
func (b *builder) transformers(lenient bool) *transform.Chain {
	var specs []transform.Spec
	for _, t := range b.job.Transformers {
		at := strings.TrimSuffix(t.Path, ".parameter")
		specs = append(specs, transform.Spec{Name: t.Name, NamePath: at + ".name", Parameter: t.Parameter, Path: t.Path})
	}
	for _, s := range b.between() {
		if s.Plugin != nil {
			b.add(strings.TrimSuffix(s.Path, ".parameter")+".plugin", "a transformer is part of gx and has no program of its own", "", "leave the key out")
		}
		specs = append(specs, transform.Spec{Name: s.Type, NamePath: b.typePath(s), Parameter: s.Parameter, Path: s.Path})
	}
	chain, problems := transform.Compile(specs, b.job.Setting.Column.Dates(), lenient)
	for _, p := range problems {
		b.problems = append(b.problems, b.job.Place(p))
	}
	return chain
}

// between lists the transformer steps in the order in which the rows pass them. Every row goes the same way: from its
// reader through all of them to all writers.
func (b *builder) between() (steps []job.Step) {
	var readers, writers, left []string
	for _, s := range b.job.Steps {
		switch s.Category {
		case job.TransformerStep:
			left = append(left, s.Name)
		case job.Reader:
			readers = append(readers, s.Name)
		case job.Writer:
			writers = append(writers, s.Name)
		}
	}
	if len(readers) == 0 || len(writers) == 0 {
		return nil
	}
	hops := map[job.Hop]bool{}
	for _, h := range b.job.Hops {
		hops[h] = true
	}
	due := 0 // hops that the one way has
	at := readers
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(name string) bool { return hops[job.Hop{From: at[0], To: name}] })
		if i < 0 {
			break
		}
		next := left[i]
		if s, ok := b.job.Step(next); ok {
			steps = append(steps, s)
		}
		due += joined(hops, at, []string{next})
		at, left = []string{next}, slices.Delete(left, i, i+1)
	}
	if due += joined(hops, at, writers); due != len(hops) || len(left) > 0 || due < 0 {
		b.problems = append(b.problems, b.job.Place(options.Problem{Code: options.CodeNotSupported, Path: "order.hops",
			Seen: "the rows go different ways", Want: "one way for all: from each reader, through every transformer, to each writer",
			Try: "a job file for each way"}))
	}
	return steps
}

// joined counts the hops from each of one side to each of the other. It is far below zero when one is missing.
func joined(hops map[job.Hop]bool, from, to []string) (n int) {
	for _, f := range from {
		for _, t := range to {
			if !hops[job.Hop{From: f, To: t}] {
				return -1 << 30
			}
			n++
		}
	}
	return n
}
