package sketch

import (
	"encoding/binary"
	"math"
	"slices"
)

// Percentile answers quantiles of the values added. The server keeps a digest of
// them; this keeps every value, so that the answer is the one an unlimited digest
// gives. The zero value has seen nothing.
type Percentile struct {
	values []float64
	sorted bool
}

// Add adds a value. What is no number is left out.
func (p *Percentile) Add(v float64) {
	if !math.IsNaN(v) {
		p.values, p.sorted = append(p.values, v), false
	}
}

// Merge adds all values of o.
func (p *Percentile) Merge(o *Percentile) { p.values, p.sorted = append(p.values, o.values...), false }

// Quantile returns the value below which the part q (0 to 1) of all values lies,
// interpolated between neighbours. ok is false while there are no values.
func (p *Percentile) Quantile(q float64) (v float64, ok bool) {
	n := len(p.values)
	if n == 0 || math.IsNaN(q) {
		return 0, false
	}
	if !p.sorted {
		slices.Sort(p.values)
		p.sorted = true
	}
	// Each value stands in the middle of its share of the whole.
	at := min(max(q, 0), 1)*float64(n) - 0.5
	switch i := int(math.Floor(at)); {
	case i < 0:
		return p.values[0], true
	case i >= n-1:
		return p.values[n-1], true
	default:
		share := at - float64(i)
		return p.values[i]*(1-share) + p.values[i+1]*share, true
	}
}

// Encode returns the sketch as bytes.
func (p *Percentile) Encode() []byte {
	out := make([]byte, 1, 1+8*len(p.values))
	out[0] = 'P'
	for _, v := range p.values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}

// DecodePercentile is the reverse of Encode.
func DecodePercentile(raw []byte) (*Percentile, error) {
	if len(raw) == 0 || raw[0] != 'P' || len(raw)%8 != 1 {
		return nil, errDamaged
	}
	p := &Percentile{}
	for raw = raw[1:]; len(raw) > 0; raw = raw[8:] {
		p.Add(math.Float64frombits(binary.LittleEndian.Uint64(raw)))
	}
	return p, nil
}
