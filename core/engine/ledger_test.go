package engine

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Against a plain model: a shard's safe position is that of the last batch of its unbroken acked head, whatever the order
// of the acks, and every row is counted once.
func TestLedgerAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 40).Draw(t, "shards")
		l := newLedger()
		var rows uint64
		for i, s := range shards {
			seq := uint64(i + 1)
			if err := l.sent(seq, s, []byte(fmt.Sprint(seq)), uint32(seq)); err != nil {
				t.Fatal(err)
			}
			rows += seq
		}
		order := rapid.Permutation(indices(len(shards))).Draw(t, "order")
		acked := make([]bool, len(shards))
		safe := map[string]string{}
		var counted uint64
		for _, i := range order {
			n, moved, _, err := l.acked(uint64(i+1), uint64(i+1))
			if err != nil {
				t.Fatal(err)
			}
			counted += n
			acked[i] = true
			for _, m := range moved {
				safe[m.Shard] = string(m.Position)
			}
			for _, s := range []string{"a", "b", "c"} {
				if want := modelSafe(shards, acked, s); safe[s] != want {
					t.Fatalf("after ack %d shard %s is safe to %q, want %q", i+1, s, safe[s], want)
				}
			}
		}
		if counted != rows || l.unacked != 0 || len(l.open) != 0 {
			t.Fatalf("counted %d of %d rows, %d unacked, %d open", counted, rows, l.unacked, len(l.open))
		}
	})
}

func modelSafe(shards []string, acked []bool, shard string) string {
	last := ""
	for i, s := range shards {
		if s != shard {
			continue
		}
		if !acked[i] {
			break
		}
		last = fmt.Sprint(i + 1)
	}
	return last
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestLedgerRefusesNonsense(t *testing.T) {
	l := newLedger()
	if err := l.sent(2, "a", nil, 1); err == nil {
		t.Error("a gap in the sequence was taken")
	}
	if err := l.sent(1, "a", nil, 1); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]uint64{{1, 2}, {2, 2}, {1, 0}, {0, 1}} {
		if _, _, _, err := l.acked(r[0], r[1]); err == nil {
			t.Errorf("ack of %v was taken", r)
		}
	}
	if _, _, _, err := l.acked(1, 1); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := l.acked(1, 1); err == nil {
		t.Error("a second ack was taken")
	}
}
