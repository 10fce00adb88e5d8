package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestJSONShapes(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null")
	strip, root, both := []string{"strip_outer_array: true"}, []string{"json_root: $.d"}, []string{"json_root: $.d", "strip_outer_array: TRUE"}
	for _, s := range []scenario{
		{name: "one object", body: `{"k":1,"v":"a"}`, want: "1|a"},
		{name: "lines", body: "{\"k\":1}\n{\"k\":2}\r\n\t {\"k\":3}\n", want: "1|NULL ; 2|NULL ; 3|NULL"},
		{name: "side by side", body: `{"k":1}{"k":2}`, want: "1|NULL ; 2|NULL"},
		{name: "array without strip", body: `[{"k":1}]`, fails: "you can set strip_outer_array=true to parse each element"},
		{name: "array", headers: strip, body: ` [{"k":1} , {"k":2}] `, want: "1|NULL ; 2|NULL"},
		{name: "empty array", headers: strip, body: `[]`, fails: "No rows were imported"},
		{name: "object with strip", headers: strip, body: `{"k":1}`, fails: `the value should be array type with strip_outer_array=true, value: {"k":1}`},
		{name: "elements that are no objects", headers: strip, body: `[{"k":1},2]`, fails: "Failed to iterate json array as object"},
		{name: "nested array", headers: strip, body: `[[{"k":1}]]`, fails: "array elements must be objects"},
		{name: "two arrays", headers: strip, body: `[{"k":1}] [{"k":2},` + "\n]", want: "1|NULL"},
		{name: "an object behind the array", headers: strip, body: `[{"k":1}]{"k":2}`, fails: "Failed to parse json as array"},
		{name: "scalar behind an object", body: `{"k":1} 5`, fails: "The value should be object type in json document stream"},
		{name: "array behind an object", body: `{"k":1}[{"k":2}]`, fails: "The value is array type in json document stream"},
		{name: "comma between objects", body: `{"k":1},{"k":2}`, fails: "illegal json"},
		{name: "first byte", body: "x", fails: "illegal json started with x"},
		{name: "mark first", body: "\xef\xbb\xbf{}", fails: "illegal json started with "},
		{name: "blank", body: " \n", fails: "No rows were imported"},
		{name: "broken at the end", headers: []string{"max_filter_ratio: 1"}, body: `{"k":1}{"k":2,"v":}`, fails: "illegal json"},
		{name: "broken in a skipped key", headers: []string{"max_filter_ratio: 1"}, body: `{"k":1,"x":[1,}`, fails: "illegal json"},
		{name: "cut", body: `{"k":1`, fails: "illegal json"},
		{name: "encoding", body: "{\"k\":1,\"v\":\"\xff\"}", fails: "illegal json: The input is not valid UTF-8"},
		{name: "deep", body: `{"k":1,"x":` + strings.Repeat("[", jsonscan.MaxDepth+1) + strings.Repeat("]", jsonscan.MaxDepth+1) + "}", fails: "nested too deeply"},
		{name: "deep but not too deep", body: `{"k":1,"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "}", want: "1|NULL"},

		{name: "root", headers: root, body: `{"d":{"k":1}}{"d":{"k":2},"x":1}`, want: "1|NULL ; 2|NULL"},
		{name: "root in an array, which expands by itself", headers: root, body: `[{"d":{"k":1}},{"d":{"k":2}}]`, want: "1|NULL ; 2|NULL"},
		{name: "root is an array", headers: root, body: `{"d":[{"k":1}]}`, fails: "the value should be object type in json document stream with json root"},
		{name: "root array expands", headers: both, body: `{"d":[{"k":1},{"k":2}]}{"d":[]}{"d":[{"k":3}]}`, want: "1|NULL ; 2|NULL ; 3|NULL"},
		{name: "root arrays in an array", headers: both, body: `[{"d":[{"k":1}]},{"d":[{"k":2}]}]`, want: "1|NULL ; 2|NULL"},
		{name: "root to expand is an object", headers: both, body: `{"d":{"k":1}}`, fails: "should be array type with strip_outer_array=true"},
		{name: "root missing", headers: root, body: `{"e":1}`, fails: "unable to find key: $.d"},
		{name: "root is null", headers: root, body: `{"d":null}`, fails: "unable to find key: $.d"},
		{name: "deep root", headers: []string{`json_root: $.a."b c"[1]`}, body: `{"a":{"b c":[0,{"k":1}]}}`, want: "1|NULL"},

		{name: "paths", headers: []string{`jsonpaths: ["$.b","$.a.x[1]"]`, "columns: v,k"}, body: `{"a":{"x":[0,5]},"b":"t"}`, want: "5|t"},
		{name: "path to the whole object", headers: []string{`jsonpaths: ["$.k","$"]`}, body: `{ "k" : 1 , "x" : [ ] }`, want: `1|{"k":1,"x":[]}`},
		{name: "fewer paths than columns", headers: []string{`jsonpaths: ["$.k"]`}, body: `{"k":1,"v":"a"}`, want: "1|NULL"},
		{name: "more paths than columns", headers: []string{`jsonpaths: ["$.k","$.v","$.w"]`}, body: `{"k":1,"v":"a"}`, want: "1|a"},
		{name: "path into nothing", headers: []string{`jsonpaths: ["$.k","$.v.w[3].x"]`}, body: `{"k":1,"v":{"w":[1]}}`, want: "1|NULL"},
		{name: "path to null", headers: []string{`jsonpaths: ["$.k","$.v"]`}, body: `{"k":1,"v":null}`, want: "1|NULL"},
		{name: "path to all elements", headers: []string{`jsonpaths: ["$.k","$.v[*]"]`}, body: `{"k":1,"v":[1]}`, want: "1|NULL"},
		{name: "path with an escape in the key", headers: []string{`jsonpaths: ["$.k","$.é"]`}, body: `{"k":1,"\u00e9":"x"}`, want: "1|x"},
		{name: "paths and strip", headers: []string{`jsonpaths: ["$.a"]`, "columns: k", "strip_outer_array: true"}, body: `[{"a":1},{"a":2}]`, want: "1|NULL ; 2|NULL"},
	} {
		s.tab, s.headers = tab, append([]string{"format: json"}, s.headers...)
		s.run(t)
	}
}

func TestJSONValues(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null", "b boolean null", "i tinyint null", "f double null", "d date null", "j json null", "a array<int> null")
	for _, s := range []scenario{
		{name: "keys", body: `{"K":9,"k":1,"V":"x","other":{"k":2}}`, want: "1|NULL|NULL|NULL|NULL|NULL|NULL|NULL"},
		{name: "escaped key", body: `{"\u006b":1}`, want: "1|NULL|NULL|NULL|NULL|NULL|NULL|NULL"},
		{name: "first of equal keys", body: `{"k":1,"k":2}`, want: "1|NULL|NULL|NULL|NULL|NULL|NULL|NULL"},
		{name: "text from anything", body: `{"k":1,"v":1.50}{"k":2,"v":true}{"k":3,"v":{"a" : [1, 2]}}{"k":4,"v":"\u00e9\n"}{"k":5,"v":false}`,
			want: "1|1.50|NULL|NULL|NULL|NULL|NULL|NULL ; 2|1|NULL|NULL|NULL|NULL|NULL|NULL ; 3|{\"a\":[1,2]}|NULL|NULL|NULL|NULL|NULL|NULL ; 4|é\n|NULL|NULL|NULL|NULL|NULL|NULL ; 5|0|NULL|NULL|NULL|NULL|NULL|NULL"},
		{name: "numbers", body: `{"k":"1","b":2,"i":"7","f":"1e3","d":"2024-01-02"}{"k":2,"b":"false","i":1.9,"f":7,"d":20240102}`,
			want: "1|NULL|1|7|1000|2024-01-02|NULL|NULL ; 2|NULL|0|1|7|2024-01-02|NULL|NULL"},
		{name: "overflow", body: `{"k":1,"i":300}`, want: "1|NULL|NULL|NULL|NULL|NULL|NULL|NULL"},
		{name: "overflow, strict", headers: []string{"strict_mode: true"}, body: `{"k":1,"i":300}`, fails: "too many", log: "Value is overflow. column=i, value=300"},
		{name: "json and array", body: `{"k":1,"j":{"x": [1 ,"é"]},"a":[1, null,"3"]}`, want: `1|NULL|NULL|NULL|NULL|NULL|{"x":[1,"é"]}|[1,null,3]`},
		{name: "missing is null, not the default", body: `{"v":"a"}`, fails: "too many", log: "NULL value in non-nullable column 'k'. Row: {\"v\":\"a\"}"},
		{name: "null", body: `{"k":null}`, fails: "too many", log: "NULL value in non-nullable column 'k'"},
	} {
		s.tab, s.headers = tab, append([]string{"format: json"}, s.headers...)
		s.run(t)
	}
}

func TestChangeEvents(t *testing.T) {
	tab := table(t, store.Primary, "k int", "v varchar(60) null")
	dup := table(t, store.Duplicate, "k int", "v varchar(60) null")
	headers := []string{"format: json", "envelope: debezium"}
	events := `{"before":null,"after":{"k":1,"v":"a"},"op":"c"}{"before":null,"after":{"k":2,"v":"b"},"op":"r","ts_ms":1}
		{"before":{"k":1,"v":"a"},"after":{"k":1,"v":"c"},"op":"u"}{"before":{"k":2,"v":"b"},"after":null,"op":"d"}`
	for _, s := range []scenario{
		{name: "events", tab: tab, headers: headers, body: events, want: "1|c"},
		{name: "with the schema", tab: tab, headers: headers, body: `{"schema":{},"payload":{"before":null,"after":{"k":1},"op":"c"}}`, want: "1|NULL"},
		{name: "unknown op", tab: tab, headers: headers, body: `{"after":{"k":1},"op":"t"}`, fails: "too many", log: "unknown op"},
		{name: "no image", tab: tab, headers: headers, body: `{"after":null,"op":"c"}`, fails: "too many", log: "no image of the row"},
		{name: "array", tab: tab, headers: headers, body: `[{"after":{"k":1},"op":"c"}]`, fails: "array type"},
		{name: "broken", tab: tab, headers: headers, body: `{"after":{"k":1},"op":"c"`, fails: "illegal json"},
		{name: "paths into the image", tab: tab, headers: append(headers, `jsonpaths: ["$.x","$.v"]`), body: `{"after":{"x":5,"v":"p"},"op":"c"}`, want: "5|p"},
		{name: "other table", tab: dup, headers: append(headers, "max_filter_ratio: 1"), body: events, want: "1|a ; 1|c ; 2|b", log: "not a primary key table"},
		{name: "not known", release: "3.5", tab: tab, headers: append(headers, "columns: op,k=1"), body: `{"op":"c"}`, want: "1|NULL"},
	} {
		s.run(t)
	}
}

// Discard mode counts what the reader would load, under json_root too.
func TestCountUnderRoot(t *testing.T) {
	tab := table(t, store.Duplicate, "k int")
	body := `{"d":[{"k":1},{"k":2}],"x":[{}]}{"d":[]}`
	l, err := loadBodies(t, Options{Discard: true}, tab, []string{body}, "format: json", "json_root: $.d", "strip_outer_array: true")
	if err != nil || l.Loaded() != 2 || l.Batch().Len() != 0 {
		t.Errorf("%d rows, %v", l.Loaded(), err)
	}
}

// Objects of the standard library's making read back, however the body is
// wrapped and cut.
func TestObjectsReadBack(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(200) null", "w varchar(200) null")
	rapid.Check(t, func(t *rapid.T) {
		rows := textRows(t, rapid.StringN(0, 20, 150))
		wrap := rapid.SampledFrom([]string{"lines", "array", "root"}).Draw(t, "wrap")
		var objects []string
		for _, r := range rows {
			var k int
			if _, err := fmt.Sscan(r[0], &k); err != nil {
				t.Fatal(err)
			}
			fields := map[string]any{"k": k, "v": r[1], "w": r[2], "x": []any{nil, true, r[1]}}
			raw, err := json.Marshal(fields)
			if rapid.Bool().Draw(t, "indent") {
				raw, err = json.MarshalIndent(fields, " ", "\t")
			}
			if err != nil {
				t.Fatal(err)
			}
			objects = append(objects, string(raw))
		}
		q := New(Options{}, "d", "t", "l")
		q.json = true
		body := strings.Join(objects, "\n")
		switch wrap {
		case "array":
			q.stripArray = true
			body = "[" + strings.Join(objects, ",") + "]"
		case "root":
			q.stripArray, q.root = true, path{{key: "d"}}
			body = `{"n":{},"d":[` + strings.Join(objects, ",") + `]}`
		}
		checkRows(t, tab, q, []byte(body), rows)
	})
}
