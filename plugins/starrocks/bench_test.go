package starrocks

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/starrocks/encode"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// documentLoad is a load of about 64 MiB of 190-byte documents in batches of 1 MiB.
func documentLoad(b *testing.B) *load {
	const perBatch = 5500
	ld := &load{kind: kindDocuments, target: &target{database: "d", table: "t"}, header: http.Header{}, bytes: 1}
	for seq := range 64 {
		docs := make([]string, perBatch)
		for i := range docs {
			docs[i] = fmt.Sprintf(`{"id":%010d,"city":"New York","pad":"%0140d"}`, seq*perBatch+i, i)
		}
		d, err := encode.NewDocuments(documents(docs...).Column(0))
		if err != nil {
			b.Fatal(err)
		}
		for i := range docs {
			if reason := d.Bad(i); reason != "" {
				b.Fatal(reason)
			}
		}
		ld.add(&arrival{sequence: uint64(seq + 1), docs: d}, 0, perBatch)
		ld.bytes += d.Size(0, perBatch)
	}
	return ld
}

// Joining documents into the pieces of a body; allocs/op is for the whole of it.
func BenchmarkBodyDocuments(b *testing.B) {
	ld := documentLoad(b)
	b.SetBytes(ld.bytes)
	b.ReportAllocs()
	for b.Loop() {
		n := int64(0)
		c := ld.Open()
		for {
			p, err := c.Next()
			if err == io.EOF {
				break
			}
			n += int64(len(p))
		}
		c.Close()
		if n != ld.bytes {
			b.Fatalf("%d bytes, counted %d", n, ld.bytes)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ld.rows), "ns/row")
}

// The same body over a socket, to a server that discards it.
func BenchmarkSendDocuments(b *testing.B) {
	serve := func(addr string, h http.HandlerFunc) string {
		lis, err := net.Listen("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		srv := &http.Server{Handler: h}
		go func() { _ = srv.Serve(lis) }()
		b.Cleanup(func() { srv.Close() })
		return lis.Addr().String()
	}
	ld := documentLoad(b)
	buf := make([]byte, 1<<20)
	be := serve("127.0.0.2:0", func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := r.Body.Read(buf); err != nil {
				break
			}
		}
		fmt.Fprint(w, success("l", ld.rows, 0, 0))
	})
	fe := serve("127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+be+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	e, err := streamload.ParseEndpoint(fe, "")
	if err != nil {
		b.Fatal(err)
	}
	c := streamload.New(streamload.Config{Frontends: []streamload.Endpoint{e}, Hosts: streamload.NewHosts([]streamload.Endpoint{e}),
		ConnectTimeout: time.Second, AnswerTimeout: time.Minute})
	defer c.Close()
	s := c.Sender()
	defer s.Close()
	ld.label = "l"
	b.SetBytes(ld.bytes)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Send(b.Context(), ld.request()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ld.rows), "ns/row")
}
