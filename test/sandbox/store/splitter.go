package store

import (
	"errors"
	"fmt"
)

// splitter computes the expressions of a partition key for one row after the other.
type splitter struct {
	layout   *layout
	programs []Program // by part of the key, nil for a column
	values   []vector  // of one value each
	reads    []int     // columns the expressions read
	inputs   []any     // by ordinary column
	last     []any     // inputs of the row before
	fresh    bool      // there was none
	out      [1]any
	err      error // of the compiler
}

// splitter returns nil for a key without expressions.
func (l *layout) splitter(s *Store) *splitter {
	p := l.schema.Partitioning
	if p.Expressions == nil {
		return nil
	}
	n := l.schema.Ordinary()
	sp := &splitter{layout: l, programs: make([]Program, len(l.parts)), values: make([]vector, len(l.parts)), inputs: make([]any, n), fresh: true}
	compiler := s.compiler.Load()
	for i := range l.parts {
		e := p.expression(i)
		if e == nil {
			continue
		}
		if compiler == nil {
			sp.err = errors.New("the store has no compiler for partition expressions")
			return sp
		}
		one, err := (*compiler)(l.schema.Columns[:n], []string{e.Expression})
		if err != nil {
			sp.err = fmt.Errorf("partition expression %s: %w", e.Expression, err)
			return sp
		}
		sp.programs[i] = one
		sp.reads = append(sp.reads, l.schema.reads(&Column{Generated: &e.Generation})...)
	}
	sp.last = make([]any, len(sp.reads))
	return sp
}

// value is where the i-th part of the key is after split.
func (sp *splitter) value(i int) *vector { return &sp.values[i] }

// split computes the parts for the row the batch is about to keep. Rows often come
// with the values of the one before: then nothing is to be done.
func (sp *splitter) split(b *Batch) error {
	if sp.err != nil {
		return sp.err
	}
	same := !sp.fresh
	for i, c := range sp.reads {
		v, at := &b.fill[c], 0
		if b.at[c] >= 0 {
			v, at = &b.vectors[b.at[c]], b.rows
		}
		x := v.value(&b.layout.cells[c], at)
		if _, raw := x.([]byte); raw || x != sp.last[i] {
			same = false
		}
		sp.inputs[c], sp.last[i] = x, x
	}
	if same {
		return nil
	}
	sp.fresh = false
	for i, p := range sp.programs {
		if p == nil {
			continue
		}
		if err := p.Eval(sp.inputs, sp.out[:]); err != nil {
			return err
		}
		t := &sp.layout.partCells[i]
		sp.values[i] = vector{kind: t.storage}
		sp.values[i].addComputed(t, sp.out[0])
	}
	return nil
}
