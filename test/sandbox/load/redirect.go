package load

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
)

// strictExpect says that FEs read the Expect header as HTTP means it and close the
// connection after each answer to a load. Older ones looked only whether there is an
// Expect header, and kept the connection. The change came in the patch releases that
// StarRocks issue 52998 names.
func (s *Server) strictExpect() bool {
	r := s.release
	switch {
	case r.AtLeast(3, 4):
		return true
	case r.AtLeast(3, 3):
		return r.AtLeastPatch(3, 3, 6)
	case r.AtLeast(3, 2):
		return r.AtLeastPatch(3, 2, 13)
	case r.AtLeast(3, 1):
		return r.AtLeastPatch(3, 1, 16)
	}
	return false
}

// expectFault says that the release is one of those that refused HTTP/1.0 clients.
func (s *Server) expectFault() bool {
	switch s.release.String() {
	case "3.1.16", "3.2.13", "3.3.6":
		return true
	}
	return false
}

// expects says whether the FE is content with the Expect header of a load. Other
// values than 100-continue never get here: the HTTP server answers 417 to them, where
// older FEs would have been content too.
func (s *Server) expects(r *http.Request) bool {
	modern := r.ProtoAtLeast(1, 1)
	switch {
	case !s.strictExpect():
		return r.Header.Get("Expect") != ""
	case s.expectFault():
		return modern && strings.EqualFold(r.Header.Get("Expect"), "100-continue")
	}
	return !modern || strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}

const noContinue = wording("There is no 100-continue header")

// failed is the answer of an FE that did not redirect a load.
func feFailed(w http.ResponseWriter, class string, err error) {
	writeJSON(w, http.StatusOK, &txnAnswer{Status: codeFailed, Message: thrown(class, err)})
}

func (f *frontend) streamLoad(w *answerWriter, r *http.Request, db, table string) {
	s := f.s
	user, ok := f.user(w, r)
	if !ok {
		return
	}
	if !s.expects(r) {
		feFailed(w, javaDDL, noContinue)
		return
	}
	merging := s.mergeAsked(r)
	if merging && f.toLeader(w, r) {
		return
	}
	if !s.mayInsert(user, db, table) {
		unauthorized(w, noInsert)
		return
	}
	if merging {
		if err := mergeParameters(r.Header); err != nil {
			a := restFailed(err.Error())
			a.Code = codeInvalidArgument
			writeJSON(w, http.StatusOK, a)
			return
		}
	}
	b := s.nextBackend()
	if b == nil {
		feFailed(w, javaDDL, wording("No backend alive."))
		return
	}
	s.counters.redirects.Add(1)
	e := f.event(fault.StreamLoad, db, table, r.Header.Get("label"), user)
	// An answer that a fault waits for goes the way on which it can be changed.
	if (s.faults.Show(fault.FEKeepAlive, e) != nil || !s.strictExpect()) && !s.faults.Expects(fault.After, e) {
		s.redirectOpen(w, r, locationAt(b.node.Addr(), r))
		return
	}
	f.redirectTo(w, r, b.node.Addr())
}

// redirectOpen answers as older FEs do, then counts what arrives until the client
// has been silent for a while or hangs up.
func (s *Server) redirectOpen(w *answerWriter, r *http.Request, location string) {
	if r.ContentLength == 0 {
		// There is nothing to come, and the connection can serve the next request.
		w.Header().Del("Connection")
		w.Header().Set("Location", location)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	defer context.AfterFunc(s.ctx, func() { conn.Close() })()
	w.hijacked = true
	entry := journal.Of(r)
	entry.Answered(http.StatusTemporaryRedirect)
	_, err = fmt.Fprintf(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", location)
	buf := make([]byte, 64<<10)
	for err == nil {
		if err = conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			return
		}
		var n int
		n, err = buffered.Read(buf)
		entry.Received(buf[:n])
	}
}
