package conformance

import (
	"bytes"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

func jsonWithoutKey(e *env) {
	e.rejected(e.load("t", `{"k":1,"v":"a"}`, "format: json"), "NULL value in non-nullable column 'n'. Row: {\"k\":1,\"v\":\"a\"}")
	// In columns or not: a missing key is NULL.
	e.rejected(e.load("t", `{"k":1,"v":"a"}`, "format: json", "columns: k,v,n"), "NULL value in non-nullable column 'n'")
	e.ok(e.load("t", `{"k":1,"v":"a"}`, "format: json", "columns: k,v"))
	e.wantRows("t", "1|a|7")
}

func jsonShapes(e *env) {
	array := `[{"k":1,"v":"a","n":1},{"k":2,"v":"b","n":2}]`
	e.want(e.load("t", array, "format: json"), "Fail", "strip_outer_array")
	e.want(e.load("t", array, "format: json", "strip_outer_array: 1"), "Fail", "strip_outer_array") // only the word true is true
	e.counts(e.ok(e.load("t", array, "format: json", "strip_outer_array: true")), 2, 2, 0, 0)
	e.want(e.load("t", `{"k":1,"v":"a","n":1}`, "format: json", "strip_outer_array: true"), "Fail", "the value should be array type with strip_outer_array=true")
	objects := "{\"k\":3,\"n\":1}\n{\"k\":4,\"n\":1}\n{\"k\":5,\"n\":1}\n"
	e.counts(e.ok(e.load("t", objects, "format: JSON")), 3, 3, 0, 0)
	e.counts(e.ok(e.load("t", `{"k":6,"n":1}{"k":7,"n":1} {"k":8,"n":1}`, "format: json")), 3, 3, 0, 0)
	for _, broken := range []string{`{"k":9,"n":}`, `{"k":9,"n":1`, `{"k":9 "n":1}`, `{"k":9,"n":1}}`} {
		if r := e.load("t", objects+broken, "format: json", "max_filter_ratio: 1"); r.text("Status") != "Fail" {
			e.t.Errorf("%s: %s", broken, r.body)
		}
	}
	e.want(e.load("t", `"x"`, "format: json"), "Fail", `illegal json started with "`)
	e.want(e.load("t", ` 7`, "format: json"), "Fail", "illegal json started with 7")
	r := e.load("t", `[{"k":6,"n":1},7]`, "format: json", "strip_outer_array: true")
	if r.text("Status") != "Fail" || !strings.Contains(r.text("Message"), "object") {
		e.t.Errorf("an element that is no object: %s", r.body)
	}
	e.wantRows("t", "1|a|1", "2|b|2", "3|NULL|1", "4|NULL|1", "5|NULL|1", "6|NULL|1", "7|NULL|1", "8|NULL|1")
}

func jsonKeysAndPaths(e *env) {
	e.rejected(e.load("t", `{"K":1,"v":"a","n":1}`, "format: json"), "NULL value in non-nullable column 'k'")
	e.ok(e.load("t", `{"extra":[1,{"k":9}],"k":1,"v":"a","n":1}`, "format: json"))
	e.ok(e.load("t", `{"data":{"a":{"b":2}}}`, "format: json", `jsonpaths: ["$.a.b"]`, "columns: k", "json_root: $.data"))
	e.ok(e.load("t", `{"d":[{"a":[0,{"x":3}]}]}`, "format: json", `jsonpaths: ["$.a[1].x"]`, "columns: k", "json_root: $.d", "strip_outer_array: true"))
	for _, paths := range []string{`["a`, `{"a":1}`, `[1]`} {
		e.want(e.load("t", `{"k":1}`, "format: json", "jsonpaths: "+paths, "columns: k"), "Fail", "Invalid json path")
	}
	e.wantRows("t", "1|a|1", "2|NULL|7", "3|NULL|7")
}

func packed(e *env, codec, plain string) string {
	e.t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch codec {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "lz4", "lz4_frame":
		w = lz4.NewWriter(&out)
	case "zstd":
		var err error
		if w, err = zstd.NewWriter(&out); err != nil {
			e.t.Fatal(err)
		}
	default:
		e.t.Fatalf("no codec %s", codec)
	}
	if _, err := io.WriteString(w, plain); err != nil {
		e.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		e.t.Fatal(err)
	}
	return out.String()
}

const packedRows = 5000

var (
	packedCSV  = strings.Repeat("1\ta\t5\n", packedRows)
	packedJSON = strings.Repeat(`{"k":1,"v":"a","n":5}`+"\n", packedRows)
)

func compression(e *env) {
	compressionOfCSV(e)
	for _, codec := range []string{"gzip", "lz4_frame", "zstd"} {
		body := packed(e, codec, packedJSON)
		r := e.counts(e.ok(e.load("t", body, "format: json", "compression: "+codec)), packedRows, packedRows, 0, 0)
		if got := r.text("LoadBytes"); got != itoa(len(body)) {
			e.t.Errorf("LoadBytes %s of %d", got, len(body))
		}
		e.want(e.load("t", body[:len(body)/2], "format: json", "compression: "+codec), "Fail", "")
	}
	e.ok(e.load("t", packed(e, "gzip", packedJSON), "format: json", "Content-Encoding: gzip"))
	e.want(e.load("t", packedJSON, "format: json", "compression: gzip"), "Fail", "")
	e.want(e.load("t", packedJSON, "format: json", "compression: x"), "Fail", "Unsupported compression type: x")
	e.want(e.load("t", packedJSON, "format: json", "compression: gzip", "content-encoding: gzip"), "Fail", "Only one of http header content-encoding and compression can be set")
	if got := e.query("SELECT DISTINCT k, v, n FROM " + e.db + ".t"); len(got) != 1 || got[0] != "1|a|5" {
		e.t.Errorf("rows %q", got)
	}
}

func compressionOfCSV(e *env) {
	for _, codec := range []string{"gzip", "lz4"} {
		body := packed(e, codec, packedCSV)
		r := e.counts(e.ok(e.load("t", body, "format: "+codec)), packedRows, packedRows, 0, 0)
		if got := r.text("LoadBytes"); got != itoa(len(body)) {
			e.t.Errorf("LoadBytes %s of %d", got, len(body))
		}
		e.want(e.load("t", body[:len(body)/2], "format: "+codec), "Fail", "")
		e.want(e.load("t", packedCSV, "format: "+codec), "Fail", "")
	}
	e.wantCount("t", 2*packedRows)
	if !e.r.AtLeast(3, 3) {
		// The header is not known: the body is read as JSON, which it is not.
		e.want(e.load("t", packed(e, "gzip", packedJSON), "format: json", "compression: gzip"), "Fail", "illegal json")
		e.ok(e.load("t", `{"k":1,"v":"a","n":5}`, "format: json", "compression: x"))
	}
}

func emptyBody(e *env) {
	newer, older := "No rows were imported from upstream", "all partitions have no load data"
	messages := []string{newer, older} // the paper does not say when the words changed
	switch {
	case e.r.AtLeast(4, 0):
		messages = []string{newer}
	case !e.r.AtLeast(3, 0):
		messages = []string{older}
	}
	e.create("i", "(k INT NOT NULL, i INT NULL) DUPLICATE KEY(k)")
	e.wantAny(e.load("t", "", "label: empty"), "Fail", messages...)
	e.wantState("empty", "ABORTED")
	e.wantAny(e.load("t", "\n\n"), "Fail", messages...)
	e.wantAny(e.load("t", " ", "format: json"), "Fail", messages...)
	e.wantAny(e.load("t", "[]", "format: json", "strip_outer_array: true"), "Fail", messages...)
	// All rows filtered, within the ratio; all rows unselected.
	e.wantAny(e.load("t", "x\ta\t1\n", "max_filter_ratio: 1"), "Fail", messages...)
	e.wantAny(e.load("t", "1\ta\t1\n", "where: k > 5"), "Fail", messages...)
	e.wantRows("t")
}
