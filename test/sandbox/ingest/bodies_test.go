package ingest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// request reads the headers, given as "name: value", the way the server does.
func request(t testing.TB, o Options, headers ...string) (*Request, error) {
	t.Helper()
	h := http.Header{}
	for _, line := range headers {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			t.Fatalf("header %q", line)
		}
		h.Set(name, value)
	}
	q := New(o, "d", "t", "l")
	if err := q.Early(h, -1); err != nil {
		return q, err
	}
	return q, q.Late(h)
}

// loadBodies runs one load of several bodies.
func loadBodies(t testing.TB, o Options, tab *store.Table, bodies []string, headers ...string) (*Load, error) {
	t.Helper()
	q, err := request(t, o, headers...)
	if err != nil {
		return nil, err
	}
	l, err := q.Open(tab)
	if err != nil {
		return nil, err
	}
	for _, body := range bodies {
		if err := l.Read(strings.NewReader(body), int64(len(body)), func([]byte) {}); err != nil {
			return l, err
		}
	}
	if err := l.Finish(); err != nil {
		return l, err
	}
	return l, l.Judge()
}

// CSV bodies of one load are one stream: a row, a delimiter, a quoted field may
// lie across their border. With a delimiter forgotten at a border, rows merge.
func TestCSVBodiesAreOneStream(t *testing.T) {
	tab := fuzzTable(t, store.Duplicate)
	for _, c := range []struct {
		bodies  []string
		headers []string
		rows    int64
	}{
		{[]string{"1\ta\t5\n", "2\tb\t6\n"}, nil, 2},
		{[]string{"1\ta\t", "5\n2\tb", "\t6"}, nil, 2},
		{[]string{"1\ta\t5", "2\tb\t6\n"}, nil, 0}, // one row of five fields
		{[]string{"1\ta\t5", "6\n"}, nil, 1},
		{[]string{"1|a|5#", "|#2|b|6#|#"}, []string{"column_separator: |", "row_delimiter: #|#"}, 2},
		{[]string{"1\t\"a\n", "b\"\"c\"\t", "5\n"}, []string{`enclose: "`}, 1},
		{[]string{"k\tv", "\tn\n1\ta\t5\n"}, []string{"skip_header: 1"}, 1},
		{[]string{"", "1\ta\t5\n", ""}, nil, 1},
	} {
		l, _ := loadBodies(t, Options{}, tab, c.bodies, c.headers...)
		if l.Loaded() != c.rows {
			t.Errorf("%q: %d rows, %v", c.bodies, l.Loaded(), l.Log())
		}
		counted, err := loadBodies(t, Options{Discard: true}, tab, c.bodies, c.headers...)
		if err != nil || counted.Loaded() != l.Total() {
			t.Errorf("%q: counted %d rows, %v; read %d", c.bodies, counted.Loaded(), err, l.Total())
		}
	}
}

// JSON bodies are complete each.
func TestJSONBodiesStandAlone(t *testing.T) {
	tab := fuzzTable(t, store.Duplicate)
	o := `{"k":1,"n":2}`
	l, err := loadBodies(t, Options{}, tab, []string{o + o, o}, "format: json")
	if err != nil || l.Loaded() != 3 {
		t.Errorf("%d rows, %v", l.Loaded(), err)
	}
	l, err = loadBodies(t, Options{}, tab, []string{"[" + o + "]", "[" + o + "," + o + "]"}, "format: json", "strip_outer_array: true")
	if err != nil || l.Loaded() != 3 {
		t.Errorf("%d rows, %v", l.Loaded(), err)
	}
	if _, err = loadBodies(t, Options{}, tab, []string{o[:5], o[5:]}, "format: json"); err == nil {
		t.Error("an object cut in two was taken")
	}
}

// Sizes add up over the bodies of a load.
func TestSizesAddUp(t *testing.T) {
	tab := fuzzTable(t, store.Duplicate)
	o := Options{Limits: Limits{MaxBodyBytes: 20, MaxJSONBytes: 20}}
	_, err := loadBodies(t, o, tab, []string{"1\taaaaaaa\t5\n", "1\taaaaaaa\t5\n"})
	if err == nil || !strings.Contains(err.Error(), "body size 24 exceed limit: 20") {
		t.Errorf("%v", err)
	}
	o.Limits.MaxBodyBytes = 1000
	body := `{"k":1,"n":2}`
	_, err = loadBodies(t, o, tab, []string{body, body}, "format: json")
	if err == nil || !strings.Contains(err.Error(), "The size of this batch exceed the max size [20]  of json type data  data [ 26 ]") {
		t.Errorf("%v", err)
	}
	if _, err = loadBodies(t, o, tab, []string{body, body}, "format: json", "ignore_json_size: true"); err != nil {
		t.Error(err)
	}
}

func TestSameHeaders(t *testing.T) {
	base := []string{"columns: k,v,n", "strict_mode: true"}
	first, err := request(t, Options{}, base...)
	if err != nil {
		t.Fatal(err)
	}
	for header, same := range map[string]bool{
		"label: x": true, "Expect: 100-continue": true, "max_filter_ratio: 0.5": true, "db: e": true, "timeout: 7": true,
		"format: json": false, "where: k > 1": false, "column_separator: ,": false, "timezone: UTC": false,
		"partial_update: false": false, "merge_condition: n": false, "load_dop: 2": false, "skip_header: 1": true,
	} {
		q, err := request(t, Options{}, append(base, header)...)
		if err != nil {
			t.Fatal(header, err)
		}
		if first.Same(q) != same || q.Same(first) != same {
			t.Errorf("%s: same is %v", header, !same)
		}
	}
}

func TestEmptyLoadByRelease(t *testing.T) {
	tab := fuzzTable(t, store.Duplicate)
	for line, want := range map[string]string{"2.5": "all partitions have no load data", "4.0": "No rows were imported from upstream"} {
		r, err := release.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := loadBodies(t, Options{Release: r}, tab, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v", line, err)
		}
	}
}
