package store

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// maxAutomatic is max_automatic_partition_number of the real server.
const maxAutomatic = 4096

// longestListName is where the name of an automatic list partition is cut.
const longestListName = 50

// makePartition adds the automatic partition a row asks for, unless another load
// has done so meanwhile. It stays when the load fails, as it does on the server.
func (t *Table) makePartition(l *layout, g *routing) (*partition, *router, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.layout.Load()
	if t.router.layout == l {
		if p := t.router.find(g.cols, g.at, g.key); p != nil {
			return p, t.router, nil
		}
	}
	if now != l && !samePartitioning(now, l) {
		return nil, nil, fmt.Errorf("the partitioning of table %s changed", t.Name())
	}
	made := 0
	for _, p := range t.partitions {
		if p.automatic {
			made++
		}
	}
	if made >= maxAutomatic {
		return nil, nil, inWords("Table %s automatic partition created partitions exceeded the maximum limit: %d. You can modify this restriction on by setting max_automatic_partition_number larger.", t.Name(), maxAutomatic)
	}
	d := l.automaticDef(g.cols, g.at)
	var others []*partition
	for _, p := range t.partitions {
		if !p.temporary {
			others = append(others, p)
		}
	}
	if l.schema.Partitioning.Kind == ListPartitions && t.partitionNamed(d.Name, false) != nil {
		d.Name = uniqueName(d.Name, func(n string) bool { return t.partitionNamed(n, false) != nil })
	}
	if t.partitionNamed(d.Name, false) != nil {
		return nil, nil, inWords("Duplicate partition name %s", d.Name)
	}
	sh, err := l.newShape(&d, others)
	if err != nil {
		return nil, nil, err
	}
	p := t.newPartition(l, d, sh)
	p.automatic = true
	t.addPartition(p)
	if now != l {
		// The batch keeps its own layout; columns of equal ids hold equal values.
		return p, newRouter(l, t.standing()), nil
	}
	return p, t.router, nil
}

func samePartitioning(a, b *layout) bool {
	if len(a.parts) != len(b.parts) {
		return false
	}
	for i := range a.parts {
		if a.ids[a.parts[i]] != b.ids[b.parts[i]] {
			return false
		}
	}
	return true
}

// automaticDef is the partition for a row of values.
func (l *layout) automaticDef(cols []*vector, at []int) PartitionDef {
	g := l.schema.Partitioning.Grain
	if l.schema.Partitioning.Kind == ListPartitions {
		row := make([]*string, len(cols))
		var words []string
		for i, v := range cols {
			word := "NULL"
			if !v.isNull(at[i]) {
				t := &l.partCells[i]
				text := Format(t.Type, v.value(t, at[i]))
				row[i], word = &text, text
			}
			words = append(words, nameWord(word))
		}
		name := "p" + strings.Join(words, "_")
		if len(name) > longestListName {
			name = fmt.Sprintf("%s_%x", name[:longestListName], javaHash(name))
		}
		return PartitionDef{Name: name, Values: [][]*string{row}}
	}
	day := civil{month: 1, day: 1}
	if !cols[0].isNull(at[0]) {
		day = unpack(cols[0].ints[at[0]])
	}
	begin, end, name := g.span(day)
	d := PartitionDef{Name: name, Lower: []Bound{l.timeBound(begin)}, Upper: []Bound{{Max: true}}}
	if end.Year() <= 9999 {
		d.Upper[0] = l.timeBound(end)
	}
	return d
}

func (l *layout) timeBound(m time.Time) Bound {
	if l.partCells[0].Kind == Date {
		return Bound{Text: m.Format(time.DateOnly)}
	}
	return Bound{Text: m.Format(time.DateTime)}
}

// span is the partition a moment falls in. Slices of time_slice are counted from
// the first day of year 1, whatever the unit.
func (g Grain) span(c civil) (begin, end time.Time, name string) {
	m := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, 0, time.UTC)
	n := max(g.Interval, 1)
	floor := func(unit time.Duration) time.Time {
		// The span since year 1 does not fit a Duration: it is counted in seconds.
		first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		step := int64(unit/time.Second) * int64(n)
		gone := m.Unix() - first
		return time.Unix(m.Unix()-((gone%step)+step)%step, 0).UTC()
	}
	switch g.Unit {
	case "minute":
		begin = floor(time.Minute)
		return begin, begin.Add(time.Duration(n) * time.Minute), begin.Format("p200601021504")
	case "hour":
		begin = floor(time.Hour)
		return begin, begin.Add(time.Duration(n) * time.Hour), begin.Format("p2006010215")
	case "day":
		begin = floor(24 * time.Hour)
		return begin, begin.AddDate(0, 0, n), begin.Format("p20060102")
	case "month":
		months := (c.year-1)*12 + c.month - 1
		months -= ((months % n) + n) % n
		begin = time.Date(1, time.Month(1+months), 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(0, n, 0), begin.Format("p200601")
	}
	years := c.year - 1
	years -= ((years % n) + n) % n
	begin = time.Date(1+years, 1, 1, 0, 0, 0, 0, time.UTC)
	return begin, begin.AddDate(n, 0, 0), begin.Format("p2006")
}

// nameWord turns a value into the part of a partition's name that stands for it:
// letters and digits stay, the punctuation of times goes, the rest is hexadecimal.
func nameWord(value string) string {
	var b strings.Builder
	if strings.HasPrefix(value, "-") {
		b.WriteByte('_')
	}
	units := utf16.Encode([]rune(value))
	for i, u := range units {
		switch {
		case u >= 'A' && u <= 'Z', u >= 'a' && u <= 'z', u >= '0' && u <= '9':
			b.WriteByte(byte(u))
		case u == '-' || u == ':' || u == ' ':
		default:
			point := rune(u)
			if utf16.IsSurrogate(point) && i+1 < len(units) {
				if full := utf16.DecodeRune(point, rune(units[i+1])); full != 0xFFFD {
					point = full
				}
			}
			fmt.Fprintf(&b, "%x", point)
		}
	}
	return b.String()
}

// javaHash is String.hashCode of the language the frontend is written in.
func javaHash(s string) uint32 {
	var h uint32
	for _, u := range utf16.Encode([]rune(s)) {
		h = h*31 + uint32(u)
	}
	return h
}

// uniqueName is the name for a value whose own name another value has.
func uniqueName(name string, taken func(string) bool) string {
	h := javaHash(name)
	fresh := fmt.Sprintf("%s_%x", name, h)
	for range 100 {
		if !taken(fresh) {
			break
		}
		h++
		fresh = fmt.Sprintf("%s_%x", name, h)
	}
	return fresh
}
