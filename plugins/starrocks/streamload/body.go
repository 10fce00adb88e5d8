package streamload

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Body is the content of a load. It can be opened again and again, since a load may have to be sent more than once.
type Body interface {
	Open() Chunks
}

// Chunks yields a body in pieces, best of 256 KiB and more: each becomes one chunk on the wire.
type Chunks interface {
	// Next gives the next piece, which is valid until the call after. io.EOF: no more.
	Next() ([]byte, error)
	Close()
}

// transfer hands the chunks of one attempt to net/http. The transport finds WriteTo behind a chunked body and so
// writes the pieces as they are.
type transfer struct {
	chunks Chunks
	piece  []byte // what Read has not given yet

	patience  time.Duration // how long the transport waits for 100 Continue
	waiting   time.Time     // since when
	continued atomic.Bool   // 100 Continue has come
	answered  chan struct{} // closed when the answer has been read to its end
	closed    chan struct{} // closed when the transport is done with the body
	sent      atomic.Int64
	once      sync.Once
}

// errAnswered ends a body that nobody wants any more.
var errAnswered = errors.New("the server answered without reading the rows")

func newTransfer(b Body, patience time.Duration) *transfer {
	return &transfer{chunks: b.Open(), patience: patience, answered: make(chan struct{}), closed: make(chan struct{})}
}

// wanted is asked before the first byte. After a final answer without 100 Continue net/http still sends the body if the
// connection is kept alive: all of it, for nothing. The end of the body must then wait until the answer is read, because
// it takes the connection down.
func (t *transfer) wanted() error {
	if t.continued.Load() || time.Since(t.waiting) >= t.patience {
		return nil
	}
	<-t.answered
	return errAnswered
}

// WriteTo is called at most once, by the transport.
func (t *transfer) WriteTo(w io.Writer) (int64, error) {
	if err := t.wanted(); err != nil {
		return 0, err
	}
	var n int64
	for {
		p, err := t.chunks.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		m, err := w.Write(p)
		n += int64(m)
		t.sent.Add(int64(m))
		if err != nil {
			return n, err
		}
	}
}

// Read serves a transport that does not know WriteTo.
func (t *transfer) Read(p []byte) (int, error) {
	if t.sent.Load() == 0 && t.piece == nil {
		if err := t.wanted(); err != nil {
			return 0, err
		}
	}
	for len(t.piece) == 0 {
		var err error
		if t.piece, err = t.chunks.Next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.piece)
	t.piece = t.piece[n:]
	t.sent.Add(int64(n))
	return n, nil
}

// Close is called by the transport, perhaps after the request has returned and perhaps more than once.
func (t *transfer) Close() error {
	t.once.Do(func() {
		t.chunks.Close()
		close(t.closed)
	})
	return nil
}
