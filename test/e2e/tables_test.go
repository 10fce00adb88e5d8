package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// copying gives the job that reads table src of the case's database into the case's table.
func copying(c *harness.Case, lanes int, columns ...string) *harness.Document {
	d := c.Document()
	d.ReaderType = "starrocks"
	d.Reader = harness.Object{"jdbcUrl": "jdbc:mysql://" + c.World.Sandbox.FEQuery + "/", "username": harness.User, "password": harness.Password,
		"selectedDatabase": c.Database, "table": "src", "column": columns}
	d.Setting["speed"] = harness.Object{"concurrent": lanes}
	return d
}

// extremes are the types with their farthest values, in the words of INSERT.
var extremes = []struct {
	kind   string
	values []string
}{
	{"BOOLEAN", []string{"true", "false"}},
	{"TINYINT", []string{"-128", "127", "1", "0"}},
	{"SMALLINT", []string{"-32768", "32767"}},
	{"INT", []string{"-2147483648", "2147483647"}},
	{"BIGINT", []string{"-9223372036854775808", "9223372036854775807", "9007199254740993"}},
	{"LARGEINT", []string{"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727", "0"}},
	{"FLOAT", []string{"3.4028235e38", "-1.17549435e-38", "1e-45", "0.1", "16777217"}},
	{"DOUBLE", []string{"1.7976931348623157e308", "-2.2250738585072014e-308", "5e-324", "0.1", "9007199254740993"}},
	{"DECIMAL(9,2)", []string{"9999999.99", "-9999999.99", "0.01", "1.50"}},
	{"DECIMAL(38,0)", []string{"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"}},
	{"DECIMAL(38,38)", []string{"0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"}},
	{"DATE", []string{"'0000-01-01'", "'9999-12-31'", "'1969-12-31'", "'2024-02-29'"}},
	{"DATETIME", []string{"'0000-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.000001'", "'2024-01-02 03:04:05'"}},
	{"CHAR(255)", []string{"''", "'x'", "repeat('c', 255)"}},
	{"VARCHAR(65533)", []string{"''", "'NULL'", "' a\\tb\\nc '", `'it''s \\ "so"'`, "'漢字 👩‍👩‍👧‍👦'", "repeat('v', 65533)"}},
	{"STRING", []string{"'\\\\'", "'\\\\N '", "'{\"a\": 1}'"}},
	{"JSON", []string{`'{"a": [1, 2.5, null, "x\\"y"], "b": {}}'`, "'[]'", "'12345678901234567890'"}},
}

// Every value arrives as it was, whichever way it travels and over however many lanes.
func TestTablesKeepTheirExtremes(t *testing.T) {
	for _, format := range []string{"csv", "json"} {
		for _, lanes := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s over %d lanes", format, lanes), func(t *testing.T) {
				t.Parallel()
				c := world.Case(t, world.Brokers[0])
				ddl, names, n := []string{"id INT"}, []string{"id"}, 0
				for i, x := range extremes {
					ddl, names = append(ddl, fmt.Sprintf("c%d %s NULL", i, x.kind)), append(names, fmt.Sprintf("c%d", i))
					n = max(n, len(x.values))
				}
				c.CreateTable(strings.Join(ddl, ", "), "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
				c.Exec("CREATE TABLE " + c.Database + ".src (" + strings.Join(ddl, ", ") + ") DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
				for row := range n + 1 {
					values := []string{fmt.Sprint(row)}
					for _, x := range extremes {
						v := "NULL"
						if row < len(x.values) {
							v = x.values[row]
						}
						values = append(values, v)
					}
					c.Exec("INSERT INTO " + c.Database + ".src VALUES (" + strings.Join(values, ", ") + ")")
				}
				d := copying(c, lanes, "*")
				d.Reader["splitPk"] = "id"
				d.Writer["column"] = names
				d.Writer["loadProps"] = harness.Object{"format": format}
				if format == "csv" {
					d.Writer["loadProps"] = harness.Object{"format": format, "column_separator": "\\x01", "row_delimiter": "\\x02"}
				}
				c.Done(d)
				if got := c.Query("SELECT COUNT(*) FROM @t"); got[0] != fmt.Sprint(n+1) {
					t.Errorf("%s rows, want %d", got, n+1)
				}
				c.WantRows("SELECT * FROM @t ORDER BY id", c.Query("SELECT * FROM "+c.Database+".src ORDER BY id")...)
			})
		}
	}
}

// nested are types whose values have parts, and bytes, with values in the words of INSERT.
var nested = []struct {
	kind, show string // show is how a query makes the value comparable; @ is the column
	values     []string
}{
	{"ARRAY<VARCHAR(65533)>", "", []string{`'["x", "it is, \\"so\\"", null, "", "\\\\N", "漢字 👩‍👩‍👧‍👦", "a\\tb\\nc", "\\u0001\\u0002"]'`, `'[]'`, `'[null]'`}},
	{"ARRAY<ARRAY<INT>>", "", []string{`'[[1, -2147483648], [], null, [2147483647]]'`, `'[[]]'`}},
	{"ARRAY<BIGINT>", "", []string{`'[-9223372036854775808, 9223372036854775807, 9007199254740993]'`}},
	{"ARRAY<DECIMAL(38,10)>", "", []string{`'[9999999999999999999999999999.9999999999, -0.0000000001, 1.5]'`}},
	{"ARRAY<DOUBLE>", "", []string{`'[1.7976931348623157e308, 5e-324, 0.1]'`}},
	{"ARRAY<BOOLEAN>", "", []string{`'[true, false, null]'`}},
	{"ARRAY<DATE>", "", []string{`'["0000-01-01", "9999-12-31", null]'`}},
	{"ARRAY<DATETIME>", "", []string{`'["9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.000001"]'`}},
	{"MAP<VARCHAR(20),VARCHAR(20)>", "", []string{`'{"1": "one", "2": null, "k \\"q\\"": "a,b:c{}"}'`, `'{}'`}},
	{"MAP<VARCHAR(20),ARRAY<INT>>", "", []string{`'{"a": [1, 2], "b": []}'`}},
	{"STRUCT<x INT, y STRING, z STRUCT<w ARRAY<STRING>>>", "", []string{`'{"x": 1, "y": "z\\n", "z": {"w": ["p", null]}}'`, `'{"x": null, "y": null, "z": null}'`}},
	{"JSON", "", []string{`'{"a": [1, 2.5, null, "x\\"y", "\\u0001"], "b": {}, "c": [[[]]]}'`, `'"text \\"q\\""'`, `'1.50'`}},
	{"VARBINARY", "hex(@)", []string{"unhex('0001FF0A5C4E0D09227F80')", "unhex('')", "unhex(repeat('FF', 5000))"}},
	{"STRING", "", []string{"'\\N'", "''", "concat('a', char(1), 'b', char(2), 'c')", "'tab\tline\nreturn\r \"quote\"'", "'\u2028 e\u0301'"}},
}

// Bytes, nested values and texts that look like something else arrive as they were, as JSON and, where CSV can carry them, as CSV:
// in CSV gx sends what it cannot carry as JSON, by itself.
func TestTablesKeepBytesAndNestedValues(t *testing.T) {
	for name, props := range map[string]harness.Object{
		"json":               {"format": "json"},
		"csv":                {"strict_mode": true},
		"csv in other words": {"format": "csv", "column_separator": "\\x05\\x06", "row_delimiter": "||\n", "enclose": `"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := world.Case(t, world.Brokers[0])
			ddl, shown, n := []string{"id INT"}, []string{"id"}, 0
			for i, x := range nested {
				col := fmt.Sprintf("c%d", i)
				ddl = append(ddl, col+" "+x.kind+" NULL")
				if x.show != "" {
					col = strings.ReplaceAll(x.show, "@", col)
				}
				shown = append(shown, col)
				n = max(n, len(x.values))
			}
			c.CreateTable(strings.Join(ddl, ", "), "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
			c.Exec("CREATE TABLE " + c.Database + ".src (" + strings.Join(ddl, ", ") + ") DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
			for row := range n + 1 {
				values := []string{fmt.Sprint(row)}
				for _, x := range nested {
					v := "NULL"
					if row < len(x.values) {
						v = x.values[row]
					}
					values = append(values, v)
				}
				c.Exec("INSERT INTO " + c.Database + ".src VALUES (" + strings.Join(values, ", ") + ")")
			}
			d := copying(c, 1, "*")
			d.Writer["column"], d.Writer["loadProps"] = []string{"*"}, props
			r := c.Done(d)
			query := "SELECT " + strings.Join(shown, ", ") + " FROM %s ORDER BY id"
			c.WantRows(fmt.Sprintf(query, "@t"), c.Query(fmt.Sprintf(query, c.Database+".src"))...)
			if r.Report.Landed != int64(n+1) || r.Report.Dirty != 0 {
				t.Errorf("%+v", r.Report)
			}
		})
	}
}

// The keys of a map may be numbers, which JSON has as texts only.
func TestMapsWithNumbersAsKeys(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	const columns = "id INT, m MAP<INT,STRING>, d MAP<DATE,ARRAY<MAP<BIGINT,INT>>>"
	c.CreateTable(columns, "DUPLICATE KEY(id)")
	c.Exec("CREATE TABLE " + c.Database + ".src (" + columns + ") DUPLICATE KEY(id)")
	c.Exec("INSERT INTO " + c.Database + `.src VALUES (1, '{"1": "one", "-2": null}', '{"2024-02-29": [{"9223372036854775807": 1}, null]}'), (2, '{}', NULL)`)
	d := copying(c, 1, "*")
	d.Writer["column"], d.Writer["loadProps"] = []string{"*"}, harness.Object{"format": "json"}
	c.Done(d)
	c.WantRows("SELECT * FROM @t ORDER BY id", c.Query("SELECT * FROM "+c.Database+".src ORDER BY id")...)
}
