package ingest

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// bodyReader counts the wire bytes of a body, enforces the size limit and shows
// what passes to whoever asked.
type bodyReader struct {
	src     io.Reader
	seen    func(p []byte)
	limit   int64
	tooBig  func(n int64) error
	read    int64
	failure error // what ended the body before its end, nil for a whole body
}

// ErrBodyCut marks a body that the client did not send to its end.
var ErrBodyCut = errors.New("the connection ended inside the body")

func (r *bodyReader) Read(p []byte) (int, error) {
	if r.failure != nil {
		return 0, r.failure
	}
	n, err := r.src.Read(p)
	r.read += int64(n)
	r.seen(p[:n])
	if r.read > r.limit {
		r.failure = serverRefusal{r.tooBig(r.read)}
		return n, r.failure
	}
	if err != nil && err != io.EOF {
		r.failure = fmt.Errorf("%w: %w", ErrBodyCut, err)
		err = r.failure
	}
	return n, err
}

// drain reads what is left, which is all of the body when a decoder stopped early.
func (r *bodyReader) drain() error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		if _, err := r.Read(*buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// bufferSize is large enough that a read crosses the HTTP server's own buffer
// and fills straight from the socket.
const bufferSize = 1 << 20

var buffers = sync.Pool{New: func() any {
	b := make([]byte, bufferSize)
	return &b
}}
