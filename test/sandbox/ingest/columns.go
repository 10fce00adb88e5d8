package ingest

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// source is one field of a CSV row, or one key of a JSON object.
type source struct {
	name string
	col  int  // column of the batch, or -1 when the field goes nowhere
	isOp bool // the field is the operation of the row
}

// mapping says where the fields of a row go.
type mapping struct {
	sources []source
	columns []int // schema positions of the batch's columns
	op      store.Op
}

func opOf(text string) (store.Op, bool) {
	switch strings.Trim(text, `'"`) {
	case "0", "upsert":
		return store.Upsert, true
	case "1", "delete":
		return store.Delete, true
	}
	return 0, false
}

// item is one entry of the columns header.
type item struct {
	name string
	expr string // what follows '=', empty for a plain name
}

// splitColumns cuts the columns header at the commas outside of quotes and parentheses.
func splitColumns(text string) ([]item, error) {
	var items []item
	depth, start := 0, 0
	var quote byte
	flush := func(end int) error {
		piece := strings.TrimSpace(text[start:end])
		name, expr := piece, ""
		if !strings.HasPrefix(piece, "`") {
			if eq := strings.IndexByte(piece, '='); eq >= 0 {
				name, expr = strings.TrimSpace(piece[:eq]), strings.TrimSpace(piece[eq+1:])
				if expr == "" {
					return fmt.Errorf("columns: nothing follows '=' in %q", piece)
				}
			}
		} else {
			close := strings.IndexByte(piece[1:], '`')
			if close < 0 {
				return fmt.Errorf("columns: back-tick not closed in %q", piece)
			}
			name = piece[1 : 1+close]
			rest := strings.TrimSpace(piece[close+2:])
			if rest != "" {
				if rest[0] != '=' || len(rest) == 1 {
					return fmt.Errorf("columns: unexpected %q after `%s`", rest, name)
				}
				expr = strings.TrimSpace(rest[1:])
			}
		}
		if name == "" {
			return fmt.Errorf("columns: empty name in %q", text)
		}
		items = append(items, item{name: name, expr: expr})
		return nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			if err := flush(i); err != nil {
				return nil, err
			}
			start = i + 1
		}
	}
	if err := flush(len(text)); err != nil {
		return nil, err
	}
	return items, nil
}

// mapColumns resolves the columns header (empty means absent) against the table.
// isJSON with named keys reads __op of a primary key table without being told.
func mapColumns(header string, schema *store.Schema, isJSON, hasPaths, partial bool) (*mapping, error) {
	m := &mapping{}
	primary := schema.Model == store.Primary
	if strings.TrimSpace(header) == "" {
		for i := range schema.Columns {
			m.sources = append(m.sources, source{name: schema.Columns[i].Name, col: i})
			m.columns = append(m.columns, i)
		}
		if primary && isJSON && !hasPaths {
			m.sources = append(m.sources, source{name: "__op", col: -1, isOp: true})
		}
		return m, nil
	}
	items, err := splitColumns(header)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	mapped := map[string]bool{}
	hasOp := false
	for _, it := range items {
		folded := strings.ToLower(it.name)
		if folded == "__op" {
			if hasOp {
				return nil, inWords("Duplicate column: %s", it.name)
			}
			hasOp = true
			if err := m.addOp(it, primary); err != nil {
				return nil, err
			}
			continue
		}
		if it.expr != "" {
			if mapped[folded] {
				return nil, inWords("Duplicate column mapping: %s", it.name)
			}
			mapped[folded] = true
			if schema.Index(it.name) < 0 {
				return nil, inWords("Mapping column is not in table. column: %s", it.name)
			}
			return nil, fmt.Errorf("columns: the expression %s = %s is not supported by this stand-in, only plain names and a constant __op are", it.name, it.expr)
		}
		if seen[folded] {
			return nil, inWords("Duplicate column: %s", it.name)
		}
		seen[folded] = true
		src := source{name: it.name, col: -1}
		if at := schema.Index(it.name); at >= 0 {
			src.col = len(m.columns)
			m.columns = append(m.columns, at)
		}
		m.sources = append(m.sources, src)
	}
	if primary && isJSON && !hasPaths && !hasOp {
		m.sources = append(m.sources, source{name: "__op", col: -1, isOp: true})
	}
	return m, m.checkAbsent(schema, seen, partial)
}

func (m *mapping) addOp(it item, primary bool) error {
	if !primary {
		return inWords("Unknown column '__op': the target is not a primary key table")
	}
	if it.expr == "" {
		m.sources = append(m.sources, source{name: it.name, col: -1, isOp: true})
		return nil
	}
	op, ok := opOf(it.expr)
	if !ok {
		return fmt.Errorf("columns: the expression __op = %s is not supported by this stand-in, use 'upsert', 'delete', 0 or 1", it.expr)
	}
	m.op = op
	return nil
}

// checkAbsent looks at the table columns that the header does not name.
func (m *mapping) checkAbsent(schema *store.Schema, named map[string]bool, partial bool) error {
	for i := range schema.Columns {
		c := &schema.Columns[i]
		if named[strings.ToLower(c.Name)] {
			continue
		}
		if partial {
			if c.Key {
				return fmt.Errorf("key column %s not in partial update columns", c.Name)
			}
			continue
		}
		if c.Default == nil && !c.Nullable && !c.AutoIncrement {
			return inWords("Column has no default value. column: %s", c.Name)
		}
	}
	return nil
}
