package sqlport

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// firstBackendID is where node numbers start.
const firstBackendID int64 = 10001

const backendColumns = `BackendId# IP HeartbeatPort# BePort# HttpPort# BrpcPort# LastStartTime LastHeartbeat Alive
	SystemDecommissioned ClusterDecommissioned TabletNum# DataUsedCapacity AvailCapacity TotalCapacity UsedPct
	MaxDiskUsedPct ErrMsg Version Status DataTotalCapacity DataUsedPct CpuCores# MemLimit NumRunningQueries#
	MemUsedPct CpuUsedPct DataCacheMetrics Location StatusCode`

const computeColumns = `ComputeNodeId# IP HeartbeatPort# BePort# HttpPort# BrpcPort# LastStartTime LastHeartbeat Alive
	SystemDecommissioned ClusterDecommissioned ErrMsg Version CpuCores# MemLimit NumRunningQueries# MemUsedPct CpuUsedPct
	HasStoragePath StatusCode`

const frontendColumns = `Id Name IP EditLogPort# HttpPort# QueryPort# RpcPort# Role ClusterId# Join Alive
	ReplayedJournalId# LastHeartbeat IsHelper ErrMsg StartTime Version`

// Ports that a real cluster has and nothing here listens on.
const (
	editLogPort, rpcPort        = int64(9010), int64(9020)
	heartbeatPort, bePort, brpc = int64(9050), int64(9060), int64(8060)
)

// showNodes answers SHOW BACKENDS, COMPUTE NODES and FRONTENDS.
func (s *Server) showNodes(kind string) *answer {
	clock := func(t time.Time) string { return t.Format(time.DateTime) }
	start, now := clock(s.started), clock(s.opts.Clock.Now())
	switch kind {
	case "backends":
		a := &answer{cols: columnsOf(backendColumns)}
		tablets := int64(0)
		for t := range s.allTables() {
			for _, p := range t.Partitions() {
				tablets += int64(p.Buckets)
			}
		}
		for i, n := range s.backends() {
			alive, why, code := aliveText(n)
			a.add(firstBackendID+int64(i), n.Host, heartbeatPort, bePort, int64(n.HTTPPort), brpc, start, now, alive,
				"false", "false", tablets, "0.000 ", "1.000 GB", "1.000 GB", "0.00 %", "0.00 %", why, s.opts.Version,
				`{"lastSuccessReportTabletsTime":"N/A"}`, "0.000 ", "0.00 %", int64(1), "1.000GB", int64(0), "0.00 %", "0.0 %",
				"N/A", "", code)
		}
		return a
	case "compute":
		a := &answer{cols: columnsOf(computeColumns)}
		for i, n := range nodes(s.opts.ComputeNodes) {
			alive, why, code := aliveText(n)
			a.add(firstBackendID+1000+int64(i), n.Host, heartbeatPort, bePort, int64(n.HTTPPort), brpc, start, now, alive,
				"false", "false", why, s.opts.Version, int64(1), "1.000GB", int64(0), "0.00 %", "0.0 %", "false", code)
		}
		return a
	}
	a := &answer{cols: columnsOf(frontendColumns)}
	for i, n := range nodes(s.opts.Frontends) {
		alive, why, _ := aliveText(n)
		role := "FOLLOWER"
		if n.Leader {
			role = "LEADER"
		}
		port := n.QueryPort
		if port == 0 {
			_, text, _ := strings.Cut(s.Addr(), ":")
			port, _ = strconv.Atoi(text)
		}
		name := fmt.Sprintf("%s_%d_%d", n.Host, editLogPort, s.started.UnixMilli()+int64(i))
		a.add(strconv.Itoa(i+1), name, n.Host, editLogPort, int64(n.HTTPPort), int64(port), rpcPort, role, int64(1), "true", alive,
			int64(1), now, "true", why, start, s.opts.Version)
	}
	return a
}

// nodes asks a callback that may be missing.
func nodes(f func() []Node) []Node {
	if f == nil {
		return nil
	}
	return f()
}

func (s *Server) backends() []Node { return nodes(s.opts.Backends) }

func aliveText(n Node) (alive, why, code string) {
	if n.Down {
		return "false", "java.net.ConnectException: Connection refused (Connection refused)", "DISCONNECTED"
	}
	return "true", "", "OK"
}

func (ss *session) showProcesses(full bool) *answer {
	a := &answer{cols: columnsOf("Id# User Host Db Command ConnectionStartTime Time# State Info IsPending")}
	const shown = 100
	for _, p := range ss.server.wire.List() {
		if p.User != ss.user() && !ss.can(store.OperatePriv, onSystem) {
			continue
		}
		info := p.Text
		if !full && len(info) > shown {
			info = strings.ToValidUTF8(info[:shown], "")
		}
		a.add(int64(p.ID), p.User, p.Host, p.DB, p.Command, p.Since.Format(time.DateTime), int64(time.Since(p.Since)/time.Second), "OK", info, "false")
	}
	return a
}

// queryIDs finds the connection that runs a statement with a custom_query_id.
type queryIDs struct {
	mu   sync.Mutex // guards byID
	byID map[string]*session
}

func (s *Server) rememberQueryID(id string, ss *session) {
	s.ids.mu.Lock()
	defer s.ids.mu.Unlock()
	if s.ids.byID == nil {
		s.ids.byID = map[string]*session{}
	}
	s.ids.byID[id] = ss
}

func (s *Server) forgetQueryID(ss *session) {
	s.ids.mu.Lock()
	defer s.ids.mu.Unlock()
	for id, other := range s.ids.byID {
		if other == ss {
			delete(s.ids.byID, id)
		}
	}
}

// kill runs KILL [CONNECTION] id, KILL QUERY id and KILL QUERY 'custom query id'.
func (ss *session) kill(c *lex.Cursor, w *wire.Result) error {
	c.Next()
	query := c.Try("query")
	if !query {
		c.Try("connection")
	}
	t := c.Next()
	if err := c.End(); err != nil {
		return err
	}
	var id uint64
	switch {
	case query && t.Kind == lex.String && ss.server.release.AtLeast(3, 4):
		ss.server.ids.mu.Lock()
		target := ss.server.ids.byID[t.Text]
		ss.server.ids.mu.Unlock()
		if target == nil {
			return wire.Errorf(1094, "HY000", "Unknown query id: %s", t.Text)
		}
		id = uint64(target.conn.ID)
	case t.Kind == lex.Number:
		var err error
		if id, err = strconv.ParseUint(t.Text, 10, 32); err != nil {
			return lex.Unexpected(t, "INTEGER_VALUE")
		}
	default:
		return lex.Unexpected(t, "INTEGER_VALUE", "SINGLE_QUOTED_TEXT")
	}
	for _, p := range ss.server.wire.List() {
		if uint64(p.ID) == id && p.User != ss.user() {
			if err := ss.may(store.OperatePriv, onSystem); err != nil {
				return err
			}
		}
	}
	if !ss.server.wire.Kill(uint32(id), !query) {
		return wire.Errorf(1094, "HY000", "Unknown thread id: %d", id)
	}
	return w.OK(0, 0, "")
}
