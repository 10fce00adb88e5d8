package load

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

func TestCase22JSONMissingKeyIsNull(t *testing.T) {
	b := start(t)
	r := b.want(b.load("t", `{"k":1,"v":"a"}`, "format: json"), "Fail", "too many filtered rows")
	if log := b.errorLog(r); !strings.Contains(log, "NULL value in non-nullable column 'n'. Row: {\"k\":1,\"v\":\"a\"}") {
		t.Errorf("log %q", log)
	}
}

func TestCase23NoDefault(t *testing.T) {
	b := start(t)
	b.want(b.load("t", "a\n", "columns: v"), "Fail", "Column has no default value. column: k")
	b.want(b.load("t", "a\n", "columns: k,v,k"), "Fail", "Duplicate column: k")
}

func TestCase24ExpressionsAreRefused(t *testing.T) {
	b := start(t)
	b.want(b.load("t", "1\tx\n", "columns: a,b,k=a+1,v=upper(b)"), "Fail", "k = a+1 is not supported by this stand-in")
	b.want(b.load("t", "1\tx\t2\n", "where: k > 1"), "Fail", "where: k > 1 is not supported by this stand-in")
	b.want(b.load("t", "1\tx\n", "columns: a,zz=a"), "Fail", "Mapping column is not in table. column: zz")
}

func TestCase25JSONShapes(t *testing.T) {
	b := start(t)
	array := `[{"k":1,"v":"a","n":1},{"k":2,"v":"b","n":2}]`
	b.want(b.load("t", array, "format: json"), "Fail", "strip_outer_array")
	b.wantCounts(b.want(b.load("t", array, "format: json", "strip_outer_array: true"), "Success", ""), 2, 2, 0)
	b.want(b.load("t", `{"k":1,"v":"a","n":1}`, "format: json", "strip_outer_array: true"), "Fail", "the value should be array type with strip_outer_array=true")
	lines := "{\"k\":3,\"n\":1}\n{\"k\":4,\"n\":1}\n{\"k\":5,\"n\":1}\n"
	b.wantCounts(b.want(b.load("t", lines, "format: json"), "Success", ""), 3, 3, 0)
	b.want(b.load("t", lines+`{"k":6,"n":}`, "format: json", "max_filter_ratio: 1"), "Fail", "illegal json")
	b.want(b.load("t", `"x"`, "format: json"), "Fail", `illegal json started with "`)
	b.want(b.load("t", `[{"k":6,"n":1},7]`, "format: json", "strip_outer_array: true"), "Fail", "must be objects")
	b.wantRows("t", "1|a|1", "2|b|2", "3|NULL|1", "4|NULL|1", "5|NULL|1")
}

func TestCase26JSONKeysAndPaths(t *testing.T) {
	b := start(t)
	b.want(b.load("t", `{"K":1,"v":"a","n":1}`, "format: json"), "Fail", "too many filtered rows")
	b.want(b.load("t", `{"extra":[1,{"k":9}],"k":1,"v":"a","n":1}`, "format: json"), "Success", "")
	b.want(b.load("t", `{"data":{"a":{"b":2}}}`, "format: json", `jsonpaths: ["$.a.b"]`, "columns: k", "json_root: $.data"), "Success", "")
	b.want(b.load("t", `{"d":[{"a":[0,{"x":3}]}]}`, "format: json", `jsonpaths: ["$.a[1].x"]`, "columns: k", "json_root: $.d", "strip_outer_array: true"), "Success", "")
	b.want(b.load("t", `{}`, "format: json", `jsonpaths: ["a"]`, "columns: k"), "Fail", "Invalid json path: a")
	b.wantRows("t", "1|a|1", "2|NULL|7", "3|NULL|7")
}

func TestCase27Compression(t *testing.T) {
	b := start(t)
	csv := strings.Repeat("1\ta\t5\n", 5000)
	objects := strings.Repeat(`{"k":1,"v":"a","n":5}`+"\n", 5000)
	pack := func(name, plain string) string {
		var out bytes.Buffer
		var w io.WriteCloser
		switch name {
		case "gzip":
			w = gzip.NewWriter(&out)
		case "lz4", "lz4_frame":
			w = lz4.NewWriter(&out)
		case "zstd":
			w, _ = zstd.NewWriter(&out)
		}
		if _, err := io.WriteString(w, plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, name := range []string{"gzip", "lz4", "zstd"} {
		b.wantCounts(b.want(b.load("t", pack(name, csv), "format: "+name), "Success", ""), 5000, 5000, 0)
	}
	for _, name := range []string{"gzip", "lz4_frame", "zstd"} {
		packed := pack(name, objects)
		r := b.want(b.load("t", packed, "format: json", "compression: "+name), "Success", "")
		b.wantCounts(r, 5000, 5000, 0)
		if r.answer.LoadBytes != int64(len(packed)) {
			t.Errorf("LoadBytes %d for %d", r.answer.LoadBytes, len(packed))
		}
		b.want(b.load("t", packed[:len(packed)/2], "format: json", "compression: "+name), "Fail", "decompress")
	}
	b.want(b.load("t", objects, "format: json", "compression: gzip"), "Fail", "decompress gzip failed")
	b.want(b.load("t", "", "format: json", "compression: x"), "Fail", "Unsupported compression type: x")
	b.want(b.load("t", "", "format: json", "compression: gzip", "content-encoding: gzip"), "Fail", "Only one of http header")
}

func TestCase28EmptyBody(t *testing.T) {
	b := start(t)
	b.want(b.load("t", ""), "Fail", "No rows were imported from upstream")
	b.want(b.load("t", "\n\n"), "Fail", "No rows were imported from upstream")
	b.want(b.load("t", " ", "format: json"), "Fail", "No rows were imported from upstream")
	b.want(b.load("t", "[]", "format: json", "strip_outer_array: true"), "Fail", "No rows were imported from upstream")
	b.want(b.load("t", "x\ta\t1\n", "max_filter_ratio: 1"), "Fail", "No rows were imported from upstream")
}
