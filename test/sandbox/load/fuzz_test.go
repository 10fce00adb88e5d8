package load

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// FuzzServers hands whole requests to the handlers of an FE and a BE: whatever is
// in them, the answer has one of the documented statuses and is JSON where it should be.
func FuzzServers(f *testing.F) {
	f.Add(false, "PUT", "/api/d/t/_stream_load", "label: x\nformat: json\nstrip_outer_array: true", `[{"k":1,"n":2}]`)
	f.Add(true, "PUT", "/api/d/t/_stream_load", "Expect: 100-continue\nenable_merge_commit: true\nmerge_commit_interval_ms: 1\nmerge_commit_parallel: 1", "1\ta\t2\n")
	f.Add(false, "PUT", "/api/d/t/_stream_load", "enable_merge_commit: true\nmerge_commit_interval_ms: 1\nmerge_commit_parallel: 1\nmerge_commit_async: true", "1\ta\t2\n")
	f.Add(true, "POST", "/api/transaction/begin", "db: d\ntable: t\nlabel: x\ntransaction_type: multi\ntimeout: -1", "")
	f.Add(true, "POST", "/api/transaction/begin", "db: d\ntable: t\nlabel: x\nchannel_id: 0\nchannel_num: 1", "")
	f.Add(true, "PUT", "/api/transaction/load", "db: d\ntable: t\nlabel: x\nchannel_id: 0\nchannel_num: 1\nExpect: 100-continue\ncolumns: k", "")
	f.Add(false, "POST", "/api/transaction/begin", "db: d\ntable: t\nlabel: y\ntimeout: 9999999999", "")
	f.Add(false, "PUT", "/api/transaction/load", "db: d\ntable: t\nlabel: y\nformat: gzip", "\x1f\x8b")
	f.Add(false, "POST", "/api/transaction/commit", "db: d\ntable: t\nlabel: y", "")
	f.Add(false, "POST", "/api/transaction/list", "", "")
	f.Add(true, "POST", "/api/d/t/_query_plan", "", `{"sql":`)
	f.Add(true, "GET", "/api/d/get_load_state?label=%00", "", "")
	f.Add(true, "GET", "/api/_set_config?label_keep_max_num=-1", "", "")
	f.Add(false, "POST", "/api/update_config?streaming_load_max_mb=9223372036854775807", "", "")
	st := store.New(store.Options{})
	s, err := Start(Options{Store: st})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	if err := st.CreateDatabase("d"); err != nil {
		f.Fatal(err)
	}
	if _, err := st.CreateTable("d", "t", store.Schema{Columns: conformanceColumns()}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, frontend bool, method, path, headers, body string) {
		r, err := http.NewRequest(method, "http://x"+path, strings.NewReader(body))
		if err != nil {
			return // never leaves a client
		}
		r.RemoteAddr = "127.0.0.1:1"
		for _, line := range strings.Split(headers, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		if len(r.Header.Get("merge_commit_interval_ms")) > 2 {
			r.Header.Set("merge_commit_interval_ms", "10") // windows are waited for
		}
		r.Header.Set("timeout", "1"+r.Header.Get("timeout"))
		r.SetBasicAuth("root", "")
		w := httptest.NewRecorder()
		cut := false
		func() {
			defer func() {
				if p := recover(); p != nil && p != http.ErrAbortHandler {
					panic(p)
				} else {
					cut = p != nil
				}
			}()
			if frontend {
				s.frontends[0].serve(w, r)
			} else {
				s.backends[0].serve(w, r)
			}
		}()
		if cut {
			return
		}
		switch w.Code {
		case 200, 307, 400, 404, 405, 500:
		default:
			t.Errorf("HTTP %d %s", w.Code, w.Body)
		}
		if w.Code == 200 && !strings.HasSuffix(r.URL.Path, "/list") && !json.Valid(w.Body.Bytes()) && !strings.Contains(path, "error_log") {
			t.Errorf("no JSON: %s", w.Body)
		}
		s.SetLimits(Limits{})
	})
}
