package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
	"github.com/gx-etl/gx/job/options"
)

// exprOptions are the parameters of expr.
type exprOptions struct {
	Where  string            `json:"where" doc:"Keeps the rows for which this expression is true; the others are counted as filtered."`
	Set    []setOptions      `json:"set" doc:"Gives columns new values."`
	Add    []addOptions      `json:"add" doc:"Adds columns after those that are there."`
	Drop   []string          `json:"drop" gx:"list" doc:"Takes columns out."`
	Rename map[string]string `json:"rename" doc:"Gives columns new names: {\"old\": \"new\"}."`
}

type setOptions struct {
	Column string `json:"column" gx:"required" doc:"A column that is there."`
	Value  string `json:"value" gx:"required" doc:"The expression."`
	Type   string `json:"type" gx:"emptyIsUnset,enum=string|int|float|bool|json" doc:"Type of the new values; unless given that of the column, where it is one of these, and else string."`
}

type addOptions struct {
	Column string `json:"column" gx:"required" doc:"A name that no column has."`
	Value  string `json:"value" gx:"required" doc:"The expression."`
	Type   string `json:"type" gx:"emptyIsUnset,enum=string|int|float|bool|json" doc:"Type of the values; unless given json where the reader delivers JSON values, as Kafka does, and else string."`
}

// Check holds against each other what concerns the same column.
func (o *exprOptions) Check(path string) []options.Problem {
	var out []options.Problem
	add := func(code, at, seen, try string) {
		out = append(out, options.Problem{Code: code, Path: at, Seen: seen, Try: try})
	}
	of := func(key string, i int) string { return options.At(options.Join(path, key), i) }
	if o.Where == "" && len(o.Set)+len(o.Add)+len(o.Drop)+len(o.Rename) == 0 {
		add(options.CodeMissing, options.Join(path, "where"), "the transformer does nothing", "give where, set, add, drop or rename")
	}
	seen := map[string]string{}
	claim := func(column, at string) {
		if other, twice := seen[column]; twice {
			add(options.CodeConflict, at, fmt.Sprintf("%q stands in %s too", column, other), "keep one of them, or use two transformers")
		}
		seen[column] = at
	}
	for i, s := range o.Set {
		claim(s.Column, of("set", i))
	}
	for i, a := range o.Add {
		claim(a.Column, of("add", i))
		if a.Column == opColumn {
			add(options.CodeNotAllowed, options.Join(of("add", i), "column"), "__op is the change operation, which belongs to the reader", "set, when the reader delivers it")
		}
	}
	for i, d := range o.Drop {
		claim(d, of("drop", i))
		if o.Rename[d] != "" {
			add(options.CodeConflict, of("drop", i), fmt.Sprintf("%q is renamed too", d), "keep one of the two")
		}
	}
	for _, from := range sorted(o.Rename) {
		if o.Rename[from] == "" {
			add(options.CodeMissing, options.Join(options.Join(path, "rename"), from), "the new name is empty", "")
		}
	}
	return out
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// program is one expression, compiled once for all lanes.
type program struct {
	code  *vm.Program
	uses  []string // columns, sorted
	lets  []string // variables that it declares
	place string
}

// result is a column that expr makes.
type result struct {
	column string
	fresh  bool   // added; otherwise it takes the place of the column of that name
	typ    string // "": by the column
	at     string // path of the name
	program
}

// exprStep is expr with its expressions compiled.
type exprStep struct {
	where   *program
	results []result
	drop    []string
	rename  map[string]string
	path    string
}

func compileExpr(s Spec, opts []options.Option) (step, []options.Problem) {
	var o exprOptions
	problems := options.Decode(s.Parameter, s.Path, &o, opts...)
	st := &exprStep{drop: o.Drop, rename: o.Rename, path: s.Path}
	add := func(source, at string) program {
		if source == "" {
			return program{} // absent, or reported as missing
		}
		p, problem := compileExpression(source, at)
		if problem != nil {
			problems = append(problems, *problem)
		}
		return p
	}
	if at := options.Join(s.Path, "where"); strings.TrimSpace(o.Where) != "" {
		p := add(o.Where, at)
		st.where = &p
	} else if o.Where != "" {
		problems = append(problems, options.Problem{Code: options.CodeMissing, Path: at, Seen: "there is no expression"})
	}
	for i, c := range o.Set {
		at := options.At(options.Join(s.Path, "set"), i)
		st.results = append(st.results, result{column: c.Column, typ: c.Type, at: options.Join(at, "column"), program: add(c.Value, options.Join(at, "value"))})
	}
	for i, c := range o.Add {
		at := options.At(options.Join(s.Path, "add"), i)
		st.results = append(st.results, result{column: c.Column, fresh: true, typ: c.Type, at: options.Join(at, "column"), program: add(c.Value, options.Join(at, "value"))})
	}
	if options.Failed(problems) {
		return nil, problems
	}
	return st, problems
}

// compileExpression reads one expression. Which columns there are is not known yet: program.uses says which it needs.
func compileExpression(source, at string) (program, *options.Problem) {
	bad := func(code, seen, try string) (program, *options.Problem) {
		return program{}, &options.Problem{Code: code, Path: at, Seen: seen, Try: try}
	}
	syntax := conf.CreateNew()
	for _, o := range language {
		o(syntax)
	}
	tree, err := parser.ParseWithConfig(source, syntax)
	if err != nil {
		return bad(options.CodeSyntax, "the expression cannot be read: "+plainError(err), "")
	}
	names := &namer{seen: map[string]int{}}
	ast.Walk(&tree.Node, names)
	switch {
	case slices.Contains(names.calls, "now"):
		return bad(options.CodeNotSupported, "now() gives another value each time a record is read, so a repeated load would differ", "a time from the row, or current_timestamp in loadProps.columns")
	case len(names.calls) > 0:
		return bad(options.CodeNotAllowed, fmt.Sprintf("there is no function %s", names.calls[0]), "")
	case names.seen[envName] > 0:
		return bad(options.CodeNotAllowed, "$env stands alone", `$env["name of a column"]`)
	}
	p := program{lets: names.lets, place: at}
	row := types.Map{} // a column that is named like a function must be taken for a column
	for name, n := range names.seen {
		if n > 0 && !slices.Contains(names.lets, name) {
			p.uses, row[name] = append(p.uses, name), types.Any
		}
	}
	slices.Sort(p.uses)
	if p.code, err = expr.Compile(source, append([]expr.Option{expr.Env(row)}, language...)...); err != nil {
		return bad(options.CodeSyntax, "the expression cannot be read: "+plainError(err), "")
	}
	return p, nil
}

// plainError is what an expression complains about, on one line.
func plainError(err error) string {
	var f *file.Error
	if errors.As(err, &f) {
		text := strings.ReplaceAll(f.Message, "<nil>", "NULL")
		if strings.HasPrefix(text, "interface conversion: interface {} is nil") {
			text = "NULL stands where a function needs a value"
		}
		return fmt.Sprintf("%s, at character %d", text, f.Column+1)
	}
	return err.Error()
}

// envName is how an expression calls the row: $env["order id"] is the column "order id".
const envName = "$env"

// namer finds the columns that an expression uses.
type namer struct {
	seen  map[string]int
	lets  []string
	calls []string // of functions that do not exist
}

// Visit serves ast.Visitor; it comes to a node after its parts.
func (v *namer) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		v.seen[n.Value]++
	case *ast.VariableDeclaratorNode:
		v.lets = append(v.lets, n.Name)
	case *ast.MemberNode:
		row, ok := n.Node.(*ast.IdentifierNode)
		name, constant := n.Property.(*ast.StringNode)
		if ok && constant && row.Value == envName {
			v.seen[envName]--
			v.seen[name.Value]++
		}
	case *ast.CallNode:
		if f, ok := n.Callee.(*ast.IdentifierNode); ok {
			v.seen[f.Value]--
			if functions[f.Value] == nil {
				v.calls = append(v.calls, f.Value)
			}
		}
	}
}
