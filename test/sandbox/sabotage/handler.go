package sabotage

import (
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

// Handler shows the faults on the requests to h, the handler of the node.
func (s *Saboteur) Handler(node fault.Node, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, node, h)
	})
}

func (s *Saboteur) serve(w http.ResponseWriter, r *http.Request, node fault.Node, h http.Handler) {
	e := event(node, r)
	var cut *cutBody
	for _, f := range s.Faults.ShowAll(fault.Before, e) {
		switch f.Kind {
		case fault.Delay, fault.DelayFE:
			s.wait(r.Context(), millis(f.Millis))
		case fault.SlowRead:
			r.Body = &slowBody{ReadCloser: r.Body, s: s, r: r, rate: f.BytesPerSecond}
		case fault.CutBody:
			cut = &cutBody{ReadCloser: r.Body, left: f.Bytes, fault: f}
			r.Body = cut
		default:
			s.end(w, r, e, &f, nil)
			return
		}
	}
	if cut == nil && !s.Faults.Expects(fault.After, e) {
		h.ServeHTTP(w, r)
		return
	}
	c := &held{ResponseWriter: w}
	func() {
		defer func() {
			if cut != nil && cut.tripped {
				_ = recover() // whatever the server made of the lost body, the client sees a cut
			}
		}()
		h.ServeHTTP(c, r)
	}()
	if cut != nil && cut.tripped {
		cutConnection(w, cut.fault.Reset)
	}
	if c.status == 0 && c.body == nil {
		return // the handler took the connection over, or said nothing
	}
	e.Redirected = c.status == http.StatusTemporaryRedirect && c.Header().Get("Location") != ""
	e.Committed = c.committed()
	for _, f := range s.Faults.ShowAll(fault.After, e) {
		switch f.Kind {
		case fault.AnswerDelay:
			s.wait(r.Context(), millis(f.Millis))
		case fault.AnswerLost, fault.DropAfterCommit:
			cutConnection(w, f.Reset)
		case fault.AnswerCut:
			c.release(int(min(f.Bytes, int64(len(c.body)))))
			cutConnection(w, f.Reset)
		default:
			s.end(w, r, e, &f, c)
			return
		}
	}
	c.release(len(c.body))
}

// cutConnection does not return.
func cutConnection(w http.ResponseWriter, reset bool) {
	if reset {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			drop(conn, true)
		}
	}
	panic(http.ErrAbortHandler)
}

// lastRead is how long the rest of a body is taken in after an early answer. A
// connection closed over unread bytes would take the answer down with it.
const lastRead = 200 * time.Millisecond

// fresh makes w ready for an answer in place of what the server had begun; the
// connection closes after it.
func fresh(w http.ResponseWriter) {
	clear(w.Header())
	w.Header().Set("Connection", "close")
	// Without a deadline the HTTP server would wait for the body that was announced.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lastRead))
}

// silence holds the connection and says nothing, except 100 Continue where the
// client waits for it and the fault promises it.
func (s *Saboteur) silence(w http.ResponseWriter, r *http.Request, f *fault.Fault) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if f.Kind == fault.ContinueSilence && r.Header.Get("Expect") != "" {
		_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n") // a client that has left is cut below
	}
	s.wait(r.Context(), millis(f.Millis))
	drop(conn, f.Reset)
}

// Listener refuses connections to the node while a fault says so.
func (s *Saboteur) Listener(node fault.Node, l net.Listener) net.Listener {
	if node.Addr == "" {
		node.Addr = l.Addr().String()
	}
	return &listener{Listener: l, s: s, node: node}
}

type listener struct {
	net.Listener
	s    *Saboteur
	node fault.Node
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		all := l.s.Faults.ShowAll(fault.Connect, fault.Event{Node: l.node})
		if len(all) == 0 {
			return c, nil
		}
		if f := all[0]; f.Kind == fault.SQLGreeting {
			greet(c, f.Text)
		} else {
			drop(c, f.Reset)
		}
	}
}
