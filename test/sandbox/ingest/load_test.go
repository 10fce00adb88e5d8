package ingest

import (
	"sort"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// playing are the options of a server of the release.
func playing(t testing.TB, line string) Options {
	t.Helper()
	r, err := release.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Release: r, Compile: toyCompiler}
}

// table makes d.t with columns given as "name type [null] [default x] [sum]",
// keyed by the first.
func table(t testing.TB, model store.Model, columns ...string) *store.Table {
	t.Helper()
	st := store.New(store.Options{})
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	s := store.Schema{Model: model}
	for _, c := range columns {
		words := strings.Split(c, " ")
		typ, err := store.ParseType(words[1])
		if err != nil {
			t.Fatal(err)
		}
		column := store.Column{Name: words[0], Type: typ}
		for i := 2; i < len(words); i++ {
			switch words[i] {
			case "null":
				column.Nullable = true
			case "default":
				column.Default = &words[i+1]
				i++
			case "auto":
				column.AutoIncrement = true
			default:
				column.Agg = words[i]
			}
		}
		s.Columns = append(s.Columns, column)
	}
	s.Keys = []string{s.Columns[0].Name}
	tab, err := st.CreateTable("d", "t", s)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// rowsOf gives the rows of a table, fields joined by '|', sorted.
func rowsOf(tab *store.Table) []string {
	columns := tab.Schema().Columns
	row := make([]any, len(columns))
	lines := []string{}
	for c := tab.Snapshot().Cursor(nil); c.Next(row); {
		fields := make([]string, len(row))
		for i, v := range row {
			fields[i] = store.Format(columns[i].Type, v)
		}
		lines = append(lines, strings.Join(fields, "|"))
	}
	sort.Strings(lines)
	return lines
}

// scenario is one load into a table and what is to come of it.
type scenario struct {
	name    string
	release string // the newest when empty
	tab     *store.Table
	headers []string
	body    string
	want    string // rows, joined by ' ; '
	fails   string // in the error of the load
	log     string // in the error log
	left    int64  // unselected rows
}

func (s scenario) run(t *testing.T) {
	t.Run(s.name, func(t *testing.T) {
		line := s.release
		if line == "" {
			line = release.Newest().Line()
		}
		l, err := loadBodies(t, playing(t, line), s.tab, []string{s.body}, s.headers...)
		log := ""
		if l != nil {
			log = strings.Join(l.Log(), "\n")
		}
		if s.fails == "" && err != nil || s.fails != "" && (err == nil || !strings.Contains(err.Error(), s.fails)) {
			t.Fatalf("error %v, want %q; log %s", err, s.fails, log)
		}
		if !strings.Contains(log, s.log) {
			t.Errorf("log %q, want %q", log, s.log)
		}
		if err != nil {
			return
		}
		if l.Unselected() != s.left {
			t.Errorf("%d rows unselected, want %d", l.Unselected(), s.left)
		}
		if l.Total() != l.Filtered()+l.Unselected()+l.Loaded() {
			t.Errorf("total %d, filtered %d, unselected %d, loaded %d", l.Total(), l.Filtered(), l.Unselected(), l.Loaded())
		}
		if err := s.tab.Commit(l.Batch()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(rowsOf(s.tab), " ; "); got != s.want {
			t.Errorf("table holds\n%q\nwant\n%q\nlog %s", got, s.want, log)
		}
		s.tab.Truncate()
	})
}
