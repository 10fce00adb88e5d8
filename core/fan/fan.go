// Package fan joins several readers, or several writers, of a job into what the engine takes for one. Rows of every reader
// go to every writer. The books stay exact: a batch is done when all writers have answered it, and a row that any of them
// refused is one dirty record, which tells what each of them said.
package fan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
)

// processes are the plugins of one side.
type processes struct {
	all  []engine.Process
	step []plan.Step

	dead  chan struct{}
	ended chan struct{} // ends the watching
	end   func()
	watch sync.WaitGroup

	mu    sync.Mutex // guards first
	first int        // the one that died first; -1 while none has
}

func newProcesses(all []engine.Process, steps []plan.Step) *processes {
	p := &processes{all: all, step: steps, dead: make(chan struct{}), ended: make(chan struct{}), first: -1}
	p.end = sync.OnceFunc(func() { close(p.ended); p.watch.Wait() })
	for i, one := range all {
		p.watch.Go(func() {
			select {
			case <-one.Dead():
			case <-p.ended:
				return
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.first < 0 {
				p.first = i
				close(p.dead)
			}
		})
	}
	return p
}

// Dead serves engine.Process: it is closed when the first of them is gone.
func (p *processes) Dead() <-chan struct{} { return p.dead }

// Err serves engine.Process.
func (p *processes) Err() error {
	p.mu.Lock()
	i := p.first
	p.mu.Unlock()
	if i < 0 {
		return nil
	}
	return p.at(i, p.all[i].Err())
}

// at puts an error to its step. The engine adds no place of its own: the joined step has none.
func (p *processes) at(i int, err error) error { return fault.Within(p.step[i].Path, err) }

// forAll calls f for every process, side by side, and gives the first error in the order of the steps.
func (p *processes) forAll(f func(i int) error) error {
	errs := make([]error, len(p.all))
	var wg sync.WaitGroup
	for i := range p.all {
		wg.Go(func() { errs[i] = p.at(i, f(i)) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// close ends the watching and says goodbye to all that still live.
func (p *processes) close(ctx context.Context, f func(context.Context, int) error) error {
	p.end()
	return p.forAll(func(i int) error {
		if p.all[i].Err() != nil {
			return nil
		}
		return f(ctx, i)
	})
}

func (p *processes) notes(to []string, i int, lines []string) []string {
	for _, l := range lines {
		to = append(to, p.step[i].Name+": "+l)
	}
	return to
}

// sameColumns compares what two steps of one side take or give.
func (p *processes) sameColumns(verb string, i, j int, a, b []string) error {
	if slices.Equal(a, b) {
		return nil
	}
	return protocol.Faultf(protocol.Config, "step %s %s the columns %s, and step %s %s", p.step[i].Name, verb, list(a), p.step[j].Name, list(b)).
		At(p.step[j].Path + ".column").Hint("name the same columns in the same order")
}

func list(names []string) string {
	if len(names) == 0 {
		return "of whole documents"
	}
	return fmt.Sprintf("(%s)", strings.Join(names, ", "))
}
