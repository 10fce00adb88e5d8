package mariadb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/sdktest"
)

// Every type that can be stored, its values in the words of INSERT, and what arrives.
var types = []struct {
	typ    string
	values []string
	want   []string
}{
	{"TINYINT", []string{"-128", "127"}, []string{"int64 -128", "int64 127"}},
	{"TINYINT UNSIGNED", []string{"0", "255"}, []string{"int64 0", "int64 255"}},
	{"BOOLEAN", []string{"TRUE", "FALSE"}, []string{"int64 1", "int64 0"}},
	{"SMALLINT", []string{"-32768", "32767"}, []string{"int64 -32768", "int64 32767"}},
	{"SMALLINT UNSIGNED", []string{"65535"}, []string{"int64 65535"}},
	{"MEDIUMINT", []string{"-8388608", "8388607"}, []string{"int64 -8388608", "int64 8388607"}},
	{"MEDIUMINT UNSIGNED", []string{"16777215"}, []string{"int64 16777215"}},
	{"INT", []string{"-2147483648", "2147483647"}, []string{"int64 -2147483648", "int64 2147483647"}},
	{"INT(10) UNSIGNED ZEROFILL", []string{"4294967295", "7"}, []string{"int64 4294967295", "int64 7"}},
	{"BIGINT", []string{"-9223372036854775808", "9223372036854775807", "9007199254740993"},
		[]string{"int64 -9223372036854775808", "int64 9223372036854775807", "int64 9007199254740993"}},
	{"BIGINT UNSIGNED", []string{"18446744073709551615", "0"}, []string{"string 18446744073709551615", "string 0"}},
	{"YEAR", []string{"1901", "2155", "0"}, []string{"int64 1901", "int64 2155", "int64 0"}},
	{"BIT(1)", []string{"b'1'", "b'0'"}, []string{"string 1", "string 0"}},
	{"BIT(64)", []string{"18446744073709551615", "1"}, []string{"string 18446744073709551615", "string 1"}},
	{"FLOAT", []string{"0.1", "16777217", "-3.4028234e38", "1.17549435e-38"},
		[]string{"float64 0.10000000149011612", "float64 1.6777216e+07", "float64 -3.4028234663852886e+38", "float64 1.1754943508222875e-38"}},
	{"DOUBLE", []string{"0.1", "1.7976931348623157e308", "-5e-324", "9007199254740993"},
		[]string{"float64 0.1", "float64 1.7976931348623157e+308", "float64 -5e-324", "float64 9.007199254740992e+15"}},
	{"DECIMAL(5,2)", []string{"-999.99", "0.01", "1.5"}, []string{"string -999.99", "string 0.01", "string 1.5"}},
	{"DECIMAL(38,38)", []string{"-0.00000000000000000000000000000000000001", "0.99999999999999999999999999999999999999"},
		[]string{"string -1e-38", "string 0.99999999999999999999999999999999999999"}},
	{"DECIMAL(38,0)", []string{"99999999999999999999999999999999999999", "-1"}, []string{"string 99999999999999999999999999999999999999", "string -1"}},
	{"DECIMAL(65,30)", []string{"-12345678901234567890123456789012345.123456789012345678901234567891"},
		[]string{"string -12345678901234567890123456789012345.123456789012345678901234567891"}},
	{"DATE", []string{"'0001-01-01'", "'9999-12-31'", "'1969-12-31'"}, []string{"time 0001-01-01 00:00:00", "time 9999-12-31 00:00:00", "time 1969-12-31 00:00:00"}},
	{"DATETIME", []string{"'1000-01-01 00:00:00'"}, []string{"time 1000-01-01 00:00:00"}},
	{"DATETIME(3)", []string{"'2024-02-29 23:59:59.999'"}, []string{"time 2024-02-29 23:59:59.999"}},
	{"DATETIME(6)", []string{"'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.000001'"},
		[]string{"time 9999-12-31 23:59:59.999999", "time 1969-12-31 23:59:59.000001"}},
	{"TIMESTAMP(6)", []string{"'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'"},
		[]string{"time 1970-01-01 00:00:01.000001", "time 2038-01-19 03:14:07.999999"}},
	{"TIME(6)", []string{"'-838:59:59.999999'", "'838:59:59'", "'00:00:00'"}, []string{"string -838:59:59.999999", "string 838:59:59.000000", "string 00:00:00.000000"}},
	{"CHAR(10)", []string{"''", "'漢字 👩'", "'a b '"}, []string{"string ", "string 漢字 👩", "string a b"}},
	{"VARCHAR(1000)", []string{"''", `'it''s \\ "so"\t\n\0'`, "'a b '", "REPEAT('é', 999)"},
		[]string{"string ", "string it's \\ \"so\"\t\n\x00", "string a b ", "string " + strings.Repeat("é", 999)}},
	{"VARCHAR(20) CHARACTER SET latin1", []string{"'café'"}, []string{"string café"}},
	{"VARCHAR(20) CHARACTER SET utf16", []string{"'漢👩'"}, []string{"string 漢👩"}},
	{"VARCHAR(20) CHARACTER SET sjis", []string{"'表'"}, []string{"string 表"}},
	{"TINYTEXT", []string{"'x'"}, []string{"string x"}},
	{"LONGTEXT", []string{"REPEAT('0123456789', 7000)"}, []string{"string " + strings.Repeat("0123456789", 7000)}},
	{"ENUM('a','b,c','')", []string{"'b,c'", "''"}, []string{"string b,c", "string "}},
	{"SET('a','b')", []string{"'a,b'", "''"}, []string{"string a,b", "string "}},
	{"BINARY(4)", []string{"X'00FF'"}, []string{"bytes 00ff0000"}},
	{"VARBINARY(20)", []string{"X'00FF5C27'", "''"}, []string{"bytes 00ff5c27", "bytes "}},
	{"BLOB", []string{"X'80'"}, []string{"bytes 80"}},
	{"TINYBLOB", []string{"X'01'"}, []string{"bytes 01"}},
	{"MEDIUMBLOB", []string{"''"}, []string{"bytes "}},
	{"LONGBLOB", []string{"REPEAT(X'FF00', 40000)"}, []string{"bytes " + strings.Repeat("ff00", 40000)}},
	{"MEDIUMTEXT", []string{"'x'"}, []string{"string x"}},
	{"INET4", []string{"'192.0.2.1'"}, []string{"string 192.0.2.1"}},
	{"JSON", []string{`'{"a": [1, null, "é"], "n": 12345678901234567890}'`}, []string{`string {"a": [1, null, "é"], "n": 12345678901234567890}`}},
	{"UUID", []string{"'123e4567-e89b-12d3-a456-426655440000'"}, []string{"string 123e4567-e89b-12d3-a456-426655440000"}},
	{"INET6", []string{"'2001:db8::1'"}, []string{"string 2001:db8::1"}},
}

func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case time.Time:
		return "time " + v.Format("2006-01-02 15:04:05.999999")
	case []byte:
		return fmt.Sprintf("bytes %x", v)
	}
	return fmt.Sprintf("%T %v", v, v)
}

// Each value of each type arrives as it is, in plain text and through the driver over TLS; beside them NULL.
func TestEveryType(t *testing.T) {
	columns, most := []string{"id INT PRIMARY KEY"}, 0
	for i, c := range types {
		columns, most = append(columns, fmt.Sprintf("c%d %s NULL", i, c.typ)), max(most, len(c.values))
	}
	execute(t, "SET time_zone = '+00:00'; DROP TABLE IF EXISTS everything; CREATE TABLE everything (%s) CHARACTER SET utf8mb4", strings.Join(columns, ", "))
	for row := range most + 1 {
		values := []string{fmt.Sprint(row)}
		for _, c := range types {
			v := "NULL"
			if row < len(c.values) {
				v = c.values[row]
			}
			values = append(values, v)
		}
		if _, err := admin.ExecContext(t.Context(), "SET time_zone = '+00:00'; INSERT INTO everything VALUES ("+strings.Join(values, ", ")+")"); err != nil {
			t.Fatal(err)
		}
	}
	for _, properties := range []string{"", "?useSSL=true"} {
		t.Run("jdbcUrl"+properties, func(t *testing.T) {
			rows, dirty := sdktest.Read(t, sdktest.ReaderCase{Plugin: reader,
				Parameters: parameters(properties, `, "table": "everything", "column": ["*"], "splitPk": "id", "session": ["SET time_zone = '+00:00'"]`)})
			if len(rows) != most+1 || len(dirty) != 0 {
				t.Fatalf("%d rows, dirty %v; want %d", len(rows), dirty, most+1)
			}
			for _, r := range rows {
				row := int(r.Get("id").(int64))
				for i, c := range types {
					want := "NULL"
					if row < len(c.values) {
						want = c.want[row]
					}
					if got := shown(r.Get(fmt.Sprintf("c%d", i))); got != want {
						t.Errorf("%s %s: %.100q, want %.100q", c.typ, c.values, got, want)
					}
				}
			}
		})
	}
}

// The connection with useSSL is encrypted, or the test above would show nothing of it.
func TestEncrypted(t *testing.T) {
	for properties, encrypted := range map[string]bool{"": false, "?useSSL=true": true} {
		rows, _ := sdktest.Read(t, sdktest.ReaderCase{Plugin: reader,
			Parameters: parameters(properties, `, "querySql": ["SELECT VARIABLE_VALUE AS v FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'"]`)})
		if len(rows) != 1 || (rows[0].Get("v") != "") != encrypted {
			t.Errorf("%q: %v", properties, rows)
		}
	}
}

// Dates that no calendar has are dirty records, or NULL where that was asked for.
func TestZeroDates(t *testing.T) {
	execute(t, `DROP TABLE IF EXISTS zero; CREATE TABLE zero (id INT, d DATE, dt DATETIME(6), ts TIMESTAMP NULL);
		INSERT INTO zero VALUES (1, '0000-00-00', NULL, NULL), (2, NULL, '2024-00-10 01:02:03', NULL), (3, NULL, NULL, '0000-00-00 00:00:00'), (4, '2024-05-00', NULL, NULL), (5, '2024-05-01', NULL, NULL)`)
	read := func(more string) ([]sdktest.Row, []*v1.Dirty) {
		return sdktest.Read(t, sdktest.ReaderCase{Plugin: reader, Parameters: parameters("", `, "table": "zero", "column": ["*"]`+more)})
	}
	rows, dirty := read("")
	if len(rows) != 1 || rows[0].Get("id") != int64(5) || len(dirty) != 4 {
		t.Fatalf("%v, dirty %v", rows, dirty)
	}
	for i, want := range []string{"d 0000-00-00", "dt 2024-00-10 01:02:03.000000", "ts 0000-00-00 00:00:00", "d 2024-05-00"} {
		column, value, _ := strings.Cut(want, " ")
		if d := dirty[i]; d.Column != column || !strings.Contains(d.Reason, value) || !strings.Contains(string(d.Record), value) {
			t.Errorf("%v, want %s", d, want)
		}
	}
	if rows, dirty = read(`, "zeroDates": "null"`); len(rows) != 5 || len(dirty) != 0 || rows[0].Get("d") != nil || rows[2].Get("ts") != nil {
		t.Errorf("as NULL: %v, dirty %v", rows, dirty)
	}
}

// What has no bytes that a table could hold is an error that names the column and what to write in its place.
func TestUnreadable(t *testing.T) {
	for _, typ := range []string{"GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "GEOMETRYCOLLECTION"} {
		execute(t, "DROP TABLE IF EXISTS shapes; CREATE TABLE shapes (id INT, g %s); INSERT INTO shapes VALUES (1, NULL)", typ)
		said := refused(t, `, "table": "shapes", "column": ["*"]`)
		if !strings.Contains(said, "column g is of type "+strings.ToLower(typ)) || !strings.Contains(said, "ST_AsText(`g`)") {
			t.Errorf("%s: %s", typ, said)
		}
	}
	execute(t, "INSERT INTO shapes VALUES (2, GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))'))")
	rows, _ := sdktest.Read(t, sdktest.ReaderCase{Plugin: reader, Parameters: parameters("", `, "table": "shapes", "column": ["ST_AsText(g) AS g"], "where": "id = 2"`)})
	if len(rows) != 1 || rows[0].Get("g") != "GEOMETRYCOLLECTION(POINT(1 2))" {
		t.Errorf("as text: %v", rows)
	}
}

// refused opens the reader and gives its error: what was seen, and what to try.
func refused(t *testing.T, more string) string {
	t.Helper()
	r := reader.Reader.New()
	configure(t, r, parameters("", more))
	if _, err := r.Open(t.Context(), sdk.OpenInfo{Lanes: 1}); err != nil {
		if f := protocol.AsFault(err); f != nil {
			return f.What + "; " + f.Try
		}
		return err.Error()
	}
	_ = r.Close(t.Context())
	t.Errorf("%s was taken", more)
	return ""
}
