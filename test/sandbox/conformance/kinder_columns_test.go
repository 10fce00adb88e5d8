package conformance

import (
	"slices"
	"strings"
)

func mappedColumns(e *env) {
	e.create("m", "(k INT NOT NULL, i INT NULL, s VARCHAR(20) NULL, c VARCHAR(20) NULL) DUPLICATE KEY(k)")
	// An expression that gives NULL for a value that was there.
	body := "1\tx\n2\t2\n3\t\\N\n"
	e.counts(e.ok(e.load("m", body, "columns: k,tmp,i=cast(tmp as int)")), 3, 3, 0, 0)
	e.wantRows("m", "1|NULL|NULL|NULL", "2|2|NULL|NULL", "3|NULL|NULL|NULL")
	r := e.ok(e.load("m", body, "columns: k,i,s=i", "strict_mode: true", "max_filter_ratio: 0.5"))
	e.counts(r, 3, 2, 1, 0)
	if log := e.errorLog(r); !strings.Contains(log, "x") || !strings.Contains(log, "out of range") {
		e.t.Errorf("log %q", log)
	}
	// Constants, back-ticked names and a column used twice.
	e.ok(e.load("m", "7\tab\n", "columns: `k`, `a b`, s=upper(`a b`), c='api', i=length(`a b`)"))
	e.ok(e.load("m", `{"k":8,"x":{"y":"z"}}`, "format: json", `jsonpaths: ["$.k","$.x.y","$.x.y"]`, "columns: k,s,tmp,c=concat(tmp,'?')"))
	if got := e.query("SELECT * FROM " + e.db + ".m WHERE k > 6 ORDER BY k"); !slices.Equal(got, []string{"7|2|AB|api", "8|NULL|z|z?"}) {
		e.t.Errorf("%q", got)
	}
	// A missing key is NULL for an expression too, and never the default.
	e.ok(e.load("t", `{"k":1}`, "format: json", "columns: k,tmp,n=ifnull(tmp,9)"))
	e.wantRows("t", "1|NULL|9")
}

func functionDefaults(e *env) {
	e.create("f", "(k INT NOT NULL, ts DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, s VARCHAR(5) NULL DEFAULT \"x\") DUPLICATE KEY(k)")
	e.ok(e.load("f", "1\n", "columns: k"))
	got := e.query("SELECT k, s, ts > '2020-01-01 00:00:00' FROM " + e.db + ".f")
	if !slices.Equal(got, []string{"1|x|1"}) {
		e.t.Errorf("%q", got)
	}
	e.ok(e.load("f", "2\t2024-01-02 03:04:05\t\\N\n"))
	e.rejected(e.load("f", "3\t\\N\ta\n"), "NULL value in non-nullable column 'ts'")
	if got := e.query("SELECT * FROM " + e.db + ".f WHERE k = 2"); !slices.Equal(got, []string{"2|2024-01-02 03:04:05|NULL"}) {
		e.t.Errorf("%q", got)
	}
}

func deletesNeedValues(e *env) {
	e.keyed("p", "PRIMARY KEY")
	e.ok(e.load("p", "1\ta\t1\n2\tb\t2\n"))
	// A row that deletes is a row: its NOT NULL columns are checked.
	e.rejected(e.load("p", `{"k":1,"__op":1}`, "format: json"), "NULL value in non-nullable column 'n'")
	e.rejected(e.load("p", "1\ta\tx\t1\n", "columns: k,v,n,__op"), "NULL value in non-nullable column 'n'")
	e.wantRows("p", "1|a|1", "2|b|2")
	e.ok(e.load("p", "1\n", "columns: k,__op='delete'"))
	e.wantRows("p", "2|b|2")
	e.ok(e.load("p", `{"id":2,"gone":1}`, "format: json", `jsonpaths: ["$.id","$.gone"]`, "columns: k,__op"))
	e.wantRows("p")
}

func aggregates(e *env) {
	e.create("a", "(k INT NOT NULL, lo INT MIN NULL, hi INT MAX NULL, s BIGINT SUM NULL, r VARCHAR(9) REPLACE NULL, i VARCHAR(9) REPLACE_IF_NOT_NULL NULL) AGGREGATE KEY(k)")
	e.ok(e.load("a", "1\t5\t5\t5\ta\ta\n1\t3\t3\t3\tb\t\\N\n"))
	e.ok(e.load("a", "1\t9\t9\t9\t\\N\t\\N\n2\t1\t1\t1\tx\ty\n"))
	e.wantRows("a", "1|3|9|17|NULL|a", "2|1|1|1|x|y")
	e.keyed("u", "UNIQUE KEY")
	e.ok(e.load("u", "1\ta\t1\n1\tb\t2\n"))
	e.wantRows("u", "1|b|2")
}

func objectColumns(e *env) {
	e.create("o", "(k INT NOT NULL, b BITMAP BITMAP_UNION, h HLL HLL_UNION) AGGREGATE KEY(k)")
	for _, user := range []string{"5", "7", "5"} {
		e.ok(e.load("o", "1\t"+user+"\n", "columns: k,u,b=to_bitmap(u),h=hll_hash(u)"))
	}
	got := e.query("SELECT bitmap_count(b), bitmap_to_string(b), hll_cardinality(h) FROM " + e.db + ".o")
	if !slices.Equal(got, []string{"2|5,7|2"}) {
		e.t.Errorf("%q", got)
	}
	if got := e.query("SELECT b, h FROM " + e.db + ".o"); !slices.Equal(got, []string{"NULL|NULL"}) {
		e.t.Errorf("a bitmap shows as %q", got)
	}
	r := e.load("o", "1\t5\t5\n")
	if r.text("Status") != "Fail" {
		e.t.Errorf("raw text for an HLL column: %s", r.body)
	}
	if e.r.AtLeast(3, 0) {
		e.create("bin", "(k INT NOT NULL, b VARBINARY(20) NULL) DUPLICATE KEY(k)")
		e.ok(e.load("bin", "1\tAAH/\n", "columns: k,tmp,b=to_binary(tmp,'base64')"))
		e.ok(e.load("bin", "2\t0001ff\n", "columns: k,tmp,b=to_binary(tmp,'hex')"))
		if got := e.query("SELECT hex(b) FROM " + e.db + ".bin ORDER BY k"); !slices.Equal(got, []string{"0001FF", "0001FF"}) {
			e.t.Errorf("%q", got)
		}
	}
}

func timeoutRange(e *env) {
	e.want(e.load("t", "1\ta\t5\n", "timeout: 259201"), "Fail", "imeout")
	e.ok(e.load("t", "1\ta\t5\n", "timeout: 259200"))
	e.wantCount("t", 1)
}
