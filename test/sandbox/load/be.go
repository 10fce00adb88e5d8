package load

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func (s *Server) serveBE(rw http.ResponseWriter, r *http.Request) {
	e := s.journal.record("be", r)
	w := &statusWriter{ResponseWriter: rw, entry: e}
	parts, ok := route(r)
	switch {
	case ok && len(parts) == 3 && parts[2] == "_stream_load":
		if r.Method != http.MethodPut {
			hangUp(w)
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		s.streamLoad(w, r, parts[0], parts[1])
	case ok && len(parts) == 1 && parts[0] == "_load_error_log" && r.Method == http.MethodGet:
		s.logs.serve(w, r)
	case ok && len(parts) == 1 && parts[0] == "health" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, map[string]string{"status": "OK", "msg": "To Be Added"})
	case ok && len(parts) == 2 && parts[0] == "transaction":
		hangUp(w)
		writeJSON(w, http.StatusOK, map[string]string{"status": "FAILED", "msg": "Not implemented"})
	default:
		hangUp(w)
		http.Error(w, "Not Found", http.StatusNotFound)
	}
}

// running is one load on its way through the BE.
type running struct {
	s   *Server
	w   *statusWriter
	r   *http.Request
	q   *ingest.Request
	a   *answer
	tx  *ledger.Txn
	tab *store.Table
}

func (s *Server) streamLoad(w *statusWriter, r *http.Request, db, table string) {
	s.counters.loads.Add(1)
	label := r.Header.Get("label")
	if f := s.faults.Hit(fault.BEStatus, "", table, label); f != nil {
		s.counters.failed.Add(1)
		hangUp(w)
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Text)
		return
	}
	if label == "" {
		label = newLabel()
	}
	l := &running{s: s, w: w, r: r, q: ingest.New(s.ingest, db, table, label),
		a: &answer{TxnID: -1, Label: label, started: time.Now()}}
	err := l.begin()
	if err == nil {
		err = l.transfer()
	}
	if err != nil {
		if l.tx != nil {
			s.ledger.Abort(l.tx, err.Error())
		}
		if errors.Is(err, ingest.ErrBodyCut) || errors.Is(err, errDropped) {
			s.counters.failed.Add(1)
			panic(http.ErrAbortHandler)
		}
		l.a.failed(err)
	}
	if l.a.Status == success || l.a.Status == publishTimeout {
		s.counters.succeeded.Add(1)
	} else {
		s.counters.failed.Add(1)
	}
	if f := s.faults.Hit(fault.AnswerBody, "", table, label); f != nil {
		hangUp(w)
		_, _ = io.WriteString(w, f.Text)
		return
	}
	l.a.write(w)
}

// errDropped asks for the connection to be cut without an answer.
var errDropped = errors.New("connection dropped by a fault")

// begin does everything that happens before the client may send the body.
func (l *running) begin() error {
	user, password, ok := l.r.BasicAuth()
	if !ok {
		return errors.New("no valid Basic authorization")
	}
	if err := l.q.Early(l.r.Header, l.r.ContentLength); err != nil {
		return err
	}
	if l.q.MergeCommit {
		return errors.New("enable_merge_commit is not supported by this stand-in")
	}
	began := time.Now()
	if err := l.admit(user, password); err != nil {
		return err
	}
	tx, err := l.s.ledger.Begin(l.q.DB, l.q.Table, l.q.Label, l.q.Timeout)
	if err != nil {
		return err
	}
	l.tx, l.a.TxnID = tx, tx.ID()
	l.a.BeginTxnTimeMs = time.Since(began).Milliseconds()
	l.delay(fault.AtBegin)
	return l.q.Late(l.r.Header)
}

// admit does the checks of the begin call on the leader FE.
func (l *running) admit(user, password string) error {
	users := l.s.store.Users()
	if !users.Check(user, password) {
		return errors.New(accessDenied(user, l.r))
	}
	if !users.CanInsert(user, l.q.DB, l.q.Table) {
		return errors.New(noInsert)
	}
	table, err := l.s.store.Table(l.q.DB, l.q.Table)
	var noDatabase *store.UnknownDatabase
	switch {
	case errors.As(err, &noDatabase):
		return errors.New("unknown database, database=" + l.q.DB)
	case err != nil:
		return fmt.Errorf("unknown table \"%s.%s\"", l.q.DB, l.q.Table)
	}
	l.tab = table
	return ingest.CheckLabel(l.q.Label)
}

func (l *running) delay(at string) {
	if f := l.s.faults.Hit(fault.DelayBE, at, l.q.Table, l.q.Label); f != nil {
		l.s.pause(l.r.Context(), f.Millis)
	}
}

func (l *running) fault(kind fault.Kind) *fault.Fault {
	return l.s.faults.Hit(kind, "", l.q.Table, l.q.Label)
}

// transfer reads the body, decides, commits and publishes.
func (l *running) transfer() error {
	planned := time.Now()
	rows, err := l.q.Open(l.tab)
	if err != nil {
		return err
	}
	l.a.StreamLoadPlanTimeMs = time.Since(planned).Milliseconds()
	reading := time.Now()
	if err = rows.Read(l.r.Body, l.r.ContentLength, l.w.entry.received); err == nil {
		err = rows.Finish()
	}
	l.a.LoadBytes = rows.Bytes()
	l.s.counters.bytes.Add(rows.Bytes())
	l.a.NumberTotalRows, l.a.NumberFilteredRows, l.a.NumberUnselectedRows = rows.Total(), rows.Filtered(), rows.Unselected()
	l.a.ReadDataTimeMs = time.Since(reading).Milliseconds()
	l.a.WriteDataTimeMs = l.a.ReadDataTimeMs
	if err != nil {
		return err
	}
	if rows.Filtered() > 0 {
		l.a.ErrorURL = fmt.Sprintf("http://%s/api/_load_error_log?file=%s", l.s.BEAddr(), l.s.logs.add(rows.Log()))
	}
	if err := l.decide(rows); err != nil {
		return err
	}
	committing := time.Now()
	defer func() { l.a.CommitAndPublishTimeMs = time.Since(committing).Milliseconds() }()
	return l.commit(rows.Batch(), rows.Loaded())
}

// decide is the judgement at the end of the load, and the place of the faults
// that make it fail.
func (l *running) decide(rows *ingest.Load) error {
	l.delay(fault.AtCommit)
	switch {
	case l.fault(fault.TooManyVersions) != nil:
		return inWords("Failed to load data into tablet %d, because of too many versions, current/limit: 1002/1000. You can reduce the loading job concurrency, or increase loading data batch size.", l.tab.ID())
	case l.fault(fault.MemoryLimit) != nil:
		return wording("Memory of process exceed limit. Start execute plan fragment. Used: 21474836480, Limit: 21474836480. Mem usage has exceed the limit of BE")
	case l.fault(fault.DropBeforeCommit) != nil:
		return errDropped
	}
	return rows.Judge()
}

func (l *running) commit(batch *store.Batch, loaded int64) error {
	s := l.s
	if err := s.ledger.Commit(l.tx, loaded, l.a.NumberFilteredRows, l.a.LoadBytes); err != nil {
		return err
	}
	apply := func() error {
		if s.discard {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.discarded[l.q.DB+"."+l.q.Table] += loaded
			return nil
		}
		return l.tab.Commit(batch)
	}
	l.a.NumberLoadedRows = loaded
	l.a.Status, l.a.Message = success, "OK"
	turn := s.turn(l.tab)
	turn <- struct{}{}
	if f := l.fault(fault.PublishTimeout); f != nil && s.enter() {
		go func() {
			defer s.handling.Done()
			defer func() { <-turn }()
			s.pauseUntilClose(f.Millis)
			// A table dropped meanwhile aborts the transaction; its state says so.
			_ = s.ledger.Publish(l.tx, apply)
		}()
		l.a.Status, l.a.Message = publishTimeout, "Publish timeout: the transaction is committed and will be visible later"
	} else {
		err := s.ledger.Publish(l.tx, apply)
		<-turn
		if err != nil {
			l.a.NumberLoadedRows = 0
			return err
		}
	}
	s.counters.rows.Add(loaded)
	l.delay(fault.AtAnswer)
	if l.fault(fault.DropAfterCommit) != nil {
		return errDropped
	}
	return nil
}

func (s *Server) pauseUntilClose(millis int) {
	t := time.NewTimer(time.Duration(millis) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.closing:
	}
}
