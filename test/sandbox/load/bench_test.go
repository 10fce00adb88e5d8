package load

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

const benchRows = 100000

// BenchmarkDiscard is the whole way: HTTP, FE-less, chunked bodies of 64 MB.
func BenchmarkDiscard(b *testing.B) {
	for name, headers := range map[string]h{"csv": nil, "json": {"format: json", "ignore_json_size: true"}} {
		b.Run(name, func(b *testing.B) {
			st := store.New(store.Options{})
			s, err := Start(Options{Store: st, Discard: true})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if err := st.CreateDatabase("d"); err != nil {
				b.Fatal(err)
			}
			if _, err := st.CreateTable("d", "t", store.Schema{Columns: conformanceColumns()}); err != nil {
				b.Fatal(err)
			}
			line := "%d\tsome text, to make it about 190 bytes in total" + strings.Repeat(".", 130) + "\t%d\n"
			if headers != nil {
				line = `{"k":%d,"v":"some text, to make it about 190 bytes in total` + strings.Repeat(".", 110) + `","n":%d}` + "\n"
			}
			var lines bytes.Buffer
			for i := range benchRows {
				fmt.Fprintf(&lines, line, i, i)
			}
			body := lines.Bytes()
			client := discardClient()
			defer client.c.CloseIdleConnections()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				r, err := client.send("PUT", s.BEAddr(), loadPath, headers, struct{ io.Reader }{bytes.NewReader(body)})
				if err != nil || r.answer.NumberLoadedRows != benchRows {
					b.Fatal(err, r)
				}
			}
		})
	}
}

// BenchmarkStore is the whole way of rows that are kept, in bodies of known length.
func BenchmarkStore(b *testing.B) {
	for name, c := range map[string]struct {
		headers h
		line    string
	}{
		"csv":  {nil, "%d\tsome text, to make it about 190 bytes in total" + strings.Repeat(".", 130) + "\t%d\n"},
		"json": {h{"format: json", "ignore_json_size: true"}, `{"k":%d,"v":"some text, to make it about 190 bytes in total` + strings.Repeat(".", 110) + `","n":%d}` + "\n"},
	} {
		b.Run(name, func(b *testing.B) {
			st := store.New(store.Options{})
			s, err := Start(Options{Store: st})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if err := st.CreateDatabase("d"); err != nil {
				b.Fatal(err)
			}
			columns := conformanceColumns()
			columns[1].Type.Length = 500
			t, err := st.CreateTable("d", "t", store.Schema{Columns: columns})
			if err != nil {
				b.Fatal(err)
			}
			var lines bytes.Buffer
			for i := range benchRows {
				fmt.Fprintf(&lines, c.line, i, i)
			}
			client := discardClient()
			defer client.c.CloseIdleConnections()
			b.SetBytes(int64(lines.Len()))
			b.ReportAllocs()
			for b.Loop() {
				r, err := client.send("PUT", s.BEAddr(), loadPath, c.headers, bytes.NewReader(lines.Bytes()))
				if err != nil || r.answer.NumberLoadedRows != benchRows {
					b.Fatal(err, r)
				}
				t.Truncate()
			}
			b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
