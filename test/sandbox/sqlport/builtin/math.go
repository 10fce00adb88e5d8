package builtin

import (
	"math"
	"math/rand/v2"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
)

func init() {
	for name, f := range map[string]func(float64) float64{
		"sqrt": math.Sqrt, "exp": math.Exp, "ln": math.Log, "log10": math.Log10, "log2": math.Log2, "sin": math.Sin, "cos": math.Cos,
		"tan": math.Tan, "asin": math.Asin, "acos": math.Acos, "atan": math.Atan, "cbrt": math.Cbrt, "dsqrt": math.Sqrt, "dexp": math.Exp,
		"radians": func(x float64) float64 { return x * math.Pi / 180 }, "degrees": func(x float64) float64 { return x * 180 / math.Pi },
	} {
		register(map[string]*function{name: {min: 1, max: 1, result: double, eval: func(c *call) any { return finite(f(c.double(0))) }}})
	}
	power := &function{min: 2, max: 2, result: double, eval: func(c *call) any { return finite(math.Pow(c.double(0), c.double(1))) }}
	register(map[string]*function{
		"abs": {min: 1, max: 1, result: negativeType, eval: func(c *call) any {
			switch familyOf(c.types[0]) {
			case wholeFamily:
				return max(c.whole(0), -c.whole(0))
			case wideFamily, exactFamily:
				return c.exact(0).Abs()
			}
			return math.Abs(c.double(0))
		}},
		"ceil": {min: 1, max: 1, result: bigint, eval: ceiling}, "ceiling": {min: 1, max: 1, result: bigint, eval: ceiling}, "dceil": {min: 1, max: 1, result: bigint, eval: ceiling},
		"floor": {min: 1, max: 1, result: bigint, eval: flooring}, "dfloor": {min: 1, max: 1, result: bigint, eval: flooring},
		"round":    {min: 1, max: 2, result: roundedType, eval: func(c *call) any { return rounded(c, decimal.Decimal.Round) }},
		"dround":   {min: 1, max: 2, result: roundedType, eval: func(c *call) any { return rounded(c, decimal.Decimal.Round) }},
		"truncate": {min: 2, max: 2, result: roundedType, eval: func(c *call) any { return rounded(c, cut) }},
		"power":    power, "pow": power, "dpow": power, "fpow": power,
		"log": {min: 1, max: 2, result: double, eval: func(c *call) any {
			if len(c.args) == 1 {
				return finite(math.Log(c.double(0)))
			}
			return finite(math.Log(c.double(1)) / math.Log(c.double(0)))
		}},
		"atan2": {min: 2, max: 2, result: double, eval: func(c *call) any { return finite(math.Atan2(c.double(0), c.double(1))) }},
		"pi":    {result: double, eval: func(*call) any { return math.Pi }},
		"e":     {result: double, eval: func(*call) any { return math.E }},
		"sign": {min: 1, max: 1, result: fixed(types.Float32), eval: func(c *call) any {
			f := c.double(0)
			switch {
			case f > 0:
				return float32(1)
			case f < 0:
				return float32(-1)
			}
			return float32(0)
		}},
		"fmod": {min: 2, max: 2, result: double, eval: doubles("%")},
		"pmod": {min: 2, max: 2, result: bigint, eval: func(c *call) any {
			a, b := c.whole(0), c.whole(1)
			if b == 0 {
				return nil
			}
			return (a%b + b) % b
		}},
		"rand":   {max: 1, volatile: true, result: double, eval: func(*call) any { return rand.Float64() }},
		"random": {max: 1, volatile: true, result: double, eval: func(*call) any { return rand.Float64() }},
	})
}

func ceiling(c *call) any  { return roundedWhole(c, decimal.Decimal.Ceil, math.Ceil) }
func flooring(c *call) any { return roundedWhole(c, decimal.Decimal.Floor, math.Floor) }

func roundedWhole(c *call, exact func(decimal.Decimal) decimal.Decimal, float func(float64) float64) any {
	var v any = c.args[0]
	switch familyOf(c.types[0]) {
	case wideFamily, exactFamily:
		v = exact(c.exact(0))
	case floatFamily:
		v = float(c.double(0))
	}
	n, ok := asWhole(v)
	if !ok {
		return nil
	}
	return n
}

// roundedType: ROUND of a DECIMAL is one, ROUND of anything else with one argument
// BIGINT, with two DOUBLE.
func roundedType(args []sql.Type) sql.Type {
	switch {
	case familyOf(args[0]) == exactFamily && len(args) == 1:
		return types.MustCreateDecimalType(maxPrecision, 0)
	case familyOf(args[0]) == exactFamily:
		return types.MustCreateDecimalType(maxPrecision, uint8(scaleOf(args[0])))
	case len(args) == 1:
		return types.Int64
	}
	return types.Float64
}

func rounded(c *call, by func(decimal.Decimal, int32) decimal.Decimal) any {
	places := int64(0)
	if len(c.args) > 1 {
		places = min(max(c.whole(1), -maxPrecision), maxExponent)
	}
	d := c.exact(0)
	if c.failed {
		return nil
	}
	if familyOf(c.types[0]) == exactFamily {
		places = min(places, int64(scaleOf(c.types[0])))
		return by(d, int32(places))
	}
	d = by(d, int32(places))
	if len(c.args) == 1 {
		n, ok := asWhole(d)
		if !ok {
			return nil
		}
		return n
	}
	f, _ := d.Float64()
	return f
}

// cut drops digits behind a place, also in front of the point.
func cut(d decimal.Decimal, places int32) decimal.Decimal {
	if places >= 0 {
		return d.Truncate(places)
	}
	return d.Shift(places).Truncate(0).Shift(-places)
}
