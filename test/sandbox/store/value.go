package store

import (
	"fmt"
	"math/big"
	"strconv"
)

// Convert reads StarRocks text as a canonical value of type t. In non-strict
// mode text that does not convert gives NULL (nil); in strict mode it is an error.
// A decimal too large or a text too long for t is a *RowError in both modes.
func Convert(t Type, text string, strict bool) (any, error) {
	ct := newCellType(t)
	v := vector{kind: ct.storage}
	switch ct.readText(&v, []byte(text)) {
	case cellOK:
		return v.value(&ct, 0), nil
	case cellTooLarge:
		return nil, tooLargeError(&Column{Name: "value", Type: t}, []byte(text), len(text))
	}
	if strict {
		return nil, &RowError{Reason: fmt.Sprintf("Value '%s' is out of range. The type is %s", text, t)}
	}
	return nil, nil
}

// value returns the canonical form of value i.
func (v *vector) value(t *cellType, i int) any {
	if v.isNull(i) {
		return nil
	}
	switch t.Kind {
	case Boolean, TinyInt, SmallInt, Int, BigInt:
		return v.ints[i]
	case Date:
		return string(unpack(v.ints[i]).appendDate(make([]byte, 0, 10)))
	case DateTime:
		return string(unpack(v.ints[i]).appendDateTime(make([]byte, 0, 26)))
	case Float:
		return float32(v.floats[i])
	case Double:
		return v.floats[i]
	case LargeInt:
		return v.wides[i].bigInt()
	case Decimal:
		return string(v.wides[i].appendDecimal(make([]byte, 0, 42), t.Scale))
	case Binary, Bitmap, HLL, Percentile:
		return v.bytesAt(i)
	}
	return v.stringAt(i)
}

// Format gives the text the MySQL protocol carries for a canonical value;
// NULL gives "NULL".
func Format(t Type, v any) string {
	switch x := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(x, 10)
	case float32:
		return formatFloat(float64(x), 32)
	case float64:
		return formatFloat(x, 64)
	case *big.Int:
		return x.String()
	case []byte:
		return string(x)
	case string:
		return x
	}
	return fmt.Sprint(v)
}

// addValue appends a canonical value and checks its Go type and range.
func (v *vector) addValue(c *Column, t *cellType, val any) *RowError {
	if val == nil {
		v.addNull()
		return nil
	}
	wrong := func() *RowError {
		return &RowError{Column: c.Name, Reason: fmt.Sprintf("Value '%v' (%T) is out of range. The type of '%s' is %s", val, val, c.Name, c.Type)}
	}
	switch x := val.(type) {
	case int64:
		switch {
		case t.Kind >= TinyInt && t.Kind <= BigInt && x >= t.low && x <= t.high, t.Kind == Boolean && (x == 0 || x == 1):
			v.addInt(x)
			return nil
		}
		return wrong()
	case float32:
		if t.storage != asFloats || x != x {
			return wrong()
		}
		v.addFloat(float64(x))
		return nil
	case float64:
		if t.storage != asFloats || x != x {
			return wrong()
		}
		if t.Kind == Float {
			x = float64(float32(x))
		}
		v.addFloat(x)
		return nil
	case *big.Int:
		w, ok := wideFromBig(x)
		if t.Kind != LargeInt || !ok {
			return wrong()
		}
		v.addWide(w)
		return nil
	case []byte:
		switch t.Kind {
		case Bitmap, HLL, Percentile:
			if t.readSketch(v, x) != cellOK {
				return wrong()
			}
			return nil
		case Binary:
		default:
			return wrong()
		}
		if len(x) > t.limit {
			return tooLargeError(c, nil, len(x))
		}
		v.addBytes(x)
		return nil
	case string:
		if t.Kind < Decimal || t.Kind == Binary {
			return wrong()
		}
		switch t.readText(v, []byte(x)) {
		case cellBad:
			return wrong()
		case cellTooLarge:
			return tooLargeError(c, []byte(x), len(x))
		}
		return nil
	}
	return wrong()
}

// checkValue says whether a column can hold a canonical value.
func checkValue(c *Column, val any) error {
	if val == nil {
		if c.Nullable {
			return nil
		}
		return nullError(c)
	}
	t := newCellType(c.Type)
	v := vector{kind: t.storage}
	if err := v.addValue(c, &t, val); err != nil {
		return err
	}
	return nil
}
