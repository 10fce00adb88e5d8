package store

import (
	"errors"
	"io"
	"maps"
	"slices"
)

func (e *encoder) schema(s *Schema) {
	list(e, s.Columns, func(c Column) {
		e.string(c.Name)
		e.int(int64(c.Type.Kind))
		e.int(int64(c.Type.Length))
		e.int(int64(c.Type.Precision))
		e.int(int64(c.Type.Scale))
		e.string(c.Type.Text)
		e.bool(c.Nullable)
		e.optional(c.Default)
		e.bool(c.AutoIncrement)
		e.string(c.Agg)
		e.string(c.Comment)
		e.bool(c.DefaultCall)
		e.bool(c.Generated != nil)
		if g := c.Generated; g != nil {
			e.string(g.Expression)
			list(e, g.Mentions, e.string)
		}
	})
	e.int(int64(s.Model))
	list(e, s.Keys, e.string)
	list(e, s.DistributedBy, e.string)
	e.int(int64(s.Buckets))
	e.string(s.Comment)
	list(e, s.Indexes, e.index)
	list(e, slices.Sorted(maps.Keys(s.Properties)), func(k string) {
		e.string(k)
		e.string(s.Properties[k])
	})
	e.bool(s.Partitioning != nil)
	if p := s.Partitioning; p != nil {
		e.int(int64(p.Kind))
		list(e, p.Columns, e.string)
		list(e, p.Expressions, e.partitionExpression)
		e.bool(p.Automatic)
		e.string(p.Grain.Function)
		e.string(p.Grain.Unit)
		e.int(int64(p.Grain.Interval))
		list(e, p.Parts, func(d PartitionDef) { e.def(&d) })
	}
}

func (e *encoder) partitionExpression(x *PartitionExpression) {
	e.bool(x != nil)
	if x != nil {
		e.string(x.Expression)
		list(e, x.Mentions, e.string)
		e.string(x.Type.String())
	}
}

func (d *decoder) partitionExpression() *PartitionExpression {
	if !d.bool() {
		return nil
	}
	x := &PartitionExpression{Generation: Generation{Expression: d.string(), Mentions: items(d, d.string)}}
	var err error
	if x.Type, err = ParseType(d.string()); err != nil && d.err == nil {
		d.err = errDamaged
	}
	return x
}

func (d *decoder) schema() Schema {
	var s Schema
	s.Columns = items(d, func() Column {
		c := Column{Name: d.string(),
			Type:     Type{Kind: Kind(d.small()), Length: d.small(), Precision: d.small(), Scale: d.small(), Text: d.string()},
			Nullable: d.bool(), Default: d.optional(), AutoIncrement: d.bool(), Agg: d.string(), Comment: d.string(), DefaultCall: d.bool()}
		if d.bool() {
			c.Generated = &Generation{Expression: d.string(), Mentions: items(d, d.string)}
		}
		return c
	})
	s.Model = Model(d.small())
	s.Keys = items(d, d.string)
	s.DistributedBy = items(d, d.string)
	s.Buckets = d.small()
	s.Comment = d.string()
	s.Indexes = items(d, d.index)
	for range d.count(2) {
		if s.Properties == nil {
			s.Properties = map[string]string{}
		}
		k := d.string()
		s.Properties[k] = d.string()
	}
	if d.bool() {
		p := &Partitioning{Kind: PartitionKind(d.small()), Columns: items(d, d.string), Expressions: items(d, d.partitionExpression), Automatic: d.bool(),
			Grain: Grain{Function: d.string(), Unit: d.string(), Interval: d.small()}}
		p.Parts = items(d, d.def)
		s.Partitioning = p
	}
	return s
}

func (e *encoder) def(d *PartitionDef) {
	e.string(d.Name)
	for _, ends := range [][]Bound{d.Lower, d.Upper} {
		list(e, ends, func(b Bound) {
			e.bool(b.Max)
			e.string(b.Text)
		})
	}
	list(e, d.Values, func(row []*string) { list(e, row, e.optional) })
	e.int(int64(d.Buckets))
}

func (d *decoder) def() PartitionDef {
	def := PartitionDef{Name: d.string()}
	bound := func() Bound { return Bound{Max: d.bool(), Text: d.string()} }
	def.Lower = items(d, bound)
	def.Upper = items(d, bound)
	def.Values = items(d, func() []*string { return items(d, d.optional) })
	def.Buckets = d.small()
	return def
}

// decode fills an empty store, all of it or nothing.
func (s *Store) decode(r io.Reader, size int64) error {
	d := newDecoder(r, size)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.databases) > 0 {
		return errors.New("the store holds databases already")
	}
	next, users := d.int(), d.bytes()
	databases := map[string]map[string]*Table{}
	views := map[string]map[string]View{}
	quotas := map[string]Quota{}
	for range d.count(2) {
		db := d.string()
		if databases[db] != nil {
			d.fail()
		}
		if q := (Quota{Data: d.int(), Replicas: d.int()}); q != NoQuota {
			quotas[db] = q
		}
		tables := map[string]*Table{}
		for range d.count(2) {
			t := s.decodeTable(d, db)
			if d.err != nil {
				return d.err
			}
			if tables[t.Name()] != nil {
				return errDamaged
			}
			tables[t.Name()] = t
		}
		databases[db] = tables
		for range d.count(2) {
			v := View{DB: db, Name: d.string(), Home: d.string(), Columns: items(d, d.string), Comments: items(d, d.string), Types: items(d, d.string), Nullable: items(d, d.bool),
				Query: d.string(), Comment: d.string(), Security: d.string()}
			if views[db] == nil {
				views[db] = map[string]View{}
			}
			if _, twice := views[db][v.Name]; twice || tables[v.Name] != nil {
				d.fail()
			}
			views[db][v.Name] = v
		}
	}
	if d.err == nil && d.left != 0 {
		d.fail()
	}
	if d.err != nil {
		return d.err
	}
	if err := s.users.UnmarshalJSON(users); err != nil {
		return err
	}
	s.databases, s.views, s.quotas = databases, views, quotas
	s.nextID.Store(max(next, s.nextID.Load()))
	return nil
}

func (s *Store) decodeTable(d *decoder, db string) *Table {
	t := &Table{store: s, id: d.int()}
	t.named.Store(&naming{db, d.string()})
	schema := d.schema()
	ids := items(d, d.int)
	if d.err != nil {
		return nil
	}
	if schema.Model < Duplicate || schema.Model > Primary || schema.Partitioning != nil && (schema.Partitioning.Kind < RangePartitions || schema.Partitioning.Kind > ListPartitions) {
		d.fail()
		return nil
	}
	for i := range schema.Columns {
		if k := schema.Columns[i].Type.Kind; k < Boolean || k > Percentile {
			d.fail()
			return nil
		}
	}
	if schema.Partitioning != nil {
		schema.Partition = schema.Partitioning.String()
	}
	checked, err := schema.checked()
	if err != nil || len(ids) != len(checked.Columns) {
		d.fail()
		return nil
	}
	for _, name := range checked.DistributedBy {
		if checked.Index(name) < 0 {
			d.fail()
			return nil
		}
	}
	l := s.newLayout(checked, ids)
	t.version, t.autoNext = d.int(), d.int()
	for range d.count(2) {
		t.decodePartition(d, l)
		if d.err != nil {
			return nil
		}
	}
	if checked.Partitioning == nil && len(t.partitions) != 1 {
		d.fail()
		return nil
	}
	t.jobs = items(d, func() *alterJob {
		return &alterJob{id: d.int(), txn: d.int(), created: fromNanos(d.int()), finished: fromNanos(d.int()), state: AlterState(d.string()), message: d.string()}
	})
	t.install(l)
	return t
}

func (t *Table) decodePartition(d *decoder, l *layout) {
	p := &partition{id: d.int(), name: d.string(), temporary: d.bool(), automatic: d.bool(), def: d.def(),
		buckets: d.small(), firstTablet: d.int(), version: d.int(), changed: fromNanos(d.int())}
	p.versions.n, p.versions.merged = d.small(), fromNanos(d.int())
	if d.err != nil || p.buckets < 1 || p.buckets > maxTablets {
		d.fail()
		return
	}
	if l.schema.Partitioning != nil {
		def := p.def
		sh, err := l.newShape(&def, nil)
		if err != nil {
			d.fail()
			return
		}
		p.shape = sh
	}
	for range d.count(1) {
		n := d.uint()
		if n > chunkRows || int64(n) > d.left {
			d.fail()
		}
		if d.err != nil {
			return
		}
		columns := make([]vector, len(l.cells))
		for c := range columns {
			columns[c] = d.vector(&l.cells[c], int(n))
			if d.err == nil && !l.cells[c].accepts(&columns[c], l.schema.Columns[c].Nullable) {
				d.fail()
			}
			if d.err != nil {
				return
			}
		}
		p.take(l, columns, int(n))
	}
	p.reindex(l)
	t.partitions = append(t.partitions, p)
}

// take appends rows to the partition.
func (p *partition) take(l *layout, columns []vector, n int) {
	p.live += int64(n)
	for from := 0; from < n; {
		ch := p.tail(l)
		to := min(n, from+chunkRows-ch.rows)
		for c := range columns {
			ch.columns[c].addRange(&columns[c], from, to)
		}
		ch.rows += to - from
		from = to
	}
}

// accepts says whether a column can hold the values of a vector as far as a reader
// of them relies on it.
func (t *cellType) accepts(v *vector, nullable bool) bool {
	for i := range v.n {
		if v.isNull(i) {
			if !nullable {
				return false
			}
			continue
		}
		switch t.Kind {
		case Date, DateTime:
			if v.ints[i] < 0 || !unpack(v.ints[i]).valid() {
				return false
			}
		case Boolean, TinyInt, SmallInt, Int, BigInt:
			if low, high := t.low, t.high; t.Kind != Boolean && (v.ints[i] < low || v.ints[i] > high) || t.Kind == Boolean && v.ints[i]>>1 != 0 {
				return false
			}
		case Bitmap, HLL, Percentile:
			var scratch vector
			scratch.kind = asBytes
			if t.readSketch(&scratch, v.bytesAt(i)) != cellOK {
				return false
			}
		}
	}
	return true
}
