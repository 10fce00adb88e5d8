package streamload

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"pgregory.net/rapid"
)

var decoders = map[Codec]func(io.Reader) ([]byte, error){
	Gzip: func(r io.Reader) ([]byte, error) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	},
	LZ4: func(r io.Reader) ([]byte, error) { return io.ReadAll(lz4.NewReader(r)) },
	Zstd: func(r io.Reader) ([]byte, error) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	},
}

// Read and WriteTo give the same bytes, and so does every opening.
func TestBodyReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &pieces{chunks: rapid.SliceOf(rapid.String()).Draw(t, "chunks")}
		want := strings.Join(p.chunks, "")
		var b Body = p
		codec := rapid.SampledFrom([]Codec{"", Gzip, LZ4, Zstd}).Draw(t, "codec")
		if codec != "" {
			b = Compressed(p, codec)
		}
		for i := range 3 {
			tr := newTransfer(b, 0)
			tr.waiting = time.Now()
			var got strings.Builder
			var err error
			if i == 1 {
				_, err = io.Copy(&got, iotest.OneByteReader(struct{ io.Reader }{tr}))
			} else {
				_, err = tr.WriteTo(&got)
			}
			if err != nil {
				t.Fatal(err)
			}
			tr.Close()
			tr.Close()
			plain := []byte(got.String())
			if codec != "" {
				if plain, err = decoders[codec](strings.NewReader(got.String())); err != nil {
					t.Fatal(err)
				}
			}
			if string(plain) != want {
				t.Fatalf("opening %d gives %q, want %q", i, plain, want)
			}
			if int64(got.Len()) != tr.sent.Load() {
				t.Fatalf("%d bytes sent, %d counted", got.Len(), tr.sent.Load())
			}
		}
		if p.opened != 3 || p.closed != 3 {
			t.Fatalf("opened %d times, closed %d times", p.opened, p.closed)
		}
	})
}

// A body given up half way gives its compressor back in a state that does not show in the next one.
func TestCompressorAfterABrokenBody(t *testing.T) {
	for codec, open := range decoders {
		broken := Compressed(&pieces{chunks: []string{strings.Repeat("never sent ", 100000), "x"}}, codec).Open()
		if _, err := broken.Next(); err != nil {
			t.Fatal(err)
		}
		broken.Close()
		tr := newTransfer(Compressed(&pieces{chunks: []string{"whole"}}, codec), 0)
		var got strings.Builder
		if _, err := tr.WriteTo(&got); err != nil {
			t.Fatal(err)
		}
		tr.Close()
		if plain, err := open(strings.NewReader(got.String())); err != nil || string(plain) != "whole" {
			t.Errorf("%s: %q, %v", codec, plain, err)
		}
	}
}
