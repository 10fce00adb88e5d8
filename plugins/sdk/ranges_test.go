package sdk

import (
	"testing"

	"pgregory.net/rapid"
)

// model keeps what ranges keeps, one entry per sequence.
type model struct {
	came, acked map[uint64]bool
	recv        uint64
}

func (m *model) safe() uint64 {
	for seq := uint64(1); seq <= m.recv; seq++ {
		if m.came[seq] && !m.acked[seq] {
			return seq - 1
		}
	}
	return m.recv
}

// ranges agrees with a model that knows every single sequence, whatever comes and whatever a writer acks.
func TestRangesAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ranges
		m := model{came: make(map[uint64]bool), acked: make(map[uint64]bool)}
		t.Repeat(map[string]func(*rapid.T){
			"receive": func(t *rapid.T) {
				seq := m.recv + rapid.Uint64Range(1, 4).Draw(t, "step")
				if err := r.receive(seq); err != nil {
					t.Fatal(err)
				}
				m.recv = seq
				m.came[seq] = true
			},
			"receive an old one": func(t *rapid.T) {
				if err := r.receive(rapid.Uint64Range(0, m.recv).Draw(t, "seq")); err == nil {
					t.Fatal("a sequence that was there before was taken")
				}
			},
			"ack": func(t *rapid.T) {
				a := Range{First: rapid.Uint64Range(0, m.recv+1).Draw(t, "first")}
				a.Last = a.First + rapid.Uint64Range(0, 6).Draw(t, "more")
				before := m.safe()
				parts, err := r.ack(a)
				fresh, again := 0, false
				for seq := a.First; seq <= a.Last; seq++ {
					if m.came[seq] && !m.acked[seq] {
						fresh++
					}
					again = again || m.acked[seq]
				}
				if bad := a.First == 0 || a.Last > m.recv || again || fresh == 0; bad != (err != nil) {
					t.Fatalf("ack of %v: %v (safe %d, received %d)", a, err, before, m.recv)
				}
				if err != nil {
					return
				}
				got := 0
				for _, p := range parts {
					for seq := p.First; seq <= p.Last; seq++ {
						if !m.came[seq] {
							t.Fatalf("ack of %v tells the core of batch %d, which never came", a, seq)
						}
						m.acked[seq] = true
						got++
					}
				}
				if got != fresh {
					t.Fatalf("ack of %v tells the core of %d batches, want %d", a, got, fresh)
				}
			},
			"": func(t *rapid.T) {
				if r.safe != m.safe() || r.recv != m.recv {
					t.Fatalf("safe up to %d of %d, want %d of %d", r.safe, r.recv, m.safe(), m.recv)
				}
			},
		})
	})
}
