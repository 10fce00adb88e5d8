package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// read is a text and what the column holds after it was loaded.
type read struct{ text, want string }

// wantReads loads one row for each text, by CSV with \x01 between fields.
func (e *env) wantReads(table, typ string, reads []read) {
	e.t.Helper()
	e.create(table, "(k INT NOT NULL, x "+typ+" NULL) DUPLICATE KEY(k)")
	var body strings.Builder
	for i, r := range reads {
		fmt.Fprintf(&body, "%d\x01%s\n", i, r.text)
	}
	e.counts(e.ok(e.load(table, body.String(), `column_separator: \x01`)), len(reads), len(reads), 0, 0)
	got := e.query("SELECT x FROM " + e.db + "." + table + " ORDER BY k")
	if len(got) != len(reads) {
		e.t.Fatalf("%s: %d rows of %d", typ, len(got), len(reads))
	}
	// Strict mode filters exactly what was read as NULL without being \N.
	var lost int
	for i, r := range reads {
		if got[i] != r.want {
			e.t.Errorf("%s %q reads back as %q, want %q", typ, r.text, got[i], r.want)
		}
		if r.want == "NULL" && r.text != `\N` {
			lost++
		}
	}
	if lost < len(reads) {
		e.counts(e.ok(e.load(table, body.String(), `column_separator: \x01`, "strict_mode: true", "max_filter_ratio: 1")), len(reads), len(reads)-lost, lost, 0)
	}
}

func dates(e *env) {
	e.wantReads("x", "DATE", []read{
		{"2024-01-02", "2024-01-02"}, {"20240102", "2024-01-02"}, {"24-1-2", "2024-01-02"}, {"240102", "2024-01-02"},
		{"2024-1-2", "2024-01-02"}, {"69-12-31", "2069-12-31"}, {"70-01-01", "1970-01-01"}, {"690101", "2069-01-01"}, {"700101", "1970-01-01"},
		{"2024/01/02", "2024-01-02"}, {"2024.01.02", "2024-01-02"}, {" 2024-01-02 ", "2024-01-02"},
		{"0000-01-01", "0000-01-01"}, {"9999-12-31", "9999-12-31"}, {"2024-02-29", "2024-02-29"},
		{"2023-02-29", "NULL"}, {"2024-02-30", "NULL"}, {"2024-13-01", "NULL"}, {"2024-00-01", "NULL"}, {"2024-01-00", "NULL"},
		{"0000-00-00", "NULL"}, {"2024-04-31", "NULL"}, {"today", "NULL"}, {"", "NULL"}, {`\N`, "NULL"}, {"10000-01-01", "NULL"}, {"-2024-01-02", "NULL"},
	})
}

func datetimes(e *env) {
	e.wantReads("x", "DATETIME", []read{
		{"2024-01-02 03:04:05", "2024-01-02 03:04:05"}, {"2024-01-02T03:04:05", "2024-01-02 03:04:05"}, {"20240102030405", "2024-01-02 03:04:05"},
		{"2024-01-02", "2024-01-02 00:00:00"}, {"20240102", "2024-01-02 00:00:00"},
		{"2024-01-02 03:04:05.1", "2024-01-02 03:04:05.100000"}, {"2024-01-02 03:04:05.000001", "2024-01-02 03:04:05.000001"},
		{"2024-01-02 03:04:05.123456", "2024-01-02 03:04:05.123456"}, {"2024-01-02 03:04:05.000000", "2024-01-02 03:04:05"},
		{"2024/01/02 03.04.05", "2024-01-02 03:04:05"}, {" 2024-01-02 03:04:05 ", "2024-01-02 03:04:05"},
		{"0000-01-01 00:00:00", "0000-01-01 00:00:00"}, {"9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"},
		{"0000-00-00 00:00:00", "NULL"}, {"2024-01-02 24:00:00", "NULL"}, {"2024-01-02 03:60:05", "NULL"}, {"2024-01-02 03:04:60", "NULL"},
		{"2024-02-30 03:04:05", "NULL"}, {"2024-00-02 03:04:05", "NULL"}, {"now", "NULL"}, {"", "NULL"},
	})
}

func numbers(e *env) {
	ends := func(low, high, under, over string) []read {
		return []read{{low, low}, {high, high}, {under, "NULL"}, {over, "NULL"}, {"0", "0"}, {"-0", "0"}, {"007", "7"},
			{"", "NULL"}, {"x", "NULL"}, {"1.5", "NULL"}, {"1e2", "NULL"}, {"0x10", "NULL"}, {"--1", "NULL"}, {"1 2", "NULL"}}
	}
	e.wantReads("i8", "TINYINT", ends("-128", "127", "-129", "128"))
	e.wantReads("i16", "SMALLINT", ends("-32768", "32767", "-32769", "32768"))
	e.wantReads("i32", "INT", ends("-2147483648", "2147483647", "-2147483649", "2147483648"))
	e.wantReads("i64", "BIGINT", ends("-9223372036854775808", "9223372036854775807", "-9223372036854775809", "9223372036854775808"))
	e.wantReads("i128", "LARGEINT", ends("-170141183460469231731687303715884105728", "170141183460469231731687303715884105727",
		"-170141183460469231731687303715884105729", "170141183460469231731687303715884105728"))
	e.wantReads("f64", "DOUBLE", []read{{"0.1", "0.1"}, {"-1.5e3", "-1500"}, {"1", "1"}, {"x", "NULL"}, {"", "NULL"}})
	e.wantReads("dec", "DECIMAL(10,2)", []read{{"1.5", "1.50"}, {"-0.25", "-0.25"}, {"1.006", "1.01"}, {"-1.006", "-1.01"}, {"12345678.91", "12345678.91"},
		{"3", "3.00"}, {"x", "NULL"}, {"", "NULL"}})
	e.wantReads("big", "DECIMAL(38,10)", []read{{"1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"}})
	e.create("over", "(k INT, x DECIMAL(4,2) NOT NULL) DUPLICATE KEY(k)")
	e.want(e.load("over", "1\t100\n"), "Fail", "too many filtered rows")
	e.wantRows("over")
}

func texts(e *env) {
	e.wantReads("b", "BOOLEAN", []read{{"true", "1"}, {"TRUE", "1"}, {"False", "0"}, {"0", "0"}, {"1", "1"}, {"5", "1"}, {"yes", "NULL"}, {"", "NULL"}})
	e.wantReads("v", "VARCHAR(8)", []read{{"", ""}, {"12345678", "12345678"}, {" a ", " a "}, {`\N`, "NULL"}, {`\n`, `\n`}, {`"x"`, `"x"`}, {"null", "null"}, {"NULL", "NULL"}}[:7])
	e.create("c", "(k INT, x CHAR(3)) DUPLICATE KEY(k)")
	e.ok(e.load("c", "1\tabc\n2\tab\n"))
	e.rejected(e.load("c", "3\tabcd\n"), "String (length=4) is too long. The max length of 'x' is 3")
	e.rejected(e.load("c", "3\tééé\n"), "String (length=6) is too long. The max length of 'x' is 3")
	e.wantRows("c", "1|abc", "2|ab")
}

func jsonValues(e *env) {
	e.create("x", "(k INT NOT NULL, i INT, b BOOLEAN, v VARCHAR(50), d DECIMAL(10,2), f DOUBLE, t DATETIME, l LARGEINT) DUPLICATE KEY(k)")
	for _, line := range []struct{ json, want string }{
		{`{"k":1,"i":5,"b":true,"v":"a","d":"1.5","f":0.5,"t":"2024-01-02 03:04:05","l":"170141183460469231731687303715884105727"}`,
			"1|5|1|a|1.50|0.5|2024-01-02 03:04:05|170141183460469231731687303715884105727"},
		{`{"k":"2","i":"7","b":0,"v":1.50,"d":1.5,"f":"2.5","l":12}`, "2|7|0|1.50|1.50|2.5|NULL|12"},
		{`{"k":3,"b":false,"v":true}`, "3|NULL|0|1|NULL|NULL|NULL|NULL"},
		{`{"k":4,"v":{"a" : [1, "x"], "b":null}}`, `4|NULL|NULL|{"a":[1,"x"],"b":null}|NULL|NULL|NULL|NULL`},
		{`{"k":5,"v":[1, 2],"i":null,"b":null}`, "5|NULL|NULL|[1,2]|NULL|NULL|NULL|NULL"},
		{`{"k":6,"v":"\u00e9\n\"\\N"}`, "6|NULL|NULL|é\n\"\\N|NULL|NULL|NULL|NULL"},
		{`{"k":7,"v":"\\N","i":2147483647}`, `7|2147483647|NULL|\N|NULL|NULL|NULL|NULL`},
	} {
		e.ok(e.load("x", line.json, "format: json"))
		got := e.query("SELECT * FROM " + e.db + ".x ORDER BY k DESC LIMIT 1")
		if !slices.Equal(got, []string{line.want}) {
			e.t.Errorf("%s reads back as %q, want %q", line.json, got, line.want)
		}
	}
	e.want(e.load("x", `{"k":8,"i":2147483648}`, "format: json", "strict_mode: true"), "Fail", "too many filtered rows")
	e.want(e.load("x", `{"k":8,"i":"x"}`, "format: json", "strict_mode: true"), "Fail", "too many filtered rows")
	e.rejected(e.load("x", `{"k":null}`, "format: json"), "NULL value in non-nullable column 'k'")
	e.create("root", "(k INT NOT NULL, j JSON) DUPLICATE KEY(k)")
	e.ok(e.load("root", `{"k":1,"x":{"y":2}}`, "format: json", `jsonpaths: ["$.k","$"]`, "columns: k,j"))
	if got := e.query("SELECT get_json_int(j, '$.x.y') FROM " + e.db + ".root"); got[0] != "2" {
		e.t.Errorf("the whole object: %q", got)
	}
}

func arrays(e *env) {
	e.create("a", "(k INT, i ARRAY<INT>, s ARRAY<VARCHAR(20)>) DUPLICATE KEY(k)")
	e.ok(e.load("a", "1|[1,2]|[\"a\",\"b\"]\n2|[]|[]\n3|[1,null]|[null,\"x\"]\n4|\\N|\\N\n", "column_separator: |"))
	e.wantRows("a", `1|[1,2]|["a","b"]`, "2|[]|[]", `3|[1,null]|[null,"x"]`, "4|NULL|NULL")
}

func varcharLength(e *env) {
	e.create("v", "(k INT, x VARCHAR(1048576)) DUPLICATE KEY(k)")
	if _, err := e.sql.ExecContext(e.t.Context(), "CREATE TABLE "+e.db+".w (k INT, x VARCHAR(1048577)) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1"); err == nil {
		e.t.Error("VARCHAR(1048577) was accepted")
	}
	e.ok(e.load("v", "1\t"+strings.Repeat("x", 1<<20)+"\n"))
	e.rejected(e.load("v", "2\t"+strings.Repeat("x", 1<<20+1)+"\n"), "String (length=1048577) is too long. The max length of 'x' is 1048576")
	e.wantCount("v", 1)
}

func session(e *env) {
	if got := e.query("SELECT current_version()"); !strings.HasPrefix(got[0], e.r.String()) {
		e.t.Errorf("current_version() %q", got)
	}
	conn, err := e.sql.Conn(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	defer conn.Close()
	for _, statement := range []string{"SET query_timeout = 0", "SET query_timeout = 259201", "SET no_such_variable = 1", "SELECT nothing FROM " + e.db + ".t",
		"SELECT * FROM " + e.db + ".nowhere", "SELEC 1", "INSERT INTO " + e.db + ".t VALUES (1)", "USE nowhere"} {
		if _, err := conn.ExecContext(e.t.Context(), statement); err == nil {
			e.t.Errorf("%s was accepted", statement)
		}
	}
	for _, statement := range []string{"SET query_timeout = 1", "SET query_timeout = 259200", "SELECT /*+ SET_VAR(query_timeout=60) */ 1"} {
		if _, err := conn.ExecContext(e.t.Context(), statement); err != nil {
			e.t.Errorf("%s: %v", statement, err)
		}
	}
}

func jsonBodies(e *env) {
	for _, bad := range []struct{ body, headers, message string }{
		{"1\ta\t5\n", "", "illegal json started with 1"},
		{"true", "", "illegal json started with t"},
		{`{"k":1,"n":2}x`, "", ""},
		{`{"k":1,"n":2},{"k":2,"n":2}`, "", ""},
		{`{"k":01,"n":2}`, "", ""},
		{`{'k':1,"n":2}`, "", ""},
		{"{\"k\":1,\"n\":2,\"v\":\"\xff\"}", "", ""},
		{`[{"k":1,"n":2}`, "strip_outer_array: true", ""},
		{`[{"k":1,"n":2},]`, "strip_outer_array: true", ""},
		{`[[{"k":1,"n":2}]]`, "strip_outer_array: true", ""},
		{`{"a":{"k":1,"n":2}}`, "json_root: $.nowhere", ""},
	} {
		headers := []string{"format: json"}
		if bad.headers != "" {
			headers = append(headers, bad.headers)
		}
		e.want(e.load("t", bad.body, headers...), "Fail", bad.message)
	}
	e.wantRows("t")
	e.ok(e.load("t", " \r\n\t{\"k\":1,\"n\":2}\r\n \t", "format: json"))
	e.wantRows("t", "1|NULL|2")
}

func csvEnclosed(e *env) {
	e.create("s", tableText)
	e.ok(e.load("s", "1,\"a,b\"\n2,\"\"\"\"\n5,\"line\nbreak\"\n", "column_separator: ,", `enclose: "`))
	e.wantRows("s", "1|a,b", `2|"`, "5|line\nbreak")
}
