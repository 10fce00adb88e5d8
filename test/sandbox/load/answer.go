package load

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// answer is the body of a Stream Load answer, in the order the server writes it.
type answer struct {
	TxnID                  int64  `json:"TxnId"`
	Label                  string `json:"Label"`
	Status                 string `json:"Status"`
	ExistingJobStatus      string `json:"ExistingJobStatus,omitempty"`
	Message                string `json:"Message"`
	NumberTotalRows        int64  `json:"NumberTotalRows"`
	NumberLoadedRows       int64  `json:"NumberLoadedRows"`
	NumberFilteredRows     int64  `json:"NumberFilteredRows"`
	NumberUnselectedRows   int64  `json:"NumberUnselectedRows"`
	LoadBytes              int64  `json:"LoadBytes"`
	LoadTimeMs             int64  `json:"LoadTimeMs"`
	BeginTxnTimeMs         int64  `json:"BeginTxnTimeMs"`
	StreamLoadPlanTimeMs   int64  `json:"StreamLoadPlanTimeMs"`
	ReadDataTimeMs         int64  `json:"ReadDataTimeMs"`
	WriteDataTimeMs        int64  `json:"WriteDataTimeMs"`
	CommitAndPublishTimeMs int64  `json:"CommitAndPublishTimeMs"`
	ErrorURL               string `json:"ErrorURL,omitempty"`

	started time.Time
}

// The values of Status that the stand-in gives.
const (
	success        = "Success"
	fail           = "Fail"
	publishTimeout = "Publish Timeout"
	labelExists    = "Label Already Exists"
)

func (a *answer) failed(err error) {
	a.Status, a.Message = fail, err.Error()
	if used, ok := err.(*ledger.LabelUsed); ok {
		a.Status, a.ExistingJobStatus = labelExists, used.Job()
	}
}

func (a *answer) write(w http.ResponseWriter) {
	a.LoadTimeMs = time.Since(a.started).Milliseconds()
	if a.Status != success {
		hangUp(w)
	}
	writeJSON(w, http.StatusOK, a)
}

// lastRead is how long the rest of a body is taken in after an early answer. A
// connection closed over unread bytes would take the answer down with it.
const lastRead = 200 * time.Millisecond

// hangUp makes the connection close after the answer, whether or not the client
// ever sends the body it announced.
func hangUp(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	// Without a deadline the HTTP server would wait for small bodies.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lastRead))
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
	// A client that has gone away is seen by the HTTP server, not here.
	_, _ = w.Write([]byte(sb.String()))
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
