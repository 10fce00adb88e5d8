package ddl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// partition reads PARTITION BY: {RANGE|LIST} (columns) (partitions), RANGE (expression)
// (partitions), automatic ranges date_trunc(..) and time_slice(..), or columns and
// expressions for automatic lists.
func (p *parser) partition(s *store.Schema, cols []column) error {
	if !p.Try("partition", "by") {
		return nil
	}
	pt := &store.Partitioning{}
	s.Partitioning = pt
	at := p.Peek()
	switch {
	case p.Try("range"):
		if err := p.partitionKey(pt, cols); err != nil {
			return err
		}
		if pt.Expressions != nil && len(pt.Columns) != 1 {
			return lex.At(at, "partition by range takes several columns, or one expression")
		}
		if !p.Peek().Is("(") {
			return lex.Unexpected(p.Peek(), "(")
		}
	case p.Try("list"):
		pt.Kind = store.ListPartitions
		if err := p.partitionKey(pt, cols); err != nil {
			return err
		}
		pt.Automatic = !p.Peek().Is("(")
	case p.grainAlone():
		if err := p.grain(pt); err != nil {
			return err
		}
		if err := checkPartitionColumn(at, pt.Columns[0], cols); err != nil {
			return err
		}
	default:
		pt.Kind, pt.Automatic = store.ListPartitions, true
		if err := p.partitionKey(pt, cols); err != nil {
			return err
		}
	}
	if p.Peek().Is("(") {
		return p.partitionDefs(pt, cols)
	}
	return nil
}

// grainAlone says whether date_trunc(..) or time_slice(..) is the whole key, which
// makes it one of ranges.
func (p *parser) grainAlone() bool {
	if t := p.Peek(); !t.Is("date_trunc") && !t.Is("time_slice") || !p.After(1).Is("(") {
		return false
	}
	at := p.I
	defer func() { p.I = at }()
	p.Next()
	return p.SkipParens() == nil && !p.Peek().Is(",")
}

// partitionKey reads columns and expressions with commas, in parentheses or bare.
func (p *parser) partitionKey(pt *store.Partitioning, cols []column) error {
	parens := p.Try("(")
	for {
		if err := p.partitionPart(pt, cols); err != nil {
			return err
		}
		if parens && p.Try(")") || !parens && !p.Peek().Is(",") {
			return nil
		}
		if !p.Try(",") {
			return lex.Unexpected(p.Peek(), ")", ",")
		}
	}
}

// partitionPart reads one column, or one call of a function on columns.
func (p *parser) partitionPart(pt *store.Partitioning, cols []column) error {
	name, err := p.Name()
	if err != nil {
		return lex.Unexpected(p.Peek(), "RANGE", "LIST", "(", "a column")
	}
	if !p.Peek().Is("(") || p.After(1).Is("partition") || p.After(1).Is(")") {
		if err := checkPartitionColumn(name, name.Text, cols); err != nil {
			return err
		}
		if pt.Columns = append(pt.Columns, name.Text); pt.Expressions != nil {
			pt.Expressions = append(pt.Expressions, nil)
		}
		return nil
	}
	e := &store.PartitionExpression{}
	first, column := p.I-1, ""
	open := p.I
	if err := p.SkipParens(); err != nil {
		return err
	}
	for i := open; i < p.I; i++ {
		t := p.Toks[i]
		if !t.IsName() || p.Toks[i+1].Is("(") {
			continue
		}
		if n := strings.ToLower(t.Text); !slices.Contains(e.Mentions, n) {
			e.Mentions = append(e.Mentions, n)
		}
		if column == "" && checkPartitionColumn(t, t.Text, cols) == nil {
			column = t.Text
		}
	}
	if column == "" {
		return lex.At(name, "Partition expression %s(..) must refer to a column", name.Text)
	}
	e.Expression = p.src[p.Toks[first].Pos:p.Toks[p.I-1].End]
	for len(pt.Expressions) < len(pt.Columns) {
		pt.Expressions = append(pt.Expressions, nil)
	}
	pt.Columns, pt.Expressions = append(pt.Columns, column), append(pt.Expressions, e)
	return nil
}

func checkPartitionColumn(at lex.Token, name string, cols []column) error {
	for _, c := range cols {
		if strings.EqualFold(c.Name, name) {
			return nil
		}
	}
	return lex.At(at, "Partition column[%s] does not exist in column list", name)
}

// grain reads date_trunc('unit', column) or time_slice(column, INTERVAL n unit).
func (p *parser) grain(pt *store.Partitioning) error {
	pt.Automatic = true
	fn := p.Next()
	p.Next()
	g := store.Grain{Function: strings.ToLower(fn.Text), Interval: 1}
	if g.Function == "date_trunc" {
		at := p.Peek()
		unit, err := p.Str()
		if err != nil {
			return err
		}
		g.Unit = strings.ToLower(unit)
		if !grains[g.Unit] {
			return lex.At(at, "Unsupported date_trunc format %s", unit)
		}
		if err := p.Expect(","); err != nil {
			return err
		}
	}
	col, err := p.Name()
	if err != nil {
		return err
	}
	pt.Columns = []string{col.Text}
	if g.Function == "time_slice" {
		if err := p.Expect(",", "interval"); err != nil {
			return err
		}
		if g.Interval, g.Unit, err = p.interval(); err != nil {
			return err
		}
		if !grains[g.Unit] {
			return lex.At(fn, "Unsupported time_slice unit %s", g.Unit)
		}
		if p.Try(",") {
			at := p.Peek()
			if !p.Try("floor") {
				if s, err := p.Str(); err != nil || !strings.EqualFold(s, "floor") {
					return lex.At(at, "time_slice in PARTITION BY supports only floor")
				}
			}
		}
	}
	pt.Grain = g
	return p.Expect(")")
}

var grains = map[string]bool{"minute": true, "hour": true, "day": true, "month": true, "year": true}

// interval reads n unit.
func (p *parser) interval() (int, string, error) {
	t := p.Next()
	n, err := strconv.Atoi(t.Text)
	if err != nil || t.Kind != lex.Number || n < 1 || n > 100000 {
		return 0, "", lex.Unexpected(t, "a positive INTEGER_VALUE")
	}
	u, err := p.Name()
	return n, strings.ToLower(u.Text), err
}

// partitionDefs reads the parenthesised list of partitions.
func (p *parser) partitionDefs(pt *store.Partitioning, cols []column) error {
	if err := p.Expect("("); err != nil {
		return err
	}
	if p.Try(")") {
		return nil
	}
	for {
		typ := columnType(cols, pt.Columns[0])
		if pt.Expressions != nil && pt.Kind == store.RangePartitions {
			typ = rangeType(pt.Expressions[0].Expression)
		}
		defs, err := p.partitionDef(pt.Kind == store.ListPartitions, typ)
		if err != nil {
			return err
		}
		pt.Parts = append(pt.Parts, defs...)
		if p.Try(")") {
			return nil
		}
		if !p.Try(",") {
			return lex.Unexpected(p.Peek(), ")", ",")
		}
	}
}

// rangeType is the type of the bounds of START .. END .. EVERY behind an expression.
func rangeType(expression string) store.Type {
	if strings.HasPrefix(strings.ToLower(expression), "str2date") {
		return store.Type{Kind: store.Date}
	}
	return store.Type{Kind: store.DateTime}
}

func columnType(cols []column, name string) store.Type {
	for _, c := range cols {
		if strings.EqualFold(c.Name, name) {
			return c.Type
		}
	}
	return store.Type{}
}

// partitionDef reads PARTITION name VALUES ..., or START .. END .. EVERY, which
// stands for several.
func (p *parser) partitionDef(list bool, typ store.Type) ([]store.PartitionDef, error) {
	if t := p.Peek(); t.Is("start") && p.After(1).Is("(") {
		if list {
			return nil, lex.At(t, "START .. END .. EVERY makes range partitions")
		}
		return p.every(typ)
	}
	if err := p.Expect("partition"); err != nil {
		return nil, err
	}
	p.Try("if", "not", "exists")
	name, err := p.newName("partition")
	if err != nil {
		return nil, err
	}
	d := store.PartitionDef{Name: name.Text}
	if err := p.Expect("values"); err != nil {
		return nil, err
	}
	switch {
	case p.Try("less", "than"):
		if p.Try("maxvalue") {
			d.Upper = []store.Bound{{Max: true}}
		} else if d.Upper, err = p.bounds(); err != nil {
			return nil, err
		}
	case p.Try("["):
		if d.Lower, err = p.bounds(); err != nil {
			return nil, err
		}
		if err := p.Expect(","); err != nil {
			return nil, err
		}
		if d.Upper, err = p.bounds(); err != nil {
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
	case p.Try("in"):
		if d.Values, err = p.listValues(); err != nil {
			return nil, err
		}
	default:
		return nil, lex.Unexpected(p.Peek(), "LESS THAN", "[", "IN")
	}
	if list != (d.Values != nil) {
		return nil, lex.At(name, "partition %s does not fit the kind of partitioning of the table", name.Text)
	}
	if p.Peek().Is("(") { // properties of the partition: replicas and media
		if err := p.SkipParens(); err != nil {
			return nil, err
		}
	}
	return []store.PartitionDef{d}, nil
}

// value reads a literal; null reports NULL.
func (p *parser) value() (text string, null bool, err error) {
	t := p.Next()
	switch {
	case t.Kind == lex.String, t.Kind == lex.Number:
		return t.Text, false, nil
	case t.Is("-") && p.Peek().Kind == lex.Number:
		return "-" + p.Next().Text, false, nil
	case t.Is("null"):
		return "", true, nil
	case t.Is("true"):
		return "1", false, nil
	case t.Is("false"):
		return "0", false, nil
	case (t.Is("date") || t.Is("datetime")) && p.Peek().Kind == lex.String:
		return p.Next().Text, false, nil
	}
	return "", false, lex.Unexpected(t, "a literal")
}

// bounds reads ("a", MAXVALUE).
func (p *parser) bounds() ([]store.Bound, error) {
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	var list []store.Bound
	for {
		if p.Try("maxvalue") {
			list = append(list, store.Bound{Max: true})
		} else {
			at := p.Peek()
			text, null, err := p.value()
			if err != nil {
				return nil, err
			}
			if null {
				return nil, lex.At(at, "NULL is not a bound of a range partition")
			}
			list = append(list, store.Bound{Text: text})
		}
		if p.Try(")") {
			return list, nil
		}
		if !p.Try(",") {
			return nil, lex.Unexpected(p.Peek(), ")", ",")
		}
	}
}

// listValues reads ('a', NULL) or (('a', 1), ('b', 2)).
func (p *parser) listValues() ([][]*string, error) {
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	var rows [][]*string
	for {
		var row []*string
		nested := p.Try("(")
		for {
			text, null, err := p.value()
			if err != nil {
				return nil, err
			}
			if null {
				row = append(row, nil)
			} else {
				row = append(row, &text)
			}
			if !nested || p.Try(")") {
				break
			}
			if err := p.Expect(","); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
		if p.Try(")") {
			return rows, nil
		}
		if !p.Try(",") {
			return nil, lex.Unexpected(p.Peek(), ")", ",")
		}
	}
}
