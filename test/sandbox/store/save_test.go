package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/sketch"
)

// everyType has a column of every type.
func everyType() (Schema, []any) {
	values := map[string]any{
		"boolean": int64(1), "tinyint": int64(-5), "smallint": int64(7), "int": int64(-9), "bigint": int64(1) << 62, "largeint": new(big.Int).Lsh(big.NewInt(-1), 127),
		"float": float32(0.1), "double": 0.1, "decimal(38,10)": "-1.5000000000", "date": "0000-01-01", "datetime": "2024-01-02 03:04:05.600000",
		"char(3)": "abc", "varchar(30)": "a\x00é\xff", "json": `{"a":1}`, "array<int>": "[1]", "map<int,int>": "{1:2}", "struct<a int>": `{"a":1}`, "varbinary": []byte{0, 255},
		"bitmap": sketch.Bitmap{1, 5}.Encode(), "hll": (&sketch.HLL{}).Encode(), "percentile": (&sketch.Percentile{}).Encode(),
	}
	s := Schema{Keys: []string{"k"}, Comment: "all \"types\"", Properties: map[string]string{"replication_num": "1", SortKeyProperty: "k"},
		Columns: []Column{{Name: "k", Type: Type{Kind: BigInt}}, {Name: "n", Type: Type{Kind: DateTime}, Default: text("CURRENT_TIMESTAMP"), Comment: "when"}}}
	row := []any{int64(1), "2020-01-01 00:00:00"}
	for _, name := range []string{"boolean", "tinyint", "smallint", "int", "bigint", "largeint", "float", "double", "decimal(38,10)", "date", "datetime", "char(3)",
		"varchar(30)", "json", "array<int>", "map<int,int>", "struct<a int>", "varbinary", "bitmap", "hll", "percentile"} {
		typ, err := ParseType(name)
		if err != nil {
			panic(err)
		}
		s.Columns = append(s.Columns, Column{Name: "c_" + name, Type: typ, Nullable: true})
		row = append(row, values[name])
	}
	return s, row
}

func filledStore(t fataler, o Options) *Store {
	t.Helper()
	st := New(o)
	for _, db := range []string{"d", "empty"} {
		if err := st.CreateDatabase(db); err != nil {
			t.Fatal(err)
		}
	}
	create := func(name string, s Schema) *Table {
		tab, err := st.CreateTable("d", name, s)
		if err != nil {
			t.Fatal(err)
		}
		return tab
	}
	s, row := everyType()
	nulls := append([]any{int64(2), "2020-01-01 00:00:00"}, make([]any, len(row)-2)...)
	put(t, create("types", s), row, nulls, row)
	ranges := create("ranges", byDay(&Partitioning{Columns: []string{"dt"}, Parts: []PartitionDef{lessThan("p1", "2024-01-01"), {Name: "p2", Upper: bound("MAXVALUE"), Buckets: 9}}}))
	put(t, ranges, []any{"2023-01-01", int64(1), nil, nil}, []any{"2024-01-01", int64(2), "x", nil})
	if err := ranges.AddPartitions([]PartitionDef{lessThan("tp", "2024-01-01")}, true, false); err != nil {
		t.Fatal(err)
	}
	put(t, create("auto", byDay(&Partitioning{Kind: ListPartitions, Columns: []string{"city", "n"}, Automatic: true})), []any{nil, int64(1), "a b", nil}, []any{nil, int64(2), nil, nil})
	put(t, create("days", byDay(&Partitioning{Columns: []string{"at"}, Automatic: true, Grain: Grain{"time_slice", "hour", 6}})), []any{nil, int64(1), nil, "2024-05-05 05:05:05"})
	pk := create("pk", keyed(Primary))
	put(t, pk, []any{int64(1), "p", int64(1), nil}, []any{int64(2), "q", int64(2), "y"})
	put(t, pk, []any{int64(1), "p", int64(3), "new"})
	if err := pk.AlterColumns(addInt("added", text("4"))); err != nil {
		t.Fatal(err)
	}
	numbered := create("numbered", Schema{Columns: []Column{{Name: "id", Type: Type{Kind: BigInt}, AutoIncrement: true}, {Name: "v", Type: Type{Kind: Int}, Nullable: true}}})
	put(t, numbered, []any{nil, int64(5)}, []any{nil, nil})
	st.Users().Add("ann", "secret")
	return st
}

// loaded is a new store with what dir holds.
func loaded(dir string, o Options) (*Store, error) {
	st := New(o)
	return st, st.Load(dir)
}

// same compares two stores by all that can be asked of them.
func same(t fataler, got, want *Store) {
	t.Helper()
	if g, w := got.Databases(), want.Databases(); !reflect.DeepEqual(g, w) {
		t.Fatalf("databases %v, want %v", g, w)
	}
	for _, db := range want.Databases() {
		names, _ := want.Tables(db)
		if g, _ := got.Tables(db); !reflect.DeepEqual(g, names) {
			t.Fatalf("tables %v, want %v", g, names)
		}
		for _, n := range names {
			a, err := got.Table(db, n)
			if err != nil {
				t.Fatal(err)
			}
			b, err := want.Table(db, n)
			if err != nil {
				t.Fatal(err)
			}
			x, y := a.Schema(), b.Schema()
			x.origin, y.origin = nil, nil
			if !reflect.DeepEqual(x, y) {
				t.Fatalf("%s: schema\n%+v\nwant\n%+v", n, x, y)
			}
			if g, w := lines(readAll(a.Snapshot(), len(x.Columns))), lines(readAll(b.Snapshot(), len(x.Columns))); g != w {
				t.Fatalf("%s: rows\n%s\nwant\n%s", n, g, w)
			}
			p, q := a.Partitions(), b.Partitions()
			for i := range q {
				q[i].Bytes, q[i].Changed = 0, time.Unix(0, q[i].Changed.UnixNano())
				for j := range q[i].Tablets {
					q[i].Tablets[j].Bytes = 0
				}
			}
			for i := range p {
				p[i].Bytes = 0
				for j := range p[i].Tablets {
					p[i].Tablets[j].Bytes = 0
				}
			}
			if !reflect.DeepEqual(p, q) {
				t.Fatalf("%s: partitions\n%+v\nwant\n%+v", n, p, q)
			}
			if a.Version() != b.Version() || a.ID() != b.ID() || len(a.AlterJobs()) != len(b.AlterJobs()) {
				t.Fatalf("%s: version %d of %d, id %d of %d", n, a.Version(), b.Version(), a.ID(), b.ID())
			}
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	c := startAt()
	o := Options{Now: c.now}
	st := filledStore(t, o)
	dir := filepath.Join(t.TempDir(), "deep", "data")
	for range 2 { // the second Save replaces the file
		if err := st.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
	again, err := loaded(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	same(t, again, st)
	if !again.Users().Check("ann", "secret") || again.Users().Check("ann", "") {
		t.Error("users")
	}
	if err := again.Load(dir); err == nil {
		t.Error("loaded over what is there")
	}
	// What was loaded goes on: numbers, keys, automatic partitions, new ids.
	tab, _ := again.Table("d", "numbered")
	put(t, tab, []any{nil, int64(6)})
	if got := lines(read(tab)); got != "1|5;2|<nil>;3|6" {
		t.Error(got)
	}
	pk, _ := again.Table("d", "pk")
	put(t, pk, []any{int64(2), "q", int64(9), nil, int64(4)})
	if got := lines(read(pk)); got != "1|p|3|new|4;2|q|9|<nil>|4" {
		t.Error(got)
	}
	auto, _ := again.Table("d", "auto")
	put(t, auto, []any{nil, int64(1), "a b", nil}, []any{nil, int64(3), "c", nil})
	if got := inParts(auto); got != "pab_1:2 pNULL_2:1 pc_3:1" {
		t.Error(got)
	}
	fresh, err := again.CreateTable("d", "fresh", keyed(Primary))
	if err != nil || fresh.ID() <= st.nextID.Load() {
		t.Error(err, fresh.ID(), st.nextID.Load())
	}
	empty, err := loaded(filepath.Join(dir, "nothing"), o)
	if err != nil || len(empty.Databases()) != 0 {
		t.Error(err)
	}
}

// Whatever a table went through, it is the same after a restart.
func TestSavedTablesAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "store")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}()
		c := startAt()
		st := New(Options{Now: c.now})
		if err := st.CreateDatabase("d"); err != nil {
			t.Fatal(err)
		}
		s := keyed(rapid.SampledFrom([]Model{Duplicate, Primary, Unique}).Draw(t, "model"))
		if rapid.Bool().Draw(t, "partitioned") {
			s.Partitioning = &Partitioning{Kind: ListPartitions, Columns: []string{"a"}, Automatic: true}
		}
		tab, err := st.CreateTable("d", "t", s)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 5).Draw(t, "commits") {
			var rows [][]any
			for range rapid.IntRange(0, 10).Draw(t, "rows") {
				rows = append(rows, []any{rapid.Int64Range(0, 3).Draw(t, "a"), rapid.SampledFrom([]string{"", "b"}).Draw(t, "b"),
					rapid.SampledFrom([]any{nil, int64(-1), int64(1 << 30)}).Draw(t, "x"), rapid.SampledFrom([]any{nil, "", "é"}).Draw(t, "y")})
			}
			put(t, tab, rows...)
			if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
				tab.DeleteWhere(func(r []any) bool { return r[0].(int64) == 1 })
			}
		}
		if err := st.Save(dir); err != nil {
			t.Fatal(err)
		}
		again, err := loaded(dir, Options{Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		same(t, again, st)
	})
}

func TestDamagedFiles(t *testing.T) {
	st := filledStore(t, Options{})
	dir := t.TempDir()
	if err := st.Save(dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, fileName)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if st, err := loaded(dir, Options{}); err == nil || !strings.HasPrefix(err.Error(), name+": ") || len(st.Databases()) != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	for cut := 0; cut < len(whole); cut += 1 + cut/20 {
		check(fmt.Sprint("cut at ", cut), whole[:cut])
	}
	for at := 0; at < len(whole); at += 1 + at/10 {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x40
		check(fmt.Sprint("bit at ", at), bad)
	}
	check("longer", append(bytes.Clone(whole), 0))
	check("foreign", []byte("PK\x03\x04 this is something else altogether"))
	newer := bytes.Clone(whole)
	newer[len(fileMark)+3] = fileVersion + 1
	check("newer", newer)
	blocked := filepath.Join(dir, "blocked")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := st.Save(filepath.Join(blocked, "x")); err == nil {
		t.Error("saved below a file")
	}
}

func TestSavingDuringASchemaChange(t *testing.T) {
	c := startAt()
	tab := tableIn(t, Options{Now: c.now, AlterTakes: time.Hour}, keyed(Duplicate))
	put(t, tab, []any{int64(1), "a", int64(2), nil})
	if err := tab.AlterColumns(ModifyColumn{Column: Column{Name: "x", Type: Type{Kind: BigInt}, Nullable: true}}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := tab.store.Save(dir); err != nil {
		t.Fatal(err)
	}
	st, err := loaded(dir, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	again, err := st.Table("d", "t")
	if err != nil {
		t.Fatal(err)
	}
	jobs := again.AlterJobs()
	if len(jobs) != 1 || jobs[0].State != AlterCancelled || again.Schema().Columns[2].Type.Kind != Int {
		t.Errorf("%+v", jobs)
	}
	if err := again.AlterColumns(addInt("z", nil)); err != nil {
		t.Error(err)
	}
}

func TestMemory(t *testing.T) {
	tab := oneTable(t, keyed(Primary))
	if m := tab.Memory(); m.Total() != 0 || m.PerRow() != 0 {
		t.Errorf("%+v", m)
	}
	b := tab.NewBatch(nil)
	const n = 50000
	for i := range n {
		if err := b.Add([]any{int64(i), "b", int64(i), "0123456789"}, Upsert); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Commit(b); err != nil {
		t.Fatal(err)
	}
	// Two numbers, two texts with their ends, and a slot of an index that is at most 3/4 full.
	m := tab.Memory()
	if least := int64(n * (8 + 8 + 8 + 1 + 8 + 10)); m.Rows != n || m.Values < least || m.Values > 2*least || m.Index < n*8 || m.PerRow() > 150 {
		t.Errorf("%+v, %f for each row", m, m.PerRow())
	}
}

// FuzzRestore: bytes behind a good checksum that no encoder wrote end in an error, or
// in a store that saves and loads to itself.
func FuzzRestore(f *testing.F) {
	for _, st := range []*Store{New(Options{}), filledStore(f, Options{Now: startAt().now})} {
		var buf bytes.Buffer
		if err := st.encode(&buf); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		st := New(Options{})
		if err := st.decode(bytes.NewReader(data), int64(len(data))); err != nil {
			return
		}
		var buf bytes.Buffer
		if err := st.encode(&buf); err != nil {
			t.Fatal(err)
		}
		again := New(Options{})
		if err := again.decode(bytes.NewReader(buf.Bytes()), int64(buf.Len())); err != nil {
			t.Fatal(errors.Join(errors.New("a store does not read back"), err))
		}
		for _, db := range st.Databases() {
			names, _ := st.Tables(db)
			for _, n := range names {
				a, _ := st.Table(db, n)
				b, err := again.Table(db, n)
				if err != nil {
					t.Fatal(err)
				}
				width := len(a.Schema().Columns)
				if x, y := lines(readAll(a.Snapshot(), width)), lines(readAll(b.Snapshot(), width)); x != y {
					t.Fatalf("%s: %s, then %s", n, x, y)
				}
				a.Partitions()
			}
		}
	})
}
