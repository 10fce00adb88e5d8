package conformance

func operations(e *env) {
	e.keyed("p", "PRIMARY KEY")
	e.ok(e.load("p", "1\ta\t1\t0\n2\tb\t2\t0\n1\tx\t9\t1\n3\tc\t3\t0\n3\td\t4\t0\n2\tb\t2\t1\n2\te\t5\t0\n", "columns: k,v,n,__op"))
	e.wantRows("p", "2|e|5", "3|d|4")
	e.counts(e.ok(e.load("p", "2\tb\t2\n", "columns: k,v,n,__op='delete'")), 1, 1, 0, 0)
	e.wantRows("p", "3|d|4")
	e.ok(e.load("p", "1\tu\t1\n", "columns: k,v,n,__op='upsert'"))
	e.ok(e.load("p", `{"k":3,"v":"x","n":1,"__op":1}{"k":4,"v":"y","n":2}{"k":5,"v":"z","n":2,"__op":0}`, "format: json"))
	e.wantRows("p", "1|u|1", "4|y|2", "5|z|2")
	e.ok(e.load("p", "1\tI\n4\tD\n", "columns: k,o,v=o,n=k,__op=(case o when 'D' then 1 else 0 end)"))
	e.wantRows("p", "1|I|1", "5|z|2")
	// The later row of a load wins.
	e.ok(e.load("p", "1\tA\t1\n1\tB\t2\n"))
	e.wantRows("p", "1|B|2", "5|z|2")
}

func partialUpdate(e *env) {
	e.keyed("p", "PRIMARY KEY")
	e.ok(e.load("p", "1\ta\t1\n2\tb\t2\n"))
	e.ok(e.load("p", "1\tx\n3\ty\n", "columns: k,v", "partial_update: true"))
	e.wantRows("p", "1|x|1", "2|b|2", "3|y|7")
	e.want(e.load("t", "1\tx\n", "columns: k,v", "partial_update: true"), "Fail", "Only primary key table support partial update")
	e.want(e.load("p", "x\n", "columns: v", "partial_update: true"), "Fail", "key column k not in partial update columns")
	e.want(e.load("p", "1\tx\n", "columns: k,v", "partial_update: maybe"), "Fail", "Invalid partial update flag format. Must be bool type")
	e.wantRows("p", "1|x|1", "2|b|2", "3|y|7")
}

func models(e *env) {
	e.keyed("p", "PRIMARY KEY")
	e.ok(e.load("p", "1\ta\t5\n2\ta\t5\n3\ta\t5\n"))
	e.ok(e.load("p", "1\tx\t4\n2\tx\t5\n3\tx\t6\n4\tx\t0\n", "merge_condition: n"))
	e.wantRows("p", "1|a|5", "2|x|5", "3|x|6", "4|x|0")
	e.ok(e.load("p", "3\tx\t0\n", "merge_condition: n", "columns: k,v,n,__op='delete'"))
	e.wantRows("p", "1|a|5", "2|x|5", "4|x|0")

	e.keyed("agg", "AGGREGATE KEY", "REPLACE", "SUM")
	e.keyed("uniq", "UNIQUE KEY")
	for _, body := range []string{"1\ta\t5\n2\tb\t1\n", "1\tc\t6\n"} {
		e.ok(e.load("agg", body))
		e.ok(e.load("uniq", body))
		e.ok(e.load("t", body))
	}
	e.wantRows("agg", "1|c|11", "2|b|1")
	e.wantRows("uniq", "1|c|6", "2|b|1")
	e.wantRows("t", "1|a|5", "1|c|6", "2|b|1")
}

func types(e *env) {
	e.create("a", "(k INT, dt DATETIME, d DECIMAL(10,2), l LARGEINT) DUPLICATE KEY(k)")
	big := "170141183460469231731687303715884105727"
	e.ok(e.load("a", "1\t2024-01-02 03:04:05.1\t1.5\t"+big+"\n2\t0000-00-00 00:00:00\t-0.25\t-"+big+"\n3\t2024-01-02 03:04:05\t7\t-170141183460469231731687303715884105728\n"))
	e.wantRows("a", "1|2024-01-02 03:04:05.100000|1.50|"+big, "2|NULL|-0.25|-"+big,
		"3|2024-01-02 03:04:05|7.00|-170141183460469231731687303715884105728")
	e.create("j", "(k INT, a ARRAY<VARCHAR(20)>, j JSON) DUPLICATE KEY(k)")
	e.ok(e.load("j", `{"k":1,"a":["a","b"],"j":{"x": 1, "y" : [ 1, "é" ]}}`, "format: json"))
	got := e.query("SELECT k, a, j FROM " + e.db + ".j")
	if len(got) != 1 || (got[0] != `1|["a","b"]|{"x":1,"y":[1,"é"]}` && got[0] != `1|["a","b"]|{"x": 1, "y": [1, "é"]}`) {
		e.t.Errorf("%q", got)
	}
}
