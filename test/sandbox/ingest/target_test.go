package ingest

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// parted makes d.t(k, v) with the partitions p1 below 10 and p2 below 20, and the
// temporary partition tp below 10.
func parted(t testing.TB) *store.Table {
	t.Helper()
	st := store.New(store.Options{})
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	below := func(name, bound string) store.PartitionDef {
		return store.PartitionDef{Name: name, Upper: []store.Bound{{Text: bound}}}
	}
	tab, err := st.CreateTable("d", "t", store.Schema{Keys: []string{"k"}, Columns: []store.Column{
		{Name: "k", Type: store.Type{Kind: store.Int}}, {Name: "v", Type: store.Type{Kind: store.Varchar, Length: 8}, Nullable: true},
	}, Partitioning: &store.Partitioning{Columns: []string{"k"}, Parts: []store.PartitionDef{below("p1", "10"), below("p2", "20")}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.AddPartitions([]store.PartitionDef{below("tp", "10")}, true, false); err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestPartitions(t *testing.T) {
	tab := parted(t)
	body := "1\ta\n11\tb\n21\tc\n"
	for _, c := range []struct {
		header           string
		loaded, filtered int64
		fails            string
	}{
		{"x: y", 2, 1, ""},
		{"partitions: p1", 1, 2, ""},
		{"partitions: p1 , p2", 2, 1, ""},
		{"temporary_partitions: tp", 1, 2, ""},
		{"partitions: p9", 0, 0, "unknown partition p9 in table t"},
		{"partitions: tp", 0, 0, "unknown partition tp in table t"},
		{"temporary_partitions: p1", 0, 0, "unknown partition p1 in table t"},
	} {
		l, err := loadBodies(t, Options{}, tab, []string{body}, c.header, "max_filter_ratio: 1")
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v", c.header, err)
			}
			continue
		}
		if err != nil || l.Loaded() != c.loaded || l.Filtered() != c.filtered {
			t.Errorf("%s: %v, %d loaded, %d filtered: %s", c.header, err, l.Loaded(), l.Filtered(), l.Log())
		}
	}
	// The condition comes before the partitions are looked for.
	l, err := loadBodies(t, playing(t, "4.0"), tab, []string{body}, "where: k > 0", "partitions: p1", "max_filter_ratio: 1")
	if err != nil || l.Filtered() != 2 || l.Unselected() != 0 {
		t.Errorf("%v, %d filtered, %d unselected", err, l.Filtered(), l.Unselected())
	}
	if l, err = loadBodies(t, playing(t, "4.0"), tab, []string{"21\tc\n1\ta\n"}, "columns: k,v", "where: v = 'a'"); err != nil || l.Unselected() != 1 {
		t.Errorf("%v, %d unselected", err, l.Unselected())
	}
}

func TestNegativeLoads(t *testing.T) {
	sums := table(t, store.Aggregate, "k int", "n int SUM")
	for i, body := range []string{"1\t5\n", "1\t2\n"} {
		headers := []string{"negative: false"}
		if i == 1 {
			headers[0] = "negative: true"
		}
		l, err := loadBodies(t, Options{}, sums, []string{body}, headers...)
		if err != nil {
			t.Fatal(err)
		}
		if err := sums.Commit(l.Batch()); err != nil {
			t.Fatal(err)
		}
	}
	if got := rowsOf(sums); len(got) != 1 || got[0] != "1|3" {
		t.Errorf("5 less 2 is %q", got)
	}
	mixed := table(t, store.Aggregate, "k int", "v varchar(4) null REPLACE", "n int null SUM")
	scenario{name: "another function", tab: mixed, headers: []string{"negative: true"}, fails: "Column is not SUM AggreateType. column:v"}.run(t)
	primary := table(t, store.Primary, "k int", "n int null")
	scenario{name: "primary key", tab: primary, headers: []string{"negative: true"}, fails: "Primary key table does not support negative load"}.run(t)
	scenario{name: "only the very word", tab: primary, headers: []string{"negative: TRUE"}, body: "1\t2\n", want: "1|2"}.run(t)
}

// In column mode servers before 3.3 update what is there and add nothing. The table
// knows its release from its store; here the newest.
func TestColumnMode(t *testing.T) {
	tab := table(t, store.Primary, "k int", "v varchar(8) null", "n int default 7")
	update := []string{"columns: k,v", "partial_update: true", "partial_update_mode: column"}
	scenario{name: "adds", tab: tab, headers: update, body: "1\ta\n", want: "1|a|7"}.run(t)
	l, err := loadBodies(t, Options{}, tab, []string{"1\ta\t5\n"})
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Commit(l.Batch()); err != nil {
		t.Fatal(err)
	}
	scenario{name: "keeps the rest", tab: tab, headers: update, body: "1\tb\n", want: "1|b|5"}.run(t)
}

func TestSketchColumnsNeedFunctions(t *testing.T) {
	tab := table(t, store.Aggregate, "k int", "b bitmap null BITMAP_UNION", "h hll null HLL_UNION", "p percentile null PERCENTILE_UNION")
	for header, want := range map[string]string{
		"columns: k,b,t,h=hll_hash(t),p=percentile_hash(t)": "bitmap column b require the function return type is BITMAP",
		"columns: k,t,b=t":        "bitmap column b require the function return type is BITMAP",
		"columns: k,h":            "HLL column must use hll_hash function, like h=hll_hash(xxx)",
		"columns: k,t,h=upper(t)": "HLL column must use hll_hash function",
		"columns: k,p":            "percentile column p require the function return type is PERCENTILE",
		"columns: k,t,p='1'":      "percentile column p require the function return type is PERCENTILE",
	} {
		scenario{name: header, tab: tab, headers: []string{header}, fails: want}.run(t)
	}
	scenario{name: "another result", tab: tab, headers: []string{"columns: k,t,b=upper(t)"}, body: "1\tx\n", fails: "too many filtered rows",
		log: "require the function return type is BITMAP"}.run(t)
}

// Fields of an AUTO_INCREMENT column are not expected when no column is named.
func TestAutoIncrementIsNoField(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "id bigint auto")
	scenario{name: "numbered", tab: tab, body: "7\n8\n", want: "7|1 ; 8|2"}.run(t)
	scenario{name: "given", tab: tab, headers: []string{"columns: k,id"}, body: "7\t40\n", want: "7|40"}.run(t)
}
