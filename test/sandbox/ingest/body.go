package ingest

import (
	stdbzip2 "compress/bzip2"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// bodyReader counts the wire bytes of a body, enforces the size limit and keeps
// a copy of the beginning when asked to.
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
		r.failure = r.tooBig(r.read)
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

// decode wraps the body in the reader of its codec. The close function must be
// called when the reader is no longer used.
func decode(c codec, body io.Reader) (r io.Reader, close func(), err error) {
	nothing := func() {}
	switch c {
	case noCodec:
		return body, nothing, nil
	case gzipCodec:
		z, err := gzip.NewReader(body)
		if err == io.EOF { // an empty body holds no rows, compressed or not
			return eofReader{}, nothing, nil
		}
		if err != nil {
			return nil, nothing, decodeError(c, err)
		}
		return &decodedReader{z, c}, nothing, nil
	case bzip2:
		return &decodedReader{stdbzip2.NewReader(body), c}, nothing, nil
	case lz4Frame:
		return &decodedReader{lz4.NewReader(body), c}, nothing, nil
	case zstdCodec:
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nothing, decodeError(c, err)
		}
		return &decodedReader{z, c}, z.Close, nil
	}
	return nil, nothing, inWords("Unsupported compression type: %s", c)
}

// decodedReader says in its errors that decompression is where they come from.
type decodedReader struct {
	src   io.Reader
	codec codec
}

func (r *decodedReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	if err != nil && err != io.EOF {
		err = decodeError(r.codec, err)
	}
	return n, err
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }

func decodeError(c codec, err error) error {
	if errors.Is(err, ErrBodyCut) {
		return err
	}
	return fmt.Errorf("decompress %s failed: %w", c, err)
}
