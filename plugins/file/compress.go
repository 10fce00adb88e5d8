package file

import (
	"compress/bzip2"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The ways to compress, as a job names them.
const (
	compressAuto = "auto" // by the extension of each file
	compressNone = "none"
	compressGzip = "gzip"
	compressZstd = "zstd"
	compressBzip = "bzip2"
)

var compressions = map[string]string{".gz": compressGzip, ".gzip": compressGzip, ".zst": compressZstd, ".zstd": compressZstd, ".bz2": compressBzip}

// compressionOf is how a file is compressed, where the job says as.
func compressionOf(as, path string) string {
	if as != compressAuto {
		return as
	}
	if c, known := compressions[strings.ToLower(filepath.Ext(path))]; known {
		return c
	}
	return compressNone
}

// maxWindow bounds the memory that a zstd file can ask for: that of zstd --long.
const maxWindow = 128 << 20

// expand reads what is compressed in r. The returned function frees what it holds.
func expand(r io.Reader, as string) (io.Reader, func(), error) {
	switch as {
	case compressGzip:
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	case compressZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case compressBzip:
		return bzip2.NewReader(r), func() {}, nil
	}
	return r, func() {}, nil
}

type unpacked struct{ io.Writer }

func (unpacked) Close() error { return nil }

// compressor writes to w what is written to it, compressed; Close ends the stream and leaves w open.
func compressor(w io.Writer, as string) (io.WriteCloser, error) {
	switch as {
	case compressGzip:
		return gzip.NewWriter(w), nil
	case compressZstd:
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	}
	return unpacked{w}, nil
}
