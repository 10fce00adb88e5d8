package ddl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// SortKeyProperty keeps the columns of ORDER BY among the properties of a schema.
// SHOW CREATE TABLE writes it as the clause it came from.
const SortKeyProperty = store.SortKeyProperty

// table reads what follows the name of a new table.
func (p *parser) table(name lex.Token) (store.Schema, error) {
	var s store.Schema
	if !p.Peek().Is("(") {
		if p.Peek().Is("as") {
			return s, lex.At(p.Peek(), "CREATE TABLE AS SELECT is not supported by this stand-in")
		}
		return s, lex.Unexpected(p.Peek(), "(", "LIKE")
	}
	cols, err := p.columns(&s)
	if err != nil {
		return s, err
	}
	if len(cols) == 0 {
		return s, lex.At(name, "A table must have at least 1 column")
	}
	if p.Try("engine") {
		if err := p.Expect("="); err != nil {
			return s, err
		}
		if t, err := p.Name(); err != nil {
			return s, err
		} else if err := checkEngine(t); err != nil {
			return s, err
		}
	}
	if p.tableCharset() {
		p.Try("=")
		t := p.Next()
		if !t.IsName() && t.Kind != lex.String {
			return s, lex.Unexpected(t, "a name")
		}
		if err := checkCharset(t, ""); err != nil {
			return s, err
		}
	}
	keys, err := p.keyClause(&s)
	if err != nil {
		return s, err
	}
	if s.Comment, err = p.comment(); err != nil {
		return s, err
	}
	if err := p.partition(&s, cols); err != nil {
		return s, err
	}
	if err := setKeys(&s, cols, keys); err != nil {
		return s, err
	}
	distributed := p.Peek().Is("distributed")
	if err := p.distribution(&s, name); err != nil {
		return s, err
	}
	var sortKey string
	if at := p.Peek(); p.Try("order", "by") {
		list, err := p.columnList(&s)
		if err != nil {
			return s, err
		}
		if err := checkSortKey(&s, at, list); err != nil {
			return s, err
		}
		sortKey = strings.Join(list, "\x00")
	}
	if p.Try("rollup") {
		if err := p.rollups(&s); err != nil {
			return s, err
		}
	}
	if p.Peek().Is("properties") {
		if s.Properties, err = p.properties(); err != nil {
			return s, err
		}
		if s.Properties["colocate_with"] != "" && !distributed {
			return s, lex.At(name, "Colocate table must specify distribution column")
		}
	}
	if sortKey != "" {
		if s.Properties == nil {
			s.Properties = map[string]string{}
		}
		s.Properties[SortKeyProperty] = sortKey
	}
	if t := p.Peek(); t.Kind != lex.EOF {
		return s, lex.Unexpected(t, nextClauses...)
	}
	return s, nil
}

var nextClauses = []string{"ENGINE", "DUPLICATE KEY", "COMMENT", "PARTITION BY", "DISTRIBUTED BY", "ORDER BY", "PROPERTIES", ";"}

// keyClause reads {DUPLICATE|AGGREGATE|UNIQUE|PRIMARY} KEY (columns), if it is there.
func (p *parser) keyClause(s *store.Schema) ([]lex.Token, error) {
	models := map[string]store.Model{
		"duplicate": store.Duplicate, "aggregate": store.Aggregate, "unique": store.Unique, "primary": store.Primary,
	}
	m, ok := models[strings.ToLower(p.Peek().Text)]
	if !ok || p.Peek().Kind != lex.Word {
		return nil, nil
	}
	p.Next()
	if err := p.Expect("key"); err != nil {
		return nil, err
	}
	s.Model = m
	return p.Names()
}

// columnList reads (a, b) of columns that the table has.
func (p *parser) columnList(s *store.Schema) ([]string, error) {
	names, err := p.Names()
	if err != nil {
		return nil, err
	}
	var list []string
	for _, n := range names {
		i := s.Index(n.Text)
		if i < 0 {
			return nil, lex.At(n, "Column '%s' does not exist in the table", n.Text)
		}
		if slices.Contains(list, s.Columns[i].Name) {
			return nil, lex.At(n, "Column '%s' is named twice", n.Text)
		}
		list = append(list, s.Columns[i].Name)
	}
	return list, nil
}

// distribution reads DISTRIBUTED BY {HASH (columns)|RANDOM} [BUCKETS n]. Without
// the clause a Duplicate table is distributed at random, a Primary Key table by its key.
func (p *parser) distribution(s *store.Schema, name lex.Token) error {
	at := p.Peek()
	if !p.Try("distributed", "by") {
		switch s.Model {
		case store.Primary:
			s.DistributedBy = slices.Clone(s.Keys)
		case store.Aggregate, store.Unique:
			return lex.At(at, "Currently only support default distribution in DUP_KEYS, table '%s' needs DISTRIBUTED BY HASH", name.Text)
		}
		return nil
	}
	kind := p.Peek()
	switch {
	case p.Try("hash"):
		list, err := p.columnList(s)
		if err != nil {
			return err
		}
		for _, c := range list {
			col := s.Columns[s.Index(c)]
			if s.Model != store.Duplicate && !col.Key {
				return lex.At(kind, "Distribution column[%s] is not key column", c)
			}
			if why := notKey(col.Type); why != "" {
				return lex.At(kind, "%s column can not be distribution column: %s", why, c)
			}
		}
		s.DistributedBy = list
	case p.Try("random"):
		replaces := slices.ContainsFunc(s.Columns, func(c store.Column) bool { return strings.HasPrefix(c.Agg, "REPLACE") })
		if s.Model != store.Duplicate && (s.Model != store.Aggregate || replaces) {
			with := ""
			if replaces {
				with = " with replace"
			}
			return lex.At(kind, "%s KEY%s must use hash distribution", keyWord(s.Model), with)
		}
	default:
		return lex.Unexpected(kind, "HASH", "RANDOM")
	}
	return p.bucketCount(s)
}

// bucketCount reads BUCKETS n, if it is there.
func (p *parser) bucketCount(s *store.Schema) error {
	if p.Try("buckets") {
		t := p.Next()
		n, err := strconv.Atoi(t.Text)
		if err != nil || t.Kind != lex.Number {
			return lex.Unexpected(t, "INTEGER_VALUE")
		}
		if n < 1 {
			return lex.At(t, "Number of hash buckets should be larger than zero.")
		}
		s.Buckets = n
	}
	return nil
}

// properties reads PROPERTIES ("k" = "v", ...).
func (p *parser) properties() (map[string]string, error) {
	if err := p.Expect("properties"); err != nil {
		return nil, err
	}
	return p.propertyList()
}

// propertyList reads ("k" = "v", ...).
func (p *parser) propertyList() (map[string]string, error) {
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	props := map[string]string{}
	for {
		at := p.Peek()
		k, err := p.Str()
		if err != nil {
			return nil, err
		}
		if _, twice := props[k]; twice {
			return nil, lex.At(at, "property '%s' is given twice", k)
		}
		if k == SortKeyProperty {
			return nil, lex.At(at, "Unknown properties: {%s}", k)
		}
		if err := p.Expect("="); err != nil {
			return nil, err
		}
		if props[k], err = p.Str(); err != nil {
			return nil, err
		}
		if p.Try(")") {
			return props, nil
		}
		if !p.Try(",") {
			return nil, lex.Unexpected(p.Peek(), ")", ",")
		}
	}
}
