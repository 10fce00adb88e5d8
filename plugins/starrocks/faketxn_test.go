package starrocks

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// fakeTransaction is what the fake cluster holds of one.
type fakeTransaction struct {
	loads []fakeLoad
	state string // as get_load_state says it
}

// feTransaction serves /api/transaction/op at the frontend: what is prepared is its own affair, the rest the backend's.
func (f *fakeCluster) feTransaction(w http.ResponseWriter, r *http.Request) {
	op, label := strings.TrimPrefix(r.URL.Path, "/api/transaction/"), r.Header.Get("label")
	if f.oldRelease {
		fmt.Fprint(w, `{"status":"FAILED","msg":"Not implemented"}`)
		return
	}
	if r.Header.Get("db") == "" {
		fmt.Fprint(w, `{"Status":"FAILED","Message":"class com.starrocks.common.UserException: No database selected."}`)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.transactions[label]
	switch {
	case t == nil && op != "begin":
		fmt.Fprintf(w, `{"Status":"FAILED","Message":"No transaction found with db[d] and label[%s]"}`, label)
	case op == "commit" && t.state == "PREPARED":
		t.state, f.labels[label] = "VISIBLE", "VISIBLE"
		f.loads = append(f.loads, t.loads...)
		fmt.Fprintf(w, `{"Status":"OK","Message":"","Label":%q}`, label)
	case op == "rollback" && t.state == "PREPARED":
		t.state, f.labels[label] = "ABORTED", "ABORTED"
		fmt.Fprintf(w, `{"Status":"OK","Message":"","Label":%q}`, label)
	case (op == "commit" || op == "rollback") && t.state != "PREPARE":
		done := map[string]string{"commit": "VISIBLE", "rollback": "ABORTED"}[op]
		if t.state == done {
			fmt.Fprintf(w, `{"Status":"OK","Message":"Transaction 1 has already ended, label is %s"}`, label)
			return
		}
		fmt.Fprintf(w, `{"Status":"FAILED","Message":"Can not %s %s transaction 1, label is %s"}`, op, t.state, label)
	default:
		w.Header().Set("Location", "http://"+f.backend+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

// beTransaction serves it at the backend.
func (f *fakeCluster) beTransaction(w http.ResponseWriter, r *http.Request) {
	op, label := strings.TrimPrefix(r.URL.Path, "/api/transaction/"), r.Header.Get("label")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.transactions[label]
	if (t == nil || t.state != "PREPARE") != (op == "begin") {
		status := map[bool]string{true: "LABEL_ALREADY_EXISTS", false: "TXN_NOT_EXISTS"}[op == "begin"]
		fmt.Fprintf(w, `{"Status":%q,"Message":""}`, status)
		return
	}
	counts := ""
	switch op {
	case "begin":
		if f.transactions == nil {
			f.transactions = map[string]*fakeTransaction{}
		}
		f.transactions[label], f.labels[label] = &fakeTransaction{state: "PREPARE"}, "PREPARE"
	case "load":
		l := fakeLoad{path: "/api/" + r.Header.Get("db") + "/" + r.Header.Get("table") + "/_stream_load", label: label, header: r.Header.Clone(), body: body}
		l.rows = countRows(l)
		if f.answer != nil {
			if text := f.answer(l); text != "" {
				t.state, f.labels[label] = "ABORTED", "ABORTED"
				fmt.Fprint(w, text)
				return
			}
		}
		t.loads = append(t.loads, l)
	case "prepare":
		if len(t.loads) == 0 {
			f.t.Errorf("transaction %s is prepared without data", label)
		}
		n := 0
		for _, l := range t.loads {
			n += l.rows
		}
		t.state, f.labels[label] = "PREPARED", "PREPARED"
		counts = fmt.Sprintf(`,"NumberTotalRows":%d,"NumberLoadedRows":%d,"NumberFilteredRows":0,"NumberUnselectedRows":0`, n, n)
	case "rollback":
		t.state, f.labels[label] = "ABORTED", "ABORTED"
	}
	fmt.Fprintf(w, `{"Status":"OK","Message":"","Label":%q,"TxnId":1%s}`, label, counts)
}

// states of the labels of transactions, as the cluster knows them.
func (f *fakeCluster) states() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]string{}
	for label, t := range f.transactions {
		out[label] = t.state
	}
	return out
}
