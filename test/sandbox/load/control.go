package load

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// Status is the status page of the control endpoint.
type Status struct {
	Addresses map[string]string `json:"addresses"`
	Discard   bool              `json:"discard"`
	Started   time.Time         `json:"started"`
	Tables    []TableStatus     `json:"tables"`
	Loads     []ledger.Info     `json:"loads"`
	Counters  map[string]int64  `json:"counters"`
	Faults    []fault.Fault     `json:"faults"`
}

// TableStatus is one table of the status page.
type TableStatus struct {
	Database string `json:"database"`
	Table    string `json:"table"`
	Model    string `json:"model"`
	Rows     int64  `json:"rows"` // visible rows, or rows counted in discard mode
	Version  int64  `json:"version"`
}

// Status returns what the status page shows.
func (s *Server) Status() Status {
	st := Status{Addresses: map[string]string{}, Discard: s.discard, Started: s.started, Tables: []TableStatus{},
		Loads: s.ledger.Loads(), Faults: s.faults.List(), Counters: map[string]int64{
			"feRedirects": s.counters.redirects.Load(), "loads": s.counters.loads.Load(),
			"loadsSucceeded": s.counters.succeeded.Load(), "loadsFailed": s.counters.failed.Load(),
			"rowsLoaded": s.counters.rows.Load(), "bytesReceived": s.counters.bytes.Load(),
		}}
	for _, db := range s.store.Databases() {
		names, err := s.store.Tables(db)
		if err != nil { // dropped meanwhile
			continue
		}
		for _, name := range names {
			t, err := s.store.Table(db, name)
			if err != nil {
				continue
			}
			row := TableStatus{Database: db, Table: name, Model: t.Schema().Model.String(), Rows: t.NumRows(), Version: t.Version()}
			if s.discard {
				row.Rows = s.Discarded(db, name)
			}
			st.Tables = append(st.Tables, row)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, addr := range s.addresses {
		st.Addresses[name] = addr
	}
	return st
}

func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /status":
		writeJSON(w, http.StatusOK, s.Status())
	case "GET /fault":
		writeJSON(w, http.StatusOK, s.faults.List())
	case "POST /fault":
		var f fault.Fault
		if !readJSON(w, r, &f) {
			return
		}
		id, err := s.faults.Arm(f)
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		writeJSON(w, http.StatusOK, map[string]int64{"id": id})
	case "DELETE /fault":
		id, err := int64(0), error(nil)
		if text := r.URL.Query().Get("id"); text != "" {
			if id, err = strconv.ParseInt(text, 10, 64); err != nil {
				refuse(w, http.StatusBadRequest, err)
				return
			}
		}
		writeJSON(w, http.StatusOK, map[string]int{"cleared": s.faults.Clear(id)})
	case "GET /requests":
		writeJSON(w, http.StatusOK, s.journal.list(r.URL.Query().Get("body") == "1"))
	case "DELETE /requests":
		s.journal.clear()
		writeJSON(w, http.StatusOK, map[string]string{"status": "OK"})
	case "POST /capture":
		var body struct {
			Bodies *bool `json:"bodies"`
		}
		if !readJSON(w, r, &body) {
			return
		}
		if body.Bodies == nil {
			refuse(w, http.StatusBadRequest, errors.New(`the body must be {"bodies": true} or {"bodies": false}`))
			return
		}
		s.journal.setCapture(*body.Bodies)
		writeJSON(w, http.StatusOK, map[string]bool{"bodies": *body.Bodies})
	default:
		refuse(w, http.StatusNotFound, errors.New("known are GET /status, GET POST DELETE /fault, GET DELETE /requests, POST /capture"))
	}
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}
