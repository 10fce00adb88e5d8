package stream

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-etl/gx/job/javadate"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"pgregory.net/rapid"
)

func decode(t *testing.T, cfg any, parameters string) []options.Problem {
	t.Helper()
	v, problems := options.Parse([]byte(parameters))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return options.Decode(v, "", cfg)
}

// The job that DataX shows for its streamreader runs as it is.
func TestDataXColumns(t *testing.T) {
	var o readerOptions
	problems := decode(t, &o, `{"sliceRecordCount": 100000, "column": [
		{"value": "DataX", "type": "string"},
		{"value": 19890604, "type": "long"},
		{"value": "1989-06-04 00:00:00", "type": "date"},
		{"value": true, "type": "bool"},
		{"value": "test", "type": "bytes"},
		{"random": "0,10", "type": "long"},
		{"random": "0.5,1.5", "type": "double"},
		{"random": "3,3", "type": "string"},
		{"random": "0,1", "type": "bool"},
		{"random": "2014-07-07 00:00:00, 2016-07-07 00:00:00", "type": "date", "dateFormat": "yyyy-MM-dd HH:mm:ss"}]}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cols, _ := o.columns("", nil)
	want := []string{`"DataX"`, `19890604`, `"1989-06-04 00:00:00"`, `true`, `"dGVzdA=="`}
	for i, w := range want {
		if got := string(cols[i].appendJSON(nil, 7)); got != w {
			t.Errorf("column %d is %s, want %s", i, got, w)
		}
	}
	for row := range uint64(1000) {
		if n := cols[5].long(row); n < 0 || n > 10 {
			t.Fatalf("%d is not within 0 and 10", n)
		}
		if f := cols[6].double(row); f < 0.5 || f > 1.5 {
			t.Fatalf("%v is not within 0.5 and 1.5", f)
		}
		if s := cols[7].appendText(nil, row); len(s) != 3 {
			t.Fatalf("%q is not 3 characters long", s)
		}
		if !cols[8].bool(row) {
			t.Fatal("false, where the odds are none to one")
		}
		if y := time.UnixMicro(cols[9].long(row)).UTC().Year(); y < 2014 || y > 2016 {
			t.Fatalf("a date in %d", y)
		}
	}
}

func TestColumnProblems(t *testing.T) {
	for column, want := range map[string]string{
		`{}`:                                "column[0]",
		`{"type": "long", "value": "many"}`: "column[0].value",
		`{"type": "long", "value": "99999999999999999999"}`:      "column[0].value",
		`{"type": "long", "value": [1]}`:                         "column[0].value",
		`{"type": "double", "value": "NaN"}`:                     "column[0].value",
		`{"type": "bool", "value": "maybe"}`:                     "column[0].value",
		`{"type": "date", "value": "yesterday"}`:                 "column[0].value",
		`{"type": "date", "value": "2024-02-30 00:00:00"}`:       "column[0].value",
		`{"type": "date", "value": "x", "dateFormat": "q"}`:      "column[0].dateFormat",
		`{"type": "date", "value": "x", "dateFormat": "yyyy'"}`:  "column[0].dateFormat",
		`{"type": "date", "value": "x", "dateFormat": "HH'\"'"}`: "column[0].dateFormat",
		`{"type": "date", "value": "x", "dateFormat": "ssSSS"}`:  "column[0].dateFormat",
		`{"type": "number", "value": 1}`:                         "column[0].type",
		`{"type": "long", "random": "1"}`:                        "column[0].random",
		`{"type": "long", "random": "5,1"}`:                      "column[0].random",
		`{"type": "double", "random": "a,b"}`:                    "column[0].random",
		`{"type": "string", "random": "-1,5"}`:                   "column[0].random",
		`{"type": "bytes", "random": "1,99999999"}`:              "column[0].random",
		`{"type": "bool", "random": "0,0"}`:                      "column[0].random",
		`{"type": "date", "random": "2024-01-01,2024-01-02"}`:    "column[0].random",
		`{"type": "string", "incr": "1,1"}`:                      "column[0].incr",
		`{"type": "long", "incr": "1"}`:                          "column[0].incr",
		`{"name": "a", "value": 1}, {"name": "a", "value": 1}`:   "column[1].name",
		`{"value": 1, "nullEvery": -1}`:                          "column[0].nullEvery",
	} {
		var o readerOptions
		problems := decode(t, &o, `{"sliceRecordCount": 1, "column": [`+column+`]}`)
		found := false
		for _, p := range problems {
			found = found || p.Path == want && !p.Warning
		}
		if !found {
			t.Errorf("%s: %v, want a problem with %s", column, problems, want)
		}
	}
	var o readerOptions
	problems := decode(t, &o, `{"sliceRecordCount": 1, "column": [{"value": 1, "random": "1,2"}]}`)
	if len(problems) != 1 || !problems[0].Warning || problems[0].Path != "column[0].value" {
		t.Errorf("value beside random: %v, want one note", problems)
	}
}

// Whatever pattern is taken, a date written with it stands in JSON without escapes.
func TestDatesAreJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		java := rapid.StringOfN(rapid.RuneFrom([]rune(`yMdHhmsSa'" -/:.,_\Tx0é`)), 0, 24, -1).Draw(t, "pattern")
		layout, err := javadate.Layout(java)
		if err != nil {
			return
		}
		c := column{kind: "date", layout: layout, lo: rapid.Int64Range(-1e16, 1e16).Draw(t, "at")}
		token := c.appendJSON(nil, 0)
		var text string
		if err := json.Unmarshal(token, &text); err != nil || text != string(token[1:len(token)-1]) {
			t.Fatalf("%q writes %s: %v", java, token, err)
		}
	})
}

func TestWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo, hi := rapid.Int64().Draw(t, "lo"), rapid.Int64().Draw(t, "hi")
		lo, hi = min(lo, hi), max(lo, hi)
		if n := within(rapid.Uint64().Draw(t, "noise"), lo, hi); n < lo || n > hi {
			t.Fatalf("%d is not within %d and %d", n, lo, hi)
		}
	})
}

// Odds are what random says, for the same seed every time.
func TestRandomIsSteadyAndFair(t *testing.T) {
	o := columnOptions{Type: "bool", Random: "1,3", DateFormat: "yyyy"}
	a, _ := o.compile("", 1, 0)
	b, _ := o.compile("", 1, 0)
	c, _ := o.compile("", 2, 0)
	trues, differ := 0, 0
	const n = 40000
	for row := range uint64(n) {
		if a.bool(row) != b.bool(row) {
			t.Fatal("the same seed, another row")
		}
		if a.bool(row) != c.bool(row) {
			differ++
		}
		if a.bool(row) {
			trues++
		}
	}
	if share := float64(trues) / n; share < 0.73 || share > 0.77 {
		t.Errorf("true in %.3f of the rows, want 0.75", share)
	}
	if differ == 0 {
		t.Error("another seed, the same rows")
	}
}

func TestEndlessNeedsStreaming(t *testing.T) {
	r := &reader{marks: new(marks)}
	if p := decode(t, &r.options, `{"sliceRecordCount": 0, "column": [{"value": 1}]}`); len(p) > 0 {
		t.Fatal(p)
	}
	_, err := r.Open(t.Context(), sdk.OpenInfo{})
	if f := protocol.AsFault(err); f == nil || f.Code != sdk.Config || f.Place != "sliceRecordCount" || f.Try == "" {
		t.Errorf("opened in batch mode: %v", err)
	}
	if _, err := r.Open(t.Context(), sdk.OpenInfo{Streaming: true}); err != nil {
		t.Error(err)
	}
}

// Columns without a name take the writer's, in their places.
func TestNamesFromTheWriter(t *testing.T) {
	r := &reader{marks: new(marks)}
	if p := decode(t, &r.options, `{"sliceRecordCount": 1, "column": [{"value": 1}, {"value": 2, "name": "own"}]}`); len(p) > 0 {
		t.Fatal(p)
	}
	for want, peer := range map[string]sdk.Peer{
		"x,own":  {Columns: []string{"x", "y"}},
		"c1,own": {Columns: []string{"x", "y", "z"}},
	} {
		o, err := r.Open(t.Context(), sdk.OpenInfo{Peer: peer})
		if err != nil || strings.Join(o.Columns, ",") != want {
			t.Errorf("%v: columns %q, %v, want %s", peer.Columns, o.Columns, err, want)
		}
	}
}

func TestCommitJudgesPositions(t *testing.T) {
	r := &reader{marks: new(marks), info: sdk.OpenInfo{Run: "a"}}
	shards, err := r.Split(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(shard, at string) ([]string, error) {
		return r.Commit(t.Context(), []sdk.ShardPosition{{Shard: shard, Position: []byte(at)}})
	}
	for _, bad := range []string{"", "x", "-1", "1.5"} {
		if _, err := commit(shards[0].Name, bad); err == nil {
			t.Errorf("the position %q was taken", bad)
		}
	}
	if lost, err := commit("slice 9 of 9", "1"); err != nil || len(lost) != 1 {
		t.Errorf("a shard that nobody has: lost %q, %v", lost, err)
	}
	for _, at := range []string{"5", "3"} { // a late commit does not move back
		if lost, err := commit(shards[0].Name, at); err != nil || len(lost) > 0 {
			t.Fatal(lost, err)
		}
	}
	if got := r.marks.get("a", shards[0].Name); got != 5 {
		t.Errorf("resumes at %d, want 5", got)
	}
	if got := r.marks.get("b", shards[0].Name); got != 0 {
		t.Errorf("another run resumes at %d, want 0", got)
	}
}

// The pace is held exactly, whatever the batches.
func TestPace(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 1000, 123456} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(rate)
			start := time.Now()
			const seconds = 20
			for time.Since(start) < seconds*time.Second {
				n, err := p.wait(t.Context(), 100000)
				if err != nil || n < 1 {
					t.Fatal(n, err)
				}
				p.spent += n
			}
			took := time.Since(start).Seconds()
			if most := rate*took + 1; float64(p.spent) > most || float64(p.spent) < rate*seconds-rate/50-1 {
				t.Errorf("%d rows in %.2f s at %.1f a second", p.spent, took, rate)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newPace(0.001).wait(ctx, 1); err == nil {
		t.Error("a cancelled wait gave rows")
	}
}
