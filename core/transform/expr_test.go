package transform

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// orders is a schema whose columns have names that functions have too.
var orders = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "price", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "count", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "order name", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "date", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "paid", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "amount", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}, Nullable: true},
}, nil)

const (
	first  = `{"id": 1, "price": 2.5, "count": 4, "order name": "Tea", "date": "2026-11-21", "paid": true, "amount": "19.99"}`
	second = `{"id": 9223372036854775807, "price": 0, "count": 0, "order name": "", "date": "2026-01-01", "paid": false, "amount": "123456789012345678.91"}`
	nulls  = `{"id": 3}`
)

// What an expression makes of the rows above; each of them is the value of an added column, or the reason for a dirty row.
func TestExpressions(t *testing.T) {
	rec := recordOf(t, orders, first, second, nulls)
	null := "invalid operation: NULL"
	for _, c := range []struct {
		value, typ string
		want       [3]string
	}{
		{"price * count", "", [3]string{`"10"`, `"0"`, null}},
		{"price * count", "float", [3]string{`"10"`, `"0"`, null}},
		{"count", "int", [3]string{`"4"`, `"0"`, `null`}},
		{"(count ?? 7) + 1", "int", [3]string{`"5"`, `"1"`, `"8"`}},
		{"price == nil ? 'none' : 'some'", "", [3]string{`"some"`, `"some"`, `"none"`}},
		{`upper($env["order name"]) + "!"`, "", [3]string{`"TEA!"`, `"!"`, "NULL stands where a function needs a value"}},
		{`$env["order name"] ?? "unnamed"`, "", [3]string{`"Tea"`, `""`, `"unnamed"`}},
		{"id + 1", "int", [3]string{`"2"`, errOverflow.Error(), `"4"`}},
		{"id * -1", "int", [3]string{`"-1"`, `"-9223372036854775807"`, `"-3"`}},
		{"-9223372036854775807 - id", "int", [3]string{`"-9223372036854775808"`, errOverflow.Error(), errOverflow.Error()}},
		{"id / 2", "float", [3]string{`"0.5"`, errRounded.Error(), `"1.5"`}},
		{"id * 1.5", "float", [3]string{`"1.5"`, errRounded.Error(), `"4.5"`}},
		{"8 / count", "float", [3]string{`"2"`, "division by zero", "int / NULL"}},
		{"price / price", "float", [3]string{`"1"`, "division by zero", null}},
		{"id % count", "int", [3]string{`"1"`, "divide by zero", "int % NULL"}},
		{"date.Year()", "int", [3]string{`"2026"`, `"2026"`, "cannot fetch"}},
		{"date", "", [3]string{`"2026-11-21 00:00:00"`, `"2026-01-01 00:00:00"`, `null`}},
		{"date?.Month()", "int", [3]string{`"11"`, `"1"`, `null`}},
		{"paid", "bool", [3]string{`"true"`, `"false"`, `null`}},
		{"paid", "json", [3]string{`true`, `false`, `null`}},
		{"paid", "int", [3]string{"a truth value is no integer", "a truth value is no integer", `null`}},
		{"count", "bool", [3]string{"an integer is neither", "an integer is neither", `null`}},
		{"amount", "float", [3]string{`"19.99"`, "has more digits", `null`}},
		{"amount", "int", [3]string{"a fraction is no integer; int() cuts", "has more digits", `null`}},
		{"[id, price]", "json", [3]string{`[1,2.5]`, `[9223372036854775807,0]`, `[3,null]`}},
		{`{"a<b": price}`, "", [3]string{`"{\"a\u003cb\":2.5}"`, `"{\"a\u003cb\":0}"`, `"{\"a\u003cb\":null}"`}},
		{"1e308 * 10 * (price ?? 1)", "float", [3]string{notFinite, notFinite, notFinite}},
		{"1e22", "", [3]string{`"1e+22"`, `"1e+22"`, `"1e+22"`}},
		{"string(count) + 'x'", "json", [3]string{`"4x"`, `"0x"`, "string() of NULL"}},
		{"string(1e6) + string([1])", "", [3]string{`"1000000[1]"`, `"1000000[1]"`, `"1000000[1]"`}},
		{"int(price ?? '17')", "int", [3]string{`"2"`, `"0"`, `"17"`}},
		{"int(1e19)", "int", [3]string{"int() of a fraction", "int() of a fraction", "int() of a fraction"}},
		{"let n = count ?? 1; n + n", "int", [3]string{`"8"`, `"0"`, `"2"`}},
		{"'12'", "int", [3]string{`"12"`, `"12"`, `"12"`}},
		{"'1.5'", "float", [3]string{`"1.5"`, `"1.5"`, `"1.5"`}},
		{"'x'", "float", [3]string{"no number", "no number", "no number"}},
	} {
		t.Run(c.value+c.typ, func(t *testing.T) {
			r := chainOf(t, `[{"name": "expr", "parameter": {"add": [{"column": "x", "value": `+quote(c.value)+`, "type": "`+c.typ+`"}]}}]`).Runner()
			for i := range 3 {
				o, err := apply(t, r, rec.NewSlice(int64(i), int64(i)+1))
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				if len(o.rows) == 1 {
					got = o.rows[0][strings.LastIndex(o.rows[0], `"x":`)+4 : len(o.rows[0])-1]
					if got != c.want[i] {
						t.Errorf("row %d is %s, want %s", i, got, c.want[i])
					}
				} else if got = strings.Join(o.dirty, ""); !strings.Contains(got, c.want[i]) || !strings.HasPrefix(got, "0: expr: ") {
					t.Errorf("row %d: %s, want %s", i, got, c.want[i])
				}
			}
		})
	}
}

func TestExprReshapes(t *testing.T) {
	rec := recordOf(t, orders, first, second, nulls)
	o, err := apply(t, chainOf(t, `[
		{"name": "expr", "parameter": {"where": "price > 1 or id == 3",
			"set": [{"column": "price", "value": "price + 1"}, {"column": "date", "value": "date.Format('02.01.2006')"}],
			"add": [{"column": "old", "value": "price", "type": "float"}],
			"drop": "paid,amount", "rename": {"order name": "name", "count": "id", "id": "count"}}},
		{"name": "dx_pad", "parameter": {"columnName": "name", "paras": ["l", "4", "_"]}}]`).Runner(), rec)
	if err != nil {
		t.Fatal(err)
	}
	want := outcome{
		names:    []string{"count", "price", "id", "name", "date", "old"},
		rows:     []string{`{"count":"1","price":"3.5","id":"4","name":"_Tea","date":"21.11.2026","old":"2.5"}`},
		filtered: 1, dirty: o.dirty,
	}
	if !reflect.DeepEqual(o, want) || len(o.dirty) != 1 || !strings.Contains(o.dirty[0], "2: expr: where: invalid operation") {
		t.Fatalf("got  %v\nwant %v", o, want)
	}
}

// values is a schema as the Kafka reader makes it: raw JSON.
var values = arrow.NewSchema([]arrow.Field{rows.JSONField("a"), rows.JSONField("b"), {Name: "__op", Type: arrow.PrimitiveTypes.Int32}}, nil)

func TestJSONValues(t *testing.T) {
	encoded := func(s string) string { return `"` + b64(s) + `"` }
	rec := recordOf(t, values,
		`{"a": `+encoded(`"x\ny\""`)+`, "b": `+encoded(`{"n":12345678901234567890,"l":[1,2.50]}`)+`, "__op": 0}`,
		`{"a": `+encoded(`12345678901234567890`)+`, "b": `+encoded(`{"l":[3,4]}`)+`, "__op": 1}`,
		`{"a": `+encoded(`null`)+`, "b": `+encoded(`{}`)+`, "__op": 0}`,
		`{"a": `+encoded(`0.10`)+`, "b": null, "__op": 0}`)
	o, err := apply(t, chainOf(t, `[{"name": "dx_pad", "parameter": {"columnIndex": 0, "paras": ["r", "6", "-"]}},
		{"name": "expr", "parameter": {"add": [{"column": "sum", "value": "b?.l == nil ? nil : sum(b.l)"}]}}]`).Runner(), rec)
	if err != nil {
		t.Fatal(err)
	}
	want := outcome{names: []string{"a", "b", "sum", "__op"}, rows: []string{
		`{"a":"123456","b":{"l":[3,4]},"sum":7,"__op":"1"}`,
		`{"a":"------","b":{},"sum":null,"__op":"0"}`,
		`{"a":"0.10--","b":null,"sum":null,"__op":"0"}`,
	}, dirty: []string{"0: expr: the number has more digits than expressions keep"}}
	if !reflect.DeepEqual(o, want) {
		t.Fatalf("got  %v\nwant %v", o, want)
	}
}

// A chain and columns that do not fit are told apart before the first batch.
func TestArrange(t *testing.T) {
	source := []string{"id", "Name", "price"}
	for _, c := range []struct{ spec, place, says string }{
		{`{"name": "dx_substr", "parameter": {"columnIndex": 3, "paras": ["0","1"]}}`, "columnIndex", "no column 3; rows have the columns 0 to 2"},
		{`{"name": "dx_filter", "parameter": {"columnName": "prize", "paras": ["=","1"]}}`, "columnName", `no column is named "prize"`},
		{`{"name": "expr", "parameter": {"where": "name == 1"}}`, "where", `no column is named "name"`},
		{`{"name": "expr", "parameter": {"set": [{"column": "x", "value": "1"}]}}`, "set[0].column", `"x"`},
		{`{"name": "expr", "parameter": {"set": [{"column": "id", "value": "let price = 1; price"}]}}`, "set[0].value", "variable price"},
		{`{"name": "expr", "parameter": {"add": [{"column": "ID", "value": "1"}]}}`, "add[0].column", "already"},
		{`{"name": "expr", "parameter": {"drop": ["x"]}}`, "drop[0]", `"x"`},
		{`{"name": "expr", "parameter": {"drop": ["id", "name", "price"]}}`, "drop", "no column is left"},
		{`{"name": "expr", "parameter": {"rename": {"x": "y"}}}`, "rename", `"x"`},
		{`{"name": "expr", "parameter": {"rename": {"id": "price"}}}`, "", `two columns would be named "price"`},
		{`{"name": "expr", "parameter": {"drop": ["id"]}}`, "", "a row has the columns Name, price, and the writer takes price, name, id"},
	} {
		t.Run(c.spec, func(t *testing.T) {
			chain := chainOf(t, "["+c.spec+"]")
			err := chain.Arrange(source, []string{"price", "name", "id"})
			want := "transformer[0].parameter"
			if c.place != "" {
				want += "." + c.place
			}
			f := protocol.AsFault(err)
			if f == nil || f.Code != protocol.Config || f.Place != want || !strings.Contains(f.What, c.says) || f.Try == "" {
				t.Fatalf("got %v at %q, want %q at %q", err, f.Place, c.says, want)
			}
		})
	}
}

// Rows that were reshaped reach the writer's columns by name, all others by place.
func TestOrder(t *testing.T) {
	rec := recordOf(t, textRows, `{"id": 1, "s": "x"}`)
	for _, c := range []struct {
		spec, want string
		target     []string
	}{
		{`{"name": "expr", "parameter": {"add": [{"column": "n", "value": "2", "type": "int"}]}}`, `{"n":"2","s":"x","id":"1"}`, []string{"n", "S", "id"}},
		{`{"name": "expr", "parameter": {"add": [{"column": "n", "value": "2", "type": "int"}]}}`, `{"id":"1","s":"x","n":"2"}`, nil},
		{`{"name": "expr", "parameter": {"rename": {"id": "k"}}}`, `{"k":"1","s":"x"}`, []string{"k", "s"}},
		{`{"name": "expr", "parameter": {"set": [{"column": "s", "value": "2"}]}}`, `{"id":"1","s":"2"}`, []string{"v", "k"}},
	} {
		chain := chainOf(t, "["+c.spec+"]")
		if err := chain.Arrange(namesOf(textRows.Fields()), c.target); err != nil {
			t.Fatal(err)
		}
		o, err := apply(t, chain.Runner(), rec)
		if err != nil || !slices.Equal(o.rows, []string{c.want}) {
			t.Errorf("%s: %v %v, want %s", c.spec, o, err, c.want)
		}
	}
}

func TestDocumentsAreRefused(t *testing.T) {
	rec := recordOf(t, rows.DocumentSchema, `{"document": "`+b64(`{"a":1}`)+`"}`)
	_, err := apply(t, chainOf(t, `[{"name": "expr", "parameter": {"where": "true"}}]`).Runner(), rec)
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.Config || f.Try == "" {
		t.Fatalf("%v", err)
	}
}
