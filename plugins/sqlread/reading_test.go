package sqlread_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/mysql"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/gx-etl/gx/plugins/sqlread"
	"github.com/gx-etl/gx/plugins/starrocks"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "sqlread: goroutines stay behind:", err)
		code = 1
	}
	os.Exit(code)
}

var (
	mysqlReader     = mysql.Plugin("test")
	starrocksReader = starrocks.ReaderPlugin("test")
)

// opened gives a reader of plugin p whose parameters are those of f and the members in more.
func opened(t *testing.T, p sdk.Plugin, f *fake, lanes int, more string) (*sqlread.Reader, sdk.Opened, error) {
	t.Helper()
	r := p.Reader.New().(*sqlread.Reader)
	v, problems := options.Parse(fmt.Appendf(nil, `{"jdbcUrl": "jdbc:mysql://%s/d%s", "username": "root", "password": ""%s}`, f.addr, f.properties, more))
	problems = append(problems, options.Decode(v, "", r.Config())...)
	if options.Failed(problems) {
		t.Fatalf("parameters: %v", problems)
	}
	o, err := r.Open(t.Context(), sdk.OpenInfo{Lanes: lanes})
	if err == nil {
		t.Cleanup(func() { _ = r.Close(context.Background()) })
	}
	return r, o, err
}

// taken is what a reader has sent.
type taken struct {
	rows      [][]string // values as Arrow prints them, "(null)" for none
	types     []string   // of the Arrow columns
	dirty     []sdk.Dirty
	positions []string
}

func (k *taken) take(t *testing.T) sqlread.SendFunc {
	return func(b sdk.Outgoing) error {
		k.dirty = append(k.dirty, b.Dirty...)
		k.positions = append(k.positions, b.Shard+":"+string(b.Position))
		if b.Rows == 0 {
			return nil
		}
		payload := b.Payload.Materialize()
		b.Payload.Free()
		var d rows.Decoder
		rec, err := d.Decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		defer rec.Release()
		k.types = nil
		first := len(k.rows)
		k.rows = append(k.rows, make([][]string, rec.NumRows())...)
		for i, f := range rec.Schema().Fields() {
			name := f.Type.String()
			if rows.IsJSON(f) {
				name = "json"
			}
			k.types = append(k.types, name)
			for row := range int(rec.NumRows()) {
				at := first + row
				col, text := rec.Column(i), ""
				if c, ok := col.(*array.Binary); ok && !c.IsNull(row) {
					text = string(c.Value(row))
				} else {
					text = col.ValueStr(row)
				}
				k.rows[at] = append(k.rows[at], text)
			}
		}
		return nil
	}
}

// read opens a reader and reads all its shards in one lane: twice, from the packets and through the driver, which must
// come to the same.
func read(t *testing.T, p sdk.Plugin, f *fake, more string) taken {
	t.Helper()
	packets, driver := readOneWay(t, p, f, more, false), readOneWay(t, p, f, more, true)
	a, b := packets.lines(), driver.lines()
	for i := range max(len(a), len(b)) {
		if i >= min(len(a), len(b)) || a[i] != b[i] {
			t.Errorf("line %d differs\nfrom the packets   %q\nthrough the driver %q", i, a[min(i, len(a)):min(i+1, len(a))], b[min(i, len(b)):min(i+1, len(b))])
			break
		}
	}
	return packets
}

// lines is all of it as text.
func (k *taken) lines() (out []string) {
	out = append(out, fmt.Sprintf("%q", k.types), fmt.Sprintf("%q", k.positions))
	for _, row := range k.rows {
		out = append(out, fmt.Sprintf("%q", row))
	}
	for _, d := range k.dirty {
		out = append(out, fmt.Sprintf("%s: %s: %s: %s", d.Place, d.Column, d.Reason, d.Record))
	}
	return out
}

func readOneWay(t *testing.T, p sdk.Plugin, f *fake, more string, throughDriver bool) taken {
	t.Helper()
	r, _, err := opened(t, p, f, 1, more)
	if err != nil {
		t.Fatal(err)
	}
	if throughDriver {
		r.ThroughDriver()
	}
	shards, err := r.Split(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var k taken
	if err := r.ReadTo(t.Context(), shards, k.take(t)); err != nil {
		t.Fatal(err)
	}
	return k
}

// A value of each type of MySQL, as a server sends it, and what becomes of it.
var mysqlTypes = []struct {
	column     string // COLUMN_TYPE
	wire       wire
	text, want string
	arrow      string
}{
	{"tinyint(4)", wire{typ: tTiny}, "-128", "-128", "int32"},
	{"tinyint(3) unsigned", wire{typ: tTiny, flags: unsigned}, "255", "255", "int64"},
	{"smallint", wire{typ: tShort}, "-32768", "-32768", "int32"},
	{"mediumint unsigned", wire{typ: tInt24, flags: unsigned}, "16777215", "16777215", "int64"},
	{"int(10) unsigned zerofill", wire{typ: tLong, flags: unsigned}, "4294967295", "4294967295", "int64"},
	{"bigint", wire{typ: tLongLong}, "-9223372036854775808", "-9223372036854775808", "int64"},
	{"bigint unsigned", wire{typ: tLongLong, flags: unsigned}, "18446744073709551615", "18446744073709551615", "uint64"},
	{"year(4)", wire{typ: tYear, flags: unsigned}, "2155", "2155", "int32"},
	{"bit(64)", wire{typ: tBit, flags: unsigned, charset: binaryCharset}, "\xff\xff\xff\xff\xff\xff\xff\xfe", "18446744073709551614", "uint64"},
	{"bit(1)", wire{typ: tBit, flags: unsigned, charset: binaryCharset}, "\x01", "1", "uint64"},
	{"float", wire{typ: tDouble}, "16777217", "1.6777216e+07", "float32"},
	{"float(7,4)", wire{typ: tDouble}, "0.10000000149011612", "0.1", "float32"},
	{"double", wire{typ: tDouble}, "1.7976931348623157e308", "1.7976931348623157e+308", "float64"},
	{"decimal(5,2)", wire{typ: tNewDecimal}, "-999.99", "-999.99", "decimal(5, 2)"},
	{"decimal(38,0)", wire{typ: tNewDecimal}, "99999999999999999999999999999999999999", "99999999999999999999999999999999999999", "decimal(38, 0)"},
	{"decimal(65,30)", wire{typ: tNewDecimal}, "12345678901234567890123456789012345.123456789012345678901234567890", "12345678901234567890123456789012345.123456789012345678901234567890", "utf8"},
	{"date", wire{typ: tDate}, "9999-12-31", "9999-12-31", "date32"},
	{"datetime(6)", wire{typ: tDateTime}, "1000-01-01 00:00:00.000001", "1000-01-01T00:00:00.000001", "timestamp[us]"},
	{"timestamp", wire{typ: tTimestamp}, "2038-01-19 03:14:07", "2038-01-19T03:14:07", "timestamp[us]"},
	{"time(6)", wire{typ: tTime}, "-838:59:59.000000", "-838:59:59.000000", "utf8"},
	{"varchar(10)", wire{typ: tVarString}, "漢字", "漢字", "utf8"},
	{"enum('a','b,c')", wire{typ: tString}, "b,c", "b,c", "utf8"},
	{"set('a','b')", wire{typ: tString}, "a,b", "a,b", "utf8"},
	{"longtext", wire{typ: tBlob}, strings.Repeat("x", 70), strings.Repeat("x", 70), "utf8"},
	{"varbinary(9)", wire{typ: tVarString, charset: binaryCharset}, "\x00\xff", "\x00\xff", "binary"},
	{"blob", wire{typ: tBlob, charset: binaryCharset}, "", "", "binary"},
	{"json", wire{typ: tJSON}, `{"a": 12345678901234567890}`, `{"a": 12345678901234567890}`, "json"},
}

func TestMySQLTypes(t *testing.T) {
	var columns []wire
	var types, arrowTypes []string
	var values, nulls []any
	var want []string
	for i, c := range mysqlTypes {
		c.wire.name = fmt.Sprintf("c%d", i)
		columns, types, values, nulls = append(columns, c.wire), append(types, c.column), append(values, c.text), append(nulls, nil)
		want, arrowTypes = append(want, c.want), append(arrowTypes, c.arrow)
	}
	f := newFake(t, table(columns, types, values, nulls))
	got := read(t, mysqlReader, f, `, "table": "t", "column": ["*"]`)
	if len(got.rows) != 2 || len(got.dirty) != 0 {
		t.Fatalf("%d rows, dirty %+v", len(got.rows), got.dirty)
	}
	for i, c := range mysqlTypes {
		if got.rows[0][i] != want[i] || got.types[i] != arrowTypes[i] {
			t.Errorf("%s: %q as %s, want %q as %s", c.column, got.rows[0][i], got.types[i], want[i], arrowTypes[i])
		}
		if got.rows[1][i] != "(null)" {
			t.Errorf("%s: NULL became %q", c.column, got.rows[1][i])
		}
	}
	if f.asked("(`c10` + 0E0)") == 0 {
		t.Error("a FLOAT was asked for as it is shown")
	}
	if !slices.Equal(got.positions, []string{"d.t:end"}) {
		t.Errorf("positions %q", got.positions)
	}
}

func TestTypesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		plugin    sdk.Plugin
		typ, hint string
	}{
		{mysqlReader, "geometry", "ST_AsText(`g`)"},
		{mysqlReader, "multipolygon", "ST_AsText(`g`)"},
		{mysqlReader, "vector(3)", "VECTOR_TO_STRING(`g`)"},
		{mysqlReader, "something new", "without this one"},
		{starrocksReader, "bitmap", "bitmap_to_string(`g`)"},
		{starrocksReader, "hll", "hll_cardinality(`g`)"},
		{starrocksReader, "percentile", "percentile_approx_raw(`g`, 0.5)"},
		{starrocksReader, "variant", "without this one"},
	} {
		f := newFake(t, table([]wire{{name: "id", typ: tLong}, {name: "g", typ: tGeometry}}, []string{"int", c.typ}))
		_, _, err := opened(t, c.plugin, f, 1, `, "table": "t", "column": ["*"]`)
		fault := protocol.AsFault(err)
		if fault == nil || fault.Code != sdk.Config || !strings.Contains(fault.What, "column g is of type "+c.typ) || !strings.Contains(fault.Try, c.hint) {
			t.Errorf("%s: %v", c.typ, err)
		}
		if f.asked(" FROM `d`.`t`") > 0 {
			t.Errorf("%s: the table was asked", c.typ)
		}
	}
}

func TestZeroDates(t *testing.T) {
	source := table([]wire{{name: "id", typ: tLong}, {name: "d", typ: tDate}, {name: "raw", typ: tVarString, charset: binaryCharset}}, []string{"int", "date", "varbinary(9)"},
		[]any{"1", "0000-00-00", "\xff"}, []any{"2", "2024-00-10", nil}, []any{"3", "2024-02-29", "x"})
	got := read(t, mysqlReader, newFake(t, source), `, "table": "t", "column": ["id", "d", "raw"]`)
	if len(got.rows) != 1 || len(got.dirty) != 2 {
		t.Fatalf("%q, dirty %+v", got.rows, got.dirty)
	}
	if d := got.dirty[0]; d.Column != "d" || d.Place != "d.t, row 1" || string(d.Record) != `{"id":"1","d":"0000-00-00","raw":{"base64":"/w=="}}` || !strings.Contains(d.Reason, "0000-00-00") {
		t.Errorf("%+v %s", d, d.Record)
	}
	if d := got.dirty[1]; string(d.Record) != `{"id":"2","d":"2024-00-10","raw":null}` {
		t.Errorf("%s", d.Record)
	}
	for properties, more := range map[string]string{"": `, "zeroDates": "null"`, "?zeroDateTimeBehavior=convertToNull": "", "?zeroDateTimeBehavior=CONVERT_TO_NULL": ""} {
		f := newFake(t, table([]wire{{name: "d", typ: tDate}}, []string{"date"}, []any{"0000-00-00"}, []any{"2024-13-01"}))
		f.properties = properties
		got := read(t, mysqlReader, f, more+`, "table": "t", "column": ["d"]`)
		if len(got.rows) != 1 || got.rows[0][0] != "(null)" || len(got.dirty) != 1 || !strings.Contains(got.dirty[0].Reason, "2024-13-01") {
			t.Errorf("%s%s: %+v", properties, more, got)
		}
	}
}

func TestBinaryAsText(t *testing.T) {
	for way, want := range map[string]string{"hex": "00ff5c", "base64": "AP9c", "raw": "\x00\xff\\"} {
		f := newFake(t, table([]wire{{name: "b", typ: tBlob, charset: binaryCharset}}, []string{"blob"}, []any{"\x00\xff\\"}))
		got := read(t, mysqlReader, f, `, "table": "t", "column": ["b"], "binary": "`+way+`"`)
		if got.rows[0][0] != want || (got.types[0] == "utf8") != (way != "raw") {
			t.Errorf("%s: %q as %s", way, got.rows[0][0], got.types[0])
		}
	}
}

// A value that does not fit what the server has said of its column is a dirty record, never another value.
func TestValuesThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		typ  string
		wire wire
		text string
	}{
		{"decimal(5,2)", wire{typ: tNewDecimal}, "1000.00"},
		{"decimal(5,2)", wire{typ: tNewDecimal}, "0.001"},
		{"decimal(5,2)", wire{typ: tNewDecimal}, "1e3"},
		{"decimal(5,2)", wire{typ: tNewDecimal}, "-"},
		{"bigint", wire{typ: tLongLong, flags: unsigned}, "9223372036854775808"},
		{"bigint", wire{typ: tVarString}, "x"},
		{"bigint unsigned", wire{typ: tVarString}, "-1"},
		{"double", wire{typ: tVarString}, "one"},
		{"date", wire{typ: tVarString}, "2023-02-29"},
		{"date", wire{typ: tVarString}, "2023-02-28 00:00:01"},
		{"datetime", wire{typ: tVarString}, "2023-02-28 24:00:00"},
		{"datetime", wire{typ: tVarString}, "2023-02-28 23:00:00.1234567"},
		{"json", wire{typ: tVarString}, "{"},
		{"bit(64)", wire{typ: tVarString}, "123456789"},
	} {
		c.wire.name = "v"
		got := read(t, mysqlReader, newFake(t, table([]wire{c.wire}, []string{c.typ}, []any{c.text})), `, "table": "t", "column": ["*"]`)
		if len(got.rows) != 0 || len(got.dirty) != 1 || got.dirty[0].Reason == "" {
			t.Errorf("%s %q: rows %q, dirty %+v", c.typ, c.text, got.rows, got.dirty)
		}
	}
}
