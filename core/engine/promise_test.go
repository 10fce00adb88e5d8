package engine

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/job"
)

// The guarantee in force is the one that the job asks for, or the better one where it makes a difference; what is impossible is refused
// before anything is touched.
func TestPromises(t *testing.T) {
	for name, c := range map[string]struct {
		guarantee job.Guarantee
		sizes     []int
		none      string
		safe      bool
		exactly   bool
		note      string
		exit      int
	}{
		"default":                   {sizes: []int{1, 1}, exactly: true, note: "delivery: exactly-once; each of the 2 shards"},
		"one shard":                 {sizes: []int{1}, note: "delivery: at-least-once; after a crash gx run --resume"},
		"one shard, asked for":      {guarantee: job.ExactlyOnce, sizes: []int{1}, exactly: true, note: "exactly-once"},
		"replaced by key":           {sizes: []int{1, 1}, safe: true, note: "replaces rows by key"},
		"replaced by key, asked":    {guarantee: job.ExactlyOnce, sizes: []int{1, 1}, safe: true, exactly: true, note: "exactly-once"},
		"at least once":             {guarantee: job.AtLeastOnce, sizes: []int{1, 1}, note: "at-least-once; as the job asks"},
		"no transactions":           {sizes: []int{1, 1}, none: "the server is too old", note: "(exactly-once is not possible: the server is too old)"},
		"no transactions, asked":    {guarantee: job.ExactlyOnce, sizes: []int{1, 1}, none: "the server is too old", exit: fault.ExitConfig},
		"secret in a shard's words": {guarantee: job.ExactlyOnce, sizes: []int{1, 1}, exit: fault.ExitConfig},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResumable(t)
			r.sizes, r.guarantee = c.sizes, c.guarantee
			err := r.run(false, func(s *frozenSource, w *twoPhase) {
				w.none, w.safe = c.none, c.safe
				if strings.HasPrefix(name, "secret") {
					s.prefix = "geheim"
				}
			})
			if fault.Exit(err) != c.exit {
				t.Fatalf("%v", err)
			}
			if err != nil {
				if fault.Of(err).Place != "setting.deliveryGuarantee" || len(r.writer.starts) > 0 || strings.Contains(fault.Text(err), "geheim") {
					t.Fatalf("%v, started %v", fault.Text(err), r.writer.starts)
				}
				return
			}
			r.want(1)
			if (len(r.target.transactions) > 0) != c.exactly || !r.said(c.note) {
				t.Fatalf("%d transactions, %q", len(r.target.transactions), r.notes)
			}
		})
	}
}
