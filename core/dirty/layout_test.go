package dirty

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
)

var message = engine.DirtyRecord{Side: "kafka-reader", Place: "topic t, partition 3, offset 17", Reason: "no JSON", Column: "c", Record: []byte{0xff, 0}, Key: []byte{},
	Origin: &engine.Origin{Topic: "t", Partition: 3, Offset: 17, Time: 1700000000123, Headers: []engine.Header{
		{Name: "h", Value: []byte("1")}, {Name: "h", Value: nil}, {Name: "bin", Value: []byte{0xfe}}, {Name: "empty", Value: []byte{}}}}}

func TestColumnsOfATable(t *testing.T) {
	w := newTarget()
	s, _, _ := opened(t, "starrocks", w)
	before := time.Now().UTC().Truncate(time.Second)
	plain := engine.DirtyRecord{Side: "file-reader", Place: "a.csv line 2", Reason: "too \xffshort", Record: []byte("a,b")}
	for _, r := range []engine.DirtyRecord{message, plain} {
		if err := s.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.got[0].names, plan.DirtyColumns) {
		t.Errorf("columns %q", w.got[0].names)
	}
	for i, want := range [][]string{
		{"j", "r-1", "kafka-reader", "topic t, partition 3, offset 17", "t", "3", "17", "2023-11-14T22:13:20.123", "no JSON", "c", "NULL", "/wA=", "", "NULL",
			`[["h","1"],["h",null],["bin",{"base64":"/g=="}],["empty",""]]`},
		{"j", "r-1", "file-reader", "a.csv line 2", "NULL", "NULL", "NULL", "NULL", "too \uFFFDshort", "NULL", "a,b", "NULL", "NULL", "NULL", "NULL"},
	} {
		row := w.rows()[i]
		if at, err := time.Parse("2006-01-02T15:04:05.999999", row[0]); err != nil || at.Before(before) {
			t.Errorf("time %q, %v", row[0], err)
		}
		if !slices.Equal(row[1:], want) {
			t.Errorf("row\n%q\nwant\n%q", row[1:], want)
		}
	}
}

func TestColumnsThatTheJobNames(t *testing.T) {
	w := newTarget()
	w.columns = []string{"RECORD", "reason"}
	s, _, _ := opened(t, "starrocks", w)
	_ = s.Add(t.Context(), record(5))
	if err := s.Sync(t.Context()); err != nil || !slices.Equal(w.rows()[0], []string{"r5", "no JSON"}) {
		t.Errorf("%q, %v", w.rows(), err)
	}
}

func TestEveryColumnHasATypeInTheStatement(t *testing.T) {
	if len(ddl) != len(plan.DirtyColumns) || len(types) != len(plan.DirtyColumns) {
		t.Fatalf("%d columns, %d types in SQL, %d in Arrow", len(plan.DirtyColumns), len(ddl), len(types))
	}
	for _, c := range plan.DirtyColumns {
		if ddl[c] == "" {
			t.Errorf("no type for %s", c)
		}
	}
	if got := Statement("a`b"); !strings.HasPrefix(got, "CREATE TABLE `a``b` (`time` ") {
		t.Error(got)
	}
}

// readHeaders reads Kafka's own encoding of headers.
func readHeaders(t *testing.T, b []byte) (out []engine.Header) {
	t.Helper()
	next := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			t.Fatalf("no number in %q", b)
		}
		b = b[n:]
		return v
	}
	take := func(n int64) []byte {
		if n < 0 {
			return nil
		}
		v := b[:n:n]
		b = b[n:]
		return v
	}
	for n := next(); n > 0; n-- {
		name := string(take(next()))
		out = append(out, engine.Header{Name: name, Value: take(next())})
	}
	if len(b) > 0 {
		t.Errorf("%d bytes are left", len(b))
	}
	return out
}

func TestAMessageIsAsItCame(t *testing.T) {
	m := &messages{job: "j", run: "r-1"}
	got := readHeaders(t, m.headers(nil, &message))
	want := append(slices.Clone(message.Origin.Headers), engine.Header{Name: "gx.error", Value: []byte("no JSON")}, engine.Header{Name: "gx.column", Value: []byte("c")},
		engine.Header{Name: "gx.plugin", Value: []byte("kafka-reader")}, engine.Header{Name: "gx.job", Value: []byte("j")}, engine.Header{Name: "gx.run", Value: []byte("r-1")},
		engine.Header{Name: "gx.source.topic", Value: []byte("t")}, engine.Header{Name: "gx.source.partition", Value: []byte("3")},
		engine.Header{Name: "gx.source.offset", Value: []byte("17")}, engine.Header{Name: "gx.source.timestamp", Value: []byte("1700000000123")})
	same := func(a, b engine.Header) bool {
		return a.Name == b.Name && string(a.Value) == string(b.Value) && (a.Value == nil) == (b.Value == nil)
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("headers\n%q\nwant\n%q", got, want)
	}
	plain := record(4)
	got = readHeaders(t, m.headers(nil, &plain))
	if last := got[len(got)-1]; last.Name != "gx.source.place" || string(last.Value) != "line 4" {
		t.Errorf("%q", got)
	}
	w := newTarget()
	s, _, _ := opened(t, "kafka", w)
	for _, r := range []engine.DirtyRecord{message, plain} {
		_ = s.Add(t.Context(), r)
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.got[0].names, []string{"__key__", "__value__", "__headers__"}) || w.rows()[0][0] != "" || w.rows()[0][1] != "/wA=" || w.rows()[1][0] != "NULL" {
		t.Errorf("%q %q", w.got[0].names, w.rows())
	}
}
