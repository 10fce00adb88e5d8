package conformance

import (
	"slices"
)

func insertLabels(e *env) {
	e.ok(e.load("t", "1\ta\t5\n", "label: loaded"))
	if _, err := e.sql.ExecContext(e.t.Context(), "INSERT INTO "+e.db+".t WITH LABEL loaded VALUES (2, 'b', 6)"); err == nil {
		e.t.Error("INSERT took the label of a load")
	}
	e.run("INSERT INTO " + e.db + ".t WITH LABEL inserted VALUES (3, 'c', 7)")
	e.wantState("inserted", "VISIBLE")
	r := e.want(e.load("t", "4\td\t8\n", "label: inserted"), "Label Already Exists", "Label [inserted] has already been used")
	if r.text("ExistingJobStatus") != "FINISHED" {
		e.t.Errorf("%s", r.body)
	}
	e.wantRows("t", "1|a|5", "3|c|7")
}

func multiTableRules(e *env) {
	e.run("CREATE DATABASE " + e.db + "_b")
	other := *e
	other.db += "_b"
	other.create("t", tableT)
	e.wantTx(e.tx("begin", "m", multi), "OK", "")
	e.wantTx(e.txLoad("m", "1\ta\t5\n", multi), "OK", "")
	e.notOK(other.txLoad("m", "1\ta\t5\n", multi), "")
	e.notOK(e.txLoad("m", "1\ta\t5\n", multi, "table: nowhere"), "")
	e.tx("rollback", "m", multi)
	e.wantState("m", "ABORTED")
	e.notOK(e.txLoad("m", "1\ta\t5\n", multi), "")
	e.notOK(e.tx("commit", "m", multi), "")
	// Bad rows fail the transaction at the latest when it commits.
	e.wantTx(e.tx("begin", "bad", multi), "OK", "")
	if r := e.txLoad("bad", "x\ta\t5\n", multi); r.text("Status") == "OK" {
		e.notOK(e.tx("commit", "bad", multi), "")
	}
	e.tx("rollback", "bad", multi)
	e.wantState("bad", "ABORTED")
	// A label is one transaction, whatever its kind.
	e.ok(e.load("t", "9\tz\t9\n", "label: used"))
	e.wantTx(e.tx("begin", "used", multi), "LABEL_ALREADY_EXISTS", "")
	e.wantRows("t", "9|z|9")
	other.wantRows("t")
}

func channels(e *env) {
	with := func(id string) []string { return []string{"table: t", "channel_num: 2", "channel_id: " + id} }
	for _, id := range []string{"0", "1"} {
		e.wantTx(e.tx("begin", "ch", with(id)...), "OK", "")
	}
	e.wantTx(e.txLoad("ch", "1\ta\t5\n", with("0")...), "OK", "")
	e.wantTx(e.txLoad("ch", "2\tb\t6\n", with("1")...), "OK", "")
	e.wantTx(e.tx("prepare", "ch", with("0")...), "OK", "")
	e.wantRows("t")
	e.wantTx(e.tx("prepare", "ch", with("1")...), "OK", "")
	e.wantRows("t")
	e.wantTx(e.tx("commit", "ch", "table: t"), "OK", "")
	e.wantState("ch", "VISIBLE")
	e.wantRows("t", "1|a|5", "2|b|6")
}

func metadata(e *env) {
	e.keyed("p", "PRIMARY KEY")
	e.keyed("u", "UNIQUE KEY")
	e.keyed("a", "AGGREGATE KEY", "REPLACE", "SUM")
	e.ok(e.load("t", "1\ta\t5\n2\tb\t6\n"))
	models := map[string]string{}
	for _, r := range e.records("SELECT * FROM information_schema.tables_config WHERE TABLE_SCHEMA = '" + e.db + "'") {
		models[r["TABLE_NAME"]] = r["TABLE_MODEL"]
	}
	for table, want := range map[string]string{"t": "DUP_KEYS", "p": "PRI_KEYS", "u": "UNQ_KEYS", "a": "AGG_KEYS"} {
		if models[table] != want {
			e.t.Errorf("TABLE_MODEL of %s: %q, want %s", table, models[table], want)
		}
	}
	var names []string
	for _, r := range e.records("SELECT * FROM information_schema.columns WHERE TABLE_SCHEMA = '" + e.db + "' AND TABLE_NAME = 't' ORDER BY ORDINAL_POSITION") {
		names = append(names, r["COLUMN_NAME"]+" "+r["COLUMN_TYPE"]+" "+r["IS_NULLABLE"]+" "+r["COLUMN_DEFAULT"])
	}
	want := [][]string{{"k int NO ", "v varchar(8) YES ", "n int NO 7"}, {"k int(11) NO ", "v varchar(8) YES ", "n int(11) NO 7"}}
	if !slices.ContainsFunc(want, func(w []string) bool { return slices.Equal(w, names) }) {
		e.t.Errorf("columns %q", names)
	}
	if got := e.records("DESC " + e.db + ".t"); len(got) != 3 || got[0]["Field"] != "k" || got[0]["Null"] != "NO" || got[0]["Key"] != "true" || got[2]["Default"] != "7" {
		e.t.Errorf("DESC %v", got)
	}
	if e.r.AtLeast(3, 1) {
		var ids []string
		for _, r := range e.records("SELECT b.TABLET_ID FROM information_schema.be_tablets b JOIN information_schema.tables_config c ON b.TABLE_ID = c.TABLE_ID WHERE c.TABLE_SCHEMA = '" + e.db + "' AND c.TABLE_NAME = 't'") {
			ids = append(ids, r["TABLET_ID"])
		}
		shown := e.tablets("t")
		slices.Sort(ids)
		slices.Sort(shown)
		if !slices.Equal(ids, shown) {
			e.t.Errorf("be_tablets %v, SHOW TABLETS %v", ids, shown)
		}
	}
}
