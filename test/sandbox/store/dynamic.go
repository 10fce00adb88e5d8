package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dynamic is what the properties dynamic_partition.* of a range partitioned table
// ask for: partitions around the present time, made and dropped by the frontend.
type dynamic struct {
	unit       string // HOUR, DAY, WEEK, MONTH, YEAR
	start, end int    // in units from now; start is where dropping begins
	keepsAll   bool   // nothing is dropped
	prefix     string
	buckets    int
	history    int // partitions before the present one, made with the table
}

const dynamicPrefix = "dynamic_partition."

// readDynamic reads the properties; nil when they are not there or switched off.
func (s *Schema) readDynamic() (*dynamic, error) {
	get := func(name string) (string, bool) {
		v, ok := s.Properties[dynamicPrefix+name]
		return strings.TrimSpace(v), ok
	}
	given := false
	for k := range s.Properties {
		given = given || strings.HasPrefix(k, dynamicPrefix)
	}
	if !given {
		return nil, nil
	}
	p := s.Partitioning
	if p == nil || p.Kind != RangePartitions || p.Automatic {
		return nil, wording("Only support dynamic partition properties on range partition table")
	}
	if len(p.Columns) != 1 {
		return nil, wording("Dynamic partition only support single-column range partition")
	}
	d := &dynamic{keepsAll: true}
	for name, into := range map[string]*int{"start": &d.start, "end": &d.end, "buckets": &d.buckets, "history_partition_num": &d.history} {
		text, ok := get(name)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || name != "start" && n < 0 || name == "start" && n >= 0 {
			return nil, inWords("Invalid dynamic partition properties: %s%s = %s", dynamicPrefix, name, text)
		}
		*into = n
		if name == "start" {
			d.keepsAll = false
		}
	}
	if d.end > maxAutomatic || d.history > maxAutomatic {
		return nil, inWords("Too many dynamic partitions: %d", max(d.end, d.history))
	}
	unit, ok := get("time_unit")
	if !ok {
		return nil, wording("Must assign dynamic_partition.time_unit properties")
	}
	d.unit = strings.ToUpper(unit)
	if !slices.Contains([]string{"HOUR", "DAY", "WEEK", "MONTH", "YEAR"}, d.unit) {
		return nil, inWords("Unsupported time unit %s. Expect HOUR/DAY/WEEK/MONTH/YEAR.", unit)
	}
	if _, ok := get("end"); !ok {
		return nil, wording("Must assign dynamic_partition.end properties")
	}
	if d.prefix, ok = get("prefix"); !ok || d.prefix == "" {
		return nil, wording("Must assign dynamic_partition.prefix properties")
	}
	column := s.Columns[s.Index(p.Columns[0])]
	if d.unit == "HOUR" && column.Type.Kind == Date {
		return nil, wording("Date type partition does not support dynamic partitioning granularity of hour")
	}
	switch enable, ok := get("enable"); {
	case ok && strings.EqualFold(enable, "false"):
		return nil, nil
	case ok && !strings.EqualFold(enable, "true"):
		return nil, inWords("Invalid dynamic partition enable: %s. Expected true or false", enable)
	}
	return d, nil
}

// begin is the start of the unit that lies n units from now.
func (d *dynamic) begin(now time.Time, n int) time.Time {
	y, m, day := now.Date()
	switch d.unit {
	case "HOUR":
		return time.Date(y, m, day, now.Hour()+n, 0, 0, 0, time.UTC)
	case "DAY":
		return time.Date(y, m, day+n, 0, 0, 0, 0, time.UTC)
	case "WEEK":
		monday := (int(now.Weekday()) + 6) % 7
		return time.Date(y, m, day-monday+7*n, 0, 0, 0, 0, time.UTC)
	case "MONTH":
		return time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(y+n, 1, 1, 0, 0, 0, 0, time.UTC)
}

func (d *dynamic) name(begin time.Time) string {
	if d.unit == "WEEK" {
		year, week := begin.ISOWeek()
		return fmt.Sprintf("%s%d_%02d", d.prefix, year, week)
	}
	return d.prefix + begin.Format(map[string]string{"HOUR": "2006010215", "DAY": "20060102", "MONTH": "200601", "YEAR": "2006"}[d.unit])
}

func (l *layout) dynamicBound(m time.Time) Bound {
	switch l.partCells[0].Kind {
	case Date, DateTime:
		return l.timeBound(m)
	}
	return Bound{Text: m.Format("20060102")}
}

// roll makes the partitions the present time asks for and drops those it has left
// behind. It wants the table's lock. Ranges that meet a partition made by hand are
// left out, as the frontend leaves them out.
func (t *Table) roll(l *layout, now time.Time, fresh bool) {
	d := l.dynamic
	t.rollAt.Store(d.begin(now, 1).Unix() - zoneOffset(now))
	first := 0
	if fresh {
		first = -d.history
	}
	for n := first; n <= d.end; n++ {
		begin := d.begin(now, n)
		def := PartitionDef{Name: d.name(begin), Lower: []Bound{l.dynamicBound(begin)}, Upper: []Bound{l.dynamicBound(d.begin(now, n+1))}, Buckets: d.buckets}
		if t.partitionNamed(def.Name, false) == nil {
			_, _ = t.declare(l, &def, false) // taken ranges stay as they are
		}
	}
	if !d.keepsAll {
		oldest, err := l.tupleOf([]Bound{l.dynamicBound(d.begin(now, d.start))})
		if err == nil {
			t.partitions = slices.DeleteFunc(slices.Clone(t.partitions), func(p *partition) bool {
				return !p.temporary && p.shape.upper.compare(&oldest) <= 0
			})
		}
	}
	t.relist(l)
}

// zoneOffset is how far the wall clock of a moment is ahead of UTC, in seconds.
func zoneOffset(now time.Time) int64 {
	_, offset := now.Zone()
	return int64(offset)
}

// rolling makes dynamic partitions once their time has come.
func (t *Table) rolling() {
	if t.layout.Load().dynamic == nil || t.store.now().Unix() < t.rollAt.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l, now := t.layout.Load(), t.store.now(); l.dynamic != nil && !t.dropped && now.Unix() >= t.rollAt.Load() {
		t.roll(l, now, false)
	}
}

// byHand refuses to add or drop a partition the frontend looks after.
func (l *layout) byHand(temporary bool) error {
	if l.dynamic == nil || temporary {
		return nil
	}
	return wording("Cannot add/drop partition on a Dynamic Partition Table, Use command `ALTER TABLE tbl_name SET (\"dynamic_partition.enable\" = \"false\")` firstly.")
}
