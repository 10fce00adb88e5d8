package store

import (
	"encoding/binary"
	"slices"
	"strings"
)

// tuple is a value of the partition columns. Cells from max on are MAXVALUE.
type tuple struct {
	cells []vector // of one value each
	max   int
}

// shape says which rows belong to a partition. The zero shape takes all rows.
type shape struct {
	list         bool
	unbounded    bool // no lower end: NULL belongs here too
	lower, upper tuple
	keys         []string // of a list partition, encoded by appendKey
	values       [][]*string
	text         string // as SHOW PARTITIONS shows it
}

// compareRow orders row i of a table or batch against the tuple; at says in which
// vector and row each partition column is.
func (u *tuple) compareRow(cols []*vector, i []int) int {
	for c := range u.cells {
		if c >= u.max {
			return -1
		}
		if r := cols[c].compare(i[c], &u.cells[c], 0); r != 0 {
			return r
		}
	}
	return 0
}

func (u *tuple) compare(o *tuple) int {
	for c := range u.cells {
		switch {
		case c >= u.max && c >= o.max:
			return 0
		case c >= u.max:
			return 1
		case c >= o.max:
			return -1
		}
		if r := u.cells[c].compare(0, &o.cells[c], 0); r != 0 {
			return r
		}
	}
	return 0
}

// holds says whether a row is in the range.
func (s *shape) holds(cols []*vector, i []int) bool {
	return (s.unbounded || s.lower.compareRow(cols, i) >= 0) && s.upper.compareRow(cols, i) < 0
}

// appendKey appends a row of values in a form equal rows share.
func appendKey(dst []byte, cols []*vector, i []int) []byte {
	for c, v := range cols {
		at := i[c]
		if v.isNull(at) {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		switch v.kind {
		case asInts:
			dst = binary.BigEndian.AppendUint64(dst, uint64(v.ints[at]))
		case asWide:
			dst = binary.BigEndian.AppendUint64(dst, uint64(v.wides[at].hi))
			dst = binary.BigEndian.AppendUint64(dst, v.wides[at].lo)
		default:
			b := v.bytesAt(at)
			dst = append(binary.AppendUvarint(dst, uint64(len(b))), b...)
		}
	}
	return dst
}

// minTuple is the smallest value the partition columns can have.
func (l *layout) minTuple() tuple {
	u := tuple{cells: make([]vector, len(l.parts)), max: len(l.parts)}
	for i := range l.parts {
		l.partCells[i].addMin(&u.cells[i])
	}
	return u
}

func (t *cellType) addMin(v *vector) {
	v.kind = t.storage
	switch {
	case t.Kind == Date || t.Kind == DateTime:
		v.addInt(civil{month: 1, day: 1}.pack())
	case v.kind == asInts:
		v.addInt(t.low)
	case v.kind == asWide:
		v.addWide(int128{hi: -1 << 63})
	default:
		v.addString("")
	}
}

func (l *layout) tupleOf(list []Bound) (tuple, error) {
	u := l.minTuple()
	if len(list) > len(u.cells) || len(list) == 0 {
		return u, inWords("Partition values number is more than partition column number: %s", boundsText(list))
	}
	for i, b := range list {
		if b.Max {
			u.max = min(u.max, i)
			continue
		}
		if u.max < i {
			return u, inWords("Invalid partition value %s: a value follows MAXVALUE", boundsText(list))
		}
		cell := vector{kind: u.cells[i].kind}
		if l.partCells[i].readText(&cell, []byte(b.Text)) != cellOK {
			return u, inWords("Invalid partition value '%s' for column '%s' of type %s", b.Text,
				l.schema.Columns[l.parts[i]].Name, l.partCells[i].Type)
		}
		u.cells[i] = cell
	}
	return u, nil
}

// bounds writes a tuple back as text.
func (l *layout) boundsOf(u *tuple) []Bound {
	out := make([]Bound, len(u.cells))
	for i := range u.cells {
		if i >= u.max {
			out[i] = Bound{Max: true}
			continue
		}
		t := &l.partCells[i]
		out[i] = Bound{Text: Format(t.Type, u.cells[i].value(t, 0))}
	}
	return out
}

func (l *layout) rangeShape(lower, upper tuple) shape {
	floor := l.minTuple()
	s := shape{lower: lower, upper: upper, unbounded: lower.compare(&floor) <= 0}
	var types []string
	for i := range l.parts {
		name, _, _ := strings.Cut(strings.ToUpper(l.partCells[i].Type.String()), "(")
		types = append(types, name)
	}
	side := func(u *tuple) string {
		var keys []string
		for _, b := range l.boundsOf(u) {
			if b.Max {
				keys = append(keys, "MAXVALUE")
			} else {
				keys = append(keys, b.Text)
			}
		}
		return "types: [" + strings.Join(types, ", ") + "]; keys: [" + strings.Join(keys, ", ") + "]; "
	}
	s.text = "[" + side(&lower) + ".." + side(&upper) + ")"
	return s
}

// newShape reads a definition. A range without lower end starts at the end of the
// range in front of it among the others.
func (l *layout) newShape(d *PartitionDef, others []*partition) (shape, error) {
	if l.schema.Partitioning.Kind == ListPartitions {
		return l.listShape(d)
	}
	if d.Values != nil || d.Upper == nil {
		return shape{}, inWords("Invalid partition %s: a range is expected", d.Name)
	}
	upper, err := l.tupleOf(d.Upper)
	if err != nil {
		return shape{}, err
	}
	lower := l.minTuple()
	if d.Lower != nil {
		if lower, err = l.tupleOf(d.Lower); err != nil {
			return shape{}, err
		}
	} else {
		for _, p := range others {
			if p.shape.upper.compare(&upper) <= 0 && p.shape.upper.compare(&lower) > 0 {
				lower = p.shape.upper
			}
		}
	}
	s := l.rangeShape(lower, upper)
	if lower.compare(&upper) >= 0 {
		return s, inWords("Range %s is invalid: the lower end is not below the upper one", s.text)
	}
	for _, p := range others {
		if lower.compare(&p.shape.upper) < 0 && p.shape.lower.compare(&upper) < 0 {
			return s, inWords("Range %s is intersected with range: %s", s.text, p.shape.text)
		}
	}
	// The definition keeps the ends that were worked out.
	d.Lower, d.Upper = l.boundsOf(&lower), l.boundsOf(&upper)
	return s, nil
}

func (l *layout) listShape(d *PartitionDef) (shape, error) {
	s := shape{list: true}
	if len(d.Values) == 0 {
		return s, inWords("Invalid partition %s: a list of values is expected", d.Name)
	}
	for _, row := range d.Values {
		if len(row) != len(l.parts) {
			return s, inWords("Partition %s: %d values for %d partition columns", d.Name, len(row), len(l.parts))
		}
		cols, rows := make([]*vector, len(row)), make([]int, len(row))
		clean := make([]*string, len(row))
		for i, text := range row {
			c := l.parts[i]
			v := &vector{kind: l.partCells[i].storage}
			cols[i] = v
			if text == nil {
				if l.schema.Partitioning.expression(i) == nil && !l.schema.Columns[c].Nullable {
					return s, inWords("Partition column[%s] must be nullable to have the value NULL", l.schema.Columns[c].Name)
				}
				v.addNull()
				continue
			}
			if l.partCells[i].readText(v, []byte(*text)) != cellOK {
				return s, inWords("Invalid partition value '%s' for column '%s' of type %s", *text, l.schema.Columns[c].Name, l.partCells[i].Type)
			}
			spelled := Format(l.partCells[i].Type, v.value(&l.partCells[i], 0))
			clean[i] = &spelled
		}
		key := string(appendKey(nil, cols, rows))
		if slices.Contains(s.keys, key) {
			return s, inWords("Duplicate values in partition %s", d.Name)
		}
		s.keys, s.values = append(s.keys, key), append(s.values, clean)
	}
	d.Values = s.values
	s.text = listText(s.values)
	return s, nil
}
