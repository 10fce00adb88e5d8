package sketch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/sketch"
)

// TestBitmap compares set operations with those on maps.
func TestBitmap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) (sketch.Bitmap, map[uint64]bool) {
			var b sketch.Bitmap
			m := map[uint64]bool{}
			for _, n := range rapid.SliceOf(rapid.OneOf(rapid.Uint64Range(0, 20), rapid.Uint64())).Draw(rt, name) {
				b, m[n] = b.With(n), true
			}
			return b, m
		}
		a, am := draw("a")
		b, bm := draw("b")
		for _, op := range []struct {
			name string
			got  sketch.Bitmap
			want func(n uint64) bool
		}{
			{"or", a.Or(b), func(n uint64) bool { return am[n] || bm[n] }},
			{"and", a.And(b), func(n uint64) bool { return am[n] && bm[n] }},
			{"andnot", a.AndNot(b), func(n uint64) bool { return am[n] && !bm[n] }},
			{"xor", a.Xor(b), func(n uint64) bool { return am[n] != bm[n] }},
		} {
			count := 0
			for _, m := range []map[uint64]bool{am, bm} {
				for n := range m {
					if op.got.Has(n) != op.want(n) {
						rt.Fatalf("%s: %d", op.name, n)
					}
				}
			}
			for n := range am {
				bm[n] = bm[n] || false
			}
			for n := range bm {
				if op.want(n) {
					count++
				}
			}
			if count != len(op.got) || !slices.IsSorted(op.got) {
				rt.Fatalf("%s: %v", op.name, op.got)
			}
			for n, in := range bm {
				if !in {
					delete(bm, n)
				}
			}
		}
		back, err := sketch.DecodeBitmap(a.Encode())
		if err != nil || !slices.Equal(back, a) {
			rt.Fatalf("%v came back as %v, %v", a, back, err)
		}
		if len(a) > 0 {
			if again, ok := sketch.ParseBitmap(a.String()); !ok || !slices.Equal(again, a) {
				rt.Fatalf("%q was read as %v", a.String(), again)
			}
		}
	})
	for _, bad := range []string{"", "a", "1,,2", "-1", "1.5", "18446744073709551616"} {
		if b, ok := sketch.ParseBitmap(bad); ok {
			t.Errorf("%q was read as %v", bad, b)
		}
	}
}

// TestHLL: few values are counted exactly, many within two percent, whether they
// arrive in one sketch or in several.
func TestHLL(t *testing.T) {
	for _, n := range []int{0, 1, 160, 161, 1000, 100_000} {
		parts := []*sketch.HLL{{}, {}, {}}
		for i := range n {
			value := fmt.Appendf(nil, "value %d", i)
			parts[i%3].Add(value)
			parts[0].Add(value)
		}
		merged := &sketch.HLL{}
		for _, p := range parts {
			back, err := sketch.DecodeHLL(p.Encode())
			if err != nil {
				t.Fatal(err)
			}
			merged.Merge(back)
		}
		got := merged.Cardinality()
		if off := math.Abs(float64(got) - float64(n)); n <= 160 && off != 0 || off > 0.02*float64(n) {
			t.Errorf("%d values were counted as %d", n, got)
		}
		if whole := parts[0].Cardinality(); whole != got {
			t.Errorf("%d values: %d in one sketch, %d in three", n, whole, got)
		}
	}
}

func TestPercentile(t *testing.T) {
	p, o := &sketch.Percentile{}, &sketch.Percentile{}
	if _, ok := p.Quantile(0.5); ok {
		t.Error("an empty sketch has a median")
	}
	for i := range 10 {
		o.Add(float64(10 - i))
	}
	p.Merge(o)
	p, err := sketch.DecodePercentile(p.Encode())
	if err != nil {
		t.Fatal(err)
	}
	for q, want := range map[float64]float64{0: 1, 0.05: 1, 0.5: 5.5, 0.95: 10, 1: 10, 7: 10} {
		if got, ok := p.Quantile(q); !ok || got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

// FuzzDecode: bytes from anywhere are refused or come back the same way.
func FuzzDecode(f *testing.F) {
	f.Add(sketch.Bitmap{1, 5, math.MaxUint64}.Encode())
	f.Add([]byte("H12345678"))
	f.Add([]byte("P12345678"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if b, err := sketch.DecodeBitmap(raw); err == nil && (!slices.IsSorted(b) || !slices.Equal(b, slices.Compact(slices.Clone(b)))) {
			t.Errorf("%v is no set", b)
		}
		if h, err := sketch.DecodeHLL(raw); err == nil {
			again, err := sketch.DecodeHLL(h.Encode())
			if err != nil || again.Cardinality() != h.Cardinality() {
				t.Errorf("%v", err)
			}
		}
		if p, err := sketch.DecodePercentile(raw); err == nil {
			if _, err := sketch.DecodePercentile(p.Encode()); err != nil {
				t.Error(err)
			}
		}
	})
}
