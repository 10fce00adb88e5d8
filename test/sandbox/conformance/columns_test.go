package conformance

func defaultOfAbsentColumn(e *env) {
	e.ok(e.load("t", "1\ta\n", "columns: k,v"))
	e.ok(e.load("t", "b\tignored\t2\n", "columns: v, tmp, `k`"))
	e.ok(e.load("t", "3\n", "columns: k"))
	e.wantRows("t", "1|a|7", "2|b|7", "3|NULL|7")
}

func noDefault(e *env) {
	e.want(e.load("t", "a\n", "columns: v"), "Fail", "Column has no default value. column: k")
	e.want(e.load("t", "a\n", "columns: k,v,k"), "Fail", "Duplicate column: k")
	e.want(e.load("t", "1\ta\n", "columns: a,b,k=a,k=b"), "Fail", "Duplicate column mapping: k")
	e.want(e.load("t", "1\n", "columns: a,zz=a"), "Fail", "Mapping column is not in table. column: zz")
	e.wantRows("t")
}

func expressionsAndWhere(e *env) {
	e.ok(e.load("t", "1\tx\n", "columns: a,b,k=a+1,v=upper(b)"))
	e.wantRows("t", "2|X|7")
	r := e.ok(e.load("t", "1\ta\t5\n2\tb\t6\n", "where: k > 1"))
	e.counts(r, 2, 1, 0, 1)
	e.wantRows("t", "2|X|7", "2|b|6")

	// Unselected rows do not count in the ratio: 1 bad of 2 judged.
	e.counts(e.ok(e.load("t", "1\ta\t5\n9\tb\tx\n8\tc\t8\n", "where: k > 1", "max_filter_ratio: 0.5")), 3, 1, 1, 1)
	e.want(e.load("t", "1\ta\t5\n9\tb\tx\n8\tc\t8\n", "where: k > 1", "max_filter_ratio: 0.4"), "Fail", "too many filtered rows")
	e.want(e.load("t", "1\tx\n", "columns: k,v,n=nowhere+1"), "Fail", "unknown reference column, column=n, reference=nowhere")
	e.want(e.load("t", "1\tx\n", "columns: k,v,n=sum(k)"), "Fail", "Don't support aggregation function in load expression")
	// A name used in an expression is read as text: '07' is not 7 there.
	e.ok(e.load("t", "4\t07\n", "columns: k,n,v=concat(n,'!')"))
	e.wantRows("t", "2|X|7", "2|b|6", "8|c|8", "4|07!|7")
	// JSON, by key and by path.
	e.ok(e.load("t", `{"a":10,"b":"q"}`, "format: json", "columns: a,b,k=a*2,v=concat(b,b),n=3"))
	e.ok(e.load("t", `{"x":{"a":30}}`, "format: json", `jsonpaths: ["$.x.a"]`, "columns: a,k=a+1"))
	e.wantRows("t", "2|X|7", "2|b|6", "8|c|8", "4|07!|7", "20|qq|3", "31|NULL|7")
}
