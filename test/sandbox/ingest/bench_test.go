package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func orders(b *testing.B) *store.Table {
	b.Helper()
	st := store.New(store.Options{})
	if err := st.CreateDatabase("d"); err != nil {
		b.Fatal(err)
	}
	var s store.Schema
	for _, c := range []string{"id bigint", "name varchar(50)", "qty int", "price decimal(10,2)", "at datetime", "note string"} {
		name, typ, _ := strings.Cut(c, " ")
		t, err := store.ParseType(typ)
		if err != nil {
			b.Fatal(err)
		}
		s.Columns = append(s.Columns, store.Column{Name: name, Type: t, Nullable: true})
	}
	t, err := st.CreateTable("d", "orders", s)
	if err != nil {
		b.Fatal(err)
	}
	return t
}

const benchRows = 100000

func benchBody(format string) []byte {
	var body bytes.Buffer
	for i := range benchRows {
		fmt.Fprintf(&body, format, i, i, i%100, i%1000)
	}
	return body.Bytes()
}

const (
	csvLine  = "%d\tcustomer number %d\t%d\t%d.50\t2024-01-02 03:04:05\tsome text that is a bit longer, to make it about 190 bytes in total\n"
	jsonLine = `{"id":%d,"name":"customer number %d","qty":%d,"price":"%d.50","at":"2024-01-02 03:04:05","note":"some text that is a bit longer, to make it about 190 bytes in total"}` + "\n"
)

func benchmarkLoad(b *testing.B, body []byte, change func(*Request)) {
	q := New(Options{}, "d", "orders", "l")
	change(q)
	t := orders(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		sink, err := q.plan(t)
		if err != nil {
			b.Fatal(err)
		}
		if err := feed(q, sink, bytes.NewReader(body)); err != nil || sink.batch.Len() != benchRows {
			b.Fatal(err, sink.batch.Len(), sink.log)
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkLoadCSV(b *testing.B) {
	benchmarkLoad(b, benchBody(csvLine), func(*Request) {})
}

func BenchmarkLoadQuotedCSV(b *testing.B) {
	benchmarkLoad(b, benchBody(csvLine), func(q *Request) { q.enclose = '"' })
}

func BenchmarkLoadJSON(b *testing.B) {
	benchmarkLoad(b, benchBody(jsonLine), func(q *Request) { q.json = true })
}

func BenchmarkCount(b *testing.B) {
	csv, objects := benchBody(csvLine), benchBody(jsonLine)
	pairs := bytes.ReplaceAll(csv, []byte("\n"), []byte("\r\n"))
	for name, c := range map[string]struct {
		body []byte
		q    Request
	}{
		"csv":       {csv, Request{delimiter: []byte{'\n'}}},
		"csvSkip1":  {csv, Request{delimiter: []byte{'\n'}, skip: 1}},
		"csv2bytes": {pairs, Request{delimiter: []byte("\r\n")}},
		"csvQuoted": {csv, Request{separator: []byte{'\t'}, delimiter: []byte{'\n'}, enclose: '"'}},
		"json":      {objects, Request{json: true}},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := countRows(&c.q, bytes.NewReader(c.body)); err != nil || n < benchRows-1 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
