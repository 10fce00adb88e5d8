package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func (b *backend) serve(rw http.ResponseWriter, r *http.Request) {
	if !b.life.Load().working(b.s, func() { b.handle(&answerWriter{ResponseWriter: rw}, r) }) {
		panic(http.ErrAbortHandler)
	}
}

func (b *backend) handle(w *answerWriter, r *http.Request) {
	parts, ok := route(r)
	switch {
	case ok && len(parts) == 3 && parts[2] == "_stream_load":
		if r.Method != http.MethodPut {
			hangUp(w)
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		b.streamLoad(w, r, parts[0], parts[1])
	case ok && len(parts) == 2 && parts[0] == "transaction" && (r.Method == http.MethodPost || r.Method == http.MethodPut):
		b.transaction(w, r, parts[1])
	case ok && len(parts) == 1 && parts[0] == "_load_error_log" && r.Method == http.MethodGet:
		b.s.logs.serve(w, r, b.index, b.s.Limits().ErrorLogAge)
	case ok && len(parts) == 1 && parts[0] == "health" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, map[string]string{"status": "OK", "msg": "To Be Added"})
	case ok && len(parts) == 1 && parts[0] == "update_config" && r.Method == http.MethodPost:
		b.updateConfig(w, r)
	default:
		hangUp(w)
		http.Error(w, "Not Found", http.StatusNotFound)
	}
}

// updateConfig answers POST /api/update_config?name=value as a BE does; the setting
// changes on all BEs of the stand-in.
func (b *backend) updateConfig(w http.ResponseWriter, r *http.Request) {
	answer := map[string]string{"status": "OK", "msg": ""}
	q := r.URL.Query()
	if len(q) != 1 {
		answer = map[string]string{"status": "BAD", "msg": "Now only support to set a single config once, via 'config_name=new_value'"}
	}
	for name, values := range q {
		c, known := settings[name]
		err := inWords("'%s' is not found", name)
		if known && c.backend {
			err = b.s.SetConfig(name, values[0])
		}
		if len(q) == 1 && err != nil {
			answer = map[string]string{"status": "BAD", "msg": fmt.Sprintf("set %s=%s failed, reason: %v", name, values[0], err)}
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// running is one Stream Load on its way through the BE.
type running struct {
	s    *Server
	b    *backend
	life *life
	w    *answerWriter
	r    *http.Request
	q    *ingest.Request
	a    *answer
	tx   *ledger.Txn
	tab  *store.Table
}

func (b *backend) streamLoad(w *answerWriter, r *http.Request, db, table string) {
	s := b.s
	s.counters.loads.Add(1)
	label := r.Header.Get("label")
	if label == "" {
		label = newLabel()
	}
	l := &running{s: s, b: b, life: b.life.Load(), w: w, r: r, q: ingest.New(s.ingestOptions(), db, table, label),
		a: &answer{TxnID: -1, Label: label, started: time.Now()}}
	err := l.limited()
	defer b.loading.Add(-1)
	if err == nil {
		err = l.begin()
	}
	switch {
	case err != nil:
	case l.q.MergeCommit:
		err = l.merge()
	default:
		err = l.transfer()
	}
	if l.life.over() { // a process that has ended says nothing, to nobody
		panic(http.ErrAbortHandler)
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
	l.a.write(s, w)
}

// errDropped asks for the connection to be cut without an answer.
var errDropped = errors.New("connection dropped by a fault")

// limited counts the load in and refuses it when the BE's limiter says so.
func (l *running) limited() error {
	limits := l.s.Limits()
	if n := int(l.b.loading.Add(1)); limits.LimitLoads && n > limits.HTTPWorkers-1 {
		return inWords("Stream Load exceed http cuncurrent limit %d, please try again later", limits.HTTPWorkers-1)
	}
	return nil
}

// begin does everything that happens before the client may send the body.
func (l *running) begin() error {
	user, password, ok := l.r.BasicAuth()
	if !ok {
		return errors.New("no valid Basic authorization")
	}
	if err := l.q.Early(l.r.Header, l.r.ContentLength); err != nil {
		return err
	}
	if l.r.Header.Get("timeout") == "" {
		l.q.Timeout = l.s.Limits().DefaultTimeout
	}
	began := time.Now()
	if !l.s.store.Users().Check(user, password) {
		return errors.New(accessDenied(user, l.r))
	}
	if l.q.MergeCommit {
		return nil
	}
	var err error
	if l.tab, err = l.s.admit(user, l.q.DB, l.q.Table, l.q.Label); err != nil {
		return err
	}
	tx, err := l.s.ledger.Begin(ledger.Opening{DB: l.q.DB, Label: l.q.Label, Tables: []string{l.q.Table}, Kind: ledger.Streaming,
		Coordinator: l.b.index, Timeout: l.q.Timeout, User: user, Client: clientHost(l.r)})
	if err != nil {
		return err
	}
	l.tx, l.a.TxnID = tx, tx.ID()
	l.a.BeginTxnTimeMs = time.Since(began).Milliseconds()
	l.delay(fault.AtBegin)
	return l.q.Late(l.r.Header)
}

func (l *running) delay(at string) {
	l.s.delay(l.r.Context(), at, l.event())
}

func (l *running) event() fault.Event {
	user, _, _ := l.r.BasicAuth()
	return l.b.event(fault.StreamLoad, l.q.DB, l.q.Table, l.q.Label, user)
}

// transfer reads the body, decides, commits and publishes.
func (l *running) transfer() error {
	planned := time.Now()
	rows, err := l.q.Open(l.tab)
	if err != nil {
		return err
	}
	if err := rows.Batch().CheckVersions(); err != nil {
		return err
	}
	l.a.planned = time.Since(planned).Milliseconds()
	reading := time.Now()
	err = l.life.resting(l.s, func() error { return rows.Read(l.r.Body, l.r.ContentLength, unheard) })
	if err == nil {
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
		l.a.ErrorURL = l.b.errorURL(rows)
	}
	l.a.RejectedRecordPath = l.b.rejectedPath(l.q.DB, l.q.Label, l.tx.ID(), rows)
	outcome := ledger.Outcome{Filtered: rows.Filtered(), Unselected: rows.Unselected(), Bytes: rows.Bytes(), ErrorURL: l.a.ErrorURL,
		RejectedPath: l.a.RejectedRecordPath}
	l.s.ledger.SetOutcome(l.tx, outcome)
	l.delay(fault.AtCommit)
	if err := l.s.decisionFaults(l.event(), l.tab); err != nil {
		return err
	}
	if err := rows.Judge(); err != nil {
		return err
	}
	outcome.Rows = rows.Loaded()
	l.s.ledger.SetOutcome(l.tx, outcome)
	committing := time.Now()
	defer func() { l.a.CommitAndPublishTimeMs = time.Since(committing).Milliseconds() }()
	return l.commit(&work{parts: []part{{table: l.tab, batch: rows.Batch(), rows: rows.Loaded()}}})
}

func (l *running) commit(w *work) error {
	s := l.s
	if l.life.over() {
		return errDropped
	}
	if err := s.promise(w); err != nil {
		return err
	}
	if _, err := s.ledger.Commit(l.tx); err != nil {
		return err
	}
	l.a.NumberLoadedRows = w.rows()
	delay, wait := s.publishFault(l.event(), s.commitWaits(l.tx, l.a.started))
	visible, err := s.publish(l.tx, w, delay, wait)
	switch {
	case err != nil:
		l.a.NumberLoadedRows = 0
		return err
	case visible:
		l.a.Status, l.a.Message = success, "OK"
	default:
		l.a.Status, l.a.Message = publishTimeout, publishLater.Error()
	}
	l.delay(fault.AtAnswer)
	return nil
}

// errorURL keeps the error log of a load and returns where to fetch it.
func (b *backend) errorURL(rows *ingest.Load) string {
	return fmt.Sprintf("http://%s/api/_load_error_log?file=%s", b.node.Addr(), url.QueryEscape(b.s.logs.add(b.index, rows.Log())))
}
