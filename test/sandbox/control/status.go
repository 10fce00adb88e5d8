package control

import (
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// Status is what GET /status answers and the page shows.
type Status struct {
	// Addresses are feHttp, feQuery, beHttp, control and kafka, each host:port.
	Addresses map[string]string `json:"addresses"`
	Version   string            `json:"version"` // of StarRocks, as shown to clients
	Discard   bool              `json:"discard"`
	DataDir   string            `json:"dataDir,omitempty"`
	Started   time.Time         `json:"started"`
	Clock     ClockStatus       `json:"clock"`
	Seed      uint64            `json:"seed"`
	Nodes     []Node            `json:"nodes"`
	Tables    []Table           `json:"tables"`
	Loads     []ledger.Info     `json:"loads"` // oldest first
	Counters  map[string]int64  `json:"counters"`
	Faults    []fault.Fault     `json:"faults"`
}

// ClockStatus is the time of the servers.
type ClockStatus struct {
	Now    time.Time `json:"now"`
	Offset string    `json:"offset"` // from the machine's clock, as "26h0m0s"
}

// Node is a server of the cluster.
type Node struct {
	Node   string `json:"node"` // "fe:0", "be:1"
	Addr   string `json:"addr"` // host:port of its HTTP server
	Up     bool   `json:"up"`
	Alive  bool   `json:"alive"` // as the leader sees it
	Leader bool   `json:"leader"`
}

// Table is one table.
type Table struct {
	Database string `json:"database"`
	Table    string `json:"table"`
	Model    string `json:"model"`
	Rows     int64  `json:"rows"` // visible rows, or rows counted in discard mode
	Version  int64  `json:"version"`
	// Memory is what the table holds of this process, in bytes.
	Memory int64 `json:"memory"`
	// Received is the body bytes of the loads that became visible, among those the
	// stand-in remembers, and LoadedRows their rows: of a table that was filled by
	// loads their quotient is the size of a row on the wire.
	Received   int64 `json:"received"`
	LoadedRows int64 `json:"loadedRows"`
}

// WirePerRow is the size of a loaded row on the wire, and MemoryPerRow that of a row
// in memory, in bytes; 0 when there is none.
func (t Table) WirePerRow() float64   { return per(t.Received, t.LoadedRows) }
func (t Table) MemoryPerRow() float64 { return per(t.Memory, t.Rows) }

func per(bytes, rows int64) float64 {
	if rows == 0 {
		return 0
	}
	return float64(bytes) / float64(rows)
}

// status completes what the source tells.
func (o *Options) status() Status {
	st := o.Source.Status()
	st.Seed, st.Faults = o.Faults.CurrentSeed(), o.Faults.List()
	st.Clock = o.clock()
	if o.Cluster != nil {
		st.Nodes = o.Cluster.Nodes()
	}
	type key struct{ db, table string }
	at := map[key]*Table{}
	for i := range st.Tables {
		t := &st.Tables[i]
		at[key{t.Database, t.Table}] = t
	}
	for i := range st.Loads {
		l := &st.Loads[i]
		if t := at[key{l.Database, l.Table}]; t != nil && l.State == ledger.Visible {
			t.Received += l.Bytes
			t.LoadedRows += l.Rows
		}
	}
	return st
}

func (o *Options) clock() ClockStatus {
	if o.Clock == nil {
		return ClockStatus{Now: time.Now(), Offset: "0s"}
	}
	return ClockStatus{Now: o.Clock.Now(), Offset: o.Clock.Offset().String()}
}
