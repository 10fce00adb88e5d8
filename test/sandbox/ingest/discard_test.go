package ingest

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Counting 64 bytes at a time agrees with counting byte by byte, in whatever
// pieces the data comes.
func TestJSONCounterBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := []byte(`""""{}[]aY_y,: ` + "\x7f\xff\x80")
		if rapid.Bool().Draw(t, "backslashes") {
			alphabet = append(alphabet, '\\')
		}
		data := rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 400).Draw(t, "data")
		plain, quick := jsonCounter{at: 1}, jsonCounter{at: 1}
		plain.bytes(data)
		for rest := data; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			quick.feed(rest[:n])
			rest = rest[n:]
		}
		if plain != quick {
			t.Fatalf("%q: %+v, byte by byte %+v", data, quick, plain)
		}
	})
}

func TestCSVCounterAgreesWithSplitting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delimiter := rapid.SampledFrom([]string{"\n", "##", "aba", "#a#"}).Draw(t, "delimiter")
		data := rapid.SliceOfN(rapid.SampledFrom([]byte("\n#ab")), 0, 80).Draw(t, "data")
		skip := rapid.IntRange(0, 3).Draw(t, "skip")
		want := int64(0)
		lines := bytes.Split(data, []byte(delimiter))
		for _, l := range lines[min(skip, len(lines)):] {
			if len(l) > 0 {
				want++
			}
		}
		got, err := countCSV(&oddPieces{data: data, n: len(data)}, []byte(delimiter), skip)
		if err != nil || got != want {
			t.Fatalf("%q by %q, %d skipped: %d, %v; want %d", data, delimiter, skip, got, err, want)
		}
	})
}
