package sandbox

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/load"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

// loads tells the MySQL port of the transactions of the HTTP half.
func (s *Sandbox) loads() []sqlport.LoadRow {
	infos := s.Load.Loads()
	rows := make([]sqlport.LoadRow, 0, len(infos))
	for i := range infos {
		l := &infos[i]
		if l.State == ledger.Unknown { // lost with a leader
			continue
		}
		rows = append(rows, sqlport.LoadRow{TxnID: l.TxnID, Label: l.Label, DB: l.Database, Table: l.Table, User: l.User, Client: l.Client,
			Type: loadType(l.Kind), State: string(l.State), Reason: l.Reason,
			Loaded: l.Rows, Filtered: l.Filtered, Unselected: l.Unselected, Bytes: l.Bytes,
			ErrorURL: l.ErrorURL, ErrorLog: s.Load.ErrorLog(l.ErrorURL), Timeout: time.Duration(l.TimeoutMs) * time.Millisecond,
			Begun: l.Begun, Prepared: l.Prepared, Committed: l.Committed, Ended: l.Ended})
	}
	return rows
}

// loadType is the word of information_schema.loads for a kind of transaction.
func loadType(k ledger.Kind) string {
	if k == ledger.Insert {
		return "INSERT"
	}
	return "STREAM_LOAD"
}

// nodes are the servers as SHOW FRONTENDS and SHOW BACKENDS list them.
func nodes(list []load.NodeInfo) []sqlport.Node {
	out := make([]sqlport.Node, len(list))
	for i, n := range list {
		out[i] = sqlport.Node{Leader: n.Leader, Down: !n.Alive}
		// The address comes from a listener, so it always has both parts.
		if tcp, err := net.ResolveTCPAddr("tcp", n.Addr); err == nil {
			out[i].Host, out[i].HTTPPort = tcp.IP.String(), tcp.Port
		}
	}
	return out
}

// plan answers _query_plan. Tablets are spread over the BEs in turn.
func (s *Sandbox) plan(ctx context.Context, user, db, table, sql string) ([]load.PlanTablet, error) {
	tablets, err := s.sql.PlanScan(ctx, user, db, table, sql)
	var refused *sqlport.ScanError
	if errors.As(err, &refused) {
		return nil, &load.PlanError{Status: refused.Status, Text: refused.Text}
	}
	out := make([]load.PlanTablet, len(tablets))
	for i, t := range tablets {
		out[i] = load.PlanTablet{ID: t.ID, Version: t.Version, Backend: i}
	}
	return out, err
}
