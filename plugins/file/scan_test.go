package file

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/gx-etl/gx/plugins/sdk/dialect"
)

// scanned is all that a scanner makes of a file.
func scanned(t *testing.T, src io.Reader, limit int, parse func([]byte, bool) (int, string)) (out []string, bytes int64) {
	t.Helper()
	s := &scanner{src: src, limit: limit, parse: parse}
	for {
		rec, ok, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out, s.offset
		}
		out = append(out, fmt.Sprintf("%d@%d %s %q", rec.line, rec.offset, rec.reason, rec.text))
	}
}

// However a file comes in, its records, their lines and their places are the same, and no byte is left out.
func FuzzScan(f *testing.F) {
	f.Add([]byte("a,b\n\"c\nd\",e\r\n\"f\n"), 5, false)
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nb\n\nc"), 8, true)
	f.Add([]byte("\"\n\n\n\n\n\n\n\n\n\n\n\n\n\"\na"), 6, false)
	f.Fuzz(func(t *testing.T, file []byte, limit int, inLines bool) {
		limit = 1 + max(limit, -limit)%64
		if limit < 1 {
			return // of the smallest integer
		}
		d, _, err := dialect.New(",", `"`, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		var cells dialect.Record
		parse := func(data []byte, last bool) (int, string) { return d.Parse(data, last, &cells) }
		if inLines {
			parse = line
		}
		whole, n := scanned(t, bytes.NewReader(file), limit, parse)
		if n != int64(len(file)) {
			t.Fatalf("%q: %d bytes passed, of %d", file, n, len(file))
		}
		halves, _ := scanned(t, iotest.HalfReader(bytes.NewReader(file)), limit, parse)
		slow, _ := scanned(t, iotest.OneByteReader(bytes.NewReader(file)), limit, parse)
		if fmt.Sprint(whole) != fmt.Sprint(slow) || fmt.Sprint(whole) != fmt.Sprint(halves) {
			t.Fatalf("%q, limit %d\nat once:      %v\nbyte by byte: %v", file, limit, whole, slow)
		}
	})
}
