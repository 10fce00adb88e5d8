package rowcount

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// splitRows counts by cutting the whole text.
func splitRows(data, delimiter []byte, skip int) (rows int64, missing int) {
	lines := bytes.Split(data, delimiter)
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	if skip > len(lines) {
		return 0, skip - len(lines)
	}
	for _, l := range lines[skip:] {
		if len(l) > 0 {
			rows++
		}
	}
	return rows, 0
}

// countPieces does with the bytes that Feed leaves what a reader does.
func countPieces(pieces [][]byte, delimiter []byte, skip int) (int64, int) {
	c := NewCSV(delimiter, skip)
	var rest []byte
	for _, p := range pieces {
		rest = append(rest, p...)
		rest = rest[c.Feed(rest):]
	}
	return c.End(rest)
}

func TestCSVAgreesWithSplitting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delimiter := []byte(rapid.SampledFrom([]string{"\n", "a", "##", "aba", "#a#"}).Draw(t, "delimiter"))
		data := rapid.SliceOfN(rapid.SampledFrom([]byte("\n#abbbbbb\x8a")), 0, 300).Draw(t, "data")
		skip := rapid.IntRange(0, 3).Draw(t, "skip")
		wantRows, wantMissing := splitRows(data, delimiter, skip)
		rows, missing := countPieces(cut(t, data), delimiter, skip)
		if rows != wantRows || missing != wantMissing {
			t.Fatalf("%q by %q, %d skipped: %d rows, %d missing; want %d, %d", data, delimiter, skip, rows, missing, wantRows, wantMissing)
		}
	})
}

func TestRunsAgreesWithPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte("\n\n\na")), rapid.Byte()), 1, 300).Draw(t, "data")
		want := 0
		for i := 1; i < len(data); i++ {
			if data[i] == '\n' && data[i-1] != '\n' {
				want++
			}
		}
		if got, plain := runs(data, '\n'), runsPlain(data, '\n'); got != want || plain != want {
			t.Fatalf("%q: %d, plainly %d, want %d", data, got, plain, want)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a\n\nb\n"), []byte("\n"), 1, 3)
	f.Add([]byte("ababa"), []byte("aba"), 0, 2)
	f.Fuzz(func(t *testing.T, data, delimiter []byte, skip, piece int) {
		if len(delimiter) == 0 || len(delimiter) > 50 {
			return
		}
		skip, piece = skip&0xff, max(1, piece&0xff)
		var pieces [][]byte
		for rest := data; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			pieces = append(pieces, rest[:min(piece, len(rest))])
		}
		wantRows, wantMissing := splitRows(data, delimiter, skip)
		if rows, missing := countPieces(pieces, delimiter, skip); rows != wantRows || missing != wantMissing {
			t.Fatalf("%q by %q, %d skipped: %d rows, %d missing; want %d, %d", data, delimiter, skip, rows, missing, wantRows, wantMissing)
		}
	})
}
