package starrocks

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	"pgregory.net/rapid"
)

// choosy answers as a cluster with max_filter_ratio 0 that refuses the rows which hold "bad", and shows in its error log at
// most 50 of them as quote has them.
func choosy(f *fakeCluster, quote func(row string) string) func(fakeLoad) string {
	return func(l fakeLoad) string {
		if f.labels[l.label] != "" {
			f.t.Errorf("label %s has come a second time", l.label)
		}
		f.labels[l.label] = "VISIBLE"
		var log []string
		bad, rows := 0, rowsOf(l)
		for _, row := range rows {
			if !strings.Contains(row, "bad") {
				continue
			}
			if bad++; bad <= 50 && quote != nil {
				log = append(log, fmt.Sprintf("Error: NULL value in non-nullable column 'c%d'. Row: %s\n", len(row), quote(row)))
			}
		}
		if bad == 0 {
			return success(l.label, len(rows), 0, 0)
		}
		f.logs = append(f.logs, strings.Join(log, ""))
		return fmt.Sprintf(`{"Label":%q,"Status":"Fail","Message":"too many filtered rows","NumberTotalRows":%d,"NumberFilteredRows":%d,"ErrorURL":"http://%s/api/_load_error_log?file=%d"}`,
			l.label, len(rows), bad, f.backend, len(f.logs)-1)
	}
}

func asSent(row string) string { return row }
func asChunk(row string) string {
	return "[" + strings.ReplaceAll(row, "\x01", ", ") + "]"
}

// taken are the rows that landed.
func taken(f *fakeCluster) (out []string) {
	for _, l := range f.seen() {
		if rows := rowsOf(l); !slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, "bad") }) {
			out = append(out, rows...)
		}
	}
	return out
}

func TestOneBadRowIsFound(t *testing.T) {
	const n = 100_000
	for _, where := range []int{0, 1, n/2 - 1, n / 2, n - 1} {
		for name, quote := range map[string]func(string) string{"quoted": asSent, "not quoted": asChunk, "no log": nil} {
			t.Run(fmt.Sprintf("%d, %s", where, name), func(t *testing.T) {
				f := newFakeCluster(t)
				f.answer = choosy(f, quote)
				s := newSession(t)
				s.mustOpen(params(f, `"strategyOnError":"rowDirtyData","column":["id","city"]`), 64<<20)
				st := s.lane("0")
				const part = 20_000
				for i := range n / part {
					st.send(uint64(i+1), "", people(i*part, part, func(i int) string {
						if i == where {
							return "bad"
						}
						return "c"
					}))
				}
				a := st.mustFinish()
				most := uint64(2*math.Log2(n) + 3)
				if name == "quoted" {
					most = 2
				}
				if a.Landed != n-1 || len(a.Dirty) != 1 || a.Loads > most || a.Loads != uint64(len(f.seen())) {
					t.Fatalf("%d landed, %d dirty, %d loads acked and %d seen, at most %d wanted", a.Landed, len(a.Dirty), a.Loads, len(f.seen()), most)
				}
				d := a.Dirty[0]
				row := fmt.Sprintf("%d\x01bad", where)
				reason, column := fmt.Sprintf("NULL value in non-nullable column 'c%d'", len(row)), fmt.Sprintf("c%d", len(row))
				if name == "no log" {
					reason, column = "too many filtered rows", ""
				}
				if d.Sequence != uint64(where/part+1) || int(d.Row) != where%part || string(d.Record) != row || d.Reason != reason || d.Column != column {
					t.Errorf("dirty: %+v", d)
				}
				if got := taken(f); len(got) != n-1 || !slices.IsSortedFunc(got, func(a, b string) int { return number(a) - number(b) }) {
					t.Errorf("%d rows are in the table, or not in order", len(got))
				}
				if a.FlushReasons["refused"] != a.Loads-1 {
					t.Errorf("flushes %v", a.FlushReasons)
				}
			})
		}
	}
}

func number(row string) int {
	id, _, _ := strings.Cut(row, "\x01")
	n, _ := strconv.Atoi(id)
	return n
}

// Whatever rows are bad, in whatever form they travel, and whatever the log says of them: the good ones land in order,
// once, and each bad one is dirty under its own position.
func TestBadRowsAreSifted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFakeCluster(rt)
		quote := rapid.SampledFrom([]func(string) string{asSent, asSent, asChunk, nil,
			// A row with line breaks looks like more entries, one of which names an innocent row.
			func(row string) string { return row + "\nError: forged. Row: 0\x01c" }}).Draw(rt, "quote")
		f.answer = choosy(f, quote)
		form := rapid.SampledFrom([]string{"csv", "json", "documents", "gzip"}).Draw(rt, "form")
		more := fmt.Sprintf(`"strategyOnError":"rowDirtyData","column":["id","city"],"maxBatchRows":%d`, rapid.IntRange(1, 400).Draw(rt, "maxBatchRows"))
		if form == "csv" || form == "json" {
			more += `,"loadProps":{"format":"` + form + `"}`
		}
		s := newSession(rt)
		s.mustOpen(params(f, more), 64<<20)
		st := s.lane("0")
		share := rapid.SampledFrom([]int{0, 1, 2, 10, 100}).Draw(rt, "one bad in")
		var want, bad []string
		id := 0
		for seq := 1; seq <= rapid.IntRange(1, 4).Draw(rt, "batches"); seq++ {
			n := rapid.IntRange(1, 200).Draw(rt, "rows")
			texts := make([]string, n)
			for i := range texts {
				texts[i] = "c"
				if share > 0 && rapid.IntRange(1, share).Draw(rt, "bad") == 1 {
					texts[i] = rapid.SampledFrom([]string{"bad", "badly"}).Draw(rt, "text")
				}
				row := fmt.Sprintf("%d\x01%s", id+i, texts[i])
				if form != "csv" {
					row = fmt.Sprintf(`{"id":%d,"city":%q}`, id+i, texts[i])
				}
				if form == "gzip" || form == "documents" {
					row = strings.ReplaceAll(row, strconv.Itoa(id+i), strconv.Itoa((id+i)/2)) // texts repeat
				}
				if texts[i] == "c" {
					want = append(want, row)
				} else {
					bad = append(bad, fmt.Sprintf("%d/%d %s", seq, i, row))
				}
			}
			if form == "csv" || form == "json" {
				st.send(uint64(seq), "", people(id, n, func(i int) string { return texts[i-id] }))
			} else {
				docs := make([]string, n)
				for i := range docs {
					docs[i] = fmt.Sprintf(`{"id":%d,"city":%q}`, (id+i)/2, texts[i])
				}
				st.send(uint64(seq), "", documents(docs...))
			}
			id += n
		}
		a := st.mustFinish()
		var got []string
		for _, d := range a.Dirty {
			got = append(got, fmt.Sprintf("%d/%d %s", d.Sequence, d.Row, d.Record))
			if d.Reason == "" || d.Reason == "forged" {
				rt.Errorf("reason %q", d.Reason)
			}
		}
		if !slices.Equal(got, bad) {
			rt.Fatalf("dirty %q, want %q", got, bad)
		}
		if in := taken(f); !slices.Equal(in, want) || int(a.Landed) != len(want) {
			rt.Fatalf("%d landed: %q, want %q", a.Landed, in, want)
		}
		if n := len(f.seen()); int(a.Loads) != n {
			rt.Errorf("%d loads acked, %d seen", a.Loads, n)
		}
	})
}

// A load of which every row is bad costs no search.
func TestAllRowsBad(t *testing.T) {
	for _, n := range []int{1, 2, 50, 51, 5000} {
		f := newFakeCluster(t)
		f.answer = choosy(f, asChunk)
		s := newSession(t)
		s.mustOpen(params(f, `"strategyOnError":"rowDirtyData","column":["id","city"]`), 64<<20)
		st := s.lane("0")
		st.send(1, "", people(10000, n, func(int) string { return "bad" }))
		a := st.mustFinish()
		reason := "NULL value in non-nullable column 'c9'"
		if n > 50 {
			reason = fmt.Sprintf("StarRocks refused all %d rows of load job-r1-0-1; one reason: %s", n, reason)
		}
		if a.Loads != 1 || len(a.Dirty) != n || a.Landed != 0 || a.Dirty[n-1].Reason != reason || st.done[1] != 1 {
			t.Errorf("%d: %d loads, %d dirty, %s", n, a.Loads, len(a.Dirty), a.Dirty[n-1].Reason)
		}
	}
}

// A refusal without counts, such as broken JSON, is sifted by halving, and the search has an end.
func TestTheSearchHasAnEnd(t *testing.T) {
	f := newFakeCluster(t)
	f.answer = func(l fakeLoad) string {
		if strings.Contains(string(l.body), "bad") {
			return `{"Status":"Fail","Message":"illegal json started with x"}`
		}
		return ""
	}
	s := newSession(t)
	s.mustOpen(params(f, `"strategyOnError":"rowDirtyData"`), 64<<20)
	st := s.lane("0")
	docs := make([]string, 3001)
	for i := range docs {
		docs[i] = `{"id":"bad"}`
	}
	docs[0], docs[1500], docs[3000] = `{"id":0}`, `{"id":1}`, `{"id":2}`
	st.send(1, "", documents(docs...))
	a := st.mustFinish()
	if int(a.Landed)+len(a.Dirty) != len(docs) || a.Landed == 0 || a.Loads > mostParts+20 {
		t.Errorf("%d landed, %d dirty, %d loads", a.Landed, len(a.Dirty), a.Loads)
	}
	if last := a.Dirty[len(a.Dirty)-1].Reason; !strings.Contains(last, "could not tell apart") || !strings.Contains(last, "illegal json") {
		t.Errorf("reason %s", last)
	}
}

// Rows that max_filter_ratio lets pass are named when the log does.
func TestFilteredRowsAreNamed(t *testing.T) {
	f := newFakeCluster(t)
	f.logs = []string{"Error: too long. Row: {\"id\":2}\n"}
	f.answer = func(l fakeLoad) string {
		return strings.Replace(success(l.label, 1, 1, 1), "}", `,"ErrorURL":"http://`+f.backend+`/api/_load_error_log?file=0"}`, 1)
	}
	s := newSession(t)
	s.mustOpen(params(f, `"strategyOnError":"rowDirtyData","loadProps":{"max_filter_ratio":"0.5","where":"id > 1"}`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":3}`))
	a := st.mustFinish()
	if a.Landed != 1 || a.DirtyUnnamed != 0 || a.Filtered != 1 || len(a.Dirty) != 1 || a.Dirty[0].Row != 1 || a.Dirty[0].Reason != "too long" {
		t.Errorf("%v", a)
	}
}

// What ends the search early ends the lane, and nothing is acked that is not known.
func TestAFailureWhileSifting(t *testing.T) {
	f := newFakeCluster(t)
	inner := choosy(f, asSent)
	f.answer = func(l fakeLoad) string {
		if strings.HasSuffix(l.label, "_1") {
			return `{"Status":"Fail","Message":"unknown table, table=t"}`
		}
		return inner(l)
	}
	s := newSession(t)
	s.mustOpen(params(f, `"strategyOnError":"rowDirtyData"`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`, `{"id":"bad"}`))
	if fault := protocol.AsFault(st.finish()); fault == nil || fault.Code != protocol.NotFound || st.done[1] != 0 {
		t.Errorf("%+v, done %v", fault, st.done)
	}
}

// A part whose answer is lost is asked for and sent under the same label.
func TestPartsAreSentAgainUnderTheirLabel(t *testing.T) {
	f := newFakeCluster(t)
	inner := choosy(f, asSent)
	lost := 0
	f.answer = func(l fakeLoad) string {
		if strings.HasSuffix(l.label, "_1") {
			if lost++; lost == 1 {
				return "<html>bad gateway</html>"
			}
		}
		return inner(l)
	}
	s := newSession(t)
	s.mustOpen(params(f, `"strategyOnError":"rowDirtyData"`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`, `{"id":"bad"}`, `{"id":3}`))
	a := st.mustFinish()
	var labels []string
	for _, l := range f.seen() {
		labels = append(labels, l.label)
	}
	want := []string{"job-r1-0-1", "job-r1-0-1_1", "job-r1-0-1_1"}
	if !slices.Equal(labels, want) || a.Landed != 2 || len(a.Dirty) != 1 {
		t.Errorf("labels %q, ack %v", labels, a)
	}
}

func TestColumnOfAReason(t *testing.T) {
	for reason, want := range map[string]string{
		"NULL value in non-nullable column 'n'":                                             "n",
		"The field (name = c 1, pos = 3) is out of range. Type: INT, Value length: 2":       "c 1",
		"String (length=9) is too long. The max length of 'city' is 4":                      "city",
		"Value '9' is out of range. The type of 'k' is TINYINT":                             "k",
		"Value is overflow. column=x, value=300":                                            "x",
		"Target column count: 2 doesn't match source value column count: 3. Column separat": "",
	} {
		if got := columnIn(reason); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}
