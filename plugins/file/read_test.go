package file_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/file"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// Each way to say what is in a file, and what comes of it: rows, then dirty records, a line each.
func TestWhatComes(t *testing.T) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("1,中文\n2,\"北京,上海\"\n")
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String("1,é\r\n2,😀\n")
	if err != nil {
		t.Fatal(err)
	}
	const hello = "QlpoOTFBWSZTWWt8yPcAAAFZgAAQAAQgAC4IQAAgACIDI9QgyYh5Y+A8XckU4UJBrfMj3A==" // "1,packed\n" by bzip2
	packed, err := base64.StdEncoding.DecodeString(hello)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 3000)
	for _, c := range []struct{ name, text, parameters, want string }{
		{"all cells", "1,a\n2,\n\n3,\"\"\n", ``, "1|a\n2|\n3|\nfiltered 1"},
		{"the header names", "\ufeffid,name\n1,a\n", `"skipHeader": true`, "1|a"},
		{"null", "\\N,\"\\N\"\n,x\n", ``, "NULL|\\N\n|x"},
		{"empty is null", "1,\n\"\",2\n", `"nullFormat": ""`, "1|NULL\n|2"},
		{"by position", "a,1,b\n", `"column": [{"index": 2}, 0, "1"]`, "b|a|1"},
		{"constants", "a\n", `"column": [0, {"value": "x"}, {"type": "long", "value": 7}]`, "a|x|7"},
		{"types", "1,2.5,TRUE,2024-02-29 01:02:03.5\n-1,1e3,0,20240229\n 7 ,-0,false,2024-02-29T01:02:03\n",
			`"column": [{"index":0,"type":"long"},{"index":1,"type":"double"},{"index":2,"type":"boolean"},{"index":3,"type":"date"}]`,
			"1|2.5|true|2024-02-29T01:02:03.5\n-1|1000|false|2024-02-29T00:00:00\n7|-0|false|2024-02-29T01:02:03"},
		{"bad values", "x,\n9223372036854775808,\n,\n1,0x1p\n1,1\n", `"column": [{"index":0,"type":"long","name":"n"},{"index":1,"type":"double","name":"f"}]`,
			"1|1\nline 1: n: \"x\" is not an integer of 64 bits\nline 2: n: \"9223372036854775808\" is not an integer of 64 bits\n" +
				"line 3: n: \"\" is not an integer of 64 bits\nline 4: f: \"0x1p\" is not a number of 64 bits"},
		{"dates", "29.02.2024\n30.02.2024\n", `"column": [{"index":0,"type":"date","format":"dd.MM.yyyy","name":"d"}]`,
			"2024-02-29T00:00:00\nline 2: d: \"30.02.2024\" is not a date as format has it"},
		{"fine dates", "2024-02-29 00:00:00.1234567\n", `"column": [{"index":0,"type":"date","name":"d"}]`,
			"line 1: d: \"2024-02-29 00:00:00.1234567\" is finer than a microsecond"},
		{"ragged", "a,b\nc\nd,e,f\n", ``, "a|b\nline 2: : has 1 cells, and 2 are due\nline 3: : has 3 cells, and 2 are due"},
		{"too few", "a,b\nc\n", `"column": [1]`, "b\nline 2: c1: has 1 cells, and column c1 is cell 1 from 0"},
		{"a stray quote costs a line", "1,\"a\n2,b\n3,\"c\nd\"\n", ``, "2|b\n3|c\nd\nline 1: : text stands behind the closing quote of a value"},
		{"never closed", "1,\"a\n2,b\n", ``, "2|b\nline 1: : a quoted value is not closed"},
		{"too long", "1,a\n2," + long + "\n3,b\n", `"maxLineBytes": 1024`, "1|a\n3|b\nline 2: : longer than maxLineBytes; this is its beginning"},
		{"too long in lines", "1,a\n2,\"" + strings.Repeat("x\n", 800) + "\"\n", `"maxLineBytes": 1024, "column": [1]`,
			"a\nline 2: : longer than maxLineBytes" + strings.Repeat("\n*", 800)},
		{"not UTF-8", "1,a\n2,\xff\n", ``, "1|a\nline 2: : holds bytes that are not UTF-8; encoding names other encodings"},
		{"text", "1|\"a\n", `"format": "text", "fieldDelimiter": "|"`, "1|\"a"},
		{"escape", "1,\"a\\\"b\"\n", `"escape": "\\"`, `1|a"b`},
		{"DataX", "1\x01\"a\x01\n\n", `"fieldDelimiter": "\\x01", "csvReaderConfig": {"safetySwitch": false, "useTextQualifier": false, "skipEmptyRecords": false}, "column": [0]`, "1\n"},
		{"DataX quotes", "1,'a,b'\n", `"csvReaderConfig": {"textQualifier": "'", "skipEmptyRecords": true}`, "1|a,b"},
		{"GBK", gbk, `"encoding": "gbk"`, "1|中文\n2|北京,上海"},
		{"not GBK", "1,a\n2,\xff\xff\n", `"encoding": "GB2312"`, "1|a\nline 2: : holds bytes that are not GB2312"},
		{"GB18030", "1,\x94\x39\xda\x33\n", `"encoding": "GB18030"`, "1|💩"},
		{"UTF-16", wide, `"encoding": "UTF-16"`, "1|é\n2|😀"},
		{"Latin-1", "1,\xe9\n", `"encoding": "ISO-8859-1"`, "1|é"},
		{"gzip", gz(t, "1,a\n") + gz(t, "2,b\n"), `"compress": "gzip"`, "1|a\n2|b"},
		{"zstd", zst(t, "1,a\n"), `"compress": "zstd"`, "1|a"},
		{"bzip2", string(packed), `"compress": "bzip2"`, "1|packed"},
		{"empty", "", ``, ""},
		{"header only", "id,name\n", `"skipHeader": true`, ""},
		{"JSON fields", "{\"a\":1,\"b\":\"x\\ny\",\"a\":2}\n[1]\n{\"a\":\n  {\"b\":null,\"a\":{\"c\":1.0}}  \n\n", `"format": "jsonl", "column": ["a", {"name": "b", "type": "string"}]`,
			"2|x\ny\n{\"c\":1.0}|NULL\nline 2: : is not a JSON object\nline 3: : is not a JSON object\nfiltered 1"},
		{"JSON types", `{"a":"5","d":"2024-02-29","s":{"x":1}}` + "\n" + `{"a":1.5}` + "\n" + `{"a":1,"s":"\ud800"}` + "\n", `"format": "jsonl",
			"column": [{"name":"a","type":"long"},{"name":"d","type":"date"},{"name":"s","type":"string"},{"value":true,"type":"bool"}]`,
			"5|2024-02-29T00:00:00|{\"x\":1}|true\nline 2: a: \"1.5\" is not an integer of 64 bits\nline 3: s: holds half of a surrogate pair, which is no text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := put(t, t.TempDir(), "f", c.text)
			got, err := readAll(t, join(path, c.parameters))
			if err != nil {
				t.Fatal(err)
			}
			all := slices.Clone(got.rows)
			for _, d := range got.dirty {
				d = strings.TrimPrefix(d, path+" ")
				if strings.Contains(c.want, "*") && d != "line 2: : longer than maxLineBytes" {
					d = "*" // a line of what was a value
				}
				all = append(all, d)
			}
			if got.filtered > 0 {
				all = append(all, fmt.Sprint("filtered ", got.filtered))
			}
			if have := strings.Join(all, "\n"); have != c.want {
				t.Errorf("got\n%s\nwant\n%s", have, c.want)
			}
		})
	}
}

func join(path, parameters string) string {
	out := fmt.Sprintf(`{"path": %q`, path)
	if parameters != "" {
		out += ", " + parameters
	}
	return out + "}"
}

// A dirty record is the line as it stood there, and a long one its beginning.
func TestDirtyRecordsAreKept(t *testing.T) {
	path := put(t, t.TempDir(), "f.csv", "1,\"a\r\n2,b\n3,"+strings.Repeat("x", 200_000)+"\n")
	got, err := readAll(t, join(path, `"maxLineBytes": 100000`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.records) != 2 || got.records[0] != `1,"a` || !strings.HasPrefix(got.records[1], "3,xxx") || len(got.records[1]) != 64<<10 {
		t.Errorf("%d dirty records: %.40q", len(got.records), got.records)
	}
}

func TestColumnsByTheHeader(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.csv", "ID,name,x\n1,a,u\n")
	put(t, dir, "b.csv", "x,id,name\nv,2,b\n")
	put(t, dir, "_SUCCESS", "")
	put(t, dir, ".c.csv.part", "half")
	got, err := readAll(t, join(dir, `"skipHeader": true`), "name", "id")
	if err != nil || strings.Join(got.rows, " ") != "a|1 b|2" || strings.Join(got.columns, ",") != "name,id" {
		t.Errorf("%v, %v", got, err)
	}
	if !strings.Contains(strings.Join(got.notes, "\n"), "from the header: name, id") {
		t.Errorf("notes %q do not say that names count", got.notes)
	}
	// The header has no column of that name: cells count by position.
	if got, err = readAll(t, join(dir, `"skipHeader": true`), "p", "q", "r"); err != nil || strings.Join(got.rows, " ") != "1|a|u 2|b|v" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err = readAll(t, join(dir, `"skipHeader": true, "column": ["x", {"index": 0, "name": "first"}]`)); err != nil || strings.Join(got.rows, " ") != "u|1 v|v" {
		t.Errorf("%v, %v", got, err)
	}
}

// What cannot work is refused before a row moves, at the place where it is said.
func TestReaderRefuses(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "f.csv", "id,id\n1,2\n")
	odd := put(t, dir, "odd.csv", "\xd6\xd0,b\n1,2\n")
	quoted := put(t, dir, "quoted.csv", "\"id,b\n1,2\n")
	put(t, dir, "g/a.csv", "id,x\n1,2\n")
	put(t, dir, "g/b.csv", "id\n1\n")
	put(t, dir, "bad.csv.gz", "no gzip")
	put(t, dir, "cut.csv.gz", gz(t, strings.Repeat("1,a\n", 1000))[:40])
	for _, c := range []struct{ parameters, place string }{
		{`{}`, "path"}, {`{"path": [""]}`, "path"}, {`{"path": "` + dir + `/none.csv"}`, "path"}, {`{"path": "` + dir + `/*.txt"}`, "path"},
		{`{"path": "` + dir + `/**/x"}`, "path"}, {`{"path": "` + dir + `/[a"}`, "path"}, {`{"path": "/dev/null"}`, "path"},
		{join(dir, `"pattern": "[x"`), "pattern"}, {join(dir, `"pattern": "none"`), "path"},
		{join(path, `"encoding": "klingon"`), "encoding"}, {join(path, `"quote": "ab"`), "quote"}, {join(path, `"fieldDelimiter": ""`), "fieldDelimiter"},
		{join(path, `"format": "text", "escape": "\\"`), "escape"}, {join(path, `"format": "xml"`), "format"},
		{join(path, `"format": "jsonl", "skipHeader": true`), "skipHeader"}, {join(path, `"format": "jsonl", "column": [{"index": 1}]`), "column"},
		{join(path, `"column": ["id"]`), "column"}, {join(path, `"column": [{"type": "long"}]`), "column"}, {join(path, `"column": ["*", 1]`), "column"},
		{join(path, `"column": [[1]]`), "column"}, {join(path, `"column": [{"index": 0, "value": 1}]`), "index"},
		{join(path, `"column": [{"value": "x", "type": "long"}]`), "value"}, {join(path, `"column": [{"index": 0, "format": "yyyy"}]`), "format"},
		{join(path, `"column": [{"index": 0, "type": "date", "format": "qq"}]`), "format"}, {join(path, `"column": [{"index": 0, "type": "blob"}]`), "type"},
		{join(path, `"column": [{"index": 0, "name": "a"}, {"index": 1, "name": "a"}]`), "column"},
		{join(path, `"skipHeader": true`), "column"}, {join(path, `"skipHeader": true, "column": ["none"]`), "column"},
		{join(dir+"/g", `"skipHeader": true`), "path"}, {join(dir+"/g", `"skipHeader": true, "column": ["x"]`), "column"},
		{join(dir+"/bad.csv.gz", ``), "path"}, {join(dir+"/cut.csv.gz", `"column": [0]`), "path"},
		{join(odd, `"skipHeader": true`), "encoding"}, {join(quoted, `"skipHeader": true`), "path"},
		{join(path, `"compress": "zstd", "column": [0]`), "path"},
	} {
		_, err := readAll(t, c.parameters)
		if f := protocol.AsFault(err); f == nil || f.Code == protocol.Internal || !strings.Contains(f.Error(), c.place) {
			t.Errorf("%s: %v, want a fault at %s", c.parameters, err, c.place)
		}
	}
}

// A file that changes between the beginning of the job and its turn is not read half old and half new.
func TestChangedFile(t *testing.T) {
	path := put(t, t.TempDir(), "f.csv", "1\n")
	conn, end := serve(t, file.ReaderPlugin("test"))
	defer end()
	r := v1.NewReaderClient(conn)
	if _, err := r.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(join(path, "")), Run: "r", Lanes: 1}); err != nil {
		t.Fatal(err)
	}
	split, err := r.Split(t.Context(), &v1.SplitRequest{Want: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("1\n2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := r.Read(t.Context(), &v1.ReadRequest{Shards: split.Shards})
	if err == nil {
		_, err = s.Recv()
	}
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.Data || !strings.Contains(f.Error(), "changed") {
		t.Errorf("%v, want a fault that says so", err)
	}
}

func TestStreamingNeedsAnEnd(t *testing.T) {
	conn, end := serve(t, file.ReaderPlugin("test"))
	defer end()
	path := put(t, t.TempDir(), "f.csv", "1\n")
	_, err := v1.NewReaderClient(conn).Open(t.Context(), &v1.OpenRequest{Parameters: []byte(join(path, "")), Run: "r", Lanes: 1, Mode: v1.Mode_MODE_STREAMING})
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.Config {
		t.Errorf("%v, want a refusal", err)
	}
}

// gx check --live looks at files as Open does, and changes nothing.
func TestCheckLive(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "f.csv", "id\n1\n")
	reads := func(parameters string) []options.Problem {
		r := file.ReaderPlugin("test").Reader.New()
		return live(t, r, r.Config(), parameters)
	}
	writes := func(parameters string) []options.Problem {
		w := file.WriterPlugin("test").Writer.New()
		return live(t, w, w.Config(), parameters)
	}
	for place, problems := range map[string][]options.Problem{
		"":          append(reads(join(path, `"skipHeader": true`)), writes(`{"path": "`+dir+`/new", "fileName": "f.csv"}`)...),
		"path":      reads(join(path+".none", "")),
		"column[0]": reads(join(path, `"skipHeader": true, "column": ["none"]`)),
		"fileName":  writes(`{"path": "` + dir + `", "fileName": "f.csv"}`),
	} {
		if place == "" && len(problems) > 0 || place != "" && (len(problems) != 1 || problems[0].Path != place || problems[0].Try == "") {
			t.Errorf("%q: %v", place, problems)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func live(t *testing.T, plugin, config any, parameters string) []options.Problem {
	t.Helper()
	v, problems := options.Parse([]byte(parameters))
	if problems = append(problems, options.Decode(v, "", config)...); options.Failed(problems) {
		t.Fatal(problems)
	}
	return plugin.(sdk.LiveChecker).CheckLive(t.Context())
}
