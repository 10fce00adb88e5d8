package rowcount

import (
	"bytes"
	"fmt"
	"testing"
)

// body is 8 MiB, more than the second-level cache holds, fed in the pieces that
// the discard mode reads.
func body(line string) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 8<<20; i++ {
		fmt.Fprintf(&b, line, i, i%100)
	}
	return b.Bytes()
}

const piece = 256 << 10

func BenchmarkJSON(b *testing.B) {
	for _, c := range []struct {
		name, line string
		elements   bool
	}{
		{"flat", `{"id":%d,"name":"a customer with a name","qty":%d,"price":"12.50","at":"2024-01-02 03:04:05","note":"some text that is a bit longer, to make it about 190 bytes"}` + "\n", false},
		{"array", `{"id":%d,"name":"a customer with a name","qty":%d,"price":"12.50","at":"2024-01-02 03:04:05","note":"some text that is a bit longer, to make it about 190 bytes"},`, true},
		{"nested", `{"id":%d,"name":"a customer with a name","qty":%d,"price":"12.50","tag":{"a":1,"b":[1,2,{"c":3}]},"note":"some text that is a bit longer, to make it about 190 bytes"}` + "\n", false},
		{"escaped", `{"id":%d,"name":"a \"customer\" with a name","qty":%d,"price":"12.50","at":"2024\/01\/02 03:04:05","note":"some text that is a bit longer,\nto make it about 190 bytes"}` + "\n", false},
		{"short", `{"id":%d,"qty":%d}` + "\n", false},
	} {
		data := body(c.line)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				n := NewJSON(c.elements)
				if c.elements {
					n.Feed([]byte("["))
				}
				for rest := data; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
					n.Feed(rest[:min(piece, len(rest))])
				}
				if n.End() == 0 {
					b.Fatal("no rows")
				}
			}
		})
	}
}

func BenchmarkCSV(b *testing.B) {
	for name, ending := range map[string]string{"one byte": "\n", "two bytes": "\r\n"} {
		data := body("%d\ta customer with a name\t%d\t12.50\t2024-01-02 03:04:05\tsome text that is a bit longer, to make it about 130 bytes" + ending)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				c := NewCSV([]byte(ending), 1)
				rest := data
				for len(rest) >= piece {
					rest = rest[c.Feed(rest[:piece]):]
				}
				rest = rest[c.Feed(rest):]
				if n, _ := c.End(rest); n == 0 {
					b.Fatal("no rows")
				}
			}
		})
	}
}

func BenchmarkQuoted(b *testing.B) {
	for name, line := range map[string]string{
		"bare":     "%d\ta customer with a name\t%d\t12.50\t2024-01-02 03:04:05\tsome text that is a bit longer, to make it about 130 bytes\n",
		"enclosed": "\"%d\"\t\"a customer with a name\"\t\"%d\"\t\"12.50\"\t\"2024-01-02 03:04:05\"\t\"some text that is a bit longer, to make it about 130 bytes\"\n",
	} {
		data := body(line)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				c := NewQuoted(Dialect{Separator: []byte("\t"), Delimiter: []byte("\n"), Enclose: '"'}, 0)
				if n, _ := c.End(data[c.Feed(data):]); n == 0 {
					b.Fatal("no rows")
				}
			}
		})
	}
}
