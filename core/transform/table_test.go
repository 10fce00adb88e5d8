package transform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// parseSpecs reads transformers as they stand in a job.
func parseSpecs(t testing.TB, list string) []Spec {
	t.Helper()
	v, problems := options.Parse([]byte(list))
	if options.Failed(problems) {
		t.Fatal(problems)
	}
	var specs []Spec
	for i, item := range v.Items() {
		at := options.At("transformer", i)
		specs = append(specs, Spec{Name: item.Get("name").Text(), NamePath: at + ".name", Parameter: item.Get("parameter"), Path: at + ".parameter"})
	}
	return specs
}

func chainOf(t testing.TB, list string) *Chain {
	t.Helper()
	c, problems := Compile(parseSpecs(t, list), job.Dates{}, false)
	if options.Failed(problems) {
		t.Fatal(problems)
	}
	return c
}

// recordOf builds a record from rows in arrow-go's JSON form.
func recordOf(t testing.TB, s *arrow.Schema, lines ...string) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader("["+strings.Join(lines, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func frameOf(t testing.TB, rec arrow.RecordBatch) *wire.Frame {
	t.Helper()
	payload, err := rows.Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Frame{Header: wire.Header{Sequence: 7, Shard: "s/1", Position: []byte("p7"), Rows: uint32(rec.NumRows()), Bytes: 99, Lag: 3}, Payload: payload}
}

// outcome is a batch after a chain, for comparing.
type outcome struct {
	names    []string
	rows     []string // as described, in order
	filtered int
	dirty    []string // "row: reason"
}

func (o outcome) String() string {
	return fmt.Sprintf("%q %s filtered %d dirty %q", o.names, o.rows, o.filtered, o.dirty)
}

func apply(t testing.TB, r *Runner, rec arrow.RecordBatch) (outcome, error) {
	t.Helper()
	f, loss, err := r.Apply(frameOf(t, rec))
	if err != nil {
		return outcome{}, err
	}
	o := outcome{filtered: int(loss.Filtered)}
	for _, d := range loss.Dirty {
		if want := fmt.Sprintf("shard s/1, batch 7, row %d", d.Row); d.Place != want {
			t.Errorf("place %q, want %q", d.Place, want)
		}
		if !bytes.Equal(d.Record, rows.Describe(rec, int(d.Row))) {
			t.Errorf("dirty row %d holds %s", d.Row, d.Record)
		}
		o.dirty = append(o.dirty, fmt.Sprintf("%d: %s", d.Row, d.Reason))
	}
	if f.Sequence != 7 || f.Shard != "s/1" || string(f.Position) != "p7" || f.Bytes != 99 || f.Lag != 3 {
		t.Errorf("the header changed: %+v", f.Header)
	}
	if int64(f.Rows)+int64(loss.Filtered)+int64(len(loss.Dirty)) != rec.NumRows() {
		t.Errorf("%d rows came, %d left, %d filtered, %d dirty", rec.NumRows(), f.Rows, loss.Filtered, len(loss.Dirty))
	}
	if f.Rows > 0 {
		var d rows.Decoder
		payload := make([]byte, f.PayloadLen())
		f.CopyPayload(payload)
		out, err := d.Decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		if err := array.ValidateRecordFull(out); err != nil {
			t.Fatal(err)
		}
		o.names = namesOf(out.Schema().Fields())
		for i := range int(out.NumRows()) {
			o.rows = append(o.rows, string(rows.Describe(out, i)))
		}
	}
	f.Free()
	return o, nil
}

// textRows is a schema of one text column and one number beside it.
var textRows = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// one applies one dx_ transformer to one text, null for NULL.
func one(t *testing.T, name, paras, value string) string {
	t.Helper()
	c := chainOf(t, `[{"name": "`+name+`", "parameter": {"columnIndex": 1, "paras": `+paras+`}}]`)
	o, err := apply(t, c.Runner(), recordOf(t, textRows, `{"id": 1, "s": `+value+`}`))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case o.filtered == 1:
		return "filtered"
	case len(o.dirty) == 1:
		return strings.TrimPrefix(o.dirty[0], "0: ")
	}
	return strings.TrimSuffix(strings.TrimPrefix(o.rows[0], `{"id":"1","s":`), "}")
}

func TestTextTransformers(t *testing.T) {
	for _, c := range []struct{ name, paras, value, want string }{
		{"dx_substr", `["0","2"]`, `"abcde"`, `"ab"`},
		{"dx_substr", `[1, 3]`, `"abcde"`, `"bcd"`},
		{"dx_substr", `["2","99"]`, `"abcde"`, `"cde"`},
		{"dx_substr", `["5","1"]`, `"abcde"`, `""`},
		{"dx_substr", `["6","1"]`, `"abcde"`, `dx_substr: it starts at character 6 of a value of 5`},
		{"dx_substr", `["1","0"]`, `"abcde"`, `""`},
		{"dx_substr", `["0","4"]`, `""`, `""`},
		{"dx_substr", `["9","4"]`, `null`, `null`},
		{"dx_substr", `["1","2"]`, `"aß漢😀z"`, `"ß漢"`},
		{"dx_pad", `["l","4","A"]`, `"xyz"`, `"Axyz"`},
		{"dx_pad", `["R","5","ab"]`, `"xy"`, `"xyaba"`},
		{"dx_pad", `["l","5","ab"]`, `"xy"`, `"abaxy"`},
		{"dx_pad", `["l","2","A"]`, `"xyz"`, `"xy"`},
		{"dx_pad", `["r","3","0"]`, `null`, `"000"`},
		{"dx_pad", `["r","0","0"]`, `"abc"`, `""`},
		{"dx_pad", `["l","4","é"]`, `"漢"`, `"ééé漢"`},
		{"dx_replace", `["2","4","****"]`, `"abcdefgh"`, `"ab****gh"`},
		{"dx_replace", `["5","10","****"]`, `"abcdefgh"`, `"abcde****"`},
		{"dx_replace", `["0","3",""]`, `"abcdefgh"`, `"defgh"`},
		{"dx_replace", `["8","3","x"]`, `"abcdefgh"`, `"abcdefghx"`},
		{"dx_replace", `["9","3","x"]`, `"abcdefgh"`, `dx_replace: it starts at character 9 of a value of 8`},
		{"dx_replace", `["3","-1","x"]`, `"abcdefgh"`, `"abcxcdefgh"`},
		{"dx_replace", `["2","2","x"]`, `null`, `null`},
		{"dx_digest", `["md5","toLowerCase"]`, `"abc"`, `"900150983cd24fb0d6963f7d28e17f72"`},
		{"dx_digest", `["MD5","touppercase"]`, `"abc"`, `"900150983CD24FB0D6963F7D28E17F72"`},
		{"dx_digest", `["sha1","toUpperCase"]`, `"abc"`, `"A9993E364706816ABA3E25717850C26C9CD0D89D"`},
		{"dx_digest", `["md5","toLowerCase"]`, `null`, `"d41d8cd98f00b204e9800998ecf8427e"`},
		{"dx_digest", `["md5","toLowerCase"]`, `"漢"`, `"46123efddf7e993fd19bbbb9c6119491"`},
	} {
		t.Run(c.name+c.paras+c.value, func(t *testing.T) {
			if got := one(t, c.name, c.paras, c.value); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// kinds is a schema with a column of every type that dx_filter tells apart.
var kinds = arrow.NewSchema([]arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "d", Type: &arrow.Decimal128Type{Precision: 30, Scale: 2}, Nullable: true},
	{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "u", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
}, nil)

func TestFilter(t *testing.T) {
	row := `{"n": 10, "f": 2.5, "d": "-12345678901234567890.10", "t": "2026-11-21 10:00:00.5", "s": "abc", "b": true, "day": "2026-11-21", "u": 18446744073709551615}`
	rec := recordOf(t, kinds, row, `{}`)
	const kept, out = "kept", "filtered"
	for _, c := range []struct{ column, op, value, full, null string }{
		{"n", ">", "9", out, kept}, {"n", ">", "10", kept, kept}, {"n", ">=", "10", out, kept}, {"n", "<", "11", out, kept},
		{"n", "<=", "9", kept, kept}, {"n", "=", "10", out, kept}, {"n", "==", "10", out, kept}, {"n", "!=", "10", kept, out},
		{"n", "!=", "11", out, out}, {"n", ">", "9.5", out, kept}, {"n", "=", "1e1", out, kept}, {"n", "<", "9", kept, kept},
		{"n", "=", "null", kept, out}, {"n", "!=", "NULL", out, kept},
		{"n", ">", "ten", `dirty: dx_filter: "ten" is no number, and the column holds numbers`, kept},
		{"n", "like", "1.", out, kept}, {"n", "like", "1", kept, kept}, {"n", "not like", "1", out, kept},
		{"f", ">", "2.4", out, kept}, {"f", "=", "2.50", out, kept}, {"f", "!=", "2.5", kept, out}, {"f", "<=", "2", kept, kept},
		{"f", ">", "x", `dirty: dx_filter: "x" is no number, and the column holds numbers`, kept},
		{"d", "=", "-12345678901234567890.1", out, kept}, {"d", "=", "-12345678901234567890.11", kept, kept},
		{"d", ">", "-12345678901234567890.11", out, kept}, {"d", "<", "0", out, kept}, {"d", "like", `-\d+\.10`, out, kept},
		{"t", ">", "2026-11-21 10:00:00", out, kept}, {"t", "<", "2026-11-22", out, kept}, {"t", "=", "1795255200500", out, kept},
		{"t", "like", `2026-11-21 10:00:00\.5`, out, kept}, {"day", "=", "2026-11-21", out, kept}, {"day", "<", "2026-11-21", kept, kept},
		{"t", ">", "soon", `dirty: dx_filter: "soon" is neither milliseconds nor a date, and the column holds dates`, kept},
		{"s", "=", "abc", out, kept}, {"s", ">", "abb", out, kept}, {"s", "<", "abcd", out, kept}, {"s", "like", "a.*", out, kept},
		{"s", "like", "b", kept, kept}, {"s", "not  like", "a.*", kept, kept}, {"s", "LIKE", "x|abc", out, kept}, {"s", "=", "null", kept, out},
		{"s", "!=", "null", out, kept}, {"s", "!=", "abc", kept, out}, {"b", "=", "true", out, kept}, {"b", "!=", "true", kept, out},
		{"u", "=", "18446744073709551615", out, kept}, {"u", ">", "18446744073709551614", out, kept},
	} {
		t.Run(c.column+c.op+c.value, func(t *testing.T) {
			r := chainOf(t, `[{"name": "dx_filter", "parameter": {"columnName": "`+c.column+`", "paras": [`+quote(c.op)+`, `+quote(c.value)+`]}}]`).Runner()
			got := []string{kept, kept}
			for i := range got {
				o, err := apply(t, r, rec.NewSlice(int64(i), int64(i)+1))
				if err != nil {
					t.Fatal(err)
				}
				if o.filtered == 1 {
					got[i] = out
				}
				if len(o.dirty) == 1 {
					got[i] = "dirty: " + strings.TrimPrefix(o.dirty[0], "0: ")
				}
			}
			if want := []string{c.full, c.null}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// What is wrong with parameters is said before anything runs, with its place.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ spec, path, code, says string }{
		{`{"name": "dx_substr", "parameter": {"paras": ["0","1"]}}`, "columnIndex", options.CodeMissing, "columnName is not either"},
		{`{"name": "dx_substr", "parameter": {"columnIndex": 0, "columnName": "a", "paras": ["0","1"]}}`, "columnName", options.CodeConflict, "columnIndex"},
		{`{"name": "dx_substr", "parameter": {"columnIndex": -1, "paras": ["0","1"]}}`, "columnIndex", options.CodeOutOfRange, "-1"},
		{`{"name": "dx_substr", "parameter": {"columnIndex": 0}}`, "paras", options.CodeMissing, "not given"},
		{`{"name": "dx_substr", "parameter": {"columnIndex": 0, "paras": ["1"]}}`, "paras", options.CodeNotAllowed, "has 1 elements"},
		{`{"name": "dx_substr", "parameter": {"columnIndex": 0, "paras": ["-1","2"]}}`, "paras[0]", options.CodeOutOfRange, "start -1"},
		{`{"name": "dx_substr", "parameter": {"columnIndex": 0, "paras": ["1","x"]}}`, "paras[1]", options.CodeWrongType, "not an integer"},
		{`{"name": "dx_substr", "parameter": {"columnIndex": 0, "paras": ["1","2"], "code": "x"}}`, "code", options.CodeUnknownKey, "code"},
		{`{"name": "dx_pad", "parameter": {"columnIndex": 0, "paras": ["m","2","x"]}}`, "paras[0]", options.CodeNotAllowed, `"m"`},
		{`{"name": "dx_pad", "parameter": {"columnIndex": 0, "paras": ["l","2",""]}}`, "paras[2]", options.CodeMissing, "fill up"},
		{`{"name": "dx_pad", "parameter": {"columnIndex": 0, "paras": ["l","2000000","x"]}}`, "paras[1]", options.CodeOutOfRange, "too many"},
		{`{"name": "dx_replace", "parameter": {"columnIndex": 0, "paras": ["1","-2","x"]}}`, "paras[1]", options.CodeOutOfRange, "before the text"},
		{`{"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["~","x"]}}`, "paras[0]", options.CodeNotAllowed, `"~"`},
		{`{"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["=",""]}}`, "paras[1]", options.CodeMissing, "no value"},
		{`{"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["like","(?=x)"]}}`, "paras[1]", options.CodeNotAllowed, "regular expression"},
		{`{"name": "dx_digest", "parameter": {"columnIndex": 0, "paras": ["crc","toLowerCase"]}}`, "paras[0]", options.CodeNotAllowed, `"crc"`},
		{`{"name": "dx_digest", "parameter": {"columnIndex": 0, "paras": ["md5","lower"]}}`, "paras[1]", options.CodeNotAllowed, `"lower"`},
		{`{"name": "dx_groovy", "parameter": {"code": "x"}}`, "name", options.CodeNotSupported, "expr"},
		{`{"name": "dx_sbstr", "parameter": {}}`, "name", options.CodeNotAllowed, "dx_substr"},
		{`{"name": "expr", "parameter": {}}`, "where", options.CodeMissing, "does nothing"},
		{`{"name": "expr", "parameter": {"where": " "}}`, "where", options.CodeMissing, "no expression"},
		{`{"name": "expr", "parameter": {"where": "a >"}}`, "where", options.CodeSyntax, "cannot be read"},
		{`{"name": "expr", "parameter": {"where": "foo(a)"}}`, "where", options.CodeNotAllowed, "no function foo"},
		{`{"name": "expr", "parameter": {"where": "a < now()"}}`, "where", options.CodeNotSupported, "now()"},
		{`{"name": "expr", "parameter": {"where": "len($env) > 1"}}`, "where", options.CodeNotAllowed, "$env"},
		{`{"name": "expr", "parameter": {"set": [{"column": "a", "value": "1 +"}]}}`, "set[0].value", options.CodeSyntax, "cannot be read"},
		{`{"name": "expr", "parameter": {"set": [{"column": "a"}]}}`, "set[0].value", options.CodeMissing, "not given"},
		{`{"name": "expr", "parameter": {"set": [{"column": "a", "value": "1", "type": "text"}]}}`, "set[0].type", options.CodeNotAllowed, "text"},
		{`{"name": "expr", "parameter": {"add": [{"column": "__op", "value": "1"}]}}`, "add[0].column", options.CodeNotAllowed, "__op"},
		{`{"name": "expr", "parameter": {"add": [{"column": "a", "value": "1"}], "drop": "a"}}`, "drop[0]", options.CodeConflict, `"a"`},
		{`{"name": "expr", "parameter": {"drop": ["a"], "rename": {"a": "b"}}}`, "drop[0]", options.CodeConflict, "renamed"},
		{`{"name": "expr", "parameter": {"rename": {"a": ""}}}`, "rename.a", options.CodeMissing, "empty"},
	} {
		t.Run(c.spec, func(t *testing.T) {
			_, problems := Compile(parseSpecs(t, "["+c.spec+"]"), job.Dates{}, false)
			want := "transformer[0].parameter." + c.path
			if c.path == "name" {
				want = "transformer[0].name"
			}
			if len(problems) != 1 || problems[0].Path != want || problems[0].Code != c.code || !strings.Contains(problems[0].String(), c.says) {
				t.Fatalf("got %v, want [%s] %s … %s", problems, c.code, want, c.says)
			}
		})
	}
}

func TestLenient(t *testing.T) {
	specs := parseSpecs(t, `[{"name": "dx_substr", "parameter": {"columnIndex": 0, "paras": ["1","2"], "code": "x"}}]`)
	c, problems := Compile(specs, job.Dates{}, true)
	if c == nil || len(problems) != 1 || !problems[0].Warning {
		t.Fatalf("%v %v", c, problems)
	}
	if c, problems := Compile(nil, job.Dates{}, false); c != nil || problems != nil {
		t.Fatalf("%v %v", c, problems)
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// parseSpecsLoosely is parseSpecs of one transformer; nil when the text is no JSON object.
func parseSpecsLoosely(name, parameter string) []Spec {
	v, problems := options.Parse([]byte(parameter))
	if options.Failed(problems) || v.Kind() != options.Object {
		return nil
	}
	return []Spec{{Name: name, NamePath: "transformer[0].name", Parameter: v, Path: "transformer[0].parameter"}}
}
