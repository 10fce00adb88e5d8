package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fresh(t interface{ Cleanup(func()) }, change ...func(*Limits)) (*Ledger, *clock.Clock) {
	limits := Defaults()
	for _, c := range change {
		c(&limits)
	}
	c := &clock.Clock{}
	l := New(c, limits)
	t.Cleanup(l.Stop)
	return l, c
}

func begin(t *testing.T, l *Ledger, label string) *Txn {
	t.Helper()
	tx, err := l.Begin(Opening{DB: "d", Label: label, Tables: []string{"t"}, Kind: Streaming, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func finish(t *testing.T, l *Ledger, label string) *Txn {
	t.Helper()
	tx := begin(t, l, label)
	if _, err := l.Commit(tx); err != nil {
		t.Fatal(err)
	}
	if err := l.Publish(tx, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	return tx
}

func wantState(t *testing.T, l *Ledger, label string, want State, reason string) {
	t.Helper()
	if got, why := l.State("d", label); got != want || !strings.Contains(why, reason) {
		t.Errorf("label %s is %s (%s), want %s (%s)", label, got, why, want, reason)
	}
}

func wantErr(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %q", err, text)
	}
}

func TestLifeOfATransaction(t *testing.T) {
	l, _ := fresh(t)
	tx := begin(t, l, "x")
	wantState(t, l, "x", Prepare, "")
	_, err := l.Begin(Opening{DB: "d", Label: "x"})
	var used *LabelUsed
	if !errors.As(err, &used) || used.Job() != "RUNNING" || used.ID != tx.ID() {
		t.Errorf("%v", err)
	}
	if err := l.Prepare(tx, time.Hour); err != nil {
		t.Fatal(err)
	}
	wantState(t, l, "x", Prepared, "")
	wantErr(t, l.Cancel("d", "x"), "running transaction not found, label=x")
	l.SetOutcome(tx, Outcome{Rows: 3, Filtered: 1, Bytes: 9})
	first, err := l.Commit(tx)
	if !first || err != nil {
		t.Errorf("%t, %v", first, err)
	}
	wantState(t, l, "x", Committed, "")
	if l.Abort(tx, "late") {
		t.Error("a committed transaction was aborted")
	}
	if err := l.Publish(tx, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	wantState(t, l, "x", Visible, "")
	if first, err = l.Commit(tx); first || err != nil {
		t.Errorf("second commit: %t, %v", first, err)
	}
	if _, err := l.Begin(Opening{DB: "d", Label: "x"}); !errors.As(err, &used) || used.Job() != "FINISHED" {
		t.Errorf("%v", err)
	}
	if i := l.Info(tx); i.Rows != 3 || i.Filtered != 1 || i.Bytes != 9 || i.Table != "t" || i.Committed.IsZero() || i.Prepared.IsZero() || i.Ended.Before(i.Begun) {
		t.Errorf("%+v", i)
	}
}

func TestLabelOfAnAbortedTransactionIsFree(t *testing.T) {
	l, _ := fresh(t)
	a := begin(t, l, "x")
	if err := l.Cancel("d", "x"); err != nil {
		t.Fatal(err)
	}
	wantState(t, l, "x", Aborted, "user cancel")
	_, err := l.Commit(a)
	wantErr(t, err, "user cancel")
	wantErr(t, l.Prepare(a, 0), "user cancel")
	b := finish(t, l, "x")
	if b.ID() <= a.ID() {
		t.Errorf("transaction %d after %d", b.ID(), a.ID())
	}
	wantErr(t, l.Cancel("d", "never"), "transaction not found, label=never")
	failed := begin(t, l, "y")
	if _, err := l.Commit(failed); err != nil {
		t.Fatal(err)
	}
	wantErr(t, l.Publish(failed, func() error { return errors.New("no table") }), "no table")
	wantState(t, l, "y", Aborted, "no table")
}

func TestTimeouts(t *testing.T) {
	l, c := fresh(t, func(l *Limits) { l.SweepEvery = time.Hour })
	begin(t, l, "open")
	kept, short := begin(t, l, "kept"), begin(t, l, "short")
	if err := errors.Join(l.Prepare(kept, 48*time.Hour), l.Prepare(short, 0)); err != nil {
		t.Fatal(err)
	}
	committed := begin(t, l, "committed")
	if _, err := l.Commit(committed); err != nil {
		t.Fatal(err)
	}
	c.Jump(59 * time.Second)
	wantState(t, l, "open", Prepare, "")
	c.Jump(2 * time.Second)
	wantState(t, l, "open", Aborted, "timeout by txn manager")
	wantState(t, l, "short", Aborted, "timeout by txn manager")
	wantState(t, l, "kept", Prepared, "")
	wantState(t, l, "committed", Committed, "")
	c.Jump(48 * time.Hour)
	wantState(t, l, "kept", Aborted, "timeout by txn manager")
	if err := l.Publish(committed, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestSweeperRunsByItself(t *testing.T) {
	l, _ := fresh(t, func(l *Limits) { l.SweepEvery = time.Hour })
	tx, err := l.Begin(Opening{DB: "d", Label: "x", Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	limits := l.Limits()
	limits.SweepEvery = time.Millisecond
	l.SetLimits(limits)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if s, _ := l.Status(tx); s == Aborted {
			return
		}
		if time.Now().After(end) {
			t.Fatal("never aborted")
		}
	}
}

func TestLabelsAreForgotten(t *testing.T) {
	l, c := fresh(t, func(l *Limits) { l.LabelKeepNum, l.SweepEvery = 3, time.Hour })
	for i := range 5 {
		finish(t, l, fmt.Sprint(i))
	}
	wantState(t, l, "0", Visible, "") // until the sweep
	begin(t, l, "running")            // takes up room
	l.Sweep()
	for label, want := range map[string]State{"0": Unknown, "1": Unknown, "2": Unknown, "3": Visible, "4": Visible, "running": Prepare} {
		wantState(t, l, label, want, "")
	}
	finish(t, l, "0")
	c.Jump(73 * time.Hour)
	wantState(t, l, "4", Unknown, "")
	finish(t, l, "4")
	if !l.Forget("d", "4") || l.Forget("d", "4") {
		t.Error("label 4 was not forgotten once")
	}
	wantState(t, l, "4", Unknown, "")
	if n := len(l.Loads()); n != 8 {
		t.Errorf("%d loads shown", n)
	}
}

func TestLimits(t *testing.T) {
	l, _ := fresh(t, func(l *Limits) { l.MaxRunning = 1 })
	tx := begin(t, l, "x")
	_, err := l.Begin(Opening{DB: "d", Label: "y"})
	wantErr(t, err, "current running txns on db d is 1, larger than limit 1")
	if _, err := l.Begin(Opening{DB: "other", Label: "y", Timeout: time.Minute}); err != nil {
		t.Error(err)
	}
	limits := l.Limits()
	limits.LoadsDisabled = true
	l.SetLimits(limits)
	_, err = l.Commit(tx)
	wantErr(t, err, "disable_load_job is set to true")
	_, err = l.Begin(Opening{DB: "third", Label: "y"})
	wantErr(t, err, "disable_load_job is set to true")
}

func TestServersGoAway(t *testing.T) {
	l, _ := fresh(t)
	open := func(label string, coordinator int) *Txn {
		tx, err := l.Begin(Opening{DB: "d", Label: label, Coordinator: coordinator, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	open("dies", 1)
	lost, kept := open("lost", 0), open("kept", 1)
	open("multi", Frontend)
	if err := l.Prepare(kept, time.Hour); err != nil {
		t.Fatal(err)
	}
	l.AbortOf(1, "coordinate BE is down")
	wantState(t, l, "dies", Aborted, "coordinate BE is down")
	wantState(t, l, "lost", Prepare, "")
	l.LeaderChanged()
	wantState(t, l, "lost", Unknown, "")
	wantState(t, l, "kept", Prepared, "")
	wantState(t, l, "multi", Aborted, "cancelled after FE restart")
	_, err := l.Commit(lost)
	wantErr(t, err, "transaction not found")
	begin(t, l, "lost")
}

// The labels of a database go with it.
func TestDroppedDatabase(t *testing.T) {
	l, _ := fresh(t)
	finish(t, l, "done")
	open, prepared, late := begin(t, l, "open"), begin(t, l, "prepared"), begin(t, l, "late")
	if err := l.Prepare(prepared, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Commit(late); err != nil {
		t.Fatal(err)
	}
	l.DropDatabase("d")
	l.DropDatabase("never")
	for _, label := range []string{"done", "open", "prepared", "late"} {
		wantState(t, l, label, Unknown, "")
		begin(t, l, label)
	}
	for _, tx := range []*Txn{open, prepared} {
		_, err := l.Commit(tx)
		wantErr(t, err, "unknown database, database=d")
	}
	if err := l.Publish(late, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	wantState(t, l, "late", Prepare, "") // the new one
	if err := l.Cancel("nowhere", "done"); err == nil || l.Forget("nowhere", "done") || len(l.byDB) != 1 {
		t.Errorf("%v, %d databases", err, len(l.byDB))
	}
}

func TestSaveAndRestore(t *testing.T) {
	l, _ := fresh(t)
	done := finish(t, l, "done")
	l.SetOutcome(done, Outcome{Rows: 2, Bytes: 7, ErrorURL: "u"})
	begin(t, l, "open")
	prepared := begin(t, l, "prepared")
	if err := l.Prepare(prepared, time.Hour); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(l.Save())
	if err != nil {
		t.Fatal(err)
	}
	var s Saved
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	again, _ := fresh(t)
	if err := again.Restore(s); err != nil {
		t.Fatal(err)
	}
	wantState(t, again, "done", Visible, "")
	wantState(t, again, "open", Unknown, "")
	wantState(t, again, "prepared", Aborted, "not kept over a restart")
	if i := again.Loads()[0]; i.Rows != 2 || i.ErrorURL != "u" || i.Table != "t" || !i.Begun.Equal(l.Info(done).Begun) {
		t.Errorf("%+v", i)
	}
	if tx := begin(t, again, "next"); tx.ID() <= prepared.ID() {
		t.Errorf("number %d was used before", tx.ID())
	}
	wantErr(t, again.Restore(s), "begun already")
	other, _ := fresh(t)
	wantErr(t, other.Restore(Saved{Finished: []Info{{TxnID: 1, State: Prepare}}}), "saved transaction 1")
}

// TestOneHolderPerLabel drives random operations: a label has one transaction that
// is not aborted at most, and no aborted transaction ever becomes visible.
func TestOneHolderPerLabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, c := fresh(t, func(l *Limits) { l.SweepEvery, l.MaxRunning = time.Hour, 5 })
		var all []*Txn
		was := map[*Txn]State{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			pick := func() *Txn { return all[rapid.IntRange(0, len(all)-1).Draw(t, "which")] }
			switch op := rapid.IntRange(0, 6).Draw(t, "op"); {
			case op == 0 || len(all) == 0:
				label := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "label")
				if tx, err := l.Begin(Opening{DB: "d", Label: label, Timeout: time.Minute}); err == nil {
					all = append(all, tx)
				}
			case op == 1:
				_ = l.Prepare(pick(), time.Hour)
			case op == 2:
				tx := pick()
				if first, err := l.Commit(tx); first && err == nil {
					_ = l.Publish(tx, func() error { return nil })
				}
			case op == 3:
				l.Abort(pick(), "x")
			case op == 4:
				c.Jump(time.Duration(rapid.IntRange(0, 70).Draw(t, "seconds")) * time.Second)
			case op == 5:
				l.LeaderChanged()
			case op == 6:
				_ = l.Cancel("d", pick().Label())
			}
			holders := map[string]int{}
			for _, tx := range all {
				s, _ := l.Status(tx)
				if before := was[tx]; (before == Aborted || before == Visible || before == Unknown) && s != before {
					t.Fatalf("%s became %s", before, s)
				}
				was[tx] = s
				if s != Aborted && s != Unknown {
					if holders[tx.Label()]++; holders[tx.Label()] > 1 {
						t.Fatalf("label %s has two holders", tx.Label())
					}
				}
			}
		}
	})
}
