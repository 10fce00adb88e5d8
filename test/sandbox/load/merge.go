package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// hasMergeCommit says that the release merges small loads; older ones take the
// headers for such that mean nothing.
func (s *Server) hasMergeCommit() bool { return s.release.AtLeast(3, 4) }

// mergeAsked says whether a load asks the FE for merging: only the word true does.
func (s *Server) mergeAsked(r *http.Request) bool {
	return s.hasMergeCommit() && strings.EqualFold(r.Header.Get("enable_merge_commit"), "true")
}

// mergeParameters checks the headers that merging needs, as the FE does.
func mergeParameters(h http.Header) error {
	for _, p := range []struct{ header, name string }{{"merge_commit_interval_ms", "interval"}, {"merge_commit_parallel", "parallel"}} {
		text := h.Get(p.header)
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			text = "null" // what the FE takes unreadable text for
		}
		if err != nil || n <= 0 {
			return inWords("Batch write %s must be set positive, but is %s", p.name, text)
		}
	}
	return nil
}

// mergeHeaders are those in which loads must agree to be merged.
var mergeHeaders = []string{
	"format", "columns", "where", "column_separator", "row_delimiter", "skip_header", "trim_space", "enclose", "escape",
	"jsonpaths", "json_root", "strip_outer_array", "envelope", "max_filter_ratio", "strict_mode", "timeout", "timezone", "load_mem_limit",
	"partitions", "temporary_partitions", "negative", "partial_update", "partial_update_mode", "merge_condition",
	"log_rejected_record_num", "transmission_compression_type", "load_dop", "compression", "Content-Encoding", "warehouse",
	"merge_commit_async", "merge_commit_interval_ms", "merge_commit_parallel",
}

func mergeKey(db, table string, h http.Header) string {
	parts := []string{db, table}
	for _, name := range mergeHeaders {
		if v := h.Get(name); v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	sort.Strings(parts[2:])
	return strings.Join(parts, "\x00")
}

// merges are the windows that take loads in, by what their loads have in common.
type merges struct {
	mu   sync.Mutex // guards open
	open map[string]*merge
}

// merge is one window: the loads of one table with the same headers become one
// transaction.
type merge struct {
	key    string
	label  string
	tx     *ledger.Txn
	tab    *part
	closes time.Time
	done   chan struct{} // closed when the transaction has ended

	mu     sync.Mutex // guards the following
	rows   *ingest.Load
	broken error
	// lives are the BEs that hold rows.
	lives map[*life]*backend
}

// join adds a body to the window of its kind, opening one if there is none.
func (s *Server) join(l *running, body []byte) (*merge, error) {
	key := mergeKey(l.q.DB, l.q.Table, l.r.Header)
	for {
		s.merges.mu.Lock()
		m := s.merges.open[key]
		if m == nil {
			var err error
			if m, err = s.openMerge(key, l); err != nil {
				s.merges.mu.Unlock()
				return nil, err
			}
		}
		s.merges.mu.Unlock()
		if m.add(l, body) {
			return m, nil
		}
	}
}

// openMerge begins the transaction of a new window. The caller holds merges.mu.
func (s *Server) openMerge(key string, l *running) (*merge, error) {
	user, _, _ := l.r.BasicAuth()
	interval, err := strconv.Atoi(l.r.Header.Get("merge_commit_interval_ms"))
	if err != nil {
		return nil, err
	}
	m := &merge{key: key, label: "merge_commit_" + strings.ReplaceAll(newLabel(), "-", "_"), done: make(chan struct{}),
		closes: time.Now().Add(time.Duration(interval) * time.Millisecond), lives: map[*life]*backend{}}
	tab, err := s.admit(user, l.q.DB, l.q.Table, m.label)
	if err != nil {
		return nil, err
	}
	if err := l.q.Late(l.r.Header); err != nil {
		return nil, err
	}
	if m.rows, err = l.q.Open(tab); err != nil {
		return nil, err
	}
	if err := m.rows.Batch().CheckVersions(); err != nil {
		return nil, err
	}
	m.tab = &part{table: tab}
	if m.tx, err = s.ledger.Begin(ledger.Opening{DB: l.q.DB, Label: m.label, Tables: []string{l.q.Table}, Kind: ledger.Parallel,
		Coordinator: ledger.Frontend, Timeout: l.q.Timeout, User: user, Client: clientHost(l.r)}); err != nil {
		return nil, err
	}
	if !s.enter() {
		return nil, wording("Service is shutting down, please retry later!")
	}
	s.merges.open[key] = m
	go func() {
		defer s.handling.Done()
		s.pause(s.ctx, time.Until(m.closes))
		s.closeMerge(m)
	}()
	return m, nil
}

// add reads a body into the window; false says that the window has closed.
func (m *merge) add(l *running, body []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		return false
	}
	m.lives[l.life] = l.b
	if err := m.rows.Read(bytes.NewReader(body), int64(len(body)), unheard); err != nil && m.broken == nil {
		m.broken = err
	}
	return true
}

// closeMerge ends a window: what it took in is committed, or fails as a whole.
func (s *Server) closeMerge(m *merge) {
	defer close(m.done)
	s.merges.mu.Lock()
	delete(s.merges.open, m.key)
	s.merges.mu.Unlock()
	m.mu.Lock()
	rows := m.rows
	m.rows = nil
	m.mu.Unlock()
	w, err := s.endMerge(m, rows)
	if err == nil {
		err = s.promise(w)
	}
	if err == nil {
		_, err = s.ledger.Commit(m.tx)
	}
	if err != nil {
		s.ledger.Abort(m.tx, err.Error())
		return
	}
	// Visibility is waited for by those who asked, see merge below.
	_, _ = s.publish(m.tx, w, 0, forever)
}

func (s *Server) endMerge(m *merge, rows *ingest.Load) (*work, error) {
	for l, b := range m.lives {
		if l.over() && s.ctx.Err() == nil {
			return nil, inWords("coordinate BE %s is down", b.node.Addr())
		}
	}
	err := m.broken
	if err == nil {
		err = rows.Finish()
	}
	o := ledger.Outcome{Filtered: rows.Filtered(), Unselected: rows.Unselected(), Bytes: rows.Bytes()}
	if rows.Filtered() > 0 {
		for _, b := range m.lives {
			o.ErrorURL = b.errorURL(rows)
			o.RejectedPath = b.rejectedPath(m.tx.DB(), m.tx.Label(), m.tx.ID(), rows)
			break
		}
	}
	s.ledger.SetOutcome(m.tx, o)
	if err == nil {
		err = s.decisionFaults(m.event(s), m.tab.table)
	}
	if err == nil {
		err = rows.Judge()
	}
	switch {
	case errors.Is(err, errDropped):
		return nil, wording("coordinate BE is down")
	case err != nil && err.Error() == "too many filtered rows":
		return nil, inWords("There is a data quality issue. Please check the tracking URL or SQL for details. Tracking URL: %s. "+
			"Tracking SQL: select tracking_log from information_schema.load_tracking_logs where job_id=%d", o.ErrorURL, m.tx.ID())
	case err != nil:
		return nil, err
	}
	o.Rows = rows.Loaded()
	s.ledger.SetOutcome(m.tx, o)
	return &work{parts: []part{{table: m.tab.table, batch: rows.Batch(), rows: rows.Loaded()}}}, nil
}

// merge is the BE's part of a load that asks for merging: its body is kept in
// memory, goes into a window, and is answered for once the transaction has ended -
// or at once when merge_commit_async is true.
func (l *running) merge() error {
	s := l.s
	l.a.RequestID, l.a.LeftTimeMs = ptr(l.q.Label), new(int64)
	l.a.Label = ""
	reading := time.Now()
	var body []byte
	err := l.life.resting(l.s, func() (err error) {
		body, err = l.wholeBody()
		return err
	})
	l.a.LoadBytes = int64(len(body))
	s.counters.bytes.Add(int64(len(body)))
	l.a.ReadDataTimeMs = time.Since(reading).Milliseconds()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return wording("The data can not be empty")
	}
	begun := time.Now()
	err = mergeParameters(l.r.Header)
	var m *merge
	if err == nil {
		m, err = s.join(l, body)
	}
	if err != nil {
		return inWords("Failed to write data to stream load pipe, num retry: 1, write_data: 0 us, rpc: 0us, wait_pipe: 0 us, last error: %v", err)
	}
	l.a.TxnID, l.a.Label = m.tx.ID(), m.label
	*l.a.LeftTimeMs = max(0, time.Until(m.closes).Milliseconds())
	if !strings.EqualFold(l.r.Header.Get("merge_commit_async"), "true") {
		if err := l.awaitMerge(m, begun); err != nil {
			return err
		}
	}
	if l.a.Status == "" {
		l.a.Status, l.a.Message = success, "OK"
	}
	return nil
}

// awaitMerge waits until the rows of the merged transaction are visible, or for as
// long as the load may take.
func (l *running) awaitMerge(m *merge, begun time.Time) error {
	timer := time.NewTimer(time.Until(begun.Add(l.q.Timeout)))
	defer timer.Stop()
	select {
	case <-m.done:
	case <-timer.C:
	case <-l.life.ctx.Done():
		return errDropped
	}
	switch state, reason := l.s.ledger.Status(m.tx); state {
	case ledger.Visible:
		return nil
	case ledger.Committed:
		l.a.Status, l.a.Message = publishTimeout, "Load has not been published before timeout"
		return nil
	case ledger.Aborted:
		return fmt.Errorf("Load is aborted, reason: %s", reason) //nolint:staticcheck // the server's words
	default:
		return inWords("load timeout, txn status: %s", state)
	}
}

// wholeBody reads the body into memory.
func (l *running) wholeBody() ([]byte, error) {
	limit := l.s.Limits().MaxBodyBytes
	var buf bytes.Buffer
	_, err := io.Copy(&buf, io.LimitReader(l.r.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ingest.ErrBodyCut, err)
	case int64(buf.Len()) > limit:
		return nil, inWords("body size %d exceed limit: %d, you can increase the limit by setting streaming_load_max_mb in be.conf.", buf.Len(), limit)
	}
	return buf.Bytes(), nil
}
