package sabotage

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

// held keeps an answer back until it is known what becomes of it.
type held struct {
	http.ResponseWriter
	status int
	body   []byte
}

func (h *held) WriteHeader(status int) {
	if status >= 200 && h.status == 0 {
		h.status = status
	}
}

func (h *held) Write(p []byte) (int, error) {
	if h.status == 0 {
		h.status = http.StatusOK
	}
	h.body = append(h.body, p...)
	return len(p), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// release sends the answer with the first n bytes of its body; of a shorter one the
// client misses the rest, because the length announced is that of the whole.
func (h *held) release(n int) {
	if n < len(h.body) {
		h.Header().Set("Content-Length", strconv.Itoa(len(h.body)))
	}
	h.ResponseWriter.WriteHeader(h.status)
	// A client that has gone away is seen by the HTTP server, not here.
	_, _ = h.ResponseWriter.Write(h.body[:n])
	if n < len(h.body) {
		_ = http.NewResponseController(h.ResponseWriter).Flush()
	}
}

// committed says whether the answer tells the client that its data is safe.
func (h *held) committed() bool {
	var a struct{ Status string }
	if json.Unmarshal(h.body, &a) != nil {
		return false
	}
	switch a.Status {
	case "Success", "OK", "Publish Timeout", "PUBLISH_TIMEOUT":
		return true
	}
	return false
}

// end answers in place of the server, or cuts the connection. truth is what the
// server would have answered, nil before it has worked.
func (s *Saboteur) end(w http.ResponseWriter, r *http.Request, e fault.Event, f *fault.Fault, truth *held) {
	info, _ := fault.Describe(f.Kind)
	location, body := "", []byte(nil)
	if truth != nil {
		location, body = w.Header().Get("Location"), truth.body
	}
	switch f.Kind {
	case fault.CutRequest, fault.AnswerLost:
		cutConnection(w, f.Reset)
	case fault.Silence, fault.ContinueSilence:
		s.silence(w, r, f)
		panic(http.ErrAbortHandler)
	case fault.HTTPStatus, fault.FEStatus, fault.BEStatus:
		fresh(w)
		for name, value := range f.Headers {
			w.Header().Set(name, value)
		}
		plain(w, f.Status, f.Text)
	case fault.AnswerBody:
		fresh(w)
		plain(w, f.Status, f.Text)
	case fault.AnswerHuge:
		fresh(w)
		huge(w, f)
	case fault.FollowerFE:
		to := f.To
		if to == "" {
			to = e.Node.Addr
		}
		redirect(w, "http://"+to+pathOf(r.URL))
	case fault.Denied:
		fresh(w)
		if e.Node.Role == fault.FE {
			w.Header().Set("WWW-Authenticate", `Basic realm=""`)
			writeJSON(w, http.StatusUnauthorized, rest("FAILED", fill(f.Message(), e, r)))
			return
		}
		writeJSON(w, http.StatusOK, answer(e, "Fail", fill(f.Message(), e, r), body))
	default:
		switch {
		case info.Says.Location != "":
			redirect(w, relocate(info.Says.Location, location, f, e))
		case info.Says.Result != "" || f.Kind == fault.Answer:
			fresh(w)
			result := f.Result
			if result == "" {
				result = info.Says.Result
			}
			writeJSON(w, http.StatusOK, answer(e, result, fill(f.Message(), e, r), body))
		default: // a body of its own
			fresh(w)
			plain(w, f.Status, info.Says.Body)
		}
	}
}

// fill puts the names of the request into a message.
func fill(text string, e fault.Event, r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return strings.NewReplacer("{db}", e.DB, "{table}", e.Table, "{label}", e.Label, "{user}", e.User, "{host}", host).Replace(text)
}

func plain(w http.ResponseWriter, status int, text string) {
	if status == 0 {
		status = http.StatusOK
	}
	if strings.HasPrefix(text, "<") && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/html")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// hugeBytes is the length of a huge answer that was not given one.
const hugeBytes = 10 << 30

func huge(w http.ResponseWriter, f *fault.Fault) {
	n := f.Bytes
	if n == 0 {
		n = hugeBytes
	}
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := io.WriteString(w, `{"TxnId": 7, "Status": "Success", "Message": "`); err != nil {
		return
	}
	piece := []byte(strings.Repeat("x", 64<<10))
	for n > 0 {
		k := min(n, int64(len(piece)))
		if _, err := w.Write(piece[:k]); err != nil { // the client has had enough
			return
		}
		n -= k
	}
	_, _ = io.WriteString(w, `"}`)
}

func pathOf(u *url.URL) string {
	if u.RawQuery == "" {
		return u.EscapedPath()
	}
	return u.EscapedPath() + "?" + u.RawQuery
}

// relocate makes the Location of a redirect that goes wrong.
func relocate(template, location string, f *fault.Fault, e fault.Event) string {
	if template == "-" {
		return ""
	}
	u, err := url.Parse(location)
	if err != nil {
		return location // the server's own Location, which nobody can parse
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return strings.NewReplacer("{node}", e.Node.Addr, "{behost}", host, "{be}", u.Host, "{to}", f.To, "{path}", pathOf(u)).Replace(template)
}

func redirect(w http.ResponseWriter, location string) {
	fresh(w)
	if location != "" {
		w.Header().Set("Location", location)
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// answer is what the node would say to the operation with that result. What the
// server has counted, if it has answered the load, stays.
func answer(e fault.Event, result, text string, truth []byte) any {
	switch {
	case e.Op == fault.State && states[result]:
		a := rest("OK", "Success")
		a.State, a.Reason, a.Message = result, &text, "OK"
		return a
	case e.Op == fault.StreamLoad && e.Node.Role == fault.BE:
		a := streamLoad{TxnID: -1, Label: e.Label}
		_ = json.Unmarshal(truth, &a) // without a truth the load has counted nothing
		a.Status, a.Message = result, text
		return a
	case e.Op == fault.StreamLoad:
		return struct{ Status, Message string }{result, text}
	case transactionOps[e.Op]:
		return struct{ Status, Message, Label string }{result, text, e.Label}
	}
	return rest(result, text)
}

var states = map[string]bool{"PREPARE": true, "PREPARED": true, "COMMITTED": true, "VISIBLE": true, "ABORTED": true, "UNKNOWN": true}

// streamLoad is the answer of a BE that began no transaction.
type streamLoad struct {
	TxnID                int64 `json:"TxnId"`
	Label                string
	Status               string
	Message              string
	NumberTotalRows      int64
	NumberLoadedRows     int64
	NumberFilteredRows   int64
	NumberUnselectedRows int64
	LoadBytes            int64
	LoadTimeMs           int64
	BeginTxnTimeMs       int64
	StreamLoadPlanTimeMs int64
	ReadDataTimeMs       int64
	WriteDataTimeMs      int64

	CommitAndPublishTimeMs int64
}

type restAnswer struct {
	State   string  `json:"state,omitempty"`
	Reason  *string `json:"reason,omitempty"`
	Status  string  `json:"status"`
	Code    string  `json:"code"`
	Msg     string  `json:"msg"`
	Message string  `json:"message"`
}

func rest(result, text string) restAnswer {
	a := restAnswer{Status: result, Code: "1", Msg: text, Message: text}
	if result == "OK" {
		a.Code = "0"
	}
	return a
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var sb strings.Builder
	enc := json.NewEncoder(&sb)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, sb.String())
}
