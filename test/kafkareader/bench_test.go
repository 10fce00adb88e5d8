package kafkareader

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkBatchRead reads a topic of messages of about 190 bytes over two lanes, through the socket that the core reads
// from, and throws the batches away.
func BenchmarkBatchRead(b *testing.B) {
	const partitions, n = 4, 1_000_000
	c := newCluster(b, partitions)
	value := func(i int) []byte {
		return fmt.Appendf(nil, `{"id":%d,"user":"user-%08d","amount":%d.%02d,"ts":"2026-11-21 10:%02d:%02d","note":"%064d","ok":true}`, i, i%100000, i%1000, i%100, i/60%60, i%60, i)
	}
	for i := 0; i < n; i += 10_000 {
		batch := make([]*kgo.Record, 10_000)
		for j := range batch {
			batch[j] = &kgo.Record{Topic: c.topic, Partition: int32(j % partitions), Value: value(i + j)}
		}
		if err := c.kgo.ProduceSync(context.Background(), batch...).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
	for _, options := range []string{"", `,"column":["id","user","amount","ts","note"]`} {
		name := "documents"
		if options != "" {
			name = "columns"
		}
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				s := c.serve(b, false, 2, fmt.Sprintf("bench-%s-%s-%d", name, serial, i), `,"beginType":"earliest"`+options)
				b.StartTimer()
				var total atomic.Int64
				var lanes sync.WaitGroup
				for lane := range 2 {
					lanes.Go(func() {
						stream, err := s.reader.Read(context.Background(), &v1.ReadRequest{Lane: uint32(lane), Shards: s.shards[2*lane : 2*lane+2]})
						for err == nil {
							var f wire.Frame
							if err = stream.RecvMsg(&f); err == nil {
								total.Add(int64(f.Rows))
								f.Free()
							}
						}
					})
				}
				lanes.Wait()
				b.StopTimer()
				if total.Load() != n {
					b.Fatalf("%d rows", total.Load())
				}
				s.close()
				b.StartTimer()
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
	b.Run("streaming", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			s := c.serve(b, true, 2, fmt.Sprintf("bench-s-%s-%d", serial, i), "")
			ctx, cancel := context.WithCancel(context.Background())
			var total atomic.Int64
			var lanes sync.WaitGroup
			b.StartTimer() // the group's start counts
			for lane := range 2 {
				lanes.Go(func() {
					stream, err := s.reader.Read(ctx, &v1.ReadRequest{Lane: uint32(lane), Shards: s.shards[lane : lane+1]})
					for err == nil {
						var f wire.Frame
						if err = stream.RecvMsg(&f); err == nil {
							if total.Add(int64(f.Rows)) >= n {
								cancel()
							}
							f.Free()
						}
					}
				})
			}
			lanes.Wait()
			b.StopTimer()
			cancel()
			s.close()
			b.StartTimer()
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "msg/s")
	})
}
