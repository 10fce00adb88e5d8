// Package transform changes, drops and filters rows between reader and writer: DataX's dx_ transformers and expr. A Chain is
// what a job asks for, judged before anything runs; a Runner applies it to the batches of one lane, column by column. A
// job without transformers has no Chain, and its batches are never opened.
package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// Spec is one transformer of a job document.
type Spec struct {
	Name      string        // dx_substr, expr …
	NamePath  string        // of the name in the document
	Parameter options.Value // an object
	Path      string        // of the parameter in the document
}

// Chain is a list of transformers that were understood. It never changes after Compile and Arrange.
type Chain struct {
	steps  []step
	place  string   // of the last of them, for what concerns them all
	target []string // the writer's columns, when the rows are put into their order
}

// step is one transformer. It is shared by all lanes.
type step interface {
	// columns says which columns leave the step when these enter it, or that the step cannot work on these.
	columns(in []string) ([]string, error)
	// reshapes tells whether columns come, go or change their names.
	reshapes() bool
	// bind makes what works on rows of a schema and says which schema leaves.
	bind(fields []arrow.Field) (worker, []arrow.Field, error)
}

// worker is a step at work on the rows of one schema in one lane.
type worker interface {
	run(b *batch) error
}

// names of all transformers, for messages.
var names = []string{"dx_substr", "dx_pad", "dx_replace", "dx_filter", "dx_digest", "expr"}

// Compile understands the transformers of a job and returns everything wrong with them at once. The Chain is fit to run only
// without problems; it is nil when there are no transformers.
func Compile(specs []Spec, dates job.Dates, lenient bool) (*Chain, []options.Problem) {
	if len(specs) == 0 {
		return nil, nil
	}
	c := &Chain{}
	var problems []options.Problem
	for _, s := range specs {
		st, found := compile(s, &dates, lenient)
		problems = append(problems, found...)
		if st != nil {
			c.steps, c.place = append(c.steps, st), s.Path
		}
	}
	return c, problems
}

func compile(s Spec, dates *job.Dates, lenient bool) (step, []options.Problem) {
	var opts []options.Option
	if lenient {
		opts = append(opts, options.Lenient())
	}
	switch name := strings.TrimSpace(s.Name); name {
	case "expr":
		return compileExpr(s, opts)
	case "dx_groovy":
		return nil, []options.Problem{{Code: options.CodeNotSupported, Path: s.NamePath, Seen: "dx_groovy needs a Java machine, which gx has not",
			Try: `"expr", which sets, adds, drops and renames columns and filters rows by expressions`}}
	default:
		if slices.Contains(names, name) {
			return compileDataX(name, s, dates, opts)
		}
		p := options.Problem{Code: options.CodeNotAllowed, Path: s.NamePath, Seen: fmt.Sprintf("no transformer is named %q", s.Name), Want: strings.Join(names, ", ")}
		p.Try, _ = options.Nearest(strings.ToLower(name), names)
		return nil, []options.Problem{p}
	}
}

// Reshapes tells whether the chain adds, drops or renames columns, so that the reader's columns are not the writer's.
func (c *Chain) Reshapes() bool {
	return slices.ContainsFunc(c.steps, step.reshapes)
}

// Arrange tells the chain the columns of the reader and of the writer, as far as they are known, before the first batch. A
// chain that reshapes rows puts them into the order of the writer's columns, by name; every other chain leaves the order
// alone, and values belong to the writer's columns by their place. An error is a protocol.Fault with its place.
func (c *Chain) Arrange(source, target []string) error {
	if c.Reshapes() {
		c.target = target
	}
	if len(source) == 0 {
		return nil
	}
	cols := source
	for _, s := range c.steps {
		var err error
		if cols, err = s.columns(cols); err != nil {
			return err
		}
	}
	_, err := c.order(cols)
	return err
}

// order finds for each of the writer's columns its place among the columns that leave the last step; nil: as they come.
func (c *Chain) order(cols []string) ([]int, error) {
	if len(c.target) == 0 {
		return nil, nil
	}
	order := make([]int, 0, len(cols))
	for _, name := range c.target {
		i, ok := find(cols, name)
		if !ok || slices.Contains(order, i) {
			return nil, c.mismatch(cols)
		}
		order = append(order, i)
	}
	if n := len(cols); len(order) == n-1 && cols[n-1] == opColumn {
		order = append(order, n-1)
	}
	if len(order) != len(cols) {
		return nil, c.mismatch(cols)
	}
	return order, nil
}

func (c *Chain) mismatch(cols []string) error {
	return protocol.Faultf(protocol.Config, "after the transformers a row has the columns %s, and the writer takes %s",
		strings.Join(cols, ", "), strings.Join(c.target, ", ")).At(c.place).
		Hint("add, drop or rename columns until both have the same names; the order does not matter")
}

// opColumn holds the change operation of a row and stays the last column.
const opColumn = protocol.OpColumn

// find looks a column up by its name; where none is spelled so, by one that differs in case only.
func find(cols []string, name string) (int, bool) {
	if i := slices.Index(cols, name); i >= 0 {
		return i, true
	}
	at, found := 0, 0
	for i, c := range cols {
		if strings.EqualFold(c, name) {
			at = i
			found++
		}
	}
	return at, found == 1
}

// missing is the fault of a step that names a column which is not there.
func missing(cols []string, name, place string) error {
	f := protocol.Faultf(protocol.Config, "no column is named %q", name).At(place)
	if near, ok := options.Nearest(name, cols); ok {
		return f.Hint("%s; the columns here are %s", near, strings.Join(cols, ", "))
	}
	return f.Hint("one of %s", strings.Join(cols, ", "))
}

func namesOf(fields []arrow.Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}
