package ingest

import (
	"bytes"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// pack compresses with a codec; bzip2, which has no encoder here, knows one text.
func pack(t testing.TB, c codec, plain string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch c {
	case gzipCodec:
		w = gzip.NewWriter(&out)
	case deflate:
		w = zlib.NewWriter(&out)
	case lz4Frame:
		w = lz4.NewWriter(&out)
	case zstdCodec:
		w, err = zstd.NewWriter(&out)
	case bzip2:
		raw, err := hex.DecodeString(bzipped)
		if err != nil || plain != bzippedText {
			t.Fatal("bzip2 knows one text only", err)
		}
		return string(raw)
	default:
		return plain
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const (
	bzippedText = "1\ta\n2\tb\n"
	bzipped     = "425a683931415926535933e7b8f90000024900003030003000200021a699a0c03e008585dc914e14240cf9ee3e40"
)

func TestCodecs(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null")
	const rows = "1|a ; 2|b"
	for _, c := range []codec{gzipCodec, deflate, lz4Frame, zstdCodec, bzip2} {
		format := "format: " + strings.TrimSuffix(string(c), "_frame")
		packed := pack(t, c, bzippedText)
		scenario{name: string(c), tab: tab, headers: []string{format}, body: packed, want: rows}.run(t)
		scenario{name: string(c) + " twice", tab: tab, headers: []string{format}, body: packed + packed, want: "1|a ; 1|a ; 2|b ; 2|b"}.run(t)
		scenario{name: string(c) + " cut", tab: tab, headers: []string{format}, body: packed[:len(packed)-3], fails: "decompress " + string(c) + " failed"}.run(t)
		scenario{name: string(c) + " expected", tab: tab, headers: []string{format}, body: bzippedText, fails: "decompress " + string(c) + " failed"}.run(t)
		scenario{name: string(c) + " empty", tab: tab, headers: []string{format}, fails: "No rows were imported"}.run(t)
		scenario{name: string(c) + " by header", tab: tab, headers: []string{"compression: " + strings.ToUpper(string(c))}, body: packed, want: rows}.run(t)
		scenario{name: string(c) + " by encoding, over the format", tab: tab, headers: []string{"Content-Encoding: " + string(c), "format: zstd"}, body: packed, want: rows}.run(t)
		// Older servers take the bytes for CSV.
		scenario{name: string(c) + " by header, older", release: "3.5", tab: tab, headers: []string{"compression: " + string(c)}, body: packed,
			fails: "too many filtered rows"}.run(t)
		if c == bzip2 {
			continue
		}
		objects := pack(t, c, `{"k":1,"v":"a"}{"k":2,"v":"b"}`)
		scenario{name: string(c) + " json", tab: tab, headers: []string{"format: json", "compression: " + string(c)}, body: objects, want: rows}.run(t)
		scenario{name: string(c) + " json, older", release: "3.1", tab: tab, headers: []string{"format: json", "compression: " + string(c)}, body: objects,
			fails: "illegal json started with"}.run(t)
	}
	// What zlib calls deflate has a header; without it the BE cannot read it.
	var raw bytes.Buffer
	w, err := flate.NewWriter(&raw, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, bzippedText); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	scenario{name: "bare deflate", tab: tab, headers: []string{"format: deflate"}, body: raw.String(), fails: "decompress deflate failed"}.run(t)
	scenario{name: "zlib as gzip", tab: tab, headers: []string{"format: gzip"}, body: pack(t, deflate, bzippedText), want: rows}.run(t)
	skippable := "\x50\x2a\x4d\x18\x04\x00\x00\x00wxyz"
	for _, c := range []codec{lz4Frame, zstdCodec} {
		format := "format: " + strings.TrimSuffix(string(c), "_frame")
		scenario{name: string(c) + " skippable frames", tab: tab, headers: []string{format}, body: skippable + pack(t, c, bzippedText) + skippable, want: rows}.run(t)
	}
}

// A little that unpacks to a lot meets the limits of memory before it fills it.
func TestBombs(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null")
	lot := strings.Repeat(" ", 64<<20)
	for _, c := range []codec{gzipCodec, deflate, lz4Frame, zstdCodec} {
		packed := pack(t, c, lot)
		format := "format: " + strings.TrimSuffix(string(c), "_frame")
		scenario{name: string(c) + " json", tab: tab, headers: []string{"format: json", "load_mem_limit: 8000000", "compression: " + string(c)}, body: packed, fails: "Mem usage has exceed"}.run(t)
		scenario{name: string(c) + " one row", tab: tab, headers: []string{format, "load_mem_limit: 8000000"}, body: packed, fails: "Mem usage has exceed"}.run(t)
	}
}

// Counting sees the rows inside compressed bodies.
func TestCountCompressed(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null")
	for _, c := range []codec{gzipCodec, deflate, lz4Frame, zstdCodec, bzip2} {
		packed := pack(t, c, bzippedText)
		l, err := loadBodies(t, Options{Discard: true}, tab, []string{packed, packed}, "format: "+strings.TrimSuffix(string(c), "_frame"))
		if err != nil || l.Loaded() != 4 || l.Bytes() != int64(2*len(packed)) {
			t.Errorf("%s: %d rows of %d bytes, %v", c, l.Loaded(), l.Bytes(), err)
		}
	}
}
