package ingest

import (
	stdbzip2 "compress/bzip2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

type codec string

const (
	noCodec   codec = ""
	gzipCodec codec = "gzip"
	bzip2     codec = "bzip2"
	lz4Frame  codec = "lz4_frame"
	deflate   codec = "deflate" // with the zlib header, as the BE wants it
	zstdCodec codec = "zstd"
)

// knowsCompression tells whether the release reads the compression headers at all.
func (q *Request) knowsCompression() bool { return q.options.Release.AtLeastPatch(3, 2, 7) }

func (q *Request) readOneCodec(h http.Header) error {
	if q.knowsCompression() && h.Get("compression") != "" && h.Get("Content-Encoding") != "" {
		return inWords("Only one of http header content-encoding and compression can be set")
	}
	return nil
}

func (q *Request) readCodec(h http.Header) error {
	name := h.Get("compression") + h.Get("Content-Encoding")
	if name == "" || !q.knowsCompression() {
		return nil
	}
	c := noCodec
	switch strings.ToLower(name) {
	case "no_compression":
	case "gzip":
		c = gzipCodec
	case "bzip2":
		c = bzip2
	case "lz4_frame":
		c = lz4Frame
	case "deflate":
		c = deflate
	case "zstd":
		c = zstdCodec
	case "lz4", "zlib", "snappy":
		// Codecs of the tables' files, which the load has no stream reader for.
		return inWords("Unknown compress type: %s", strings.ToUpper(name))
	default:
		return inWords("Unsupported compression type: %s", name)
	}
	// Newer servers let the header decide for CSV as well, over the format; the
	// paper names no release, the first whose source was seen to do it is 4.0.
	if c != noCodec && (q.json || q.options.Release.AtLeast(4, 0)) {
		q.codec = c
	}
	return nil
}

// maxWindow is the largest zstd window, in bytes, that the server's library
// decodes without being told to.
const maxWindow = 1 << 27

// decode wraps the body in the reader of its codec. The close function must be
// called when the reader is no longer used.
func decode(c codec, body io.Reader) (r io.Reader, close func(), err error) {
	nothing := func() {}
	if c == noCodec {
		return body, nothing, nil
	}
	in := &byteSource{src: body}
	if !in.more() {
		if in.err != io.EOF {
			return nil, nothing, in.err
		}
		return in, nothing, nil // an empty body holds no rows, compressed or not
	}
	switch c {
	case gzipCodec, deflate:
		return &decodedReader{&members{in: in, codec: c}, c}, nothing, nil
	case bzip2:
		return &decodedReader{stdbzip2.NewReader(in), c}, nothing, nil
	case lz4Frame:
		return &decodedReader{&members{in: in, codec: c}, c}, nothing, nil
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, nothing, decodeError(c, err)
	}
	return &decodedReader{z, c}, z.Close, nil
}

// members reads compressed streams that follow one another as one.
type members struct {
	in    *byteSource
	codec codec
	z     io.Reader // nil between two streams
}

func (m *members) Read(p []byte) (int, error) {
	for {
		if m.z == nil {
			if !m.in.more() {
				return 0, m.in.err
			}
			if err := m.open(); err != nil {
				return 0, err
			}
		}
		n, err := m.z.Read(p)
		if err == io.EOF {
			m.z, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (m *members) open() error {
	switch {
	case m.codec == lz4Frame:
		m.z = lz4.NewReader(m.in)
	// A stream asked for as gzip may have the header of zlib, not the other way.
	case m.codec == deflate || m.in.buf[m.in.at]&0x0f == 8:
		z, err := zlib.NewReader(m.in)
		if err != nil {
			return err
		}
		m.z = z
	default:
		z, err := gzip.NewReader(m.in)
		if err != nil {
			return err
		}
		z.Multistream(false)
		m.z = z
	}
	return nil
}

// byteSource hands out single bytes, so that a decoder takes no more than its
// stream has.
type byteSource struct {
	src io.Reader
	buf []byte
	at  int
	err error
}

const byteSourceSize = 64 << 10

// more says whether another byte is there; else err tells why not.
func (s *byteSource) more() bool {
	for s.at == len(s.buf) && s.err == nil {
		if s.buf == nil {
			s.buf = make([]byte, 0, byteSourceSize)
		}
		var n int
		n, s.err = s.src.Read(s.buf[:cap(s.buf)])
		s.buf, s.at = s.buf[:n], 0
	}
	return s.at < len(s.buf)
}

func (s *byteSource) ReadByte() (byte, error) {
	if !s.more() {
		return 0, s.err
	}
	s.at++
	return s.buf[s.at-1], nil
}

func (s *byteSource) Read(p []byte) (int, error) {
	if !s.more() {
		return 0, s.err
	}
	n := copy(p, s.buf[s.at:])
	s.at += n
	return n, nil
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

// serverRefusal is an error about the body that stays as it is under a decoder.
type serverRefusal struct{ error }

func (e serverRefusal) Unwrap() error { return e.error }

func decodeError(c codec, err error) error {
	var refusal serverRefusal
	if errors.Is(err, ErrBodyCut) || errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("decompress %s failed: %w", c, err)
}
