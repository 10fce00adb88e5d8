package kafka

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gx-etl/gx/job/options"
)

// columns reads the option column.
func (r *resolver) columns() {
	o, f := r.o, &r.s.format
	if len(o.Column) > 1 && slices.Contains(o.Column, "*") {
		r.wrong(options.CodeConflict, "column", `"*" stands beside other columns`, "", `["*"] alone, or the columns one by one`)
		return
	}
	fields := len(o.Column) == 0 || o.Column[0] == "*"
	if !fields {
		for i, text := range o.Column {
			c, err := parseColumn(text)
			if err == nil {
				err = f.place(&c)
			}
			if err != nil {
				p := *err
				p.Path = options.At(options.Join(r.path, "column"), i)
				r.problems = append(r.problems, p)
				continue
			}
			fields = fields || c.kind == columnField
			if c.kind == columnField && len(c.path) == 1 && (c.path[0].Key == "schema" || c.path[0].Key == "payload") {
				f.value.guard = false
			}
			r.s.columns = append(r.s.columns, c)
		}
		r.indexes()
	}
	if f.explode != nil && len(f.explode.Path) == 0 && f.decodesValue() && slices.ContainsFunc(r.s.columns, func(c column) bool { return c.kind == columnValue }) {
		r.wrong(options.CodeConflict, "column", "with explode $[*] there is no document around the elements that __value__ could be", "", `"valueType": "bytearray"`)
	}
	if !fields {
		return
	}
	if f.raw {
		return // the target decides
	}
	if f.kind == formatRaw {
		r.wrong(options.CodeConflict, "column", "values of valueConverter.type "+r.o.ValueConverter.Type+" have no fields, and the rows are to be made of fields", "",
			`"column": ["__key__", "__value__"], or another messageFormat`)
	}
	if f.valueType != "" && f.valueType != "string" && f.valueType != "bytearray" && f.kind != formatRaw {
		r.wrong(options.CodeConflict, "valueType", fmt.Sprintf("values of type %s are no JSON, yet JSON fields are wanted of them", f.valueType), "string, bytearray",
			`"column": ["__value__"]`)
	}
}

// place finds out what a column is in this format.
func (f *format) place(c *column) *options.Problem {
	if c.kind == columnOp && !f.changing() {
		return &options.Problem{Code: options.CodeConflict, Seen: "__op__ is the operation of change data, and values of " + f.kind + " have none", Try: `\__op__ when it is a JSON field`}
	}
	if c.kind != columnField {
		return nil
	}
	if f.cells() && len(c.path) > 1 {
		return &options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is a path, and cells have nothing below them", c.name), Try: "the name of a cell, or its position from 0"}
	}
	if f.explode == nil || c.path[0].Key != "$" || len(c.path) == 1 {
		return nil
	}
	if len(f.explode.Path) == 0 {
		return &options.Problem{Code: options.CodeConflict, Seen: "explode $[*] has no document around the elements that $ could be", Try: c.path[1:].String()}
	}
	c.path, c.outer = c.path[1:], true
	return nil
}

// indexes makes positions of the columns of cells, when all of them are whole numbers.
func (r *resolver) indexes() {
	if !r.s.format.cells() {
		return
	}
	numbers, names := 0, 0
	for i := range r.s.columns {
		c := &r.s.columns[i]
		if c.kind != columnField {
			continue
		}
		n, err := strconv.ParseUint(c.path[0].Key, 10, 16)
		if c.index = int(n); err != nil {
			names++
		} else {
			numbers++
		}
	}
	r.s.format.indexed = numbers > 0
	if numbers > 0 && names > 0 {
		r.wrong(options.CodeConflict, "column", "some cells go by position and some by name", "", "positions from 0 for all of them, or names in the order of the cells")
	}
}
