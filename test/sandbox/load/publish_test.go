package load

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// What hinders a load is found before it is committed: nobody is told that data is
// safe which then gets lost.
func TestCommittedIsNeverTakenBack(t *testing.T) {
	b := start(t)
	b.table("pk", store.Schema{Model: store.Primary, Keys: []string{"k"}, Columns: []store.Column{
		{Name: "k", Type: store.Type{Kind: store.Varchar, Length: 500}}, {Name: "v", Type: store.Type{Kind: store.Int}, Nullable: true}}})
	wide := strings.Repeat("k", 200) + "\t1\n"
	b.arm(fault.Fault{Kind: fault.PublishTimeout, Millis: 200, Times: -1})

	b.want(b.load("pk", wide, "label: wide"), "Fail", "primary key size exceed the limit")
	b.wantState("wide", "ABORTED", "primary key size exceed the limit")
	b.wantTxn(b.via("begin", "txn", "", "table: pk"), "OK", "")
	b.wantTxn(b.via("load", "txn", wide, "table: pk"), "OK", "")
	b.wantTxn(b.via("prepare", "txn", "", "table: pk"), "ANALYSIS_ERROR", "primary key size exceed the limit")
	b.wantState("txn", "ABORTED", "")

	// No table of a transaction shows rows when another cannot.
	b.wantTxn(b.via("begin", "both", "", multi), "OK", "")
	b.wantTxn(b.via("load", "both", "1\ta\t5\n", multi), "OK", "")
	b.wantTxn(b.via("load", "both", wide, multi, "table: pk"), "OK", "")
	b.wantTxn(b.via("commit", "both", "", multi), "FAILED", "primary key size exceed the limit")
	b.wantState("both", "ABORTED", "")
	b.wantRows("t", "")

	// What happens to the table after the commit does not undo it.
	b.want(b.load("t", "1\ta\t5\n", "label: column"), "Publish Timeout", "")
	tab, err := b.store.Table("d", "t")
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.AlterColumns(store.DropColumn{Name: "v"}); err != nil {
		t.Fatal(err)
	}
	b.until("the rows", func() bool { return b.LoadsOf("column") == "VISIBLE" })
	b.want(b.load("t", "2\t5\n", "label: table", "columns: k,n"), "Publish Timeout", "")
	if err := b.store.DropTable("d", "t"); err != nil {
		t.Fatal(err)
	}
	b.until("the end", func() bool { return b.LoadsOf("table") == "VISIBLE" })
}

// A load that has to wait for an earlier one to become visible waits no longer than
// for its own publishing.
func TestWaitForTheTurnEnds(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.PublishTimeout, Millis: 60000, Label: "first"})
	b.want(b.load("t", "1\ta\t5\n", "label: first"), "Publish Timeout", "")
	b.want(b.load("t", "2\ta\t5\n", "label: second", "timeout: 1"), "Publish Timeout", "")
	b.wantState("second", "COMMITTED", "")
	b.table("u", store.Schema{Columns: conformanceColumns()})
	b.want(b.load("u", "3\ta\t5\n"), "Success", "")
	if err := b.Close(); err != nil { // publishes both, in their order
		t.Fatal(err)
	}
	b.wantRows("t", "1|a|5", "2|a|5")
	if n := len(b.turns.tables); n != 0 {
		t.Errorf("%d tables still have a queue", n)
	}
}
