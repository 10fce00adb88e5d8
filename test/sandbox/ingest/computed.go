package ingest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/jsonscan"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// computed is the part of a load that has expressions: what they read, what they
// fill, and the condition that rows must meet. Rows pass it as canonical values.
type computed struct {
	program expression.Program // nil when there is only a condition
	inputs  []any              // of the row at hand, text or nil
	results []any
	decimal []bool // by result: a string there is a number
	values  []any  // of the row at hand, by batch column

	where   expression.Program // nil without a condition
	reads   []int              // batch column of each input of where, -1 for a constant
	tested  []any
	verdict [1]any

	columns []*store.Column // by batch column
}

// text is the type in which fields reach expressions.
var text = store.Type{Kind: store.Varchar}

// compute prepares the expressions of the columns header and the condition.
func (q *Request) compute(schema *store.Schema, m *mapping) (*computed, error) {
	if len(m.targets) == 0 && q.where == "" || q.options.Discard {
		return nil, nil
	}
	c := &computed{values: make([]any, len(m.columns))}
	for _, at := range m.columns {
		c.columns = append(c.columns, &schema.Columns[at])
	}
	if len(m.targets) > 0 {
		if err := c.compileTargets(q, m); err != nil {
			return nil, err
		}
	}
	if q.where == "" {
		return c, nil
	}
	return c, c.compileWhere(q, schema, m)
}

// defaultZone is the time zone of expressions without a timezone header, whatever
// the global one is.
const defaultZone = "Asia/Shanghai"

func (q *Request) compiler(what string) (expression.Compiler, error) {
	zone := q.zone
	if zone == "" {
		zone = defaultZone
	}
	switch {
	case q.options.CompileIn != nil:
		return q.options.CompileIn(zone), nil
	case q.zone != "":
		return nil, fmt.Errorf("timezone: %s together with %s is not supported by this stand-in", q.zone, what)
	case q.options.Compile == nil:
		return nil, fmt.Errorf("%s is not supported by this stand-in", what)
	}
	return q.options.Compile, nil
}

func (c *computed) compileTargets(q *Request, m *mapping) error {
	compile, err := q.compiler(fmt.Sprintf("columns: the expression %s = %s", m.targets[0].name, m.targets[0].expr))
	if err != nil {
		return err
	}
	read := map[string]bool{}
	var expressions []string
	for _, t := range m.targets {
		expressions = append(expressions, t.expr)
		for _, name := range references(t.expr) {
			read[strings.ToLower(name)] = true
		}
	}
	var inputs []expression.Input
	for i := range m.sources {
		if s := &m.sources[i]; read[strings.ToLower(s.name)] {
			s.input = len(inputs)
			inputs = append(inputs, expression.Input{Name: s.name, Type: text})
		}
	}
	c.inputs, c.results = make([]any, len(inputs)), make([]any, len(expressions))
	c.program, err = compile(inputs, expressions)
	var unknown *expression.UnknownReference
	if errors.As(err, &unknown) {
		return inWords("unknown reference column, column=%s, reference=%s", m.targets[unknown.Index].name, unknown.Reference)
	}
	c.decimal = make([]bool, len(expressions))
	if typed, ok := c.program.(expression.Typed); ok {
		for i := range c.decimal {
			c.decimal[i] = typed.Decimal(i)
		}
	}
	return err
}

// compileWhere prepares the condition, which sees the columns of the table as the
// expressions and defaults filled them.
func (c *computed) compileWhere(q *Request, schema *store.Schema, m *mapping) error {
	compile, err := q.compiler("where: " + q.where)
	if err != nil {
		return err
	}
	read := map[string]bool{}
	for _, name := range references(q.where) {
		read[strings.ToLower(name)] = true
	}
	filled := map[int]int{}
	for col, at := range m.columns {
		filled[at] = col
	}
	var inputs []expression.Input
	for i := range schema.Columns {
		column := &schema.Columns[i]
		if !read[strings.ToLower(column.Name)] {
			continue
		}
		col, ok := filled[i]
		if !ok && q.partial {
			continue // not a column of this load
		}
		var constant any
		if !ok {
			col = -1
			constant = q.defaultValue(column)
		}
		inputs = append(inputs, expression.Input{Name: column.Name, Type: column.Type})
		c.reads = append(c.reads, col)
		c.tested = append(c.tested, constant)
	}
	c.where, err = compile(inputs, []string{q.where})
	var unknown *expression.UnknownReference
	if errors.As(err, &unknown) {
		return q.unknownInWhere(unknown.Reference)
	}
	if typed, ok := c.where.(expression.Typed); ok && err == nil && !typed.Boolean(0) {
		return wording("where statement is not a valid statement return bool")
	}
	return err
}

// unknownInWhere has the wordings of three main lines. Which releases they went into
// is known for the newest alone: its exception has the name that came with 3.4.
func (q *Request) unknownInWhere(name string) error {
	switch r := q.options.Release; {
	case r.AtLeast(3, 4):
		return inWords("unknown column in where statement. the column '%s' in where clause must be in the target table.", name)
	case r.AtLeast(3, 0):
		return inWords("unknown column in where statement, column=%s. the column '%s' in where clause must be in the target table.", name, name)
	}
	return inWords("unknown column reference in where statement, reference=%s", name)
}

// defaultValue is what a column without source holds, nil for NULL.
func (q *Request) defaultValue(c *store.Column) any {
	if c.Default == nil {
		return nil
	}
	v, err := store.Convert(c.Type, *c.Default, true)
	if err != nil && c.Type.Kind == store.DateTime { // the time of the load
		return q.options.Now().Format("2006-01-02 15:04:05")
	}
	return v
}

// begin forgets the row before.
func (c *computed) begin() {
	clear(c.inputs)
	clear(c.values)
}

// take puts the text of a field, the pos-th of a CSV row, where it is needed; nil
// is NULL.
func (c *computed) take(pos int, src *source, field []byte, strict bool) error {
	if src.input >= 0 {
		c.inputs[src.input] = nil
		if field != nil {
			c.inputs[src.input] = string(field)
		}
	}
	if src.col < 0 {
		return nil
	}
	column := c.columns[src.col]
	v := canonical(column, field)
	if v == nil && field != nil && strict {
		reason := outOfRange(column, field)
		if src.input < 0 { // else it was read as text, and fails in the cast
			reason = fmt.Sprintf("The field (name = %s, pos = %d) is out of range. Type: %s, Value length: %d, Value: %s",
				column.Name, pos, column.Type, len(field), field)
		}
		return &store.RowError{Column: column.Name, Reason: reason}
	}
	c.values[src.col] = v
	return nil
}

// takeToken is take for a checked JSON token.
func (c *computed) takeToken(src *source, token []byte, strict bool) error {
	if token[0] == 'n' {
		return nil
	}
	field := tokenText(token)
	if src.input >= 0 {
		c.inputs[src.input] = string(field)
	}
	if src.col < 0 {
		return nil
	}
	column := c.columns[src.col]
	var v any
	switch column.Type.Kind {
	case store.JSON, store.Array, store.Map, store.Struct:
		v = canonical(column, token)
	case store.Binary: // not loadable from JSON
	case store.TinyInt, store.SmallInt, store.Int, store.BigInt:
		if v = canonical(column, field); v == nil {
			if f, err := strconv.ParseFloat(string(field), 64); err == nil && math.Abs(f) < 1<<63 {
				v = canonical(column, strconv.AppendInt(nil, int64(f), 10))
			}
		}
	default:
		v = canonical(column, field)
	}
	if v == nil && strict {
		reason := outOfRange(column, field)
		if src.input < 0 {
			reason = fmt.Sprintf("Value is overflow. column=%s, value=%s", column.Name, token)
		}
		return &store.RowError{Column: column.Name, Reason: reason}
	}
	c.values[src.col] = v
	return nil
}

// tokenText is the VARCHAR that a JSON token other than null gives.
func tokenText(token []byte) []byte {
	switch token[0] {
	case '"':
		return jsonscan.Unquote([]byte{}, token) // nil would be NULL
	case 't':
		return []byte{'1'}
	case 'f':
		return []byte{'0'}
	case '{', '[':
		return jsonscan.Compact(nil, token)
	}
	return token
}

func outOfRange(c *store.Column, field []byte) string {
	return fmt.Sprintf("Value '%s' is out of range. The type of '%s' is %s", field, c.Name, c.Type)
}

// canonical converts text to the value the batch takes for the column, nil when it
// does not convert. Text that is too long or large stays text: the batch refuses
// it, after the condition has seen it.
func canonical(c *store.Column, field []byte) any {
	if field == nil {
		return nil
	}
	s := unsafe.String(unsafe.SliceData(field), len(field)) // Convert copies
	if c.Type.Kind == store.Char || c.Type.Kind == store.Varchar {
		return string(field)
	}
	v, err := store.Convert(c.Type, s, false)
	if err != nil {
		return string(field)
	}
	return v
}

// finish evaluates the row at hand. keep is false for a row that the condition
// leaves out; an error refuses the row.
func (c *computed) finish(m *mapping, op *store.Op) (keep bool, err error) {
	if c.program != nil {
		if err := c.program.Eval(c.inputs, c.results); err != nil {
			return false, err
		}
		for i, t := range m.targets {
			if t.col >= 0 {
				column := c.columns[t.col]
				if err := checkSketch(column, c.results[i]); err != nil {
					return false, err
				}
				c.values[t.col] = cast(column, c.results[i], c.decimal[i])
				continue
			}
			word := appendText(nil, c.results[i])
			var ok bool
			if *op, ok = opOf(string(word)); !ok || len(word) > 1 {
				return false, opError(word)
			}
		}
	}
	if c.where != nil {
		for i, col := range c.reads {
			if col >= 0 {
				c.tested[i] = c.values[col]
			}
		}
		if err := c.where.Eval(c.tested, c.verdict[:]); err != nil {
			return false, err
		}
		if !isTrue(c.verdict[0]) {
			return false, nil
		}
	}
	for i, v := range c.values {
		if column := c.columns[i]; v == nil && !column.Nullable && !column.AutoIncrement {
			return false, &store.RowError{Column: column.Name, Reason: fmt.Sprintf("NULL value in non-nullable column '%s'", column.Name)}
		}
	}
	return true, nil
}

func isTrue(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case int64:
		return x != 0
	case float64:
		return x != 0
	case string:
		f, err := strconv.ParseFloat(x, 64)
		return err == nil && f != 0
	}
	return false
}

// cast is the cast of an expression's result to its column's type: what does not
// fit is NULL. Strict mode does not change that: in every release read, the scanner
// compares a column with its field only where the planner has noted that the one is
// the other without a transformation (dest_sid_to_src_sid_without_trans).
func cast(c *store.Column, v any, decimal bool) any {
	if text, ok := v.(string); ok && decimal && c.Type.Kind >= store.TinyInt && c.Type.Kind <= store.LargeInt {
		v, _, _ = strings.Cut(text, ".") // a fraction is cut off, not rounded
	}
	switch x := v.(type) {
	case nil:
		return nil
	case []byte:
		switch c.Type.Kind {
		case store.Binary, store.Bitmap, store.HLL, store.Percentile:
			return x
		}
		return canonical(c, x)
	case float64:
		switch c.Type.Kind {
		case store.TinyInt, store.SmallInt, store.Int, store.BigInt, store.LargeInt:
			if math.Abs(x) >= 1<<63 {
				return nil
			}
			v = int64(x)
		}
	case string:
		if c.Type.Kind == store.Binary {
			return []byte(x)
		}
		return canonical(c, []byte(x))
	}
	return canonical(c, appendText(nil, v))
}

func appendText(dst []byte, v any) []byte {
	switch x := v.(type) {
	case bool:
		if x {
			return append(dst, '1')
		}
		return append(dst, '0')
	case int64:
		return strconv.AppendInt(dst, x, 10)
	case float64:
		return append(dst, store.Format(store.Type{Kind: store.Double}, x)...)
	case string:
		return append(dst, x...)
	case []byte:
		return append(dst, x...)
	}
	return fmt.Append(dst, v)
}
