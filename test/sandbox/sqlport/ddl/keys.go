package ddl

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// A table without a key clause takes its first columns as the key of the
// Duplicate model: at most three, at most 36 bytes of short key.
const (
	shortKeyColumns = 3
	shortKeyBytes   = 36
)

// setKeys fills the columns and keys of s by the key clause, or by the rules for
// a table without one.
func setKeys(s *store.Schema, cols []column, keys []lex.Token) error {
	if keys == nil {
		if err := defaultKeys(s, cols); err != nil {
			return err
		}
	} else if err := namedKeys(s, cols, keys); err != nil {
		return err
	}
	numbered := false
	for i := range cols {
		c := &cols[i]
		if c.AutoIncrement && numbered {
			return lex.At(c.at, "More than one AUTO_INCREMENT column defined in CREATE TABLE Statement")
		}
		numbered = numbered || c.AutoIncrement
		c.Key = i < len(s.Keys)
		if err := checkColumn(s.Model, c); err != nil {
			return err
		}
		s.Columns = append(s.Columns, c.Column)
	}
	return nil
}

// namedKeys checks that the key columns are the first columns of the table, in
// the same order.
func namedKeys(s *store.Schema, cols []column, keys []lex.Token) error {
	for i, k := range keys {
		at := slices.IndexFunc(cols, func(c column) bool { return strings.EqualFold(c.Name, k.Text) })
		if at < 0 {
			return lex.At(k, "Key column(%s) doesn't exist", k.Text)
		}
		if slices.Contains(s.Keys, cols[at].Name) {
			return lex.At(k, "Duplicate key column(%s)", k.Text)
		}
		if at != i {
			return lex.At(k, "Key columns must be the first few columns of the schema and the order of the key columns must be consistent with the order of the schema")
		}
		if why := notKey(cols[at].Type); why != "" {
			return lex.At(k, "Invalid data type of key column '%s': '%s'", k.Text, cols[at].Type)
		}
		s.Keys = append(s.Keys, cols[at].Name)
	}
	return nil
}

func defaultKeys(s *store.Schema, cols []column) error {
	if slices.ContainsFunc(cols, func(c column) bool { return c.Agg != "" }) {
		s.Model = store.Aggregate
		for _, c := range cols {
			if c.Agg != "" {
				break
			}
			if notKey(c.Type) != "" {
				return lex.At(c.at, "Invalid data type of key column '%s': '%s'", c.Name, c.Type)
			}
			s.Keys = append(s.Keys, c.Name)
		}
		if len(s.Keys) == 0 {
			return lex.At(cols[0].at, "Table must have at least 1 key column")
		}
		return nil
	}
	s.Model = store.Duplicate
	size := 0
	for _, c := range cols {
		size += keyBytes(c.Type)
		if len(s.Keys) >= shortKeyColumns || size > shortKeyBytes {
			if len(s.Keys) == 0 && c.Type.Kind == store.Char {
				s.Keys = append(s.Keys, c.Name)
			}
			break
		}
		if notKey(c.Type) != "" {
			break
		}
		s.Keys = append(s.Keys, c.Name)
		if c.Type.Kind == store.Varchar {
			break
		}
	}
	if len(s.Keys) == 0 {
		return lex.At(cols[0].at, "Data type of first column cannot be %s", cols[0].Type)
	}
	return nil
}

func checkColumn(m store.Model, c *column) error {
	switch {
	case c.Key && c.Agg != "":
		return lex.At(c.at, "Cannot specify aggregate function for key column '%s'", c.Name)
	case !c.Key && c.Agg != "" && m != store.Aggregate:
		return lex.At(c.at, "AGG_KEYS table should specify aggregate type, a %s table may not: column '%s'", m, c.Name)
	case !c.Key && c.Agg == "" && m == store.Aggregate:
		return lex.At(c.at, "AGG_KEYS table should specify aggregate type for non-key column[%s]", c.Name)
	case m == store.Duplicate && (c.Type.Kind == store.Bitmap || c.Type.Kind == store.HLL || c.Type.Kind == store.Percentile):
		return lex.At(c.at, "No aggregate function specified for '%s'", c.Name)
	case c.inlineKy && !c.Key:
		return lex.At(c.at, "column '%s' is marked KEY but is not part of the key", c.Name)
	}
	if c.Agg == "REPLACE_IF_NOT_NULL" {
		c.Nullable = true
	}
	if c.Agg == "SUM" {
		switch c.Type.Kind {
		case store.TinyInt, store.SmallInt, store.Int, store.BigInt, store.LargeInt, store.Float, store.Double, store.Decimal:
		default:
			return lex.At(c.at, "Invalid aggregate function 'SUM' for '%s' of type %s", c.Name, c.Type)
		}
	}
	if m == store.Primary && c.Key {
		if c.nullable.Is("null") {
			return lex.At(c.nullable, "primary key column[%s] cannot be nullable", c.Name)
		}
		c.Nullable = false
	}
	return nil
}

// notKey says why a type can be neither key nor distribution column, or nothing.
func notKey(t store.Type) string {
	switch t.Kind {
	case store.Float, store.Double:
		return "FLOAT/DOUBLE"
	case store.JSON:
		return "JSON"
	case store.Array, store.Map, store.Struct:
		return "nested"
	case store.Binary:
		return "VARBINARY"
	case store.Bitmap, store.HLL, store.Percentile:
		return strings.ToUpper(t.String())
	}
	return ""
}

// keyBytes is the room of a type in a short key.
func keyBytes(t store.Type) int {
	switch t.Kind {
	case store.Boolean, store.TinyInt:
		return 1
	case store.SmallInt:
		return 2
	case store.Date:
		return 3
	case store.Int, store.Float:
		return 4
	case store.LargeInt:
		return 16
	case store.Decimal:
		switch {
		case t.Precision <= 9:
			return 4
		case t.Precision <= 18:
			return 8
		}
		return 16
	case store.Char:
		return t.Length
	case store.Varchar:
		return 20
	}
	return 8
}
