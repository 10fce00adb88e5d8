package load

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/ledger"
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

func (f *frontend) serve(rw http.ResponseWriter, r *http.Request) {
	w := &answerWriter{ResponseWriter: rw}
	// FE answers close their connections, but for the redirects of older FEs; the
	// FE never waits for a body that it has no use for.
	w.Header().Set("Connection", "close")
	defer func() {
		if !w.hijacked && w.Header().Get("Connection") == "close" {
			hangUp(w)
		}
	}()
	limits := f.s.Limits()
	if err := unreadable(r, &limits); err != nil {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "Bad Request. <br/> "+err.Error()) // to a client that may have gone away
		return
	}
	parts, ok := route(r)
	last := ""
	if ok {
		last = parts[len(parts)-1]
	}
	is := func(n int, name string, methods ...string) bool {
		if !ok || len(parts) != n || last != name {
			return false
		}
		for _, m := range methods {
			if r.Method == m {
				return true
			}
		}
		return false
	}
	switch {
	case is(3, "_stream_load", http.MethodPut):
		f.streamLoad(w, r, parts[0], parts[1])
	case ok && len(parts) == 2 && parts[0] == "transaction" && (r.Method == http.MethodPost || r.Method == http.MethodPut):
		f.transaction(w, r, last)
	case is(2, "get_load_state", http.MethodGet):
		f.loadState(w, r, parts[0])
	case is(3, "_cancel", http.MethodPost):
		label := r.URL.Query().Get("label")
		if label == "" {
			label = parts[1]
		}
		f.cancel(w, r, parts[0], label)
	case is(3, "_stream_load_meta", http.MethodGet) && f.s.hasMergeCommit():
		f.loadMeta(w, r, parts[0], parts[1])
	case is(3, "_query_plan", http.MethodPost, http.MethodGet) && f.s.plan != nil:
		f.queryPlan(w, r, parts[0], parts[1])
	case is(1, "health", http.MethodGet):
		alive := 0
		for _, b := range f.s.backends {
			if b.alive() {
				alive++
			}
		}
		writeJSON(w, http.StatusOK, map[string]int{"online_backend_num": alive, "total_backend_num": len(f.s.backends)})
	case is(1, "bootstrap", http.MethodGet):
		writeJSON(w, http.StatusOK, map[string]any{"replayedJournalId": 0, "queryPort": 0, "rpcPort": 0, "status": "OK", "msg": "Success"})
	case is(1, "_set_config", http.MethodGet):
		f.setConfig(w, r)
	default:
		writeJSON(w, http.StatusOK, map[string]string{"status": "FAILED", "msg": "Not implemented"})
	}
}

// unreadable says what of a request is longer than the FE's HTTP decoder takes: a
// load with the names of very many columns, for one.
func unreadable(r *http.Request, limits *Limits) error {
	if len(r.Method)+len(r.RequestURI)+len(r.Proto)+2 > limits.RequestLine {
		return inWords("An HTTP line is larger than %d bytes.", limits.RequestLine)
	}
	const between = len(": ")
	n := len("Host") + between + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + between + len(v)
		}
	}
	if n > limits.RequestHeaders {
		return inWords("HTTP header is larger than %d bytes.", limits.RequestHeaders)
	}
	return nil
}

// user returns the authenticated user, or answers 401.
func (f *frontend) user(w http.ResponseWriter, r *http.Request) (string, bool) {
	name, password, ok := r.BasicAuth()
	if !ok {
		unauthorized(w, "Need auth information.")
		return "", false
	}
	if !f.s.store.Users().Check(name, password) {
		unauthorized(w, accessDenied(name, r))
		return "", false
	}
	return name, true
}

// clientHost is the address a request came from, without the port.
func clientHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func accessDenied(user string, r *http.Request) string {
	return fmt.Sprintf("Access denied for %s@%s", user, clientHost(r))
}

const noInsert = "Access denied; you need (at least one of) the INSERT privilege(s) for this operation"

func unauthorized(w http.ResponseWriter, msg string) {
	w.Header().Set("WWW-Authenticate", `Basic realm=""`)
	writeJSON(w, http.StatusUnauthorized, restFailed(msg))
}

// mayInsert says whether the user may load into the table.
func (s *Server) mayInsert(user, db, table string) bool {
	return s.store.Users().CanInsert(user, db, table)
}

func (f *frontend) loadState(w http.ResponseWriter, r *http.Request, db string) {
	if _, ok := f.user(w, r); !ok || f.toLeader(w, r) {
		return
	}
	label := r.URL.Query().Get("label")
	switch {
	case label == "":
		writeJSON(w, http.StatusOK, restFailed("No label selected."))
		return
	case !f.s.store.HasDatabase(db):
		writeJSON(w, http.StatusOK, restFailed("unknown database, database="+db))
		return
	}
	answer := restOK()
	state, reason := f.s.ledger.State(db, label)
	answer.State = state
	// The reason is newer, and merged loads (3.4) are documented to be told by it.
	if f.s.release.AtLeast(3, 4) {
		answer.Reason = &reason
	}
	writeJSON(w, http.StatusOK, answer)
}

func (f *frontend) cancel(w http.ResponseWriter, r *http.Request, db, label string) {
	if _, ok := f.user(w, r); !ok || f.toLeader(w, r) {
		return
	}
	if !f.s.store.HasDatabase(db) {
		writeJSON(w, http.StatusOK, restFailed("unknown database, database="+db))
		return
	}
	if err := f.s.ledger.Cancel(db, label); err != nil {
		writeJSON(w, http.StatusOK, restFailed(err.Error()))
		return
	}
	writeJSON(w, http.StatusOK, restOK())
}

// setConfig answers GET /api/_set_config?name=value as an FE does.
func (f *frontend) setConfig(w http.ResponseWriter, r *http.Request) {
	if _, ok := f.user(w, r); !ok {
		return
	}
	set, failed := map[string]string{}, map[string]string{}
	for name, values := range r.URL.Query() {
		if c, known := settings[name]; !known || c.backend {
			failed[name] = values[0]
		} else if err := f.s.SetConfig(name, values[0]); err != nil {
			failed[name] = values[0]
		} else {
			set[name] = values[0]
		}
	}
	writeJSON(w, http.StatusOK, map[string]map[string]string{"set": set, "err": failed})
}

// drained reads the short body of a request, which is nil when it is longer.
func drained(r *http.Request) []byte {
	const most = 1 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil || len(body) > most {
		return nil
	}
	return body
}

// rest is the answer of an FE's REST handlers.
type rest struct {
	State   ledger.State `json:"state,omitempty"`
	Reason  *string      `json:"reason,omitempty"`
	Status  string       `json:"status"`
	Code    string       `json:"code"`
	Msg     string       `json:"msg"`
	Message string       `json:"message"`
}

func restOK() rest { return rest{Status: "OK", Code: "0", Msg: "Success", Message: "OK"} }

func restFailed(msg string) rest {
	return rest{Status: "FAILED", Code: "1", Msg: msg, Message: msg}
}
