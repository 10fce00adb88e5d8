package ddl

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// engines exist in StarRocks: they are for tables whose data is elsewhere.
var engines = []string{"mysql", "hive", "iceberg", "hudi", "jdbc", "elasticsearch", "broker", "file"}

func checkEngine(t lex.Token) error {
	name := strings.ToLower(t.Text)
	switch {
	case name == "olap":
		return nil
	case slices.Contains(engines, name):
		return lex.At(t, "ENGINE=%s is not supported by this stand-in, which has no external tables; use OLAP", t.Text)
	}
	return lex.At(t, "Unknown storage engine '%s'", t.Text)
}

// tableCharset moves over [DEFAULT] CHARSET and its other spellings.
func (p *parser) tableCharset() bool {
	at := p.I
	p.Try("default")
	if p.Try("charset") || p.Try("character", "set") || p.Try("char", "set") {
		return true
	}
	p.I = at
	return false
}

// checkSortKey looks at the columns of ORDER BY. A Unique or Aggregate table may only
// reorder its key.
func checkSortKey(s *store.Schema, at lex.Token, list []string) error {
	for _, name := range list {
		c := &s.Columns[s.Index(name)]
		switch c.Type.Kind {
		case store.Float, store.Double, store.JSON, store.Array, store.Map, store.Struct, store.Binary, store.Bitmap, store.HLL, store.Percentile:
			return lex.At(at, "sort key column[%s] type not supported: %s", name, strings.ToUpper(c.Type.String()))
		}
		if (s.Model == store.Unique || s.Model == store.Aggregate) && (!c.Key || len(list) != len(s.Keys)) {
			return lex.At(at, "The sort columns of %s KEY table must be same with key columns", keyWord(s.Model))
		}
	}
	return nil
}

// rollups reads (name (columns) [DUPLICATE KEY (columns)] [FROM name] [properties], ..).
// They are checked and let go: what they speed up is not played here.
func (p *parser) rollups(s *store.Schema) error {
	if err := p.Expect("("); err != nil {
		return err
	}
	for {
		if _, err := p.newName("rollup"); err != nil {
			return err
		}
		if _, err := p.columnList(s); err != nil {
			return err
		}
		if p.Try("duplicate", "key") {
			if _, err := p.columnList(s); err != nil {
				return err
			}
		}
		if p.Try("from") {
			if _, err := p.Name(); err != nil {
				return err
			}
		}
		if p.Peek().Is("properties") {
			if _, err := p.properties(); err != nil {
				return err
			}
		}
		if p.Try(")") {
			return nil
		}
		if !p.Try(",") {
			return lex.Unexpected(p.Peek(), ")", ",")
		}
	}
}
