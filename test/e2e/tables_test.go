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

// Nested values travel as CSV in the words of the server, bytes as digits that StarRocks turns back.
func TestTablesKeepBytesAndNestedValues(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	columns := "id INT, a ARRAY<VARCHAR(20)>, m MAP<STRING,STRING>, s STRUCT<x INT, y STRING>, b VARBINARY"
	c.CreateTable(columns, "DUPLICATE KEY(id)")
	c.Exec("CREATE TABLE " + c.Database + ".src (" + columns + ") DUPLICATE KEY(id)")
	c.Exec("INSERT INTO " + c.Database + `.src VALUES (1, '["x", "it is, \\"so\\"", null]', '{"1": "one", "2": null}', '{"x": 1, "y": "z"}', unhex('0001FF0A5C4E')), (2, '[]', NULL, NULL, unhex('')), (3, NULL, NULL, NULL, NULL)`)
	d := copying(c, 1, "id", "a", "m", "s", "b")
	d.Reader["binary"] = "hex"
	d.Writer["column"] = []string{"id", "a", "m", "s", "h"}
	d.Writer["loadProps"] = harness.Object{"format": "csv", "column_separator": "\\x01", "row_delimiter": "\\x02", "columns": "id,a,m,s,h,b=unhex(h)"}
	c.Done(d)
	c.WantRows("SELECT id, a, m, s, hex(b) FROM @t ORDER BY id", c.Query("SELECT id, a, m, s, hex(b) FROM "+c.Database+".src ORDER BY id")...)
}
