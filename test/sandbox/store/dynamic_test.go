package store

import (
	"strings"
	"testing"
	"time"
)

func dynamicTable(unit string, more ...string) Schema {
	s := byDay(&Partitioning{Columns: []string{"at"}, Parts: nil})
	s.Properties = map[string]string{"dynamic_partition.enable": "true", "dynamic_partition.time_unit": unit, "dynamic_partition.start": "-2",
		"dynamic_partition.end": "1", "dynamic_partition.prefix": "p"}
	for i := 0; i+1 < len(more); i += 2 {
		s.Properties["dynamic_partition."+more[i]] = more[i+1]
	}
	return s
}

func partNames(tab *Table) string {
	var names []string
	for _, p := range tab.Partitions() {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

func TestDynamicPartitions(t *testing.T) {
	c := startAt() // Friday, 2026-01-02 03:04:05
	for unit, want := range map[string]string{"HOUR": "p2026010203 p2026010204", "DAY": "p20260102 p20260103", "WEEK": "p2026_01 p2026_02",
		"month": "p202601 p202602", "YEAR": "p2026 p2027"} {
		if got := partNames(tableIn(t, Options{Now: c.now}, dynamicTable(unit))); got != want {
			t.Errorf("%s: %s, want %s", unit, got, want)
		}
	}
	tab := tableIn(t, Options{Now: c.now}, dynamicTable("DAY", "buckets", "6", "history_partition_num", "1"))
	if got := partNames(tab); got != "p20260101 p20260102 p20260103" || tab.Partitions()[0].Buckets != 6 {
		t.Error(got)
	}
	refused := put(t, tab, []any{nil, int64(1), nil, "2026-01-02 23:00:00"}, []any{nil, int64(1), nil, "2026-01-04 00:00:00"})
	if len(refused) != 1 || refused[0] != outOfRange {
		t.Errorf("%q", refused)
	}
	c.t = c.t.Add(24 * time.Hour)
	if refused := put(t, tab, []any{nil, int64(2), nil, "2026-01-04 00:00:00"}); len(refused) != 0 {
		t.Errorf("a day later: %q", refused)
	}
	c.t = c.t.Add(2 * 24 * time.Hour)
	if got := inParts(tab); got != "p20260103:0 p20260104:1 p20260105:0 p20260106:0" || tab.NumRows() != 1 {
		t.Errorf("the oldest partitions are still there: %s", got)
	}
	if got := tab.Schema().Partition; !strings.Contains(got, "PARTITION p20260106 VALUES [(\"2026-01-06 00:00:00\"), (\"2026-01-07 00:00:00\"))") {
		t.Error(got)
	}
	if err := tab.AddPartitions([]PartitionDef{lessThan("x", "2030-01-01")}, false, false); err == nil || !strings.Contains(err.Error(), "Dynamic Partition Table") {
		t.Error(err)
	}
	if err := tab.DropPartitions([]string{"p20260103"}, false, false); err == nil {
		t.Error("dropped by hand")
	}
	if err := tab.SetProperties(map[string]string{"dynamic_partition.enable": "false"}); err != nil {
		t.Fatal(err)
	}
	if err := tab.AddPartitions([]PartitionDef{{Name: "x", Lower: bound("2026-01-08"), Upper: bound("2026-01-10")}}, false, false); err != nil {
		t.Error(err)
	}
	c.t = c.t.Add(3 * 24 * time.Hour)
	if err := tab.SetProperties(map[string]string{"dynamic_partition.enable": "TRUE", "dynamic_partition.end": "2"}); err != nil {
		t.Fatal(err)
	}
	if got := partNames(tab); got != "p20260106 x p20260110" { // the two days of x are taken
		t.Error(got)
	}
	dir := t.TempDir()
	if err := tab.store.Save(dir); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(24 * time.Hour)
	st, err := loaded(dir, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	again, err := st.Table("d", "t")
	if err != nil {
		t.Fatal(err)
	}
	if got := partNames(again); got != "x p20260110 p20260111" {
		t.Error(got)
	}
}

func TestBadDynamicPartitions(t *testing.T) {
	bad := map[string]Schema{
		"unit": dynamicTable("SECOND"), "end": dynamicTable("DAY", "end", "x"), "start": dynamicTable("DAY", "start", "1"),
		"prefix": dynamicTable("DAY", "prefix", ""), "enable": dynamicTable("DAY", "enable", "perhaps"),
	}
	hour := dynamicTable("HOUR")
	hour.Partitioning.Columns = []string{"dt"}
	bad["hours of a date"] = hour
	none := dynamicTable("DAY")
	none.Partitioning = nil
	bad["no partitions"] = none
	for name, s := range bad {
		if _, err := s.checked(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
