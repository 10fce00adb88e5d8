package ingest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func fuzzTable(t testing.TB, model store.Model) *store.Table {
	t.Helper()
	st := store.New(store.Options{})
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	seven := "7"
	s := store.Schema{Model: model, Keys: []string{"k"}, Columns: []store.Column{
		{Name: "k", Type: store.Type{Kind: store.Int}},
		{Name: "v", Type: store.Type{Kind: store.Varchar, Length: 8}, Nullable: true},
		{Name: "n", Type: store.Type{Kind: store.Int}, Default: &seven},
	}}
	tab, err := st.CreateTable("d", "t", s)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func readRows(t testing.TB, tab *store.Table, q *Request, src io.Reader) (*rowSink, error) {
	t.Helper()
	sink, err := q.plan(tab)
	if err != nil {
		t.Fatal(err)
	}
	if err = feed(q, sink, src); err == nil && sink.total != sink.filtered+sink.unselected+int64(sink.batch.Len()) {
		t.Fatalf("total %d, filtered %d, unselected %d, kept %d", sink.total, sink.filtered, sink.unselected, sink.batch.Len())
	}
	return sink, err
}

// feed reads one body, the only one of its load.
func feed(q *Request, sink *rowSink, src io.Reader) error {
	if q.json {
		return newJSONReader(q, sink).read(src, -1)
	}
	r := newCSVReader(q, sink)
	if err := r.read(src); err != nil {
		return err
	}
	return r.finish()
}

func countRows(q *Request, src io.Reader) (int64, error) {
	c := newCounter(q)
	if err := c.read(src); err != nil {
		return 0, err
	}
	return c.finish()
}

// The CSV reader gives the same rows however the stream is cut, and the counter
// of the discard mode sees as many.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("1\ta\t5\n\n2\t\\N\t6"), "\t", "\n", byte(0), byte(0), false, 0)
	f.Add([]byte("1,\"a\"\"\n\",5\r\n2,b\\,c,6\r\n"), ",", "\r\n", byte('"'), byte('\\'), true, 1)
	f.Add([]byte("1||a||5####2||||6#"), "||", "##", byte(0), byte(0), false, 0)
	f.Add([]byte("\xff\t\t\n"), "\t", "\n", byte(0), byte(0), true, 0)
	tab := fuzzTable(f, store.Duplicate)
	f.Fuzz(func(t *testing.T, data []byte, sep, del string, enclose, escape byte, trim bool, skip int) {
		if sep == "" || del == "" || len(sep) > maxDelimiter || len(del) > maxDelimiter || skip < 0 {
			return
		}
		q := New(Options{}, "d", "t", "l")
		q.separator, q.delimiter, q.enclose, q.escape, q.trim, q.skip = []byte(sep), []byte(del), enclose, escape, trim, skip
		whole, err := readRows(t, tab, q, bytes.NewReader(data))
		pieces, pieceErr := readRows(t, tab, q, &oddPieces{data: data})
		if (err == nil) != (pieceErr == nil) || whole.total != pieces.total || strings.Join(whole.log, "") != strings.Join(pieces.log, "") {
			t.Fatalf("%d rows, %v in one piece; %d rows, %v in many\n%q\n%q", whole.total, err, pieces.total, pieceErr, whole.log, pieces.log)
		}
		if err != nil {
			return
		}
		counted, err := countRows(q, &oddPieces{data: data})
		if err != nil || counted != whole.total {
			t.Fatalf("counted %d, %v; read %d", counted, err, whole.total)
		}
	})
}

// A body the JSON reader takes is JSON to the standard library as well, with as
// many objects; of a body of arrays the first one is.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"k":1,"v":"a","n":2}{"k":"x","v":null,"n":1.5}`), false)
	f.Add([]byte(`[{"k":1,"n":2},{"\u006b":2,"n":true,"x":[{}]}]`), true)
	f.Add([]byte(`{"k":1,"n":}`), false)
	f.Add([]byte(`{"__op":1,"k":3,"n":"4"}`), false)
	tab := fuzzTable(f, store.Primary)
	f.Fuzz(func(t *testing.T, data []byte, strip bool) {
		// Other ways to look at the same bytes end without a panic.
		for _, root := range []path{nil, {{key: "k"}}} {
			q := New(Options{}, "d", "t", "l")
			q.json, q.stripArray, q.root, q.paths, q.debezium = true, strip, root, []path{{{key: "k"}, {index: 0}}, {}}, root == nil && !strip
			_, _ = readRows(t, tab, q, bytes.NewReader(data))
		}
		q := New(Options{}, "d", "t", "l")
		q.json, q.stripArray = true, strip
		sink, err := readRows(t, tab, q, &oddPieces{data: data})
		if err != nil {
			return
		}
		var objects int64
		dec := json.NewDecoder(bytes.NewReader(data))
		for {
			var doc json.RawMessage
			if err := dec.Decode(&doc); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%q was taken: %v", data, err)
			}
			if !strip {
				objects++
				continue
			}
			var elements []json.RawMessage
			if err := json.Unmarshal(doc, &elements); err != nil {
				t.Fatalf("%q was taken: %v", data, err)
			}
			objects += int64(len(elements))
			break // what follows the first array is not looked at, see afterArray
		}
		counted, err := countRows(q, &oddPieces{data: data})
		if strip && err != nil && len(bytes.TrimSpace(data[dec.InputOffset():])) > 0 {
			counted, err = objects, nil // the counter sees that brackets behind the array do not match
		}
		if sink.total != objects || counted != objects || err != nil {
			t.Fatalf("%q: %d rows, %d counted, %d objects", data, sink.total, counted, objects)
		}
	})
}

// Headers never break the server, on any release, and those that are taken lead to
// a plan or to a refusal.
func FuzzHeaders(f *testing.F) {
	f.Add("columns", "k, v, `n`", "column_separator", `\x01`, true, 4)
	f.Add("jsonpaths", `["$.a[0]","$.\"b c\""]`, "json_root", "$.x", false, 3)
	f.Add("columns", "k,__op='delete'", "merge_condition", "n", true, 2)
	f.Add("row_delimiter", `\x0D0A`, "timeout", "-5", false, 1)
	f.Add("max_filter_ratio", "NaN", "partial_update", "true", true, 0)
	f.Add("columns", "k,t,v=upper(t),n=if(t=1,'x',2)", "where", "n > k", false, 4)
	f.Add("envelope", "debezium", "partial_update_mode", "column", true, 4)
	f.Add("compression", "zstd", "Content-Encoding", "gzip", false, 3)
	f.Add("partitions", "p1, p2", "temporary_partitions", "", false, 4)
	f.Add("timezone", "-12:60", "negative", "true", true, 4)
	f.Add("enclose", "\x00", "escape", "\"", false, 4)
	primary, duplicate := fuzzTable(f, store.Primary), fuzzTable(f, store.Duplicate)
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string, keyed bool, played int) {
		h := http.Header{}
		h.Set(name1, value1)
		h.Set(name2, value2)
		tab := duplicate
		if keyed {
			tab = primary
		}
		o := Options{Release: release.All[uint(played)%uint(len(release.All))], Compile: toyCompiler}
		for _, format := range []string{h.Get("format"), "json"} {
			h.Set("format", format)
			q := New(o, "d", "t", "l")
			if q.Early(h, -1) != nil || q.Late(h) != nil {
				continue
			}
			if again := New(o, "d", "t", "l"); again.Early(h, -1) != nil || again.Late(h) != nil || !q.Same(again) {
				t.Fatal("the same headers differ")
			}
			l, err := q.Open(tab)
			if err != nil {
				continue
			}
			body := `{"k":1,"v":"a","n":2}{"op":"d","before":{"k":1}}`
			if !q.json {
				body = "1\ta\t2\nx\t\\N\t"
			}
			// Whatever the headers say, reading ends, and its numbers add up.
			if err := l.Read(strings.NewReader(body), int64(len(body)), func([]byte) {}); err != nil {
				continue
			}
			if err := l.Finish(); err == nil && l.Total() != l.Filtered()+l.Unselected()+l.Loaded() {
				t.Fatalf("total %d, filtered %d, unselected %d, loaded %d", l.Total(), l.Filtered(), l.Unselected(), l.Loaded())
			}
		}
	})
}

// Foreign bytes in any codec end in rows or in an error, and counting them ends
// alike.
func FuzzCodec(f *testing.F) {
	codecs := []codec{gzipCodec, bzip2, lz4Frame, deflate, zstdCodec}
	for i, c := range codecs {
		packed := pack(f, c, bzippedText)
		f.Add(uint8(i), []byte(packed))
		f.Add(uint8(i), []byte(packed+packed[:len(packed)/2]))
	}
	f.Add(uint8(2), []byte("\x50\x2a\x4d\x18\x04\x00\x00\x00wxyz"))
	tab := fuzzTable(f, store.Duplicate)
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		var errs [2]error
		var rows [2]int64
		for i, discard := range []bool{false, true} {
			q := New(Options{Discard: discard}, "d", "t", "l")
			q.codec, q.memory = codecs[int(which)%len(codecs)], 8<<20
			l, err := q.Open(tab)
			if err != nil {
				t.Fatal(err)
			}
			errs[i] = l.Read(&oddPieces{data: data}, -1, func([]byte) {})
			if errs[i] == nil {
				errs[i] = l.Finish()
			}
			rows[i] = l.Total()
		}
		memory := errs[0] != nil && strings.Contains(errs[0].Error(), "Mem usage")
		if !memory && ((errs[0] == nil) != (errs[1] == nil) || errs[0] == nil && rows[0] != rows[1]) {
			t.Fatalf("read %d rows, %v; counted %d, %v", rows[0], errs[0], rows[1], errs[1])
		}
	})
}

// What splits into items was cut at commas alone, and its expressions are scanned
// without a panic.
func FuzzColumns(f *testing.F) {
	for _, seed := range []string{"k,v", "`a b`=f(x,'y,z'), c", "a='it''s'", "a=\"\\\"\",b", "k=case `w` when 1 then 'x' end", "a=(b", "é=[1,2]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, err := splitColumns(text)
		if err != nil {
			if err.Error() == "" || items != nil {
				t.Fatalf("%q: %q with error %v", text, items, err)
			}
			return
		}
		length := 0
		for _, it := range items {
			if it.name == "" {
				t.Fatalf("%q has an entry without name", text)
			}
			length += len(it.name) + len(it.expr)
			references(it.expr)
		}
		if length > len(text) || len(items)-1 > strings.Count(text, ",") {
			t.Fatalf("%q gives %q", text, items)
		}
	})
}

func FuzzDelimiter(f *testing.F) {
	for _, seed := range []string{",", `\x01`, `\x0D0A`, "0X7c7C", `\x`, `\xF`, `\xZZ`, "，", `\xff`, strings.Repeat("x", 51)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDelimiter(text, "column separator")
		if err != nil {
			if d != nil || err.Error() == "" {
				t.Fatalf("%q: %q with error %v", text, d, err)
			}
			return
		}
		if len(d) < 1 || len(d) > maxDelimiter {
			t.Fatalf("%q gives %d bytes", text, len(d))
		}
	})
}

// oddPieces hands data out in pieces of changing odd lengths.
type oddPieces struct {
	data []byte
	n    int
}

func (r *oddPieces) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	r.n = (r.n*7 + 13) % 4093
	n := copy(p[:min(len(p), 1+r.n)], r.data)
	r.data = r.data[n:]
	return n, nil
}
