package store

import (
	"slices"
	"strings"
)

// plannedSchema is a schema change worked out: which column of the new schema
// comes from which of the old one.
type plannedSchema struct {
	old    *layout
	schema Schema
	from   []int64 // id of each column before, 0 for a new one
	fast   bool    // no tablet is rewritten
	edited map[string]bool
}

func (t *Table) planChange(changes []ColumnChange) *plannedSchema {
	l := t.layout.Load()
	p := &plannedSchema{old: l, schema: l.schema.clone(), from: slices.Clone(l.ids), edited: map[string]bool{},
		fast: t.store.release.AtLeast(3, 3) && !strings.EqualFold(l.schema.Properties["fast_schema_evolution"], "false")}
	for _, c := range changes {
		switch c := c.(type) {
		case AddColumn:
			p.fast = p.fast && !c.Column.Key
		case DropColumn:
			at := l.schema.Index(c.Name)
			p.fast = p.fast && (at < 0 || !l.schema.Columns[at].Key)
		default:
			p.fast = false
		}
	}
	return p
}

// once refuses two clauses about one column.
func (p *plannedSchema) once(name string) error {
	name = strings.ToLower(name)
	if p.edited[name] {
		return inWords("Duplicate alter column: %s", name)
	}
	p.edited[name] = true
	return nil
}

// place inserts a column where the clause says.
func (p *plannedSchema) place(c Column, id int64, first bool, after string) error {
	at := len(p.schema.Columns)
	switch {
	case first:
		at = 0
	case after != "":
		i := p.schema.Index(after)
		if i < 0 {
			return inWords("Column[%s] does not found", after)
		}
		at = i + 1
	case c.Key:
		at = 0
		for at < len(p.schema.Columns) && p.schema.Columns[at].Key {
			at++
		}
	}
	p.schema.Columns = slices.Insert(p.schema.Columns, at, c)
	p.from = slices.Insert(p.from, at, id)
	return nil
}

func (c AddColumn) change(p *plannedSchema) error {
	if p.schema.Index(c.Column.Name) >= 0 {
		return inWords("Can not add column which already exists in base table: %s", c.Column.Name)
	}
	if err := p.once(c.Column.Name); err != nil {
		return err
	}
	col := c.Column
	switch p.schema.Model {
	case Primary:
		if col.Key {
			return inWords("Can not add key column: %s for primary key table", col.Name)
		}
	case Aggregate:
		// A column of an aggregate table without function is a key.
		col.Key = col.Key || col.Agg == ""
		p.fast = p.fast && !col.Key
	}
	if col.AutoIncrement {
		return inWords("Cannot add AUTO_INCREMENT column %s", col.Name)
	}
	if n := p.schema.Ordinary(); n > 0 && col.Generated == nil && !c.First && c.After == "" && !col.Key {
		return p.place(col, 0, false, p.schema.Columns[n-1].Name) // in front of the generated ones
	}
	return p.place(col, 0, c.First, c.After)
}

func (c DropColumn) change(p *plannedSchema) error {
	at := p.schema.Index(c.Name)
	if at < 0 {
		return inWords("Column does not exists: %s", c.Name)
	}
	if err := p.once(c.Name); err != nil {
		return err
	}
	s := &p.schema
	col := s.Columns[at]
	if err := p.unbound(col.Name, "dropped"); err != nil {
		return err
	}
	if col.Key {
		switch s.Model {
		case Primary:
			return inWords("Can not drop key column in primary data model table")
		case Unique:
			return inWords("Can not drop key column in Unique data model table")
		case Aggregate:
			for _, other := range s.Columns {
				if strings.HasPrefix(other.Agg, "REPLACE") {
					return wording("Can not drop key column when table has value column with REPLACE aggregation method")
				}
			}
		}
	}
	if key := s.Properties[SortKeyProperty]; key != "" && slices.Contains(strings.Split(key, "\x00"), col.Name) {
		return inWords("Can not drop sort column %s", col.Name)
	}
	if g := s.generatedFrom(col.Name); g != "" && !strings.EqualFold(g, col.Name) {
		return inWords("Column: %s can not be dropped, because the expression of generated column %s will refer to it", col.Name, g)
	}
	s.Indexes = slices.DeleteFunc(s.Indexes, func(x Index) bool { return x.Column == col.Name })
	if len(s.Columns) == 1 {
		return wording("Table must have at least 1 column")
	}
	s.Columns = slices.Delete(s.Columns, at, at+1)
	p.from = slices.Delete(p.from, at, at+1)
	return nil
}

// unbound refuses to touch a column that decides where rows are.
func (p *plannedSchema) unbound(name, what string) error {
	if pt := p.schema.Partitioning; pt != nil && (slices.Contains(pt.Columns, name) || pt.mentions(name)) {
		return inWords("Partition column[%s] cannot be %s", name, what)
	}
	if slices.ContainsFunc(p.schema.DistributedBy, func(d string) bool { return strings.EqualFold(d, name) }) {
		return inWords("Distribution column[%s] cannot be %s", name, what)
	}
	return nil
}

func (c ModifyColumn) change(p *plannedSchema) error {
	at := p.schema.Index(c.Column.Name)
	if at < 0 {
		return inWords("Column[%s] does not exists", c.Column.Name)
	}
	if err := p.once(c.Column.Name); err != nil {
		return err
	}
	s := &p.schema
	old, col := s.Columns[at], c.Column
	col.Name = old.Name
	if old.Key && s.Model == Primary {
		return inWords("Can not modify key column: %s for primary key table", old.Name)
	}
	// A Duplicate or Unique table does not name KEY again; an aggregate table
	// names the function of every value column.
	if s.Model != Aggregate {
		col.Key = old.Key
	} else {
		col.Key = col.Key || col.Agg == ""
	}
	switch {
	case old.Generated != nil || col.Generated != nil:
		return inWords("MODIFY COLUMN of the generated column %s is not supported by this stand-in; drop it and add it again", old.Name)
	case s.generatedFrom(old.Name) != "":
		return inWords("Do not support modify column: %s, because it associates with the generated column", old.Name)
	case col.Key != old.Key:
		return inWords("Can not change the key flag of column %s", old.Name)
	case !strings.EqualFold(col.Agg, old.Agg):
		return wording("Can not change aggregation type")
	case old.Nullable && !col.Nullable:
		return wording("Can not change from nullable to non-nullable")
	case old.AutoIncrement != col.AutoIncrement:
		return inWords("Can not change the AUTO_INCREMENT attribute of column %s", old.Name)
	}
	if col.Type != old.Type {
		if err := p.unbound(old.Name, "modified"); err != nil {
			return err
		}
		if err := widens(old.Type, col.Type); err != nil {
			return err
		}
	}
	id := p.from[at]
	s.Columns = slices.Delete(s.Columns, at, at+1)
	p.from = slices.Delete(p.from, at, at+1)
	if !c.First && c.After == "" {
		s.Columns = slices.Insert(s.Columns, at, col)
		p.from = slices.Insert(p.from, at, id)
		return nil
	}
	return p.place(col, id, c.First, c.After)
}

// widens says whether every value of one type is one of the other.
func widens(from, to Type) error {
	if from.Kind == to.Kind {
		switch from.Kind {
		case Char, Varchar, Binary:
			if to.maxLength() < from.maxLength() {
				return wording("Cannot shorten string length")
			}
			return nil
		case Decimal:
			if to.Precision-to.Scale >= from.Precision-from.Scale && to.Scale >= from.Scale {
				return nil
			}
		}
		if from == to {
			return nil
		}
	}
	whole := func(k Kind) bool { return k >= TinyInt && k <= LargeInt }
	switch {
	case whole(from.Kind) && whole(to.Kind) && to.Kind > from.Kind:
		return nil
	case whole(from.Kind) && from.Kind != LargeInt && to.Kind == Double, from.Kind == Float && to.Kind == Double:
		return nil
	case from.Kind == Date && to.Kind == DateTime:
		return nil
	case from.Kind == Char && to.Kind == Varchar && to.maxLength() >= from.maxLength():
		return nil
	case to.Kind == Varchar && to.maxLength() >= longestText(from) && longestText(from) > 0:
		return nil
	}
	return inWords("Can not change %s to %s", strings.ToUpper(from.String()), strings.ToUpper(to.String()))
}

// longestText is the length of the longest value of a type as text, 0 for types
// that do not become text.
func longestText(t Type) int {
	switch t.Kind {
	case TinyInt:
		return 4
	case SmallInt:
		return 6
	case Int:
		return 11
	case BigInt:
		return 20
	case LargeInt:
		return 40
	case Decimal:
		return t.Precision + 3
	case Date:
		return 10
	}
	return 0
}

// finish checks the whole of the new schema.
func (p *plannedSchema) finish() error {
	s := &p.schema
	s.Keys = nil
	values := false
	for _, c := range s.Columns {
		switch {
		case !c.Key:
			values = true
		case values:
			return wording("Invalid column order. value should be after key")
		default:
			s.Keys = append(s.Keys, c.Name)
		}
	}
	checked, err := s.checked()
	p.schema = checked
	return err
}

// apply gives the table the new columns. It wants the table's lock.
func (p *plannedSchema) apply(t *Table) {
	ids := slices.Clone(p.from)
	for i, id := range ids {
		if id == 0 {
			ids[i] = t.store.nextID.Add(1)
		}
	}
	l := t.store.newLayout(p.schema, ids)
	rekeyed := !slices.Equal(keyIDs(p.old), keyIDs(l))
	for _, part := range t.partitions {
		for i, ch := range part.chunks {
			fresh := &chunk{rows: ch.rows, deleted: ch.deleted, shared: ch.shared, columns: make([]vector, len(l.cells))}
			for c := range fresh.columns {
				from := p.old.placeOf(ids[c])
				switch {
				case from < 0 && l.schema.Columns[c].Generated != nil:
					v, err := l.generate(t.store, c, ch.rows, func(in int) (*vector, bool) { return &fresh.columns[in], true })
					if err != nil { // the expression was compiled when the change was planned
						v = l.constant(t.store, c, ch.rows)
					}
					fresh.columns[c] = v
				case from < 0:
					fresh.columns[c] = l.constant(t.store, c, ch.rows)
				case p.old.cells[from].Type == l.cells[c].Type:
					fresh.columns[c] = ch.columns[from]
				default:
					fresh.columns[c] = convertVector(&ch.columns[from], &p.old.cells[from], &l.cells[c])
				}
			}
			part.chunks[i] = fresh
		}
		if rekeyed || l.keyed() && !p.fast {
			part.reindex(l)
		}
		if !p.fast {
			t.newTablets(part)
			part.versions.reset(t.store.now())
		}
	}
	t.install(l)
}

func keyIDs(l *layout) []int64 {
	var ids []int64
	for _, k := range l.keys {
		ids = append(ids, l.ids[k])
	}
	return ids
}

// constant is a column of n equal values.
func (l *layout) constant(s *Store, c, n int) vector {
	var one, all vector
	l.fillOne(s, c, &one)
	all.kind = one.kind
	for i := range n {
		if i > 0 && l.schema.Columns[c].DefaultCall {
			all.addCall(&l.schema.Columns[c])
			continue
		}
		all.addFrom(&one, 0)
	}
	return all
}

// convertVector reads the values of one type as another, wider one.
func convertVector(v *vector, from, to *cellType) vector {
	out := vector{kind: to.storage}
	for i := range v.n {
		switch {
		case v.isNull(i):
			out.addNull()
		case v.kind == to.storage && v.kind == asInts:
			out.addInt(v.ints[i])
		case v.kind == asInts && to.Kind == Double:
			out.addFloat(float64(v.ints[i]))
		case v.kind == asFloats && to.storage == asFloats:
			out.addFloat(v.floats[i])
		case v.kind == asBytes && to.storage == asBytes:
			out.addBytes(v.bytesAt(i))
		default:
			// widens lets only pass what reads back.
			if to.readText(&out, []byte(Format(from.Type, v.value(from, i)))) != cellOK {
				out.addNull()
			}
		}
	}
	return out
}
