package store

import "github.com/gx-etl/gx/test/sandbox/sketch"

// Values of BITMAP, HLL and PERCENTILE columns are the bytes of package sketch.
// Text never becomes one: loads compute them with functions.

// readSketch takes the bytes of a sketch of the column's type.
func (t *cellType) readSketch(v *vector, raw []byte) outcome {
	var err error
	switch t.Kind {
	case Bitmap:
		_, err = sketch.DecodeBitmap(raw)
	case HLL:
		_, err = sketch.DecodeHLL(raw)
	default:
		_, err = sketch.DecodePercentile(raw)
	}
	if err != nil {
		return cellBad
	}
	v.addBytes(raw)
	return cellOK
}

// addUnion appends what two stored sketches make together.
func (v *vector) addUnion(k Kind, a, b []byte) {
	var out []byte
	switch k {
	case Bitmap:
		x, errX := sketch.DecodeBitmap(a)
		y, errY := sketch.DecodeBitmap(b)
		mustDecode(errX, errY)
		out = x.Or(y).Encode()
	case HLL:
		x, errX := sketch.DecodeHLL(a)
		y, errY := sketch.DecodeHLL(b)
		mustDecode(errX, errY)
		x.Merge(y)
		out = x.Encode()
	default:
		x, errX := sketch.DecodePercentile(a)
		y, errY := sketch.DecodePercentile(b)
		mustDecode(errX, errY)
		x.Merge(y)
		out = x.Encode()
	}
	v.addBytes(out)
}

// mustDecode panics: what a column holds was decoded when it came in.
func mustDecode(errs ...error) {
	for _, err := range errs {
		if err != nil {
			panic("store: a column holds a damaged sketch: " + err.Error())
		}
	}
}

func emptySketch(k Kind) []byte {
	switch k {
	case Bitmap:
		return sketch.Bitmap{}.Encode()
	case HLL:
		return (&sketch.HLL{}).Encode()
	}
	return (&sketch.Percentile{}).Encode()
}

// DirectLoad says why a load cannot put a field into the column as it is: columns
// of sets take the result of a function only. Nil for all other columns.
func (c *Column) DirectLoad() error {
	switch c.Type.Kind {
	case Bitmap:
		return inWords("bitmap column must use to_bitmap function, like %s=to_bitmap(xxx)", c.Name)
	case HLL:
		return inWords("HLL column must use hll_hash function, like %s=hll_hash(xxx)", c.Name)
	case Percentile:
		return inWords("percentile column must use percentile_hash function, like %s=percentile_hash(xxx)", c.Name)
	}
	return nil
}
