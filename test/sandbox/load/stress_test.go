package load

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Whatever happens to servers, tables and the clock while loads of all kinds run: in
// the end the rows of a table that nobody dropped are those of the transactions that
// became visible, each once, and no other.
func TestLoadsUnderStress(t *testing.T) {
	b := start(t, func(o *Options) {
		o.Backends, o.Followers = 2, 1
		o.Limits.LabelKeepNum, o.Limits.MaxRunningTxn, o.Limits.HTTPWorkers = 100000, 100000, 3
		o.Limits.Heartbeat = 20 * time.Millisecond
	})
	b.table("kept", store.Schema{Columns: []store.Column{{Name: "k", Type: store.Type{Kind: store.Int}}}})
	b.arm(fault.Fault{Kind: fault.PublishTimeout, Millis: 5, Times: -1, Probability: 0.1})
	b.arm(fault.Fault{Kind: fault.DropBeforeCommit, Times: -1, Probability: 0.05})
	b.arm(fault.Fault{Kind: fault.DelayBE, At: fault.AtCommit, Millis: 3, Times: -1, Probability: 0.2})

	var next atomic.Int64
	stop := time.Now().Add(2 * time.Second)
	var all sync.WaitGroup
	run := func(seed uint64, f func(r *rand.Rand)) {
		all.Go(func() {
			for r := rand.New(rand.NewPCG(7, seed)); time.Now().Before(stop); {
				f(r)
			}
		})
	}
	// send ignores answers and cut connections: the ledger tells what became of a load.
	send := func(method, addr, path string, body string, headers ...string) {
		for range 4 { // a follower, the leader, a BE
			r, err := b.send(method, addr, path, append(h{"db: d", "table: kept"}, headers...), strings.NewReader(body))
			if err != nil || r.status != 307 {
				return
			}
			addr, path, _ = strings.Cut(strings.TrimPrefix(r.header.Get("Location"), "http://"), "/")
			path = "/" + path
		}
	}
	be := func(r *rand.Rand) string { return b.backends[r.IntN(2)].node.Addr() }
	fe := func(r *rand.Rand) string { return b.frontends[r.IntN(2)].node.Addr() }
	op := func(r *rand.Rand, name, label, body string, more ...string) {
		send("POST", fe(r), "/api/transaction/"+name, body, append([]string{"Expect: 100-continue", "label: " + label, "timeout: 50"}, more...)...)
	}
	for i := range uint64(3) {
		run(i, func(r *rand.Rand) { // plain loads, some of them cancelled
			n := strconv.FormatInt(next.Add(1), 10)
			var canceller sync.WaitGroup
			if r.IntN(4) == 0 {
				at := fe(r)
				canceller.Go(func() { send("POST", at, "/api/d/kept/_cancel?label=p"+n, "") })
			}
			send("PUT", be(r), "/api/d/kept/_stream_load", n+"\n", "label: p"+n)
			canceller.Wait()
		})
		run(10+i, func(r *rand.Rand) { // transactions, ended by two at a time
			n := strconv.FormatInt(next.Add(1), 10)
			var more []string
			switch r.IntN(3) {
			case 0:
				more = []string{multi}
			case 1:
				more = []string{"channel_id: 0", "channel_num: 1"}
			}
			label := "t" + n
			op(r, "begin", label, "", more...)
			op(r, "load", label, n+"\n", more...)
			if r.IntN(2) == 0 {
				op(r, "prepare", label, "", more...)
			}
			ends := []string{"commit", "rollback", "commit", "prepare"}
			seeds := [2]uint64{r.Uint64(), r.Uint64()}
			var enders sync.WaitGroup
			for _, seed := range seeds {
				enders.Go(func() {
					own := rand.New(rand.NewPCG(seed, 1))
					op(own, ends[own.IntN(len(ends))], label, "", more...)
				})
			}
			enders.Wait()
			if r.IntN(2) == 0 {
				op(r, "commit", label, "", more...)
			}
		})
	}
	run(20, func(r *rand.Rand) { // a table that comes and goes under its loads
		switch r.IntN(6) {
		case 0:
			_ = b.store.DropTable("d", "t") // not there every second time
		case 1:
			_, _ = b.store.CreateTable("d", "t", store.Schema{Columns: conformanceColumns()})
		case 2:
			if tab, err := b.store.Table("d", "t"); err == nil {
				tab.Truncate()
			}
		case 3:
			if tab, err := b.store.Table("d", "t"); err == nil {
				_ = tab.AlterColumns(store.DropColumn{Name: "v"}) // gone already, mostly
			}
		default:
			send("PUT", be(r), loadPath, "1\ta\t5\n", "table: t")
		}
	})
	run(30, func(r *rand.Rand) { // windows of merged loads
		n := strconv.FormatInt(next.Add(1), 10)
		send("PUT", be(r), "/api/d/kept/_stream_load", n+"\n", merging("20", "label: m"+n, "timeout: 5")...)
	})
	run(40, func(r *rand.Rand) { // the cluster
		var err error
		switch r.IntN(8) {
		case 0:
			err = b.RestartBackend(r.IntN(2))
		case 1:
			err = b.MoveLeader(r.IntN(2))
		case 2:
			b.Clock().Jump(time.Duration(r.IntN(40)) * time.Second)
		case 3:
			b.Sweep()
		case 4:
			b.Ledger().Forget("d", "p1")
		default:
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	want := map[string]int64{}
	merged := int64(0)
	for _, l := range b.Loads() {
		switch {
		case l.Table != "kept":
		case l.State == ledger.Committed:
			t.Errorf("%+v has not become visible", l)
		case l.State != ledger.Visible:
		case l.Label[0] == 'm':
			merged += l.Rows
		default:
			want[l.Label[1:]] += l.Rows
		}
	}
	got := map[string]int64{}
	for _, k := range strings.Fields(b.rows("kept")) {
		if got[k]++; want[k] == 0 {
			merged--
		} else if got[k] > want[k] {
			t.Errorf("row %s %d times", k, got[k])
		}
	}
	for k, n := range want {
		if got[k] < n {
			t.Errorf("row %s is visible by its transaction, and not there", k)
		}
	}
	if merged != 0 {
		t.Errorf("%d rows of merged loads are missing, or too many", merged)
	}
	if len(want) < 20 {
		t.Errorf("%d loads became visible", len(want))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for tx := range b.prepared {
		if state, why := b.ledger.Status(tx); state != ledger.Prepared && state != ledger.Aborted {
			t.Errorf("rows of a transaction that is %s (%s) are kept", state, why)
		}
	}
}
