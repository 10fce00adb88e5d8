package conformance

import "strings"

func preparedTimeout(e *env) {
	e = e.own()
	prepared := func(label string, headers ...string) {
		e.t.Helper()
		e.wantTx(e.begin(label, "timeout: 300"), "OK", "")
		e.wantTx(e.txLoad(label, "1\ta\t5\n", "timeout: 300"), "OK", "")
		e.wantTx(e.tx("prepare", label, append([]string{"timeout: 300"}, headers...)...), "OK", "")
	}
	prepared("standard")
	prepared("short", "prepared_timeout: 60")
	e.jump("2m")
	// prepared_timeout came with 3.5.4; before, the transaction's timeout counts on.
	own := e.r.AtLeastPatch(3, 5, 4)
	if own {
		e.until("the end of the prepared transaction", func() bool { return e.state("short") == "ABORTED" })
		e.notOK(e.tx("commit", "short"), "Can not commit ABORTED transaction")
	} else {
		e.wantState("short", "PREPARED")
	}
	e.wantState("standard", "PREPARED")
	e.jump("10m")
	if own {
		e.wantState("standard", "PREPARED")
		e.wantTx(e.tx("commit", "standard"), "OK", "")
		e.wantRows("t", "1|a|5")
		return
	}
	e.until("the end of the transactions", func() bool { return e.state("standard") == "ABORTED" && e.state("short") == "ABORTED" })
	e.wantRows("t")
}

func concurrencyLimit(e *env) {
	e = e.own()
	e.control("/config", `{"enable_http_stream_load_limit": true, "be_http_num_workers": 2}`)
	w := e.open("first")
	e.want(e.direct("t", "2\tb\t6\n", "label: second"), "Fail", "Stream Load exceed http cuncurrent limit 1, please try again later")
	e.wantState("second", "UNKNOWN")
	e.ok(w.finish("1\ta\t5\n"))
	e.ok(e.direct("t", "2\tb\t6\n", "label: second"))
	e.wantRows("t", "1|a|5", "2|b|6")
}

func dataQuota(e *env) {
	e = e.own()
	e.run("ALTER DATABASE " + e.db + " SET DATA QUOTA 20B")
	e.ok(e.load("t", strings.Repeat("1\tabcdefgh\t5\n", 20), "label: first"))
	full := "Database[" + e.db + "] data size exceeds quota[20.000 B]"
	e.want(e.load("t", "2\tb\t6\n", "label: second"), "Fail", full)
	e.wantState("second", "UNKNOWN")
	e.notOK(e.begin("third"), full)
	if _, err := e.sql.ExecContext(e.t.Context(), "INSERT INTO "+e.db+".t VALUES (3, 'c', 7)"); err == nil || !strings.Contains(err.Error(), full) {
		e.t.Errorf("INSERT: %v", err)
	}
	e.run("ALTER DATABASE " + e.db + " SET DATA QUOTA 1G")
	e.ok(e.load("t", "2\tb\t6\n", "label: second"))
}

func loadsView(e *env) {
	e.ok(e.load("t", "1\ta\t5\n", "label: good"))
	e.want(e.load("t", "x\ta\t5\n", "label: bad"), "Fail", "too many filtered rows")
	got := map[string]string{}
	for _, record := range e.records("SELECT * FROM information_schema.loads WHERE DB_NAME = '" + e.db + "'") {
		got[record["LABEL"]] = record["STATE"]
	}
	if got["good"] != "FINISHED" || got["bad"] != "CANCELLED" {
		e.t.Errorf("information_schema.loads: %v", got)
	}
}

func sqlTransactions(e *env) {
	conn, err := e.sql.Conn(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	defer conn.Close()
	run := func(statements ...string) {
		e.t.Helper()
		for _, s := range statements {
			if _, err := conn.ExecContext(e.t.Context(), strings.ReplaceAll(s, "$", e.db)); err != nil {
				e.t.Errorf("%s: %v", s, err)
			}
		}
	}
	e.create("t2", tableT)
	run("BEGIN", "INSERT INTO $.t VALUES (1, 'a', 5)", "INSERT INTO $.t2 VALUES (2, 'b', 6)")
	e.wantRows("t")
	e.wantRows("t2")
	run("COMMIT")
	e.wantRows("t", "1|a|5")
	e.wantRows("t2", "2|b|6")
	run("BEGIN", "INSERT INTO $.t VALUES (3, 'c', 7)", "ROLLBACK")
	e.wantRows("t", "1|a|5")
}
