package sqlread_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// texts are values of each type as a server may write them, those that fit and some that do not.
var texts = map[string]*rapid.Generator[string]{
	"int":                 rapid.OneOf(rapid.Map(rapid.Int32(), func(n int32) string { return fmt.Sprint(n) }), rapid.SampledFrom([]string{"-2147483648", "2147483647", "0"})),
	"int unsigned":        rapid.Map(rapid.Uint32(), func(n uint32) string { return fmt.Sprint(n) }),
	"bigint":              rapid.OneOf(rapid.Map(rapid.Int64(), func(n int64) string { return fmt.Sprint(n) }), rapid.SampledFrom([]string{"-9223372036854775808", "9223372036854775807"})),
	"bigint(20) unsigned": rapid.OneOf(rapid.Map(rapid.Uint64(), func(n uint64) string { return fmt.Sprint(n) }), rapid.Just("18446744073709551615")),
	"double":              rapid.Map(rapid.Float64(), func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }),
	"float":               rapid.Map(rapid.Float32(), func(f float32) string { return strconv.FormatFloat(float64(f), 'g', -1, 64) }),
	"decimal(20,4)":       rapid.StringMatching(`-?[0-9]{1,18}\.[0-9]{1,5}`),
	"decimal(60,2)":       rapid.StringMatching(`-?[0-9]{1,58}\.[0-9]{2}`),
	"date":                rapid.StringMatching(`[0-9]{4}-(0[0-9]|1[0-3])-([0-2][0-9]|3[01])`),
	"datetime(6)":         rapid.StringMatching(`[0-9]{4}-(0[0-9]|1[0-2])-[0-2][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?`),
	"varchar(300)":        rapid.OneOf(rapid.String(), rapid.Map(rapid.IntRange(240, 260), func(n int) string { return strings.Repeat("é", n) })),
	"blob":                rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	"bit(24)":             rapid.StringMatching(`[\x00-\x7f]{1,3}`),
	"json":                rapid.SampledFrom([]string{`{"a": 1}`, `[]`, `null`, `{`, `"é"`}),
	"time":                rapid.StringMatching(`-?[0-8][0-9]{2}:[0-5][0-9]:[0-5][0-9]`),
}

// onTheWire is how results of these types are described.
var onTheWire = map[string]wire{
	"int": {typ: tLong}, "int unsigned": {typ: tLong, flags: unsigned}, "bigint": {typ: tLongLong}, "bigint(20) unsigned": {typ: tLongLong, flags: unsigned},
	"double": {typ: tDouble}, "float": {typ: tDouble}, "decimal(20,4)": {typ: tNewDecimal}, "decimal(60,2)": {typ: tNewDecimal}, "date": {typ: tDate},
	"datetime(6)": {typ: tDateTime}, "varchar(300)": {typ: tVarString}, "blob": {typ: tBlob, charset: binaryCharset}, "bit(24)": {typ: tBit, charset: binaryCharset},
	"json": {typ: tBlob}, "time": {typ: tTime},
}

// Random tables: what is read from the packets is what is read through the driver, value by value, dirty records too. The
// comparison stands in read.
func TestBothWaysGiveTheSame(t *testing.T) {
	var columns []wire
	var types []string
	for typ, w := range onTheWire {
		w.name = strings.NewReplacer("(", "_", ")", "", ",", "_", " ", "_").Replace(typ)
		columns, types = append(columns, w), append(types, typ)
	}
	read := func(rt *rapid.T) {
		var rows [][]any
		for range rapid.IntRange(0, 30).Draw(rt, "rows") {
			row := make([]any, len(types))
			for i, typ := range types {
				if rapid.IntRange(0, 8).Draw(rt, "null") > 0 {
					row[i] = texts[typ].Draw(rt, typ)
				}
			}
			rows = append(rows, row)
		}
		f := newFake(t, table(columns, types, rows...))
		got := read(t, mysqlReader, f, `, "table": "t", "column": ["*"]`)
		if len(got.rows)+len(got.dirty) != len(rows) {
			rt.Fatalf("%d rows and %d dirty records of %d", len(got.rows), len(got.dirty), len(rows))
		}
		if t.Failed() {
			rt.FailNow()
		}
	}
	rapid.Check(t, read)
}
