package file_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// columns makes a batch of text columns called a, b, c …; nil is NULL.
func columns(table ...[]*string) arrow.RecordBatch {
	var fields []arrow.Field
	for i := range table[0] {
		fields = append(fields, arrow.Field{Name: string(rune('a' + i)), Type: arrow.BinaryTypes.String, Nullable: true})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	for _, row := range table {
		for i, v := range row {
			if v == nil {
				b.Field(i).AppendNull()
			} else {
				b.Field(i).(*array.StringBuilder).Append(*v)
			}
		}
	}
	return b.NewRecordBatch()
}

func row(values ...string) (out []*string) {
	for _, v := range values {
		out = append(out, &v)
	}
	return out
}

// held gives the files of a folder with their texts, the ids of runs cut out of their names.
func held(t tester, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(text)
	}
	return out
}

func holds(t *testing.T, got, want map[string]string) {
	t.Helper()
	if g, w := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); g != w {
		t.Errorf("the folder holds\n%s\nwant\n%s", g, w)
	}
}

// What rows come to in each format.
func TestWhatIsWritten(t *testing.T) {
	null := (*string)(nil)
	table := []arrow.RecordBatch{columns(row("1", `say "hi"`), []*string{new("2,3"), null}, row(`\N`, "")), columns(row("two\nlines", "é"))}
	for _, c := range []struct{ parameters, want string }{
		{``, "1,\"say \"\"hi\"\"\"\n\"2,3\",\\N\n\"\\N\",\n\"two\nlines\",é\n"},
		{`"header": true, "fieldDelimiter": ";", "nullFormat": "", "escape": "\\"`, "a;b\n1;\"say \\\"hi\\\"\"\n2,3;\n\\N;\"\"\n\"two\nlines\";é\n"},
		{`"header": ["x", "y,z"]`, "x,\"y,z\"\n1,\"say \"\"hi\"\"\"\n\"2,3\",\\N\n\"\\N\",\n\"two\nlines\",é\n"},
		{`"header": true, "column": ["p", "q"], "quote": "'"`, "p,q\n1,say \"hi\"\n'2,3',\\N\n'\\N',\n'two\nlines',é\n"},
		{`"format": "jsonl", "column": ["p", "q\""]`, `{"p":"1","q\"":"say \"hi\""}` + "\n" + `{"p":"2,3","q\"":null}` + "\n" + `{"p":"\\N","q\"":""}` + "\n" + `{"p":"two\nlines","q\"":"é"}` + "\n"},
		{`"fileFormat": "text", "fieldDelimiter": "\\t"`, "1\tsay \"hi\"\n2,3\t\\N\ndirty a: the text \"\\\\N\" would read as NULL\ndirty a: the text holds a line break, and this format has no quotes\n"},
		{`"fileFormat": "text"`, "1,say \"hi\"\ndirty a: the text holds the delimiter ,, and this format has no quotes\ndirty a: the text \"\\\\N\" would read as NULL\ndirty a: the text holds a line break, and this format has no quotes\n"},
		{`"encoding": "ISO-8859-1", "nullFormat": "\\N"`, "1,\"say \"\"hi\"\"\"\n\"2,3\",\\N\n\"\\N\",\n\"two\nlines\",\xe9\n"},
		{`"encoding": "GBK"`, "1,\"say \"\"hi\"\"\"\n\"2,3\",\\N\n\"\\N\",\n\"two\nlines\",\xa8\xa6\n"},
	} {
		dir := t.TempDir()
		w, end, err := startWriter(t, fmt.Sprintf(`{"path": %q, "fileName": "out.txt", %s}`, dir, c.parameters+more(c.parameters)), "run")
		if err != nil {
			t.Fatal(c.parameters, err)
		}
		out, err := w.write(t, false, table...)
		if err != nil {
			t.Fatal(c.parameters, err)
		}
		w.finish(t, false)
		end()
		got := held(t, dir)["out__run_0_1.txt"]
		for _, d := range out.dirty {
			got += "dirty " + d + "\n"
		}
		if got != c.want {
			t.Errorf("%s: got\n%q\nwant\n%q", c.parameters, got, c.want)
		}
		if out.landed+len(out.dirty) != 4 {
			t.Errorf("%s: %d landed, %d dirty, 4 were sent", c.parameters, out.landed, len(out.dirty))
		}
	}
}

// more ends a list of parameters so that it may be empty.
func more(parameters string) string {
	if parameters == "" {
		return `"compress": "none"`
	}
	return `, "compress": "none"`
}

func typed(t *testing.T, fields []arrow.Field, rowsJSON string) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(rowsJSON))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestTypedValues(t *testing.T) {
	zone, unzoned := &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Asia/Shanghai"}, &arrow.TimestampType{Unit: arrow.Microsecond}
	fields := []arrow.Field{{Name: "n", Type: &arrow.Decimal128Type{Precision: 38, Scale: 10}}, {Name: "z", Type: zone}, {Name: "u", Type: unzoned},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32}, rows.JSONField("j"), {Name: "f", Type: arrow.PrimitiveTypes.Float64}}
	rec := typed(t, fields, `[{"n":"1234567890123456789012345678.0123456789","z":"2024-02-29 00:00:00Z","u":"2024-02-29 01:02:03.000004","d":"2024-02-29","j":"ImHpXFwiIg==","f":1e-7}]`)
	b := array.NewRecordBuilder(memory.DefaultAllocator, rec.Schema())
	for i := range 5 {
		b.Field(i).AppendNull()
	}
	b.Field(5).(*array.Float64Builder).Append(math.NaN())
	odd := b.NewRecordBatch()
	for parameters, want := range map[string]string{
		`"format": "csv"`:               "1234567890123456789012345678.0123456789,2024-02-29 08:00:00,2024-02-29 01:02:03.000004,2024-02-29,*,1e-07\n\\N,\\N,\\N,\\N,\\N,NaN\n",
		`"format": "jsonl"`:             `{"n":1234567890123456789012345678.0123456789,"z":"2024-02-29 08:00:00","u":"2024-02-29 01:02:03.000004","d":"2024-02-29","j":*,"f":1e-07}` + "\ndirty f: JSON has no NaN and no infinity\n",
		`"dateFormat": "yyyyMMdd'T'HH"`: "1234567890123456789012345678.0123456789,20240229T08,20240229T01,20240229T00,*,1e-07\n\\N,\\N,\\N,\\N,\\N,NaN\n",
	} {
		for token, plain := range map[string][2]string{`"é\u0041\\"`: {`éA\`, `"éA\\"`}, "{\"a\":\n[1.0]}": {`"{""a"":[1.0]}"`, `{"a":[1.0]}`}, "null": {`\N`, "null"}, "12345678901234567890": {"12345678901234567890", "12345678901234567890"}} {
			jb := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
			jb.Append([]byte(token))
			cols := slices.Clone(rec.Columns())
			cols[4] = jb.NewArray()
			dir := t.TempDir()
			w, end, err := startWriter(t, fmt.Sprintf(`{"path": %q, "fileName": "o", %s}`, dir, parameters), "run")
			if err != nil {
				t.Fatal(err)
			}
			out, err := w.write(t, false, array.NewRecordBatch(rec.Schema(), cols, 1), odd)
			if err != nil {
				t.Fatal(err)
			}
			end()
			got := held(t, dir)["o__run_0_1"]
			for _, d := range out.dirty {
				got += "dirty " + d + "\n"
			}
			if want := strings.ReplaceAll(want, "*", plain[strings.Count(parameters, "jsonl")]); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", parameters, got, want)
			}
		}
	}
}

func TestDocuments(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, rows.DocumentSchema)
	for _, doc := range []string{`{"a": 1.0}`, "{\"b\":\r\n2}", `{"c":`} {
		b.Field(0).(*array.BinaryBuilder).Append([]byte(doc))
	}
	rec := b.NewRecordBatch()
	dir := t.TempDir()
	w, end, err := startWriter(t, fmt.Sprintf(`{"path": %q, "fileName": "o.jsonl", "format": "jsonl"}`, dir), "run")
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	out, err := w.write(t, false, rec)
	if err != nil || fmt.Sprint(out) != "{2 [: holds JSON that cannot be read]}" {
		t.Errorf("%v, %v", out, err)
	}
	holds(t, held(t, dir), map[string]string{"o__run_0_1.jsonl": "{\"a\": 1.0}\n{\"b\":2}\n"})
	w, end2, err := startWriter(t, fmt.Sprintf(`{"path": %q, "fileName": "p.csv"}`, dir), "run")
	if err != nil {
		t.Fatal(err)
	}
	defer end2()
	if _, err := w.write(t, false, rec); protocol.AsFault(err) == nil || protocol.AsFault(err).Place != "column" {
		t.Errorf("documents as csv: %v", err)
	}
}

// The three ways to treat what is there, each with a word about it.
func TestWriteModes(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "orders.csv", "old")
	put(t, dir, "orders__x.csv.gz", "old too")
	put(t, dir, "orders_other.csv", "not ours")
	put(t, dir, ".orders__dead_0_1.csv.part", "left over")
	living, err := os.OpenFile(put(t, dir, ".orders__living_0_1.csv.part", "under way"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = living.Close() }()
	if err := unix.Flock(int(living.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	job := func(mode string) string {
		return fmt.Sprintf(`{"path": %q, "fileName": "orders.csv", "writeMode": %q}`, dir, mode)
	}
	if _, _, err := startWriter(t, job("nonConflict"), "r1"); protocol.AsFault(err) == nil || !strings.Contains(err.Error(), "orders.csv, orders__x.csv.gz") {
		t.Errorf("nonConflict: %v", err)
	}
	want := held(t, dir)
	run := func(mode, id string, stopped bool, open ...func(*v1.OpenRequest)) []string {
		t.Helper()
		w, end, err := startWriter(t, job(mode), id, open...)
		if err != nil {
			t.Fatal(err)
		}
		defer end()
		if _, err := w.write(t, false, columns(row(id))); err != nil {
			t.Fatal(err)
		}
		return append(w.notes, w.finish(t, stopped)...)
	}
	said := func(notes []string, word string) {
		t.Helper()
		if all := strings.Join(notes, "\n"); !strings.Contains(all, word) {
			t.Errorf("notes %q do not say %q", all, word)
		}
	}
	notes := run("append", "r2", false)
	said(notes, "removed 1 incomplete files")
	said(notes, "leaves the 2 files")
	delete(want, ".orders__dead_0_1.csv.part")
	want["orders__r2_0_1.csv"] = "r2\n"
	holds(t, held(t, dir), want)

	said(run("truncate", "r3", true), "3 older files stay")
	want["orders__r3_0_1.csv"] = "r3\n"
	holds(t, held(t, dir), want)

	said(run("truncate", "r4", false), "removed 4 older files")
	want = map[string]string{"orders_other.csv": "not ours", ".orders__living_0_1.csv.part": "under way", "orders__r4_0_1.csv": "r4\n"}
	holds(t, held(t, dir), want)

	streaming := func(in *v1.OpenRequest) { in.Mode = v1.Mode_MODE_STREAMING }
	said(run("truncate", "r5", true, streaming), "removed 1 files: orders__r4_0_1.csv")
	delete(want, "orders__r4_0_1.csv")
	want["orders__r5_0_1.csv"] = "r5\n"
	holds(t, held(t, dir), want)
}

// A run that is cut leaves the files that it has acked and nothing of the others.
func TestNothingPartialStays(t *testing.T) {
	dir := t.TempDir()
	w, end, err := startWriter(t, fmt.Sprintf(`{"path": %q, "fileName": "o.csv", "maxFileRows": 2, "header": true}`, dir), "run")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.write(t, true, columns(row("1")), columns(row("2"), row("3"))); !protocol.IsCanceled(unwrapped(err)) {
		t.Errorf("the lane ended with %v", err)
	}
	if _, err := w.Close(t.Context(), &v1.CloseRequest{}); err != nil {
		t.Error(err)
	}
	end()
	holds(t, held(t, dir), map[string]string{"o__run_0_1.csv": "a\n1\n2\n"})
}

func unwrapped(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return err
}

func TestRotationAndNames(t *testing.T) {
	for _, c := range []struct{ parameters, want string }{
		{`"fileName": "o.csv", "maxFileRows": 2`, "o__run_0_1.csv o__run_0_2.csv o__run_0_3.csv"},
		{`"fileName": "o.csv", "maxFileBytes": 5, "header": true`, "o__run_0_1.csv o__run_0_2.csv o__run_0_3.csv o__run_0_4.csv o__run_0_5.csv"},
		{`"fileName": "o.csv", "compress": "gzip"`, "o__run_0_1.csv.gz"},
		{`"fileName": "o.csv.zst", "compress": "zstd"`, "o__run_0_1.csv.zst"},
		{`"fileName": "plain"`, "plain__run_0_1"},
		{`"fileName": ".hidden"`, ".hidden__run_0_1"},
	} {
		dir := filepath.Join(t.TempDir(), "not", "there")
		w, end, err := startWriter(t, fmt.Sprintf(`{"path": %q, %s}`, dir, c.parameters), "run")
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.write(t, false, columns(row("1"), row("2"), row("3")), columns(row("4"), row("5")))
		if err != nil || out.landed != 5 {
			t.Fatal(out, err)
		}
		notes := w.finish(t, false)
		end()
		var names []string
		for name := range held(t, dir) {
			names = append(names, name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.parameters, got, c.want)
		}
		if !strings.Contains(notes[0], fmt.Sprintf("wrote 5 rows to %d files", len(names))) {
			t.Errorf("%s: %s", c.parameters, notes)
		}
	}
}

// A file ends with its age, so that its rows are safe though no more come.
func TestFilesAge(t *testing.T) {
	dir := t.TempDir()
	w, end, err := startWriter(t, fmt.Sprintf(`{"path": %q, "fileName": "o.csv", "maxFileAge": 1}`, dir), "run")
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if _, err := w.write(t, true, columns(row("1"))); !protocol.IsCanceled(unwrapped(err)) { // cut waits for an ack
		t.Errorf("the lane ended with %v", err)
	}
	holds(t, held(t, dir), map[string]string{"o__run_0_1.csv": "1\n"})
}

func TestWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "plain", "keep me")
	for parameters, place := range map[string]string{
		`"fileName": "../x"`: "fileName", `"fileName": ""`: "fileName", `"fileName": "x", "path": ""`: "path", `"fileName": "x", "path": "` + dir + `/plain/x"`: "path",
		`"fileName": "x", "writeMode": "overwrite"`: "writeMode", `"fileName": "x", "compress": "bzip2"`: "compress", `"fileName": "x", "dateFormat": "qq"`: "dateFormat",
		`"fileName": "x", "header": 5`: "header", `"fileName": "x", "header": [1]`: "header", `"fileName": "x", "format": "jsonl", "header": true`: "header",
		`"fileName": "x", "column": ["a"], "header": ["a", "b"]`: "header", `"fileName": "x", "column": ["a", "a"]`: "column", `"fileName": "x", "encoding": "klingon"`: "encoding",
	} {
		if !strings.Contains(parameters, `"path"`) {
			parameters += `, "path": "` + dir + `"`
		}
		_, _, err := startWriter(t, "{"+parameters+"}", "run")
		if f := protocol.AsFault(err); f == nil || f.Code == protocol.Internal || !strings.Contains(f.Error(), place) {
			t.Errorf("%s: %v, want a fault at %s", parameters, err, place)
		}
	}
	for parameters, place := range map[string]string{`"column": ["a"]`: "column", `"header": ["a"]`: "header", `"encoding": "ISO-8859-1", "header": ["a", "日"]`: "header",
		`"format": "text", "header": ["a", "b,c"]`: "header"} {
		w, end, err := startWriter(t, fmt.Sprintf(`{"path": %q, "fileName": "x", %s}`, dir, parameters), "run")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.write(t, false, columns(row("1", "2"))); protocol.AsFault(err) == nil || protocol.AsFault(err).Place != place {
			t.Errorf("%s: %v, want a fault at %s", parameters, err, place)
		}
		end()
	}
	holds(t, held(t, dir), map[string]string{"plain": "keep me"})
}

// Whatever rows are written, in whatever dialect, read back as they were, or were refused by name.
func TestRoundTrip(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
		dialect := map[string]any{"format": pick("format", "csv", "csv", "text", "jsonl"), "encoding": pick("encoding", "UTF-8", "GB18030", "UTF-16", "UTF-16BE", "ISO-8859-1")}
		if dialect["format"] != "jsonl" {
			dialect["fieldDelimiter"], dialect["nullFormat"] = pick("delimiter", ",", "||", `\t`, `\x01`), pick("null", `\N`, "", "null")
			if dialect["format"] == "csv" {
				dialect["quote"], dialect["escape"] = pick("quote", `"`, "'"), pick("escape", "", `\`)
			}
		}
		compress, header := pick("compress", "none", "gzip", "zstd"), dialect["format"] != "jsonl" && rapid.Bool().Draw(t, "header")
		width := rapid.IntRange(1, 3).Draw(t, "columns")
		values := rapid.Ptr(rapid.StringOfN(rapid.RuneFrom([]rune(",|\t\x01a\"'\\N\r\nnul \ufeffé日😀\x00")), 0, 6, -1), true)
		var want []string
		table := rapid.SliceOfN(rapid.SliceOfN(values, width, width), 1, 8).Draw(t, "rows")
		for _, r := range table {
			b, _ := json.Marshal(r)
			want = append(want, string(b))
		}
		write := map[string]any{"path": dir, "fileName": "o", "compress": compress, "maxFileRows": rapid.IntRange(0, 3).Draw(t, "rotation")}
		read := map[string]any{"path": dir, "skipEmptyLines": false}
		if header {
			write["header"], read["skipHeader"] = true, true
		}
		if dialect["format"] == "jsonl" {
			var names []map[string]string
			for i := range width {
				names = append(names, map[string]string{"name": string(rune('a' + i)), "type": "string"})
			}
			read["column"] = names
		}
		for k, v := range dialect {
			write[k], read[k] = v, v
		}
		w, end, err := startWriter(t, object(write), "run")
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.write(t, false, columns(table...))
		end()
		if err != nil {
			t.Fatal(err)
		}
		if out.landed+len(out.dirty) != len(table) || len(out.dirty) > 0 && dialect["format"] != "text" && dialect["encoding"] != "ISO-8859-1" {
			t.Fatalf("%d rows, %d landed, dirty: %q", len(table), out.landed, out.dirty)
		}
		if out.landed == 0 {
			return
		}
		got, err := readAll(t, object(read))
		if err != nil || len(got.dirty) > 0 || len(got.rows) != out.landed {
			t.Fatalf("%d landed, and back came %q, dirty %q, %v; the files: %q", out.landed, got.rows, got.dirty, err, held(t, dir))
		}
		for _, r := range got.tokens {
			i := slices.Index(want, r)
			if i < 0 {
				t.Fatalf("%s came back and was not written (%q); the files: %q", r, want, held(t, dir))
			}
			want = slices.Delete(want, i, i+1)
		}
	})
}

func object(m map[string]any) string {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}
