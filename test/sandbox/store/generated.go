package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Generation is the expression of a generated column.
type Generation struct {
	Expression string // as the client wrote it
	// Mentions are the names in the expression, functions left out. Those that are
	// columns of the table are the columns it reads.
	Mentions []string
}

// Program evaluates compiled expressions row by row. It is for one goroutine at a
// time.
type Program interface {
	// Eval takes canonical values of the inputs and fills out, one value for each
	// expression: nil, int64, float64, string or []byte.
	Eval(inputs []any, out []any) error
}

// Compiler prepares expressions over the values of columns.
type Compiler func(inputs []Column, expressions []string) (Program, error)

// SetCompiler tells the store how to compute generated columns. Without a compiler
// nothing can be written to tables that have them.
func (s *Store) SetCompiler(c Compiler) { s.compiler.Store(&c) }

// The calls that a default can be.
const (
	UUID        = "uuid()"
	UUIDNumeric = "uuid_numeric()"
)

func checkCall(c *Column) error {
	if c.Default == nil || *c.Default != UUID && *c.Default != UUIDNumeric {
		return inWords("Invalid default value for '%s'", c.Name)
	}
	function := strings.TrimSuffix(*c.Default, "()")
	if function == "uuid" && c.Type.Kind != Varchar || function == "uuid_numeric" && c.Type.Kind != LargeInt {
		return inWords("Invalid default value for '%s': Default function %s() for type %s is not supported", c.Name, function, c.Type)
	}
	if function == "uuid" && c.Type.maxLength() < 36 {
		return inWords("Invalid default value for '%s': Varchar type length must be greater than 36 for uuid function", c.Name)
	}
	return nil
}

// addCall appends the value of a DefaultCall.
func (v *vector) addCall(c *Column) {
	id := uuid.New()
	if *c.Default == UUID {
		v.addString(id.String())
		return
	}
	var w int128
	for _, b := range id {
		w.hi = w.hi<<8 | int64(w.lo>>56)
		w.lo = w.lo<<8 | uint64(b)
	}
	v.addWide(w)
}

// Ordinary returns the number of columns that are not generated. They come first.
func (s *Schema) Ordinary() int {
	for i := range s.Columns {
		if s.Columns[i].Generated != nil {
			return i
		}
	}
	return len(s.Columns)
}

func (s *Schema) checkGenerated() error {
	n := s.Ordinary()
	if n == len(s.Columns) {
		return nil
	}
	if s.Model == Aggregate {
		return wording("Generated Column does not support AGG table")
	}
	for i := n; i < len(s.Columns); i++ {
		c := &s.Columns[i]
		switch {
		case c.Generated == nil:
			return wording("All generated columns must be defined after ordinary columns")
		case c.Key:
			return wording("Generated Column can not be KEY")
		case !c.Nullable:
			return wording("Generated Column must be nullable column")
		case c.Default != nil || c.AutoIncrement:
			return inWords("Generated Column %s has no default value", c.Name)
		}
		if p := s.Partitioning; p != nil && slices.Contains(p.Columns, c.Name) {
			return inWords("partitioning by the generated column %s is not supported by this stand-in", c.Name)
		}
		for _, at := range s.reads(c) {
			switch o := &s.Columns[at]; {
			case o.Generated != nil:
				return wording("Expression can not refers to other generated columns")
			case o.AutoIncrement:
				return wording("Expression can not refers to AUTO_INCREMENT columns")
			}
		}
	}
	return nil
}

// reads lists the positions of the columns a generated column is computed from.
func (s *Schema) reads(c *Column) []int {
	var list []int
	for _, name := range c.Generated.Mentions {
		if at := s.Index(name); at >= 0 && !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list
}

// AlsoRead lists the columns that are not among the given ones and that generated
// columns read together with some of them: a partial update of the given columns
// needs their values.
func (s *Schema) AlsoRead(positions []int) []int {
	var list []int
	for i := s.Ordinary(); i < len(s.Columns); i++ {
		reads := s.reads(&s.Columns[i])
		if !slices.ContainsFunc(reads, func(r int) bool { return slices.Contains(positions, r) }) {
			continue
		}
		for _, r := range reads {
			if !slices.Contains(positions, r) && !slices.Contains(list, r) {
				list = append(list, r)
			}
		}
	}
	return list
}

// generatedFrom returns the name of a generated column that reads the named one,
// or nothing.
func (s *Schema) generatedFrom(name string) string {
	for i := s.Ordinary(); i < len(s.Columns); i++ {
		c := &s.Columns[i]
		if slices.ContainsFunc(c.Generated.Mentions, func(m string) bool { return strings.EqualFold(m, name) }) {
			return c.Name
		}
	}
	return ""
}

// compute adds to the batch what the table makes by itself: values of generated
// columns, and of DEFAULT calls that generated columns may read. A partial update
// computes only columns whose inputs it writes.
func (b *Batch) compute() error {
	s := &b.layout.schema
	if !b.partial {
		for i := range s.Columns {
			if c := &s.Columns[i]; c.DefaultCall && b.at[i] < 0 {
				v := vector{kind: b.layout.cells[i].storage}
				for range b.rows {
					v.addCall(c)
				}
				b.adopt(i, v)
			}
		}
	}
	for i := s.Ordinary(); i < len(s.Columns); i++ {
		if b.at[i] >= 0 {
			continue
		}
		if b.partial {
			given := 0
			reads := s.reads(&s.Columns[i])
			for _, r := range reads {
				if b.at[r] >= 0 {
					given++
				}
			}
			if given == 0 {
				continue
			}
			if given < len(reads) {
				return inWords("All columns that generated column %s refers to must be in the partial update", s.Columns[i].Name)
			}
		}
		v, err := b.layout.generate(b.table.store, i, b.rows, func(c int) (*vector, bool) {
			if b.at[c] < 0 {
				return &b.fill[c], false
			}
			return &b.vectors[b.at[c]], true
		})
		if err != nil {
			return err
		}
		b.adopt(i, v)
	}
	return nil
}

// adopt makes a vector the values of a column the batch did not hold.
func (b *Batch) adopt(column int, v vector) {
	b.at[column] = len(b.columns)
	b.columns, b.vectors = append(b.columns, column), append(b.vectors, v)
}

// generate computes n values of a generated column. The source of an input has n
// values, or one for all rows when each is false.
func (l *layout) generate(s *Store, column, n int, source func(column int) (v *vector, each bool)) (vector, error) {
	out := vector{kind: l.cells[column].storage}
	if n == 0 {
		return out, nil
	}
	p, err := l.program(s)
	if err != nil {
		return out, err
	}
	defer l.programs.Put(p)
	c := &l.schema.Columns[column]
	place := column - l.schema.Ordinary()
	type input struct {
		at   int
		v    *vector
		each bool
	}
	var inputs []input
	for _, at := range l.schema.reads(c) {
		v, each := source(at)
		inputs = append(inputs, input{at, v, each})
	}
	clear(p.inputs)
	for row := range n {
		for _, in := range inputs {
			at := 0
			if in.each {
				at = row
			}
			p.inputs[in.at] = in.v.value(&l.cells[in.at], at)
		}
		if err := p.programs[place].Eval(p.inputs, p.out[:]); err != nil {
			return out, fmt.Errorf("generated column %s: %w", c.Name, err)
		}
		out.addComputed(&l.cells[column], p.out[0])
	}
	return out, nil
}

// generating is the compiled form of a table's generated columns, one program each.
type generating struct {
	programs []Program
	inputs   []any // by ordinary column
	out      [1]any
}

func (l *layout) program(s *Store) (*generating, error) {
	if p, ok := l.programs.Get().(*generating); ok {
		return p, nil
	}
	compiler := s.compiler.Load()
	if compiler == nil {
		return nil, errors.New("the store has no compiler for generated columns")
	}
	n := l.schema.Ordinary()
	p := &generating{inputs: make([]any, n)}
	for _, c := range l.schema.Columns[n:] {
		one, err := (*compiler)(l.schema.Columns[:n], []string{c.Generated.Expression})
		if err != nil {
			return nil, fmt.Errorf("generated column %s: %w", c.Name, err)
		}
		p.programs = append(p.programs, one)
	}
	return p, nil
}

// addComputed appends the result of an expression. What does not fit is NULL.
func (v *vector) addComputed(t *cellType, result any) {
	var text []byte
	switch x := result.(type) {
	case []byte:
		if v.kind == asBytes && (t.Kind == Binary || unions[t.Kind] != "") {
			v.addBytes(x)
			return
		}
		text = x
	case string:
		text = []byte(x)
		if t.Kind == Binary {
			v.addBytes(text)
			return
		}
	case nil:
		v.addNull()
		return
	default:
		text = fmt.Append(nil, x)
	}
	if t.readText(v, text) != cellOK {
		v.addNull()
	}
}
