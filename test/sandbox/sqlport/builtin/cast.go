package builtin

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func init() {
	factories["cast"] = func(_ string, args []sql.Expression) (sql.Expression, error) {
		name, ok := args[1].(*expression.Literal)
		if !ok || len(args) != 2 {
			return nil, noSignature("cast", args)
		}
		text, _ := Text(types.LongText, name.Value())
		to, err := castTarget(text)
		if err != nil {
			return nil, err
		}
		return Cast(args[0], to)
	}
}

// castTarget reads the type behind AS.
func castTarget(text string) (store.Type, error) {
	switch strings.ToLower(text) {
	case "string", "char", "varchar":
		return store.Type{Kind: store.Varchar}, nil
	case "signed", "unsigned":
		return store.Type{}, fmt.Errorf("Getting syntax error. Detail message: Unexpected input '%s', use BIGINT", text)
	case "decimal":
		// A bare DECIMAL is one with 10 digits and no fraction.
		return store.Type{Kind: store.Decimal, Precision: 10}, nil
	}
	return store.ParseType(text)
}

// SQLType is the engine's type of a column. The text types differ only in what the
// client is told: VAR_STRING for VARCHAR, STRING for CHAR and for what has no
// MySQL type. They have no length that a comparison could trip over.
func SQLType(t store.Type) sql.Type {
	switch t.Kind {
	case store.Boolean:
		return types.Boolean
	case store.TinyInt:
		return types.Int8
	case store.SmallInt:
		return types.Int16
	case store.Int:
		return types.Int32
	case store.BigInt:
		return types.Int64
	case store.LargeInt:
		return LargeInt
	case store.Float:
		return types.Float32
	case store.Double:
		return types.Float64
	case store.Decimal:
		return types.MustCreateDecimalType(uint8(t.Precision), uint8(min(t.Scale, MaxScale)))
	case store.Date:
		return types.Date
	case store.DateTime:
		return types.DatetimeMaxPrecision
	case store.Varchar:
		return types.LongText
	case store.Binary:
		return types.LongBlob
	case store.Char:
		return types.Text
	case store.Bitmap:
		return Bitmap
	case store.HLL:
		return HLL
	case store.Percentile:
		return Percentile
	case store.Array, store.Map, store.Struct:
		return nestedType(t)
	}
	return JSON
}

// ToEngine returns how a canonical value of the store that is not NULL becomes an
// engine value; nil means it is used as it is.
func ToEngine(t store.Type) func(any) any {
	switch t.Kind {
	case store.LargeInt:
		return func(v any) any { return decimal.NewFromBigInt(v.(*big.Int), 0) }
	case store.Decimal:
		return func(v any) any { return mustDecimal(v.(string)) }
	case store.Date, store.DateTime:
		return func(v any) any { return ParseMoment(v.(string)) }
	}
	return nil
}

func mustDecimal(s string) decimal.Decimal {
	d, err := decimal.NewFromString(s)
	if err != nil {
		panic(fmt.Sprintf("the store holds the decimal %q", s))
	}
	return d
}

// Cast makes a CAST to a type of the store. What does not convert is NULL. A literal
// is converted at once.
func Cast(e sql.Expression, to store.Type) (sql.Expression, error) {
	typ := SQLType(to)
	f := &function{min: 1, max: 1, result: fixed(typ), eval: func(c *call) any { return castValue(c, to) }}
	cast, err := newExpr("cast", f, []sql.Expression{e})
	if err != nil {
		return nil, err
	}
	if l, ok := e.(*expression.Literal); ok {
		v, err := cast.Eval(sql.NewEmptyContext(), sql.Row{l.Value()})
		if err == nil {
			return expression.NewLiteral(v, typ), nil
		}
	}
	return cast, nil
}

// castValue converts the one argument of a call.
func castValue(c *call, to store.Type) any {
	switch v := c.args[0].(type) {
	case time.Time:
		switch to.Kind {
		case store.DateTime:
			return v
		case store.Date:
			return midnight(v)
		}
	case decimal.Decimal:
		if to.Kind == store.Decimal {
			return fitDecimal(c, v, to)
		}
	}
	switch to.Kind {
	case store.Boolean:
		if s, ok := c.args[0].(string); ok {
			switch strings.ToLower(strings.TrimSpace(s)) {
			case "true":
				return int64(1)
			case "false":
				return int64(0)
			}
			n := c.whole(0)
			return boolValue(n != 0)
		}
		return boolValue(c.double(0) != 0)
	case store.TinyInt, store.SmallInt, store.Int, store.BigInt:
		n := c.whole(0)
		low, high := bounds(to.Kind)
		if n < low || n > high {
			return nil
		}
		return n
	case store.LargeInt:
		if s, ok := c.args[0].(string); ok {
			// Integers only: the text of a fraction is no LARGEINT.
			if i, ok := new(big.Int).SetString(strings.TrimPrefix(strings.TrimSpace(s), "+"), 10); ok && fitsLargeInt(i) {
				return decimal.NewFromBigInt(i, 0)
			}
			return nil
		}
		d := c.exact(0).Truncate(0)
		if c.failed || !fitsLargeInt(d.BigInt()) {
			return nil
		}
		return d
	case store.Float:
		f := c.double(0)
		if c.failed || math.IsInf(float64(float32(f)), 0) {
			return nil
		}
		return float32(f)
	case store.Double:
		return c.double(0)
	case store.Decimal:
		return fitDecimal(c, c.exact(0), to)
	case store.Date:
		return midnight(c.moment(0))
	case store.DateTime:
		return c.moment(0)
	case store.Char, store.Varchar:
		text := c.text(0)
		if IsDocument(c.types[0]) && strings.HasPrefix(text, `"`) {
			text = jsonText(text)
		}
		if to.Length > 0 && len(text) > to.Length {
			text = strings.ToValidUTF8(text[:to.Length], "")
		}
		return text
	case store.Binary, store.Bitmap, store.HLL, store.Percentile:
		return c.bytes(0)
	case store.JSON:
		return toJSON(c.types[0], c.args[0])
	}
	v, err := store.Convert(to, c.text(0), false)
	if err != nil {
		return nil
	}
	return v
}

func boolValue(b bool) any {
	if b {
		return int64(1)
	}
	return int64(0)
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func bounds(k store.Kind) (low, high int64) {
	switch k {
	case store.TinyInt:
		return math.MinInt8, math.MaxInt8
	case store.SmallInt:
		return math.MinInt16, math.MaxInt16
	case store.Int:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// fitDecimal rounds half up to the scale, and gives NULL to what has too many digits.
func fitDecimal(c *call, d decimal.Decimal, to store.Type) any {
	if c.failed {
		return nil
	}
	d = d.Round(int32(to.Scale))
	if digits(d) > to.Precision {
		return nil
	}
	if -d.Exponent() < int32(to.Scale) {
		d = rescale(d, int32(to.Scale))
	}
	return d
}

// digits counts the digits of the unscaled number.
func digits(d decimal.Decimal) int {
	if d.IsZero() {
		return 1
	}
	return len(new(big.Int).Abs(d.Coefficient()).String())
}

// rescale writes zeros behind the fraction up to a scale.
func rescale(d decimal.Decimal, scale int32) decimal.Decimal {
	shift := scale + d.Exponent()
	if shift <= 0 {
		return d
	}
	c := new(big.Int).Mul(d.Coefficient(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil))
	return decimal.NewFromBigInt(c, -scale)
}

var (
	largeIntMax = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 127), big.NewInt(1))
	largeIntMin = new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 127))
)

func fitsLargeInt(i *big.Int) bool { return i.Cmp(largeIntMin) >= 0 && i.Cmp(largeIntMax) <= 0 }
