package ddl

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Alter is ALTER TABLE with its clauses in order: column changes together, or one
// clause of another kind.
type Alter struct {
	DB, Name string
	Clauses  []Clause
}

// CancelAlter is CANCEL ALTER TABLE COLUMN FROM.
type CancelAlter struct{ DB, Name string }

func (*Alter) isStatement()       {}
func (*CancelAlter) isStatement() {}

// Clause is one of the clause types of ALTER TABLE.
type Clause interface{ isClause() }

// The clauses of ALTER TABLE. Changes holds the columns of one clause.
type (
	// Changes are the column changes of ADD, DROP and MODIFY COLUMN.
	Changes struct{ List []store.ColumnChange }
	// RenameColumn is RENAME COLUMN from TO to.
	RenameColumn struct{ From, To string }
	// Rename is RENAME to.
	Rename struct{ To string }
	// Swap is SWAP WITH other.
	Swap struct{ With string }
	// SetProperties is SET (...).
	SetProperties struct{ Properties map[string]string }
	// SetComment is COMMENT = text.
	SetComment struct{ Text string }
	// AddPartitions is ADD [TEMPORARY] PARTITION[S].
	AddPartitions struct {
		Defs                   []store.PartitionDef
		Temporary, IfNotExists bool
		Buckets                int
	}
	// DropPartitions is DROP [TEMPORARY] PARTITION[S].
	DropPartitions struct {
		Names               []string
		Temporary, IfExists bool
	}
	// TruncatePartitions is TRUNCATE PARTITION.
	TruncatePartitions struct{ Names []string }
	// RenamePartition is RENAME PARTITION from to.
	RenamePartition struct{ From, To string }
	// ReplacePartitions is REPLACE PARTITION (..) WITH TEMPORARY PARTITION (..).
	ReplacePartitions struct {
		Names, With              []string
		Strict, UseTemporaryName bool
	}
)

func (*Changes) isClause()            {}
func (*RenameColumn) isClause()       {}
func (*Rename) isClause()             {}
func (*Swap) isClause()               {}
func (*SetProperties) isClause()      {}
func (*SetComment) isClause()         {}
func (*AddPartitions) isClause()      {}
func (*DropPartitions) isClause()     {}
func (*TruncatePartitions) isClause() {}
func (*RenamePartition) isClause()    {}
func (*ReplacePartitions) isClause()  {}

// alter reads what follows ALTER.
func (p *parser) alter() (Statement, error) {
	if err := p.elsewhere("ALTER"); err != nil {
		return nil, err
	}
	if t := p.Peek(); !p.Try("table") {
		return nil, lex.At(t, "ALTER %s is not supported by this stand-in, ALTER TABLE is", t.Text)
	}
	db, name, err := p.Table()
	if err != nil {
		return nil, err
	}
	st := &Alter{DB: db.Text, Name: name.Text}
	for {
		c, err := p.clause()
		if err != nil {
			return nil, err
		}
		changes, isChange := c.(*Changes)
		if isChange && len(st.Clauses) > 0 {
			before, ok := st.Clauses[0].(*Changes)
			if !ok {
				return nil, lex.At(p.Peek(), "Alter operation conflicts: columns are changed in a statement of their own")
			}
			before.List = append(before.List, changes.List...)
		} else {
			if len(st.Clauses) > 0 {
				return nil, lex.At(p.Peek(), "Alter operation conflicts: one clause of this kind in a statement")
			}
			st.Clauses = append(st.Clauses, c)
		}
		if !p.Try(",") {
			return st, nil
		}
	}
}

func (p *parser) clause() (Clause, error) {
	switch t := p.Peek(); {
	case p.Try("add", "column"):
		return p.addColumns()
	case p.Try("add", "index"):
		x, err := p.index()
		return &AddIndex{x}, err
	case p.Try("drop", "index"):
		name, err := p.Name()
		return &DropIndex{name.Text}, err
	case t.Is("add") && p.After(1).Is("rollup"), t.Is("drop") && p.After(1).Is("rollup"):
		return nil, lex.At(p.After(1), "rollups are not supported by this stand-in; queries give the same rows without")
	case t.Is("add") && p.partitionFollows(1):
		p.Next()
		return p.addPartitions()
	case p.Try("drop", "column"):
		col, err := p.Name()
		if err == nil {
			err = p.noRollup()
		}
		return &Changes{List: []store.ColumnChange{store.DropColumn{Name: col.Text}}}, err
	case t.Is("drop") && p.partitionFollows(1):
		p.Next()
		return p.dropPartitions()
	case p.Try("modify", "column"):
		return p.modifyColumn()
	case p.Try("rename", "column"):
		from, err := p.Name()
		if err != nil {
			return nil, err
		}
		if err := p.Expect("to"); err != nil {
			return nil, err
		}
		to, err := p.newName("column")
		return &RenameColumn{From: from.Text, To: to.Text}, err
	case p.Try("rename", "partition"):
		from, err := p.Name()
		if err != nil {
			return nil, err
		}
		p.Try("to")
		to, err := p.newName("partition")
		return &RenamePartition{From: from.Text, To: to.Text}, err
	case p.Try("rename", "rollup"):
		return nil, lex.At(t, "rollups are not supported by this stand-in; queries give the same rows without")
	case p.Try("rename"):
		p.Try("to")
		to, err := p.newName("table")
		return &Rename{To: to.Text}, err
	case p.Try("swap", "with"):
		with, err := p.Name()
		return &Swap{With: with.Text}, err
	case p.Try("comment"):
		p.Try("=")
		text, err := p.Str()
		return &SetComment{Text: text}, err
	case p.Try("set"):
		props, err := p.propertyList()
		return &SetProperties{Properties: props}, err
	case p.Try("truncate", "partition"), p.Try("truncate", "partitions"):
		names, err := p.someNames()
		return &TruncatePartitions{Names: names}, err
	case p.Try("replace", "partition"), p.Try("replace", "partitions"):
		return p.replacePartitions()
	default:
		return nil, lex.Unexpected(t, "ADD", "DROP", "MODIFY", "RENAME", "SWAP WITH", "SET", "COMMENT", "REPLACE PARTITION", "TRUNCATE PARTITION")
	}
}

func (p *parser) partitionFollows(n int) bool {
	if p.After(n).Is("temporary") {
		n++
	}
	return p.After(n).Is("partition") || p.After(n).Is("partitions")
}

// noRollup lets FROM/TO rollup pass only as an error: there is none.
func (p *parser) noRollup() error {
	if t := p.Peek(); t.Is("from") || t.Is("to") {
		return lex.At(t, "rollups are not supported by this stand-in; queries give the same rows without")
	}
	if p.Peek().Is("properties") {
		_, err := p.properties()
		return err
	}
	return nil
}

// addColumns reads one column, or several in parentheses.
func (p *parser) addColumns() (Clause, error) {
	ch := &Changes{}
	several := p.Try("(")
	for {
		c, err := p.column()
		if err != nil {
			return nil, err
		}
		add := store.AddColumn{Column: c.Column}
		add.Column.Key = c.inlineKy
		if !several {
			if add.First, add.After, err = p.place(); err != nil {
				return nil, err
			}
		}
		ch.List = append(ch.List, add)
		if !several {
			return ch, p.noRollup()
		}
		if p.Try(")") {
			return ch, p.noRollup()
		}
		if !p.Try(",") {
			return nil, lex.Unexpected(p.Peek(), ")", ",")
		}
	}
}

func (p *parser) place() (first bool, after string, err error) {
	if p.Try("first") {
		return true, "", nil
	}
	if p.Try("after") {
		t, err := p.Name()
		return false, t.Text, err
	}
	return false, "", nil
}

func (p *parser) modifyColumn() (Clause, error) {
	c, err := p.column()
	if err != nil {
		return nil, err
	}
	m := store.ModifyColumn{Column: c.Column}
	m.Column.Key = c.inlineKy
	if m.First, m.After, err = p.place(); err != nil {
		return nil, err
	}
	return &Changes{List: []store.ColumnChange{m}}, p.noRollup()
}

func (p *parser) someNames() ([]string, error) {
	if !p.Peek().Is("(") {
		t, err := p.Name()
		return []string{t.Text}, err
	}
	toks, err := p.Names()
	var names []string
	for _, t := range toks {
		names = append(names, t.Text)
	}
	return names, err
}

func (p *parser) addPartitions() (Clause, error) {
	a := &AddPartitions{Temporary: p.Try("temporary")}
	several := p.Try("partitions")
	if several || p.Peek().Is("partition") && p.After(1).Is("start") && p.After(2).Is("(") {
		if !several {
			p.Next()
		}
		// Hours are told from days by the bounds: the type of the column is not
		// known before the table is found.
		typ := store.Type{Kind: store.Date}
		if at := p.After(2); at.Kind == lex.String && strings.ContainsAny(at.Text, ": ") {
			typ.Kind = store.DateTime
		}
		var err error
		if a.Defs, err = p.every(typ); err != nil {
			return nil, err
		}
	} else {
		a.IfNotExists = p.After(1).Is("if") && p.After(2).Is("not") && p.After(3).Is("exists")
		list := false
		for i := p.I; i < len(p.Toks); i++ {
			if p.Toks[i].Is("values") {
				list = p.Toks[min(i+1, len(p.Toks)-1)].Is("in")
				break
			}
		}
		var err error
		if a.Defs, err = p.partitionDef(list, store.Type{}); err != nil {
			return nil, err
		}
	}
	if p.Peek().Is("distributed") {
		var s store.Schema
		at := p.Next()
		if err := p.Expect("by"); err != nil {
			return nil, err
		}
		if !p.Try("hash") && !p.Try("random") {
			return nil, lex.Unexpected(p.Peek(), "HASH", "RANDOM")
		}
		if p.Peek().Is("(") {
			if _, err := p.Names(); err != nil {
				return nil, err
			}
		}
		if err := p.bucketCount(&s); err != nil {
			return nil, err
		}
		if s.Buckets == 0 {
			return nil, lex.At(at, "DISTRIBUTED BY of a partition needs BUCKETS")
		}
		for i := range a.Defs {
			a.Defs[i].Buckets = s.Buckets
		}
	}
	if p.Peek().Is("properties") {
		if _, err := p.properties(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (p *parser) dropPartitions() (Clause, error) {
	d := &DropPartitions{Temporary: p.Try("temporary")}
	p.Next()
	d.IfExists = p.Try("if", "exists")
	var err error
	d.Names, err = p.someNames()
	p.Try("force")
	return d, err
}

func (p *parser) replacePartitions() (Clause, error) {
	r := &ReplacePartitions{Strict: true}
	var err error
	if r.Names, err = p.someNames(); err != nil {
		return nil, err
	}
	if err := p.Expect("with", "temporary"); err != nil {
		return nil, err
	}
	if !p.Try("partition") && !p.Try("partitions") {
		return nil, lex.Unexpected(p.Peek(), "PARTITION")
	}
	if r.With, err = p.someNames(); err != nil {
		return nil, err
	}
	if !p.Peek().Is("properties") {
		return r, nil
	}
	at := p.Peek()
	props, err := p.properties()
	for k, v := range props {
		on := strings.EqualFold(v, "true")
		if !on && !strings.EqualFold(v, "false") {
			return nil, lex.At(at, "%s must be a boolean: %s", k, v)
		}
		switch k {
		case "strict_range":
			r.Strict = on
		case "use_temp_partition_name":
			r.UseTemporaryName = on
		default:
			return nil, lex.At(at, "Unknown properties: {%s}", k)
		}
	}
	return r, err
}
