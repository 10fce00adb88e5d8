package rowcount

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// quotedRows counts with all of the data at hand, one byte after the other.
func quotedRows(data []byte, d Dialect, skip int) (rows int64, missing int) {
	start, field, inEnclosed := 0, true, false // field: nothing of it was seen yet
	line := func(end int) {
		switch {
		case skip > 0:
			skip--
		case end > start:
			rows++
		}
	}
	i := 0
	for i < len(data) {
		b, rest := data[i], data[i+1:]
		switch {
		case d.Escape != 0 && b == d.Escape && len(rest) > 0 && (b != d.Enclose || !inEnclosed):
			field = false
			switch {
			case bytes.HasPrefix(rest, d.Delimiter):
				i += len(d.Delimiter)
			case bytes.HasPrefix(rest, d.Separator):
				i += len(d.Separator)
			default:
				i++
			}
		case inEnclosed && b == d.Enclose && len(rest) > 0 && rest[0] == b:
			i++
		case inEnclosed:
			inEnclosed = b != d.Enclose
		case d.Enclose != 0 && field && b == d.Enclose:
			inEnclosed, field = true, false
		case bytes.HasPrefix(data[i:], d.Delimiter):
			line(i)
			i += len(d.Delimiter)
			start, field = i, true
			continue
		case bytes.HasPrefix(data[i:], d.Separator):
			i += len(d.Separator) - 1
			field = true
		default:
			field = field && d.Trim && b == ' '
		}
		i++
	}
	if start < len(data) {
		line(len(data))
	}
	return rows, skip
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
		want := int64(3 * stretch / len(row))
		if shift > 0 {
			// The quote is inside the first field then, and the delimiter after it ends a row.
			want++
		}
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
	f.Add([]byte("\"a\n\",b\nc\\\n,\"\"\"\"\n"), []byte(","), []byte("\n"), byte('"'), byte('\\'), false, 0, 3)
	f.Add([]byte("  \"a\"||b##"), []byte("||"), []byte("##"), byte('"'), byte(0), true, 1, 64)
	f.Fuzz(func(t *testing.T, data, separator, delimiter []byte, enclose, escape byte, trim bool, skip, piece int) {
		if len(separator) == 0 || len(delimiter) == 0 || len(separator) > 50 || len(delimiter) > 50 {
			return
		}
		d := Dialect{Separator: separator, Delimiter: delimiter, Enclose: enclose, Escape: escape, Trim: trim}
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
