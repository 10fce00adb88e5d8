package load

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/store"
)

const multi = "transaction_type: multi"

// positions adds a primary key table p(k, n) beside t.
func (b *bench) positions() {
	b.t.Helper()
	b.table("p", store.Schema{Model: store.Primary, Keys: []string{"k"}, Columns: []store.Column{
		{Name: "k", Type: store.Type{Kind: store.Int}}, {Name: "n", Type: store.Type{Kind: store.Int}, Nullable: true}}})
}

func TestMultiTableTransaction(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends = 2 })
	b.positions()
	a := b.wantTxn(b.via("begin", "x", "", multi, "timeout: 100"), "OK", "")
	if a["TxnId"] == nil || a["Label"] != "x" {
		t.Errorf("%v", a)
	}
	b.wantTxn(b.via("begin", "x", "", multi), "LABEL_ALREADY_EXISTS", "Transaction already started with label [x]")
	b.wantTxn(b.via("load", "x", "1\ta\t5\n2\t", multi), "OK", "")
	b.wantTxn(b.via("load", "x", "7\t70\n", multi, "table: p"), "OK", "")
	b.wantTxn(b.via("load", "x", "b\t6\n", multi), "OK", "")
	b.wantTxn(b.via("prepare", "x", "", multi), "FAILED", "Unsupported operation")
	b.wantTxn(b.via("commit", "x", ""), "FAILED", "should be BE, but is FE")
	b.wantState("x", "PREPARE", "")
	b.wantRows("t", "")
	b.wantTxn(b.via("commit", "x", "", multi), "OK", "")
	b.wantRows("t", "1|a|5", "2|b|6")
	b.wantRows("p", "7|70")
	b.wantState("x", "VISIBLE", "")
	b.wantTxn(b.via("commit", "x", "", multi), "OK", "has already committed, label is x")
	b.wantTxn(b.via("rollback", "x", "", multi), "FAILED", "Can not abort VISIBLE transaction")
	b.wantTxn(b.via("load", "x", "3\tc\t6\n", multi), "FAILED", "stream load task x has already been commited")
	a = b.wantTxn(b.via("begin", "x", "", multi), "LABEL_ALREADY_EXISTS", "Label [x] has already been used.")
	if a["ExistingJobStatus"] != "COMMITED" {
		t.Errorf("%v", a)
	}
	if l := b.Loads()[0]; l.Table != "t,p" || l.Rows != 3 || l.Bytes != 17 || l.Kind != "MULTI_STATEMENT_STREAMING" {
		t.Errorf("%+v", l)
	}
	for _, op := range []string{"begin", "prepare", "commit", "rollback"} {
		b.wantTxn(b.at(op, "x", "", multi), "INVALID_ARGUMENT", multiAtBackend)
	}
	for _, op := range []string{"load", "commit", "rollback"} {
		b.wantTxn(b.via(op, "never", "", multi), "FAILED", "stream load task never does not exist")
	}
}

func TestMultiTableTransactionFails(t *testing.T) {
	b := start(t)
	b.positions()
	begin := func(label string) {
		t.Helper()
		b.wantTxn(b.via("begin", label, "", multi, "timeout: 100"), "OK", "")
		b.wantTxn(b.via("load", label, "1\ta\t5\n", multi), "OK", "")
	}
	begin("back")
	b.wantTxn(b.via("rollback", "back", "", multi), "OK", "stream load back abort")
	b.wantTxn(b.via("rollback", "back", "", multi), "OK", "has already aborted, label is back")
	b.wantTxn(b.via("commit", "back", "", multi), "FAILED", "Can not commit CANCELLED transaction")
	b.wantTxn(b.via("load", "back", "1\ta\t5\n", multi), "FAILED", "has already been cancelled: manual abort")
	b.wantTxn(b.at("load", "back", "1\ta\t5\n", multi), "TXN_NOT_EXISTS", "")
	b.wantState("back", "ABORTED", "manual abort")

	begin("quality")
	b.wantTxn(b.via("load", "quality", "x\t1\n", multi, "table: p"), "OK", "")
	b.wantTxn(b.via("commit", "quality", "", multi), "FAILED", "abnormal data more than max filter rate, tracking_url: http://")
	b.wantState("quality", "ABORTED", "commit failed: ")

	begin("header")
	b.wantTxn(b.via("load", "header", "1\n", multi, "table: p", "columns: n"), "FAILED", "Column has no default value")
	b.wantState("header", "ABORTED", "LOAD exception: ")
	begin("missing")
	b.wantTxn(b.via("load", "missing", "1\n", multi, "table: q"), "FAILED", "Failed to find table q in db d")
	begin("agree")
	b.wantTxn(b.via("load", "agree", "2\t5\n", multi, "columns: k,n"), "INTERNAL_ERROR", "load request not equal last.")
	b.wantTxn(b.via("begin", "other", "", multi, "db: nope"), "FAILED", "Database[nope] does not exist")

	begin("busy")
	end, _ := b.sending(b.BEAddr(), "busy", "2\tb\t5\n", multi)
	b.wantTxn(b.op(b.BEAddr(), "load", "busy", "3\tb\t5\n", multi), "TXN_IN_PROCESSING", "")
	b.wantTxn(b.via("commit", "busy", "", multi), "TXN_IN_PROCESSING", "")
	if r, err := end(); err != nil || r.status != 200 {
		t.Error(r, err)
	}
	b.wantTxn(b.via("commit", "busy", "", multi), "OK", "")
	b.wantRows("t", "1|a|5", "2|b|5")

	begin("dropped")
	b.wantTxn(b.via("load", "dropped", "1\t1\n", multi, "table: p"), "OK", "")
	if err := b.store.DropTable("d", "p"); err != nil {
		t.Fatal(err)
	}
	b.wantTxn(b.via("commit", "dropped", "", multi), "FAILED", "Unknown table")
	b.wantState("dropped", "ABORTED", "")
	b.wantRows("t", "1|a|5", "2|b|5")

	begin("dead")
	b.restart(0)
	b.wantTxn(b.via("load", "dead", "1\ta\t5\n", multi), "TXN_NOT_EXISTS", "")
	b.wantTxn(b.via("commit", "dead", "", multi), "FAILED", "coordinate BE is down")
	begin("slow")
	b.Clock().Jump(101 * time.Second)
	b.wantTxn(b.via("commit", "slow", "", multi), "FAILED", "Can not commit CANCELLED transaction")
	b.wantState("slow", "ABORTED", "")
	// Without a timeout header the FE gives 20 seconds.
	b.wantTxn(b.via("begin", "hasty", "", multi), "OK", "")
	b.Clock().Jump(21 * time.Second)
	b.wantState("hasty", "ABORTED", "")

	b.arm(fault.Fault{Kind: fault.PublishTimeout, Millis: 100, Label: "late"})
	begin("late")
	b.wantTxn(b.via("commit", "late", "", multi), "FAILED", "publish timeout: 0")
	b.until("the rows", func() bool { return b.LoadsOf("late") == "VISIBLE" })
	b.wantTxn(b.via("commit", "late", "", multi), "OK", "has already committed")
	b.wantTxn(b.via("begin", "empty", "", multi), "OK", "")
	b.wantTxn(b.via("commit", "empty", "", multi), "OK", "")
}

// An older server does not know the header, and misses the table.
func TestMultiOnAnOlderRelease(t *testing.T) {
	b := start(t, func(o *Options) { o.Release = release.Release{Major: 3, Minor: 5, Patch: 5} })
	b.wantTxn(b.via("begin", "x", "", multi, "table: "), "ANALYSIS_ERROR", `unknown table "d."`)
	b.wantTxn(b.at("begin", "x", "", multi), "OK", "")
}

// Readers never see one table of a transaction without the other.
func TestTablesBecomeVisibleTogether(t *testing.T) {
	b := start(t)
	b.positions()
	at, err := b.store.Table("d", "t")
	if err != nil {
		t.Fatal(err)
	}
	ap, err := b.store.Table("d", "p")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				var rows, positions int64
				b.store.View(func() { rows, positions = at.Snapshot().NumRows(), ap.Snapshot().NumRows() })
				if rows != positions {
					t.Errorf("%d rows beside %d positions", rows, positions)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 10 {
				label, k := fmt.Sprintf("w%d-%d", w, i), w*100+i
				for _, r := range []*reply{b.via("begin", label, "", multi), b.via("load", label, fmt.Sprintf("%d\ta\t1\n", k), multi),
					b.via("load", label, fmt.Sprintf("%d\t1\n", k), multi, "table: p"), b.via("commit", label, "", multi)} {
					if !strings.Contains(r.body, `"Status": "OK"`) {
						t.Errorf("%s: %s", label, r.body)
					}
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if at.NumRows() != 40 || ap.NumRows() != 40 {
		t.Errorf("%d and %d rows", at.NumRows(), ap.NumRows())
	}
}

func TestChannels(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends = 2 })
	of := func(id int) []string {
		return []string{"channel_num: 2", fmt.Sprintf("channel_id: %d", id), "timeout: 100"}
	}
	via := func(op, label, body string, id int, more ...string) *reply {
		t.Helper()
		return b.via(op, label, body, append(of(id), more...)...)
	}
	a := b.wantTxn(via("begin", "x", "", 0), "OK", "")
	if a["TxnId"] == nil || a["BeginChannel"] != 2.0 {
		t.Errorf("%v", a)
	}
	b.wantTxn(via("begin", "x", "", 1), "OK", "")
	b.wantTxn(via("begin", "x", "", 1), "OK", "channel 1 has already begun")
	b.wantTxn(via("load", "x", "1\ta\t5\n2\t", 0), "OK", "")
	b.wantTxn(via("load", "x", "3\tc\t5\n", 1), "OK", "")
	b.wantTxn(via("load", "x", "b\t6\n", 0), "OK", "")
	b.wantTxn(via("commit", "x", "", 0), "OK", "state (LOADING) is not prepared, can not commit")
	b.wantState("x", "PREPARE", "")
	a = b.wantTxn(via("prepare", "x", "", 0), "OK", "")
	if a["Prepared Channel Num"] != 1.0 || a["ChannelId"] != 0.0 {
		t.Errorf("%v", a)
	}
	b.wantState("x", "PREPARE", "")
	a = b.wantTxn(via("prepare", "x", "", 1), "OK", "stream load x finish preparing")
	if a["NumberLoadedRows"] != 3.0 {
		t.Errorf("%v", a)
	}
	b.wantState("x", "PREPARED", "")
	b.wantTxn(via("load", "x", "", 0), "OK", "has already been prepared")
	b.wantRows("t", "")
	b.wantTxn(via("commit", "x", "", 0), "OK", "stream load x commit")
	b.wantRows("t", "1|a|5", "2|b|6", "3|c|5")
	b.wantTxn(via("commit", "x", "", 0), "OK", "task state is: COMMITED")
	b.wantTxn(via("rollback", "x", "", 0), "OK", "abort fail")

	b.wantTxn(via("begin", "y", "", 0), "OK", "")
	b.wantTxn(b.via("begin", "y", "", "channel_num: 3", "channel_id: 2"), "FAILED", "does not equal to original channel num 2")
	b.wantState("y", "ABORTED", "cancel stream task for exception")
	b.wantTxn(via("begin", "y", "", 0), "OK", "has already been cancelled")
	b.wantTxn(b.via("begin", "z", "", "channel_num: 2", "channel_id: 2"), "FAILED", "Channel ID should be between [0, 1].")
	b.wantTxn(via("begin", "z", "", 0, "table: nope"), "FAILED", "Unknown table 'nope'")
	b.wantTxn(via("load", "z", "", 0), "FAILED", "stream load task z does not exist")
	b.wantTxn(b.at("load", "z", "1\ta\t5\n", "channel_id: 0"), "TXN_NOT_EXISTS", "")

	b.wantTxn(via("begin", "bad", "", 0), "OK", "")
	b.wantTxn(via("load", "bad", "x\ta\t5\n", 0), "OK", "")
	b.wantTxn(via("prepare", "bad", "", 1), "OK", "")
	b.wantTxn(via("prepare", "bad", "", 0), "FAILED", "abnormal data more than max filter rate")
	b.wantState("bad", "ABORTED", "abnormal data")
	b.wantTxn(via("begin", "back", "", 0), "OK", "")
	b.wantTxn(via("rollback", "back", "", 0), "OK", "stream load back abort")
	b.wantState("back", "ABORTED", "manual abort")
}
