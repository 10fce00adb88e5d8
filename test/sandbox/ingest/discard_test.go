package ingest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestCountCSVAgreesWithSplitting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delimiter := rapid.SampledFrom([]string{"\n", "##", "aba", "#a#"}).Draw(t, "delimiter")
		data := rapid.SliceOfN(rapid.SampledFrom([]byte("\n#ab")), 0, 80).Draw(t, "data")
		skip := rapid.IntRange(0, 3).Draw(t, "skip")
		lines := bytes.Split(data, []byte(delimiter))
		if len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		short := skip > len(lines)
		want := int64(0)
		for _, l := range lines[min(skip, len(lines)):] {
			if len(l) > 0 {
				want++
			}
		}
		got, err := countRows(&Request{delimiter: []byte(delimiter), skip: skip}, &oddPieces{data: data, n: len(data)})
		if (err != nil) != short || got != want {
			t.Fatalf("%q by %q, %d skipped: %d, %v; want %d, error %v", data, delimiter, skip, got, err, want, short)
		}
	})
}

// In every dialect and release, the counter sees the rows that the reader cuts.
func TestCountQuotedAgreesWithTheReader(t *testing.T) {
	tab := fuzzTable(t, store.Duplicate)
	rapid.Check(t, func(rt *rapid.T) {
		q := New(Options{Release: rapid.SampledFrom([]release.Release{{Major: 3, Minor: 0}, release.Newest()}).Draw(rt, "release")}, "d", "t", "l")
		q.separator = []byte(rapid.SampledFrom([]string{",", "||"}).Draw(rt, "separator"))
		q.delimiter = []byte(rapid.SampledFrom([]string{"\n", "\r\n", "##"}).Draw(rt, "delimiter"))
		q.enclose, q.escape = '"', rapid.SampledFrom([]byte{0, '\\'}).Draw(rt, "escape")
		q.trim, q.skip = rapid.Bool().Draw(rt, "trim"), rapid.IntRange(0, 2).Draw(rt, "skip")
		data := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{",", "|", "\n", "\r\n", "#", `"`, `""`, `\`, " ", "a", "1"}), 0, 60).Draw(rt, "data"), ""))
		sink, readErr := readRows(t, tab, q, &oddPieces{data: data})
		rows, err := countRows(q, &oddPieces{data: data, n: len(data)})
		if (err != nil) != (readErr != nil) || err == nil && rows != sink.total {
			rt.Fatalf("%q: %d counted, %v; %d read, %v", data, rows, err, sink.total, readErr)
		}
	})
}

// What the counter refuses, the reader refuses in the same words; where both
// take a body, they see as many rows.
func TestCountJSONJudgesLikeTheReader(t *testing.T) {
	tab := fuzzTable(t, store.Duplicate)
	root := path{{key: "data"}}
	for _, c := range []struct {
		body string
		q    Request
		want string // of the counter when it cannot know what the reader knows
	}{
		{body: `{"k":1,"n":2}{"k":2,"n":3}`},
		{body: "\n\t [{\"k\":1,\"n\":2},{}] ", q: Request{stripArray: true}},
		{body: "  \n"},
		{body: `[{"k":1,"n":2}]`},
		{body: `{"k":1,"n":2} [{"k":1}]`},
		{body: `{"k":1,"n":2}`, q: Request{stripArray: true}},
		{body: `[{"k":1,"n":2}] {"k":1}`, q: Request{stripArray: true}, want: "the value should be array type with strip_outer_array=true"},
		{body: `[{"k":1,"n":2}] [{"k":1},[],{"k":` + strings.Repeat(" ", 200) + `2}]`, q: Request{stripArray: true}},
		{body: `[{"k":1,"n":2}] {} [{"k":1}] `, q: Request{stripArray: true}},
		{body: `[{"k":1,"n":2},[]]`, q: Request{stripArray: true}},
		{body: strings.Repeat(" ", 300) + `"k"`},
		{body: `1`, q: Request{stripArray: true}},
		{body: `{"k":1`, want: "illegal json: brackets or quotes that do not close"},
		{body: `{"k":"1}`, want: "illegal json: brackets or quotes that do not close"},
		{body: `[{"k":1}`, q: Request{stripArray: true}, want: "illegal json: brackets or quotes that do not close"},
		{body: `{"k":1}}`, want: "illegal json: brackets or quotes that do not close"},
		{body: `{"data":{"k":1,"n":2}} {"data":{"k":"}","n":2}}`, q: Request{root: root}},
		{body: `{"data":[{"k":1,"n":2},{"k":{},"n":2}]} {"data":[]}`, q: Request{root: root, stripArray: true}},
		{body: `{"data":[{"k":1,"n":2}]}`, q: Request{root: root}},
		{body: `{"data":{"k":1,"n":2}}`, q: Request{root: root, stripArray: true}},
		{body: `{"k":1,"n":2}`, q: Request{root: root}},
		{body: `{"data":{"k":1,"n":2}`, q: Request{root: root}},
	} {
		c.q.json = true
		sink, readErr := readRows(t, tab, &c.q, strings.NewReader(c.body))
		for _, odd := range []bool{false, true} {
			src := &oddPieces{data: []byte(c.body)}
			if !odd {
				src.n = len(c.body)
			}
			rows, err := countRows(&c.q, src)
			switch {
			case (err == nil) != (readErr == nil):
				t.Errorf("%s: counted with %v, read with %v", c.body, err, readErr)
			case err == nil && rows != sink.total:
				t.Errorf("%s: %d counted, %d read", c.body, rows, sink.total)
			case err != nil && c.want != "" && err.Error() != c.want:
				t.Errorf("%s: counted with %v, want %s", c.body, err, c.want)
			case err != nil && c.want == "" && !strings.HasPrefix(readErr.Error(), err.Error()):
				t.Errorf("%s: counted with %v, read with %v", c.body, err, readErr)
			}
		}
	}
}

func TestCountPassesOnWhatEndsABody(t *testing.T) {
	cut := errors.New("cut")
	for name, q := range map[string]Request{
		"csv":    {delimiter: []byte("\n")},
		"quoted": {separator: []byte("\t"), delimiter: []byte("\n"), enclose: '"'},
		"json":   {json: true},
		"rooted": {json: true, root: path{{key: "a"}}},
	} {
		if rows, err := countRows(&q, &brokenReader{data: []byte(`{"a":1}` + "\n"), err: cut}); !errors.Is(err, cut) || rows != 0 {
			t.Errorf("%s: %d, %v", name, rows, err)
		}
	}
}

// brokenReader gives all its data, then an error.
type brokenReader struct {
	data []byte
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	n := copy(p, r.data)
	if r.data = r.data[n:]; len(r.data) == 0 {
		return n, r.err
	}
	return n, nil
}
