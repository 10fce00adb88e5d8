package ingest

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// source is one field of a CSV row, or one key of a JSON object.
type source struct {
	name  string
	col   int  // column of the batch the field goes to as it is, or -1
	input int  // place among the inputs of the expressions, or -1
	isOp  bool // the field is the operation of the row
}

// mapping says where the fields of a row go.
type mapping struct {
	sources  []source
	columns  []int // schema positions of the batch's columns
	op       store.Op
	primary  bool // the target is a primary key table
	targets  []target
	computed *computed // nil when every field goes to its column as it is
}

// target is a column that an expression fills, or the operation of the row.
type target struct {
	name string
	col  int // column of the batch, -1 for the operation
	expr string
}

// mapColumns resolves the columns header against the table, in the order of the
// real planner.
func (q *Request) mapColumns(schema *store.Schema) (*mapping, error) {
	if err := checkNames(q.columns, schema); err != nil {
		return nil, err
	}
	m := &mapping{primary: schema.Model == store.Primary}
	place := map[string]int{} // folded names of plain columns, by batch column
	items, named := q.columns, false
	for _, it := range items {
		named = named || it.expr == ""
	}
	if !named {
		items = append(tableFields(schema), items...)
	}
	hasOp := false
	for _, it := range items {
		if strings.EqualFold(it.name, "__op") {
			hasOp = true
			if !m.primary {
				return nil, inWords("Unknown column '__op': the target is not a primary key table")
			}
			if err := m.addOp(it); err != nil {
				return nil, err
			}
			continue
		}
		at := schema.Index(it.name)
		col, taken := -1, false
		if at >= 0 {
			folded := strings.ToLower(it.name)
			if col, taken = place[folded]; !taken {
				col = len(m.columns)
				place[folded] = col
				m.columns = append(m.columns, at)
			}
		}
		if it.expr == "" {
			m.sources = append(m.sources, source{name: it.name, col: col, input: -1})
		} else {
			m.targets = append(m.targets, target{name: schema.Columns[at].Name, col: col, expr: it.expr})
		}
	}
	if m.primary && q.json && !hasOp {
		m.sources = append(m.sources, source{name: "__op", col: -1, input: -1, isOp: true})
	}
	m.yield()
	if err := m.checkSketches(schema); err != nil {
		return nil, err
	}
	if q.partial {
		return m, nil // the planner does not look at defaults then
	}
	return m, checkAbsent(schema, place)
}

// tableFields are the source names of a load that names none.
func tableFields(schema *store.Schema) []item {
	var items []item
	for i := range schema.Columns {
		if c := &schema.Columns[i]; !c.AutoIncrement && c.Generated == nil {
			items = append(items, item{name: c.Name})
		}
	}
	return items
}

// yield lets go of fields whose column an expression fills.
func (m *mapping) yield() {
	for _, t := range m.targets {
		for i := range m.sources {
			if s := &m.sources[i]; t.col >= 0 && s.col == t.col {
				s.col = -1
			} else if t.col < 0 && s.isOp {
				s.isOp = false
			}
		}
	}
}

func checkNames(items []item, schema *store.Schema) error {
	plain, mapped := map[string]bool{}, map[string]bool{}
	for _, it := range items {
		folded := strings.ToLower(it.name)
		if at := schema.Index(it.name); at >= 0 && schema.Columns[at].Generated != nil {
			return inWords("generated column: %s can not be specified", schema.Columns[at].Name)
		}
		switch {
		case it.expr == "" && plain[folded]:
			return inWords("Duplicate column: %s", it.name)
		case it.expr == "":
			plain[folded] = true
		case mapped[folded]:
			return inWords("Duplicate column mapping: %s", it.name)
		case schema.Index(it.name) < 0 && folded != "__op":
			return inWords("Mapping column is not in table. column: %s", it.name)
		default:
			mapped[folded] = true
		}
	}
	return nil
}

// addOp takes the entry of __op: a field, a constant or an expression.
func (m *mapping) addOp(it item) error {
	quoted := len(it.expr) > 1 && (it.expr[0] == '\'' || it.expr[0] == '"') && quoteEnd(it.expr, 0) == len(it.expr)
	switch {
	case it.expr == "":
		m.sources = append(m.sources, source{name: it.name, col: -1, input: -1, isOp: true})
	case quoted:
		word := strings.ToLower(it.expr[1 : len(it.expr)-1])
		op, ok := opOf(word)
		if !ok || word == "0" || word == "1" {
			return inWords("load op type string not supported: %s", word)
		}
		m.op = op
	case it.expr == "0" || it.expr == "1":
		m.op, _ = opOf(it.expr)
	case isNumber(it.expr):
		return inWords("const load op type column should only be upsert(0)/delete(1)")
	default:
		m.targets = append(m.targets, target{name: "__op", col: -1, expr: it.expr})
	}
	return nil
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789.") == "" }

func opOf(text string) (store.Op, bool) {
	switch text {
	case "0", "upsert":
		return store.Upsert, true
	case "1", "delete":
		return store.Delete, true
	}
	return 0, false
}

func opError(text []byte) error {
	return &store.RowError{Column: "__op", Reason: fmt.Sprintf("Value '%s' is out of range. The type of '__op' is TINYINT", text)}
}

// checkAbsent looks at the table columns that nothing fills.
func checkAbsent(schema *store.Schema, place map[string]int) error {
	for i := range schema.Columns {
		c := &schema.Columns[i]
		if _, ok := place[strings.ToLower(c.Name)]; !ok && c.Default == nil && !c.Nullable && !c.AutoIncrement {
			return inWords("Column has no default value. column: %s", c.Name)
		}
	}
	return nil
}

// checkSketches refuses plain fields for columns whose values only functions make.
func (m *mapping) checkSketches(schema *store.Schema) error {
	for i := range m.sources {
		if col := m.sources[i].col; col >= 0 {
			if err := needsFunction(&schema.Columns[m.columns[col]]); err != nil {
				return err
			}
		}
	}
	for _, t := range m.targets {
		if t.col < 0 {
			continue
		}
		c := &schema.Columns[m.columns[t.col]]
		function, _, called := strings.Cut(strings.ToLower(t.expr), "(")
		function = strings.TrimSpace(function)
		if c.Type.Kind == store.HLL && (!called || function != "hll_hash" && function != "hll_empty") || !called {
			if err := needsFunction(c); err != nil {
				return err
			}
		}
	}
	return nil
}

func needsFunction(c *store.Column) error {
	switch c.Type.Kind {
	case store.HLL:
		return inWords("HLL column must use hll_hash function, like %s=hll_hash(xxx) or %s=hll_empty()", c.Name, c.Name)
	case store.Bitmap:
		return inWords("bitmap column %s require the function return type is BITMAP", c.Name)
	case store.Percentile:
		return inWords("percentile column %s require the function return type is PERCENTILE", c.Name)
	}
	return nil
}

// checkSketch looks at what the function of a column gave.
func checkSketch(c *store.Column, result any) error {
	if _, ok := result.([]byte); ok || result == nil {
		return nil
	}
	return needsFunction(c)
}
