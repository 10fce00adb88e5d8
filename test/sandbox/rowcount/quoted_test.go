package rowcount

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// quotedRows counts with all of the data at hand, one byte after the other: once to
// find the row at the end that may want a delimiter, and once with it.
func quotedRows(data []byte, d Dialect, skip int) (rows int64, missing int) {
	_, _, open := scanQuoted(data, d, skip)
	if len(open) > 0 && !bytes.HasSuffix(open, d.Delimiter) {
		data = append(data[:len(data):len(data)], d.Delimiter...)
	}
	rows, missing, _ = scanQuoted(data, d, skip)
	return rows, missing
}

// scanQuoted returns besides what is behind the last row that ends with more bytes
// to come than a delimiter and a separator need.
func scanQuoted(data []byte, d Dialect, skip int) (rows int64, missing int, open []byte) {
	for ; skip > 0; skip-- {
		_, rest, found := bytes.Cut(data, d.Delimiter)
		if !found {
			return 0, skip, data
		}
		data = rest
	}
	open = data
	delimiterAt := func(i int) int {
		switch {
		case bytes.HasPrefix(data[i:], d.Delimiter):
			return len(d.Delimiter)
		case bytes.HasPrefix(data[i:], d.Separator):
			return len(d.Separator)
		}
		return 0
	}
	at, fields := atStart, 0
	inside := false // where an escape or a doubled enclose returns to
	back := func() state {
		if inside {
			return enclosed
		}
		return ordinary
	}
	for i := 0; i < len(data); i++ {
		b := data[i]
		n := delimiterAt(i)
		next := i+1 < len(data) && data[i+1] == d.Enclose
		switch {
		case at == doubled:
			at = back()
		case at == escaped && (b == d.Enclose || b == d.Escape):
			at = back()
		case at == escaped && n > 0:
			at = back()
			i += n - 1
		case at == escaped:
			at = ordinary
			i-- // again, as an ordinary byte
		case at == enclosed && b == d.Enclose && next:
			at, inside = doubled, true
		case at == enclosed && b == d.Enclose:
			at = ordinary
		case at == enclosed && b == d.Escape:
			at, inside = escaped, true
		case at == enclosed:
		case at == atStart && d.Trim && b == ' ':
		case bytes.HasPrefix(data[i:], d.Delimiter):
			if fields > 0 || at != atStart {
				rows++
			}
			at, fields = atStart, 0
			if len(data)-i > max(len(d.Delimiter), len(d.Separator))+1 {
				open = data[i+n:]
			}
			i += n - 1
		case n > 0:
			at = atStart
			fields++
			i += n - 1
		case b == d.Escape:
			at, inside = escaped, false
		case b == d.Enclose && at == ordinary:
			at, inside = doubled, false
		case b == d.Enclose && d.LiteralPair && next:
			at = ordinary
			i++
		case b == d.Enclose:
			at = enclosed
		default:
			at = ordinary
		}
	}
	if fields > 0 || at != atStart {
		rows++
	}
	return rows, 0, open
}

func countQuoted(pieces [][]byte, d Dialect, skip int) (int64, int) {
	c := NewQuoted(d, skip)
	var rest []byte
	for _, p := range pieces {
		rest = append(rest, p...)
		rest = rest[c.Feed(rest):]
	}
	return c.End(rest)
}

func TestQuotedAgreesWithBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Dialect{
			Separator: []byte(rapid.SampledFrom([]string{",", "||", " ", "aba"}).Draw(t, "separator")),
			Delimiter: []byte(rapid.SampledFrom([]string{"\n", "\r\n", "##", "||"}).Draw(t, "delimiter")),
			Enclose:   rapid.SampledFrom([]byte{0, '"', '\\', '|'}).Draw(t, "enclose"),
			Escape:    rapid.SampledFrom([]byte{0, '\\', '"'}).Draw(t, "escape"),
			Trim:      rapid.Bool().Draw(t, "trim"),

			LiteralPair: rapid.Bool().Draw(t, "pair"),
		}
		alphabet := []string{",", "|", "||", "\n", "\r\n", "#", "\"", "\"\"", "\\", " ", "a", "b", "aba", "text that is a bit longer than most of the others", "\x00"}
		var data []byte
		for _, s := range rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 100).Draw(t, "data") {
			data = append(data, s...)
		}
		skip := rapid.IntRange(0, 3).Draw(t, "skip")
		wantRows, wantMissing := quotedRows(data, d, skip)
		if rows, missing := countQuoted(cut(t, data), d, skip); rows != wantRows || missing != wantMissing {
			t.Fatalf("%q as %+v, %d skipped: %d rows, %d missing; byte by byte %d, %d", data, d, skip, rows, missing, wantRows, wantMissing)
		}
	})
}

// More than a stretch at once, and delimiters across the end of one.
func TestQuotedStretches(t *testing.T) {
	d := Dialect{Separator: []byte("||"), Delimiter: []byte("\r\n"), Enclose: '"', Escape: '\\'}
	row := []byte("\"a\r\n\"\"b\"||c\\\r\nd||\r\n")
	for shift := range 2 * len(row) {
		data := append(bytes.Repeat([]byte("x"), shift), bytes.Repeat(row, 3*stretch/len(row))...)
		want, _ := quotedRows(data, d, 0)
		if rows, _ := countQuoted([][]byte{data}, d, 0); rows != want {
			t.Errorf("shifted by %d: %d rows, want %d", shift, rows, want)
		}
	}
}

func TestSpecialAgreesWithPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "blocks")
		data := rapid.SliceOfN(rapid.ByteRange(0, 8), n*blockSize, n*blockSize).Draw(t, "data")
		chars := [4]byte(rapid.SliceOfN(rapid.ByteRange(0, 8), 4, 4).Draw(t, "chars"))
		got, want := make([]uint64, n), make([]uint64, n)
		special(data, got, &chars)
		specialPlain(data, want, &chars)
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("block %d of %q, %q: %x, plainly %x", i, data, chars, got[i], want[i])
			}
		}
	})
}

func FuzzQuoted(f *testing.F) {
	f.Add([]byte("\"a\n\",b\nc\\\n,\"\"\"\"\n"), []byte(","), []byte("\n"), byte('"'), byte('\\'), false, false, 0, 3)
	f.Add([]byte("  \"a\"||b##"), []byte("||"), []byte("##"), byte('"'), byte(0), true, true, 1, 64)
	f.Fuzz(func(t *testing.T, data, separator, delimiter []byte, enclose, escape byte, trim, pair bool, skip, piece int) {
		if len(separator) == 0 || len(delimiter) == 0 || len(separator) > 50 || len(delimiter) > 50 {
			return
		}
		d := Dialect{Separator: separator, Delimiter: delimiter, Enclose: enclose, Escape: escape, Trim: trim, LiteralPair: pair}
		skip, piece = skip&0xff, max(1, piece&0xff)
		var pieces [][]byte
		for rest := data; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			pieces = append(pieces, rest[:min(piece, len(rest))])
		}
		wantRows, wantMissing := quotedRows(data, d, skip)
		if rows, missing := countQuoted(pieces, d, skip); rows != wantRows || missing != wantMissing {
			t.Fatalf("%q as %+v, %d skipped: %d rows, %d missing; byte by byte %d, %d", data, d, skip, rows, missing, wantRows, wantMissing)
		}
	})
}
