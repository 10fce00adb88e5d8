package builtin

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// LargeIntDigits is the precision that tells a LARGEINT from a DECIMAL, which has
// 38 digits at most.
const LargeIntDigits = 40

// LargeInt is the engine's type of a LARGEINT.
var LargeInt = types.MustCreateDecimalType(LargeIntDigits, 0)

// MaxScale is the largest scale a decimal type of the engine can name. Values keep
// the scale they have.
const MaxScale = types.DecimalTypeMaxScale

// The engine's types that stand for StarRocks types it does not have. They carry
// text (JSON; see Nested for the rest) or the bytes of a sketch.
var (
	JSON       sql.Type = types.MediumText
	Bitmap     sql.Type = types.MediumBlob
	HLL        sql.Type = types.Blob
	Percentile sql.Type = types.TinyBlob
)

// IsLargeInt says whether an engine type stands for LARGEINT.
func IsLargeInt(t sql.Type) bool {
	d, ok := t.(sql.DecimalType)
	return ok && d.Precision() == LargeIntDigits && d.Scale() == 0
}

// TypeName is an engine type as StarRocks names it in error messages.
func TypeName(t sql.Type) string {
	switch {
	case t == types.Null:
		return "null_type"
	case types.IsBoolean(t):
		return "boolean"
	case IsLargeInt(t):
		return "largeint(40)"
	case t == JSON:
		return "json"
	case IsDocument(t):
		return t.String()
	case t == Bitmap:
		return "bitmap"
	case t == HLL:
		return "hll"
	case t == Percentile:
		return "percentile"
	case types.IsDecimal(t):
		d := t.(sql.DecimalType)
		return fmt.Sprintf("decimal128(%d, %d)", d.Precision(), d.Scale())
	case t == types.Int8:
		return "tinyint(4)"
	case t == types.Int16:
		return "smallint(6)"
	case t == types.Int32:
		return "int(11)"
	case types.IsInteger(t):
		return "bigint(20)"
	case t == types.Float32:
		return "float"
	case types.IsFloat(t):
		return "double"
	case types.IsDateType(t):
		return "date"
	case types.IsTime(t):
		return "datetime"
	case types.IsBinaryType(t):
		return "varbinary"
	}
	return "varchar"
}

// Text is a value as the MySQL protocol shows it. It fails on NULL and on values of
// Go types the engine does not make of StarRocks types.
func Text(t sql.Type, v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case int, int8, int16, int32, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v), true
	case bool:
		if v {
			return "1", true
		}
		return "0", true
	case float32:
		return store.Format(store.Type{Kind: store.Float}, v), true
	case float64:
		return store.Format(store.Type{Kind: store.Double}, v), true
	case decimal.Decimal:
		scale := int32(-1)
		if d, ok := t.(sql.DecimalType); ok {
			scale = int32(d.Scale())
		}
		return DecimalText(v, scale), true
	case time.Time:
		return MomentText(v, types.IsDateType(t)), true
	}
	return "", false
}

// DecimalText keeps the scale a value has. Scales past the engine's types come from
// columns and are exact; below that, a longer fraction than the type's is the rest
// of a division. A negative scale stands for an unknown one.
func DecimalText(v decimal.Decimal, scale int32) string {
	digits := max(-v.Exponent(), 0)
	if scale >= 0 && scale < MaxScale && digits > scale {
		digits = scale
	}
	return v.StringFixed(digits)
}

// MomentText is a date or a time as StarRocks shows it: microseconds only where
// there are some.
func MomentText(t time.Time, dateOnly bool) string {
	b := make([]byte, 0, 26)
	pad := func(n, width int) {
		for limit := int(math.Pow10(width - 1)); n < limit && limit > 1; limit /= 10 {
			b = append(b, '0')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	y, m, d := t.Date()
	pad(y, 4)
	b = append(b, '-')
	pad(int(m), 2)
	b = append(b, '-')
	pad(d, 2)
	if dateOnly {
		return string(b)
	}
	b = append(b, ' ')
	pad(t.Hour(), 2)
	b = append(b, ':')
	pad(t.Minute(), 2)
	b = append(b, ':')
	pad(t.Second(), 2)
	if micro := t.Nanosecond() / 1000; micro != 0 {
		b = append(b, '.')
		pad(micro, 6)
	}
	return string(b)
}

// ParseMoment reads "2006-01-02[ 15:04:05[.ffffff]]", the text of the store's
// dates, without looking for mistakes.
func ParseMoment(s string) time.Time {
	num := func(from, to int) (n int) {
		for _, c := range []byte(s[from:to]) {
			n = n*10 + int(c-'0')
		}
		return n
	}
	y, m, d := num(0, 4), time.Month(num(5, 7)), num(8, 10)
	if len(s) == 10 {
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	micro := 0
	if len(s) == 26 {
		micro = num(20, 26)
	}
	return time.Date(y, m, d, num(11, 13), num(14, 16), num(17, 19), micro*1000, time.UTC)
}

// whole64 is a value of one of Go's integer types.
func whole64(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int:
		return int64(v), true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// asWhole cuts fractions off, and fails on what BIGINT does not hold.
func asWhole(v any) (int64, bool) {
	if n, ok := whole64(v); ok {
		return n, true
	}
	switch v := v.(type) {
	case float64:
		return int64(v), v >= math.MinInt64 && v < math.MaxInt64
	case float32:
		return int64(v), v >= math.MinInt64 && v < math.MaxInt64
	case decimal.Decimal:
		if v = v.Truncate(0); !v.BigInt().IsInt64() {
			return 0, false
		}
		return v.IntPart(), true
	case string:
		return wholeText(v)
	case []byte:
		return wholeText(string(v))
	case time.Time:
		return dateNumber(v), true
	}
	return 0, false
}

// wholeText reads a decimal integer between blanks. StarRocks takes nothing else
// for an integer: no fraction, no exponent.
func wholeText(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, "+")
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// dateNumber is 20240102 or 20240102030405, as StarRocks casts moments to numbers.
func dateNumber(t time.Time) int64 {
	day := int64(t.Year())*10000 + int64(t.Month())*100 + int64(t.Day())
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 && t.Nanosecond() == 0 {
		return day
	}
	return day*1000000 + int64(t.Hour())*10000 + int64(t.Minute())*100 + int64(t.Second())
}

func asDouble(v any) (float64, bool) {
	if n, ok := whole64(v); ok {
		return float64(n), true
	}
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case decimal.Decimal:
		f, _ := v.Float64()
		return f, true
	case uint64:
		return float64(v), true
	case string:
		return doubleText(v)
	case []byte:
		return doubleText(string(v))
	case time.Time:
		return float64(dateNumber(v)), true
	}
	return 0, false
}

func doubleText(s string) (float64, bool) {
	v, err := store.Convert(store.Type{Kind: store.Double}, s, true)
	if err != nil {
		return 0, false
	}
	f, ok := v.(float64)
	return f, ok
}

// maxExponent keeps a text like 1e999999999 from being written out.
const maxExponent = 400

func asExact(v any) (decimal.Decimal, bool) {
	if n, ok := whole64(v); ok {
		return decimal.NewFromInt(n), true
	}
	switch v := v.(type) {
	case decimal.Decimal:
		return v, true
	case uint64:
		return decimal.NewFromBigInt(new(big.Int).SetUint64(v), 0), true
	case float64:
		return exactFloat(v)
	case float32:
		return exactFloat(float64(v))
	case string:
		return exactText(v)
	case []byte:
		return exactText(string(v))
	case time.Time:
		return decimal.NewFromInt(dateNumber(v)), true
	}
	return decimal.Decimal{}, false
}

func exactFloat(f float64) (decimal.Decimal, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return decimal.Decimal{}, false
	}
	return decimal.NewFromFloat(f), true
}

func exactText(s string) (decimal.Decimal, bool) {
	d, err := decimal.NewFromString(strings.TrimSpace(s))
	return d, err == nil && d.Exponent() <= maxExponent && d.Exponent() >= -maxExponent
}

// asMoment reads dates and times from text in the forms that loads accept, and from
// numbers like 20240102.
func asMoment(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		return momentOf(v)
	case []byte:
		return momentOf(string(v))
	}
	if n, ok := asWhole(v); ok && n > 0 {
		return momentOf(strconv.FormatInt(n, 10))
	}
	return time.Time{}, false
}

func momentOf(s string) (time.Time, bool) {
	v, err := store.Convert(store.Type{Kind: store.DateTime}, s, true)
	if err != nil {
		return time.Time{}, false
	}
	text, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	return ParseMoment(text), true
}

// truth is a value as a condition; ok is false for NULL and for what is no number.
func truth(v any) (is, ok bool) {
	f, ok := asDouble(v)
	return f != 0, ok
}
