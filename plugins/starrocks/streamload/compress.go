package streamload

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec compresses the body of a load.
type Codec string

// The codecs that StarRocks takes and gx has.
const (
	Gzip Codec = "gzip"
	LZ4  Codec = "lz4_frame"
	Zstd Codec = "zstd"
)

// Compressed is b behind a codec.
func Compressed(b Body, c Codec) Body { return compressed{b, c} }

type compressed struct {
	body  Body
	codec Codec
}

func (c compressed) Open() Chunks {
	return &squeeze{inner: c.body.Open(), codec: c.codec, press: pressFor(c.codec)}
}

// press is a compressor that can be used again.
type press interface {
	io.WriteCloser
	Reset(io.Writer)
}

var presses = map[Codec]*sync.Pool{
	Gzip: {New: func() any { z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return z }},
	LZ4:  {New: func() any { return lz4.NewWriter(nil) }},
	Zstd: {New: func() any {
		// One encoder per load in flight, each on the lane's own time: no goroutines that outlive a load.
		z, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		return z
	}},
}

func pressFor(c Codec) press {
	pool, ok := presses[c]
	if !ok {
		panic(fmt.Sprintf("streamload: unknown codec %q", c))
	}
	return pool.Get().(press)
}

// squeeze yields compressed pieces of 256 KiB and more.
type squeeze struct {
	inner Chunks
	codec Codec
	press press // nil when the last byte is in out
	began bool
	out   []byte
}

const pieceBytes = 256 << 10

// Write takes what the compressor gives out.
func (s *squeeze) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	return len(p), nil
}

// Next serves Chunks.
func (s *squeeze) Next() ([]byte, error) {
	if s.press == nil {
		return nil, io.EOF
	}
	if !s.began {
		s.began = true
		s.press.Reset(s)
	}
	s.out = s.out[:0]
	for len(s.out) < pieceBytes {
		p, err := s.inner.Next()
		if err == io.EOF {
			err = s.press.Close()
			s.release()
			return s.out, err
		}
		if err != nil {
			return nil, err
		}
		if _, err := s.press.Write(p); err != nil {
			return nil, fmt.Errorf("compress the load: %w", err)
		}
	}
	return s.out, nil
}

func (s *squeeze) release() {
	if s.press != nil {
		s.press.Reset(nil)
		presses[s.codec].Put(s.press)
		s.press = nil
	}
}

// Close serves Chunks.
func (s *squeeze) Close() {
	s.inner.Close()
	s.release()
}
