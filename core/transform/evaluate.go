package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/expr-lang/expr/vm"
)

// exprWorker runs the expressions of one step over the rows of one lane. The machine, the environment and the buffers are
// made once.
type exprWorker struct {
	step    *exprStep
	machine vm.VM
	env     map[string]any // the columns that the expressions use, of the row at hand
	inputs  []input
	outputs []output // as step.results
	layout  []leaving
	cols    []arrow.Array
}

// input is a column that an expression uses.
type input struct {
	col    int
	column column
	value  value
}

// output is a column that an expression fills.
type output struct {
	column string
	code   *vm.Program
	typ    string
	arrow  arrow.DataType
	store  store
	text   []byte
}

func (w *exprWorker) run(b *batch) error {
	for i := range w.outputs {
		w.outputs[i].store.begin(b.rows)
	}
	for row := range b.rows {
		live := b.state[row] == alive && w.load(b, row) && w.stays(b, row)
		for i := range w.outputs {
			o := &w.outputs[i]
			if !live {
				o.none()
				continue
			}
			v, err := w.machine.Run(o.code, w.env)
			if err != nil {
				b.refuse(row, o.column, "expr: "+plainError(err))
			} else if reason := o.add(v); reason != "" {
				b.refuse(row, o.column, "expr: "+reason)
			} else {
				continue
			}
			live = false
			o.none()
		}
	}
	if len(w.outputs) == 0 && !w.step.reshapes() {
		return nil
	}
	w.cols = w.cols[:0]
	for _, l := range w.layout {
		if l.result < 0 {
			w.cols = append(w.cols, b.cols[l.from])
		} else {
			o := &w.outputs[l.result]
			w.cols = append(w.cols, o.store.array(o.arrow))
		}
	}
	b.cols = append(b.cols[:0], w.cols...)
	b.changed = true
	return nil
}

// load puts the row's values where the expressions find them.
func (w *exprWorker) load(b *batch, row int) bool {
	for i := range w.inputs {
		in := &w.inputs[i]
		in.column.read(b.cols[in.col], row, &in.value)
		v, reason := operand(&in.value)
		if reason != "" {
			b.refuse(row, in.column.name, "expr: "+reason)
			return false
		}
		w.env[in.column.name] = v
	}
	return true
}

// stays tells whether where holds for the row. NULL is not true.
func (w *exprWorker) stays(b *batch, row int) bool {
	if w.step.where == nil {
		return true
	}
	v, err := w.machine.Run(w.step.where.code, w.env)
	if err != nil {
		b.refuse(row, "", "expr: where: "+plainError(err))
		return false
	}
	switch v {
	case true:
		return true
	case false, nil:
		b.filter(row)
	default:
		b.refuse(row, "", "expr: where: "+kindOf(v)+" is neither true nor false")
	}
	return false
}

// operand is a value as expressions see it: nil, string, int, float64, bool, time.Time, and what JSON objects and lists
// become. A number that none of these holds to its last digit has a reason instead.
func operand(v *value) (any, string) {
	switch v.kind {
	case null:
		return nil, ""
	case integer:
		return int(v.n), ""
	case float:
		return v.f, ""
	case truth:
		return v.n != 0, ""
	case instant, day:
		return v.at, ""
	case number:
		return digits(string(v.bytes))
	case nested:
		d := json.NewDecoder(bytes.NewReader(v.bytes))
		d.UseNumber()
		var tree any
		if err := d.Decode(&tree); err != nil {
			return nil, "the value is no JSON: " + err.Error()
		}
		return numbers(tree)
	}
	return string(v.bytes), ""
}

// numbers turns the numbers inside a JSON value into those of expressions.
func numbers(tree any) (any, string) {
	switch t := tree.(type) {
	case json.Number:
		return digits(t.String())
	case []any:
		for i := range t {
			v, reason := numbers(t[i])
			if reason != "" {
				return nil, reason
			}
			t[i] = v
		}
	case map[string]any:
		for k := range t {
			v, reason := numbers(t[k])
			if reason != "" {
				return nil, reason
			}
			t[k] = v
		}
	}
	return tree, ""
}

// digits reads a number without losing a digit.
func digits(s string) (any, string) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, ""
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || significant(s) != significant(strconv.FormatFloat(f, 'e', -1, 64)) {
		return nil, "the number has more digits than expressions keep"
	}
	return f, ""
}

// significant is the digits of a number without its size: 0.0120e5 has 12.
func significant(s string) string {
	var b []byte
	for _, c := range []byte(s) {
		if c == 'e' || c == 'E' {
			break
		}
		if c >= '0' && c <= '9' && (c != '0' || len(b) > 0) {
			b = append(b, c)
		}
	}
	return string(bytes.TrimRight(b, "0"))
}

// kindOf says in words what a value is. Reasons stand in reports, which hold no data.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return "the text"
	case int:
		return "an integer"
	case float64:
		if !finite(v) {
			return "what is no finite number"
		}
		return "a fraction"
	case bool:
		return "a truth value"
	case time.Time:
		return "a time"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a value of type %T", v)
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
