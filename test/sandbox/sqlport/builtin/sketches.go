package builtin

import (
	"math"

	"github.com/gx-etl/gx/test/sandbox/sketch"
)

// asBitmap is argument i as a set; what is no BITMAP fails.
func (c *call) bitmap(i int) sketch.Bitmap {
	raw, ok := c.args[i].([]byte)
	b, err := sketch.DecodeBitmap(raw)
	c.failed = c.failed || !ok || err != nil
	return b
}

func (c *call) hll(i int) *sketch.HLL {
	raw, _ := c.args[i].([]byte)
	h, err := sketch.DecodeHLL(raw)
	if err != nil {
		c.failed = true
		return &sketch.HLL{}
	}
	return h
}

func (c *call) percentile(i int) *sketch.Percentile {
	raw, _ := c.args[i].([]byte)
	p, err := sketch.DecodePercentile(raw)
	if err != nil {
		c.failed = true
		return &sketch.Percentile{}
	}
	return p
}

func init() {
	pair := func(f func(a, b sketch.Bitmap) sketch.Bitmap) *function {
		return &function{min: 2, max: 2, result: fixed(Bitmap), eval: func(c *call) any { return f(c.bitmap(0), c.bitmap(1)).Encode() }}
	}
	toBitmap := &function{min: 1, max: 1, result: fixed(Bitmap), nulls: true, eval: func(c *call) any {
		// NULL, and what is no number from 0 to 2^64-1, is the empty set.
		if c.null(0) {
			return sketch.Bitmap{}.Encode()
		}
		d, ok := asExact(c.args[0])
		if !ok || d.Sign() < 0 || !d.Equal(d.Truncate(0)) || !d.BigInt().IsUint64() {
			return nil
		}
		return sketch.Bitmap{d.BigInt().Uint64()}.Encode()
	}}
	register(map[string]*function{
		"to_bitmap":    toBitmap,
		"bitmap_empty": {result: fixed(Bitmap), eval: func(*call) any { return sketch.Bitmap{}.Encode() }},
		"bitmap_hash": {min: 1, max: 1, nulls: true, result: fixed(Bitmap), eval: func(c *call) any {
			if c.null(0) {
				return sketch.Bitmap{}.Encode()
			}
			return sketch.Bitmap{uint64(murmur32(c.bytes(0), murmurSeed))}.Encode()
		}},
		"bitmap_hash64": {min: 1, max: 1, nulls: true, result: fixed(Bitmap), eval: func(c *call) any {
			if c.null(0) {
				return sketch.Bitmap{}.Encode()
			}
			return sketch.Bitmap{sketch.Hash64(c.bytes(0))}.Encode()
		}},
		"bitmap_from_string": {min: 1, max: 1, result: fixed(Bitmap), eval: func(c *call) any {
			b, ok := sketch.ParseBitmap(c.text(0))
			if !ok {
				return nil
			}
			return b.Encode()
		}},
		"bitmap_to_string": {min: 1, max: 1, result: varchar, eval: func(c *call) any { return c.bitmap(0).String() }},
		"bitmap_count": {min: 1, max: 1, nulls: true, result: bigint, eval: func(c *call) any {
			if c.null(0) {
				return int64(0)
			}
			return int64(len(c.bitmap(0)))
		}},
		"bitmap_contains": {min: 2, max: 2, result: boolean, eval: func(c *call) any {
			n := c.whole(1)
			return boolValue(n >= 0 && c.bitmap(0).Has(uint64(n)))
		}},
		"bitmap_has_any": {min: 2, max: 2, result: boolean, eval: func(c *call) any { return boolValue(len(c.bitmap(0).And(c.bitmap(1))) > 0) }},
		"bitmap_or":      pair(sketch.Bitmap.Or), "bitmap_and": pair(sketch.Bitmap.And), "bitmap_andnot": pair(sketch.Bitmap.AndNot), "bitmap_xor": pair(sketch.Bitmap.Xor),
		"bitmap_min":      {min: 1, max: 1, result: fixed(LargeInt), eval: func(c *call) any { return bitmapEnd(c, true) }},
		"bitmap_max":      {min: 1, max: 1, result: fixed(LargeInt), eval: func(c *call) any { return bitmapEnd(c, false) }},
		"bitmap_to_array": {min: 1, max: 1, result: fixed(JSON), eval: func(c *call) any { return "[" + c.bitmap(0).String() + "]" }},
		"hll_empty":       {result: fixed(HLL), eval: func(*call) any { return (&sketch.HLL{}).Encode() }},
		"hll_hash": {min: 1, max: 1, nulls: true, result: fixed(HLL), eval: func(c *call) any {
			h := &sketch.HLL{}
			if !c.null(0) {
				h.Add(c.bytes(0))
			}
			return h.Encode()
		}},
		"hll_cardinality": {min: 1, max: 1, nulls: true, result: bigint, eval: func(c *call) any {
			if c.null(0) {
				return int64(0)
			}
			return c.hll(0).Cardinality()
		}},
		"percentile_empty": {result: fixed(Percentile), eval: func(*call) any { return (&sketch.Percentile{}).Encode() }},
		"percentile_hash": {min: 1, max: 1, nulls: true, result: fixed(Percentile), eval: func(c *call) any {
			p := &sketch.Percentile{}
			if !c.null(0) {
				p.Add(c.double(0))
			}
			return p.Encode()
		}},
		"percentile_approx_raw": {min: 2, max: 2, result: double, eval: func(c *call) any {
			v, ok := c.percentile(0).Quantile(c.double(1))
			if !ok {
				return nil
			}
			return v
		}},
	})
	bitmaps := func(count bool, combine func(a, b sketch.Bitmap) sketch.Bitmap) *aggregator {
		result := fixed(Bitmap)
		if count {
			result = bigint
		}
		return &aggregator{min: 1, max: 1, result: result, start: func() accumulator { return &bitmapFold{combine: combine, count: count} }}
	}
	aggregates["bitmap_union"] = bitmaps(false, sketch.Bitmap.Or)
	aggregates["bitmap_union_count"] = bitmaps(true, sketch.Bitmap.Or)
	aggregates["bitmap_intersect"] = bitmaps(false, sketch.Bitmap.And)
	aggregates["bitmap_union_int"] = &aggregator{min: 1, max: 1, result: bigint, start: func() accumulator { return &bitmapFold{count: true, ints: true} }}
	aggregates["bitmap_agg"] = &aggregator{min: 1, max: 1, result: fixed(Bitmap), start: func() accumulator { return &bitmapFold{ints: true} }}
	hlls := func(count bool) *aggregator {
		result := fixed(HLL)
		if count {
			result = bigint
		}
		return &aggregator{min: 1, max: 1, result: result, start: func() accumulator { return &hllFold{count: count} }}
	}
	aggregates["hll_union"], aggregates["hll_raw_agg"] = hlls(false), hlls(false)
	aggregates["hll_union_agg"] = hlls(true)
	aggregates["percentile_union"] = &aggregator{min: 1, max: 1, result: fixed(Percentile), start: func() accumulator { return &percentileFold{union: true} }}
	aggregates["percentile_approx"] = &aggregator{min: 2, max: 3, result: double, start: func() accumulator { return &percentileFold{} }}
	aggregates["percentile_cont"] = &aggregator{min: 2, max: 2, result: double, start: func() accumulator { return &percentileFold{} }}
	aggregates["approx_count_distinct"], aggregates["ndv"] = distinctSketch, distinctSketch
}

func bitmapEnd(c *call, first bool) any {
	b := c.bitmap(0)
	if len(b) == 0 {
		return nil
	}
	n := b[len(b)-1]
	if first {
		n = b[0]
	}
	d, _ := asExact(n)
	return d
}

type bitmapFold struct {
	combine     func(a, b sketch.Bitmap) sketch.Bitmap
	count, ints bool
	total       sketch.Bitmap
	started     bool
}

func (f *bitmapFold) add(c *call) {
	if f.ints {
		if n := c.whole(0); !c.failed && n >= 0 {
			f.total, f.started = f.total.With(uint64(n)), true
		}
		return
	}
	b := c.bitmap(0)
	if c.failed {
		return
	}
	if f.started {
		b = f.combine(f.total, b)
	}
	f.total, f.started = b, true
}

func (f *bitmapFold) value() any {
	if f.count {
		return int64(len(f.total))
	}
	if !f.started {
		return nil
	}
	return f.total.Encode()
}

type hllFold struct {
	total sketch.HLL
	count bool
}

func (f *hllFold) add(c *call) {
	if h := c.hll(0); !c.failed {
		f.total.Merge(h)
	}
}

func (f *hllFold) value() any {
	if f.count {
		return f.total.Cardinality()
	}
	return f.total.Encode()
}

type percentileFold struct {
	total sketch.Percentile
	union bool
	q     float64
}

func (f *percentileFold) add(c *call) {
	if f.union {
		if p := c.percentile(0); !c.failed {
			f.total.Merge(p)
		}
		return
	}
	if v, q := c.double(0), c.double(1); !c.failed {
		f.q = q
		f.total.Add(v)
	}
}

func (f *percentileFold) value() any {
	if f.union {
		return f.total.Encode()
	}
	v, ok := f.total.Quantile(f.q)
	if !ok || math.IsNaN(v) {
		return nil
	}
	return v
}

// distinctSketch is NDV: an estimate that is exact for few values.
var distinctSketch = &aggregator{min: 1, max: 1, result: bigint, start: func() accumulator { return &distinctFold{} }}

type distinctFold struct{ seen sketch.HLL }

func (f *distinctFold) add(c *call) { f.seen.Add(c.bytes(0)) }
func (f *distinctFold) value() any  { return f.seen.Cardinality() }
