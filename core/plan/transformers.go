package plan

import (
	"fmt"
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

// between lists the transformer steps on the one way from the reader to the writer.
func (b *builder) between() (steps []job.Step) {
	total := 0
	var at string
	for _, s := range b.job.Steps {
		switch s.Category {
		case job.TransformerStep:
			total++
		case job.Reader:
			at = s.Name
		}
	}
	if total == 0 {
		return nil
	}
	for range b.job.Hops { // a way is no longer than that
		i := slices.IndexFunc(b.job.Hops, func(h job.Hop) bool { return h.From == at })
		if i < 0 {
			break
		}
		at = b.job.Hops[i].To
		if s, ok := b.job.Step(at); ok && s.Category == job.TransformerStep {
			steps = append(steps, s)
		}
	}
	if forks := len(b.job.Hops) != total+1; forks || len(steps) != total {
		b.problems = append(b.problems, b.job.Place(options.Problem{Code: options.CodeNotSupported, Path: "order.hops",
			Seen: fmt.Sprintf("%d hops join %d transformers with the reader and the writer", len(b.job.Hops), total),
			Want: "one way from the reader to the writer, through every transformer", Try: "leave order out; the transformers then run in the order of the steps"}))
	}
	return steps
}
