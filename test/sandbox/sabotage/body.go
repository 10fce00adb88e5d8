package sabotage

import (
	"io"
	"net/http"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

// slowBody takes in so many bytes a second.
type slowBody struct {
	io.ReadCloser
	s    *Saboteur
	r    *http.Request
	rate int64
}

// steps is how many pieces a slow body or result takes in a second.
const steps = 20

func (b *slowBody) Read(p []byte) (int, error) {
	piece := max(1, b.rate/steps)
	if int64(len(p)) > piece {
		p = p[:piece]
	}
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.s.wait(b.r.Context(), time.Duration(n)*time.Second/time.Duration(b.rate))
	}
	return n, err
}

// cutBody ends inside the body.
type cutBody struct {
	io.ReadCloser
	left    int64
	tripped bool
	fault   fault.Fault
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.tripped = true
		return 0, io.ErrUnexpectedEOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}
