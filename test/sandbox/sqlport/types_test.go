package sqlport_test

import (
	"strings"
	"testing"
)

// extremes are, per type, INSERT literals and the text that comes back.
var extremes = []struct {
	column string
	wire   string // go-sql-driver's name of the wire type
	values []string
	want   []string
}{
	{"BOOLEAN", "TINYINT", []string{"true", "false", "1", "'false'"}, []string{"1", "0", "1", "0"}},
	{"TINYINT", "TINYINT", []string{"-128", "127", "'7'"}, []string{"-128", "127", "7"}},
	{"SMALLINT", "SMALLINT", []string{"-32768", "32767"}, []string{"-32768", "32767"}},
	{"INT", "INT", []string{"-2147483648", "2147483647", "1.9", "-1e3"}, []string{"-2147483648", "2147483647", "1", "-1000"}},
	{"BIGINT", "BIGINT", []string{"-9223372036854775808", "9223372036854775807", "9007199254740993"},
		[]string{"-9223372036854775808", "9223372036854775807", "9007199254740993"}},
	{"LARGEINT", "CHAR", []string{"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"},
		[]string{"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"}},
	{"FLOAT", "FLOAT", []string{"0.1", "-3.4028235e38", "1.5"}, []string{"0.1", "-3.4028235e+38", "1.5"}},
	{"DOUBLE", "DOUBLE", []string{"0.1", "1.7976931348623157e308", "5e-324", "123456.789"},
		[]string{"0.1", "1.7976931348623157e+308", "5e-324", "123456.789"}},
	{"DECIMAL(10,2)", "DECIMAL", []string{"1.5", "-99999999.99", "0", "1e2"}, []string{"1.50", "-99999999.99", "0.00", "100.00"}},
	{"DECIMAL(38,0)", "DECIMAL", []string{"99999999999999999999999999999999999999"}, []string{"99999999999999999999999999999999999999"}},
	{"DECIMAL(38,38)", "DECIMAL", []string{"'-0.99999999999999999999999999999999999999'"}, []string{"-0.99999999999999999999999999999999999999"}},
	{"DATE", "DATE", []string{"'0000-01-01'", "'9999-12-31'", "'2024-02-29'", "'20240102'"},
		[]string{"0000-01-01", "9999-12-31", "2024-02-29", "2024-01-02"}},
	{"DATETIME", "DATETIME", []string{"'0000-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2024-01-02 03:04:05.1'", "'2024-01-02'"},
		[]string{"0000-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2024-01-02 03:04:05.100000", "2024-01-02 00:00:00"}},
	{"CHAR(255)", "CHAR", []string{"'x'", "''", "'漢字'"}, []string{"x", "", "漢字"}},
	{"VARCHAR(100)", "VARCHAR", []string{"'it''s \\\\ \"q\"'", "'tab\\tnl\\n'", "'NULL'", "12.50"},
		[]string{`it's \ "q"`, "tab\tnl\n", "NULL", "12.50"}},
	{"STRING", "VARCHAR", []string{"'" + strings.Repeat("x", 65533) + "'"}, []string{strings.Repeat("x", 65533)}},
	{"VARBINARY", "BINARY", []string{"X'00ff80'", "'raw'", "_binary'a\\0b'"}, []string{"\x00\xff\x80", "raw", "a\x00b"}},
	{"JSON", "CHAR", []string{`'{"a": [1, 2.50, null], "b": "x"}'`, "'12345678901234567890'"}, []string{`{"a": [1, 2.50, null], "b": "x"}`, "12345678901234567890"}},
	{"ARRAY<INT>", "CHAR", []string{"[1, 2]", "'[3,null]'", "[]"}, []string{"[1,2]", "[3,null]", "[]"}},
	{"ARRAY<VARCHAR(20)>", "CHAR", []string{"['a', 'b\"c']"}, []string{`["a","b\"c"]`}},
	{"MAP<VARCHAR(10),INT>", "CHAR", []string{"map{'k': 1}", `'{"k":2}'`}, []string{`{"k":1}`, `{"k":2}`}},
	{"STRUCT<f INT>", "CHAR", []string{`'{"f":1}'`}, []string{`{"f":1}`}},
}

// TestExtremes inserts the extremes of every type and reads them over the socket: in
// the text protocol by the scan, by the engine, and in the binary protocol.
func TestExtremes(t *testing.T) {
	st := stored(t, "CREATE DATABASE d")
	s := serve(t, st)
	db := open(t, s, "d")
	prepared := openDSN(t, "root@tcp("+s.Addr()+")/d")
	for _, c := range extremes {
		t.Run(c.column, func(t *testing.T) {
			run(t, db, "DROP TABLE IF EXISTS x")
			run(t, db, "CREATE TABLE x (k INT NOT NULL, v "+c.column+") DUPLICATE KEY(k)")
			run(t, db, "INSERT INTO x VALUES (0, NULL)")
			for i, v := range c.values {
				run(t, db, "INSERT INTO x VALUES ("+strings.Repeat("1+", i)+"1, "+v+")")
			}
			wantRows := strings.Join(append([]string{"NULL"}, compact(c.column, c.want)...), " / ")
			for _, q := range []string{
				"SELECT v FROM x",            // the scan
				"SELECT v FROM x ORDER BY k", // the engine
				"SELECT v FROM (SELECT k, v FROM x UNION ALL SELECT k, v FROM x WHERE k < 0) y ORDER BY k", // a derived table
			} {
				want(t, db, q, wantRows)
			}
			bin := read(t, prepared, "SELECT v FROM x WHERE k >= ?", -1)
			// From the binary form the driver makes its own text of floats, and of
			// datetimes by the column's decimals, which are 0.
			if got := strings.Join(bin, " / "); got != wantRows && c.wire != "FLOAT" && c.wire != "DOUBLE" && c.wire != "DATETIME" {
				t.Errorf("binary protocol\n got %q\nwant %q", got, wantRows)
			}
			rows, err := db.Query("SELECT v FROM x")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			types, err := rows.ColumnTypes()
			if err != nil {
				t.Fatal(err)
			}
			if got := types[0].DatabaseTypeName(); got != c.wire {
				t.Errorf("wire type %s, want %s", got, c.wire)
			}
		})
	}
}

// compact takes out the blanks that JSON text loses in the store.
func compact(column string, texts []string) []string {
	if column != "JSON" {
		return texts
	}
	list := make([]string, len(texts))
	for i, s := range texts {
		list[i] = strings.ReplaceAll(s, ", ", ",")
		list[i] = strings.ReplaceAll(list[i], ": ", ":")
	}
	return list
}

// TestOutOfRange: INSERT is strict, whatever the type.
func TestOutOfRange(t *testing.T) {
	db := open(t, serve(t, stored(t, "CREATE DATABASE d")), "d")
	for _, c := range []struct{ column, value, text string }{
		{"TINYINT", "128", "out of range"},
		{"SMALLINT", "-32769", "out of range"},
		{"INT", "2147483648", "out of range"},
		{"BIGINT", "9223372036854775808", "out of range"},
		{"LARGEINT", "170141183460469231731687303715884105728", "out of range"},
		{"LARGEINT", "1e300", "out of range"},
		{"INT", "'x'", "out of range"},
		{"INT", "1e999999999", "out of range"},
		{"DECIMAL(4,2)", "100", ""},
		{"DATE", "'2024-02-30'", "out of range"},
		{"DATETIME", "'0000-00-00 00:00:00'", "out of range"},
		{"VARCHAR(8)", "'漢漢漢'", "String (length=9) is too long"},
		{"VARBINARY(2)", "X'010203'", "too long"},
		{"ARRAY<INT>", "'{'", "out of range"},
		{"JSON", "'{'", "out of range"},
	} {
		run(t, db, "DROP TABLE IF EXISTS x")
		run(t, db, "CREATE TABLE x (k INT, v "+c.column+") DUPLICATE KEY(k)")
		wantError(t, db, "INSERT INTO x VALUES (1, NULL), (2, "+c.value+")", 1064, "Insert has filtered data in strict mode: row 2 of table d.x")
		if c.text != "" {
			wantError(t, db, "INSERT INTO x VALUES (1, "+c.value+")", 1064, c.text)
		}
		want(t, db, "SELECT COUNT(*) FROM x", "0")
	}
}
