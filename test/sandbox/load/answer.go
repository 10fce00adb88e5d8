package load

import (
	"encoding/json"
	"errors"
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
	StreamLoadPlanTimeMs   *int64 `json:"StreamLoadPlanTimeMs,omitempty"`
	StreamLoadPutTimeMs    *int64 `json:"StreamLoadPutTimeMs,omitempty"` // the older name
	ReadDataTimeMs         int64  `json:"ReadDataTimeMs"`
	WriteDataTimeMs        int64  `json:"WriteDataTimeMs"`
	CommitAndPublishTimeMs int64  `json:"CommitAndPublishTimeMs"`
	ErrorURL               string `json:"ErrorURL,omitempty"`
	RejectedRecordPath     string `json:"RejectedRecordPath,omitempty"`
	// RequestID and LeftTimeMs belong to merged loads.
	RequestID  *string `json:"RequestId,omitempty"`
	LeftTimeMs *int64  `json:"LeftTimeMs,omitempty"`

	started time.Time
	planned int64 // milliseconds
}

// The values of Status that the stand-in gives.
const (
	success        = "Success"
	fail           = "Fail"
	publishTimeout = "Publish Timeout"
	labelExists    = "Label Already Exists"
)

const publishLater = wording("Publish timeout: the transaction is committed and will be visible later")

func (a *answer) failed(err error) {
	a.Status, a.Message = fail, err.Error()
	var used *ledger.LabelUsed
	if errors.As(err, &used) {
		a.Status, a.ExistingJobStatus = labelExists, used.Job()
	}
}

func (a *answer) write(s *Server, w http.ResponseWriter) {
	a.LoadTimeMs = time.Since(a.started).Milliseconds()
	// The paper names the older field without a release; 3.0 is where the
	// documentation changes.
	if s.release.AtLeast(3, 0) {
		a.StreamLoadPlanTimeMs = &a.planned
	} else {
		a.StreamLoadPutTimeMs = &a.planned
	}
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

// txnAnswer is the body of an answer of the transaction interface, and of an FE that
// refuses a load.
type txnAnswer struct {
	Status            string  `json:"Status"`
	ExistingJobStatus *string `json:"ExistingJobStatus,omitempty"`
	Message           string  `json:"Message"`
	Label             string  `json:"Label,omitempty"`
	TxnID             *int64  `json:"TxnId,omitempty"`
	BeginTxnTimeMs    *int64  `json:"BeginTxnTimeMs,omitempty"`

	// Of a transaction over channels.
	BeginChannel *int `json:"BeginChannel,omitempty"`
	ChannelID    *int `json:"ChannelId,omitempty"`
	PreparedNum  *int `json:"Prepared Channel Num,omitempty"`

	NumberTotalRows        *int64 `json:"NumberTotalRows,omitempty"`
	NumberLoadedRows       *int64 `json:"NumberLoadedRows,omitempty"`
	NumberFilteredRows     *int64 `json:"NumberFilteredRows,omitempty"`
	NumberUnselectedRows   *int64 `json:"NumberUnselectedRows,omitempty"`
	LoadBytes              *int64 `json:"LoadBytes,omitempty"`
	LoadTimeMs             *int64 `json:"LoadTimeMs,omitempty"`
	StreamLoadPlanTimeMs   *int64 `json:"StreamLoadPlanTimeMs,omitempty"`
	ReceivedDataTimeMs     *int64 `json:"ReceivedDataTimeMs,omitempty"`
	WriteDataTimeMs        *int64 `json:"WriteDataTimeMs,omitempty"`
	CommitAndPublishTimeMs *int64 `json:"CommitAndPublishTimeMs,omitempty"`
	TrackingURL            string `json:"TrackingURL,omitempty"`

	ErrorURL           string `json:"ErrorURL,omitempty"`
	RejectedRecordPath string `json:"RejectedRecordPath,omitempty"`
}

func ptr[T any](v T) *T { return &v }
