package load

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

// route cuts an API path into its decoded parts: /api/a/b/c gives a, b, c.
func route(r *http.Request) ([]string, bool) {
	tail, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/")
	if !ok {
		return nil, false
	}
	parts := strings.Split(tail, "/")
	for i, p := range parts {
		plain, err := url.PathUnescape(p)
		if err != nil {
			return nil, false
		}
		parts[i] = plain
	}
	return parts, true
}

func (s *Server) serveFE(rw http.ResponseWriter, r *http.Request) {
	e := s.journal.record("fe", r)
	w := &statusWriter{ResponseWriter: rw, entry: e}
	// Every FE answer closes its connection, and the FE never reads a body.
	defer func() {
		if !w.hijacked {
			hangUp(w)
		}
	}()
	w.Header().Set("Connection", "close")
	parts, ok := route(r)
	switch {
	case ok && len(parts) == 3 && parts[2] == "_stream_load" && r.Method == http.MethodPut:
		s.redirect(w, r, parts[0], parts[1])
	case ok && len(parts) == 2 && parts[1] == "get_load_state" && r.Method == http.MethodGet:
		s.loadState(w, r, parts[0])
	case ok && len(parts) == 3 && parts[2] == "_cancel" && r.Method == http.MethodPost:
		label := r.URL.Query().Get("label")
		if label == "" {
			label = parts[1]
		}
		s.cancel(w, r, parts[0], label)
	case ok && len(parts) == 1 && parts[0] == "health" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, map[string]int{"online_backend_num": 1, "total_backend_num": 1})
	default:
		writeJSON(w, http.StatusOK, map[string]string{"status": "FAILED", "msg": "Not implemented"})
	}
}

// user returns the authenticated user, or answers 401.
func (s *Server) user(w http.ResponseWriter, r *http.Request) (string, bool) {
	name, password, ok := r.BasicAuth()
	if !ok {
		unauthorized(w, "Need auth information.")
		return "", false
	}
	if !s.store.Users().Check(name, password) {
		unauthorized(w, accessDenied(name, r))
		return "", false
	}
	return name, true
}

func accessDenied(user string, r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return fmt.Sprintf("Access denied for %s@%s", user, host)
}

const noInsert = "Access denied; you need (at least one of) the INSERT privilege(s) for this operation"

func unauthorized(w http.ResponseWriter, msg string) {
	w.Header().Set("WWW-Authenticate", `Basic realm=""`)
	writeJSON(w, http.StatusUnauthorized, restFailed(msg))
}

func (s *Server) redirect(w *statusWriter, r *http.Request, db, table string) {
	label := r.Header.Get("label")
	if f := s.faults.Hit(fault.DelayFE, "", table, label); f != nil {
		s.pause(r.Context(), f.Millis)
	}
	if f := s.faults.Hit(fault.FEStatus, "", table, label); f != nil {
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Text)
		return
	}
	user, ok := s.user(w, r)
	if !ok {
		return
	}
	if r.ProtoAtLeast(1, 1) && !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		writeJSON(w, http.StatusOK, map[string]string{"Status": "FAILED",
			"Message": "class com.starrocks.common.DdlException: There is no 100-continue header"})
		return
	}
	if !s.store.Users().CanInsert(user, db, table) {
		unauthorized(w, noInsert)
		return
	}
	s.counters.redirects.Add(1)
	to := s.BEAddr()
	if f := s.faults.Hit(fault.RedirectTo, "", table, label); f != nil {
		to = f.To
	}
	location := "http://" + to + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		location += "?" + r.URL.RawQuery
	}
	if f := s.faults.Hit(fault.FEKeepAlive, "", table, label); f != nil {
		s.redirectOpen(w, location)
		return
	}
	w.Header().Set("Location", location)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// redirectOpen answers as older FEs do, then counts what arrives until the
// client has been silent for a while or hangs up.
func (s *Server) redirectOpen(w *statusWriter, location string) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	w.hijacked = true
	w.entry.answered(http.StatusTemporaryRedirect)
	_, err = fmt.Fprintf(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", location)
	buf := make([]byte, 64<<10)
	for err == nil {
		if err = conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			return
		}
		var n int
		n, err = buffered.Read(buf)
		w.entry.received(buf[:n])
		select {
		case <-s.closing:
			return
		default:
		}
	}
}

func (s *Server) loadState(w http.ResponseWriter, r *http.Request, db string) {
	if _, ok := s.user(w, r); !ok {
		return
	}
	label := r.URL.Query().Get("label")
	switch {
	case label == "":
		writeJSON(w, http.StatusOK, restFailed("No label selected."))
		return
	case !s.store.HasDatabase(db):
		writeJSON(w, http.StatusOK, restFailed("unknown database, database="+db))
		return
	}
	answer := restOK()
	state, reason := s.ledger.State(db, label)
	answer.State, answer.Reason = state, &reason
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request, db, label string) {
	if _, ok := s.user(w, r); !ok {
		return
	}
	if !s.store.HasDatabase(db) {
		writeJSON(w, http.StatusOK, restFailed("unknown database, database="+db))
		return
	}
	if err := s.ledger.Cancel(db, label); err != nil {
		writeJSON(w, http.StatusOK, restFailed(err.Error()))
		return
	}
	writeJSON(w, http.StatusOK, restOK())
}
