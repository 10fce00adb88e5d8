package builtin

import (
	"math"
	"math/big"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
)

func init() {
	for _, op := range []string{"+", "-", "*", "/", "%", "~div"} {
		factories[op] = arithmetic
	}
	factories["mod"] = func(_ string, args []sql.Expression) (sql.Expression, error) { return arithmetic("%", args) }
	for _, op := range []string{"&", "|", "^"} {
		register(map[string]*function{op: {min: 2, max: 2, result: bigint, eval: bitwise(op)}})
	}
	register(map[string]*function{
		"bitnot":   {min: 1, max: 1, result: bigint, eval: func(c *call) any { return ^c.whole(0) }},
		"bitand":   {min: 2, max: 2, result: bigint, eval: bitwise("&")},
		"bitor":    {min: 2, max: 2, result: bigint, eval: bitwise("|")},
		"bitxor":   {min: 2, max: 2, result: bigint, eval: bitwise("^")},
		"negate":   {min: 1, max: 1, result: negativeType, eval: negate},
		"positive": {min: 1, max: 1, result: sameAs(0), eval: func(c *call) any { return c.args[0] }},
	})
}

func bitwise(op string) func(c *call) any {
	switch op {
	case "&":
		return func(c *call) any { return c.whole(0) & c.whole(1) }
	case "|":
		return func(c *call) any { return c.whole(0) | c.whole(1) }
	}
	return func(c *call) any { return c.whole(0) ^ c.whole(1) }
}

// family is how a type computes.
type family int

const (
	wholeFamily family = iota // BOOLEAN to BIGINT
	wideFamily                // LARGEINT
	exactFamily               // DECIMAL
	floatFamily               // FLOAT, DOUBLE and all that is read as one
)

func familyOf(t sql.Type) family {
	switch {
	case t == types.Null:
		return wholeFamily
	case IsLargeInt(t):
		return wideFamily
	case types.IsDecimal(t):
		return exactFamily
	case t == types.Uint64:
		return wideFamily
	case types.IsInteger(t) || types.IsBoolean(t):
		return wholeFamily
	}
	return floatFamily
}

// width of a whole type in bytes.
func width(t sql.Type) int {
	switch t {
	case types.Int8, types.Boolean, types.Null:
		return 1
	case types.Int16, types.Uint8:
		return 2
	case types.Int32, types.Uint16:
		return 4
	}
	return 8
}

// wider is the result of adding two whole types: the next larger one, at most BIGINT.
func wider(args []sql.Type) sql.Type {
	switch max(width(args[0]), width(args[1])) {
	case 1:
		return types.Int16
	case 2:
		return types.Int32
	}
	return types.Int64
}

func scaleOf(t sql.Type) int32 {
	if d, ok := t.(sql.DecimalType); ok {
		return int32(d.Scale())
	}
	return 0
}

// arithmetic picks the computation by the types: whole numbers wrap around at
// BIGINT and LARGEINT, DECIMAL that needs more than 38 digits is NULL, and so is
// whatever is divided by zero.
func arithmetic(op string, args []sql.Expression) (sql.Expression, error) {
	if len(args) != 2 {
		return nil, noSignature(op, args)
	}
	common := max(familyOf(args[0].Type()), familyOf(args[1].Type()))
	f := &function{min: 2, max: 2}
	switch {
	case op == "/" && common != exactFamily:
		common = floatFamily
	case op == "~div" && common != wideFamily:
		f.result, f.eval = bigint, wholeDivision
		return newExpr(op, f, args)
	}
	switch common {
	case wholeFamily:
		f.result, f.eval = wider, wholes(op)
		if op == "%" {
			f.result = func(args []sql.Type) sql.Type {
				if width(args[0]) > width(args[1]) {
					return args[0]
				}
				return args[1]
			}
		}
	case wideFamily:
		f.result, f.eval = fixed(LargeInt), wides(op)
	case exactFamily:
		scale := exactScale(op, scaleOf(args[0].Type()), scaleOf(args[1].Type()))
		f.result, f.eval = fixed(types.MustCreateDecimalType(38, uint8(min(scale, MaxScale)))), exacts(op, scale)
	default:
		f.result, f.eval = double, doubles(op)
	}
	return newExpr(op, f, args)
}

func wholes(op string) func(*call) any {
	switch op {
	case "+":
		return func(c *call) any { return c.whole(0) + c.whole(1) }
	case "-":
		return func(c *call) any { return c.whole(0) - c.whole(1) }
	case "*":
		return func(c *call) any { return c.whole(0) * c.whole(1) }
	}
	return func(c *call) any {
		switch by := c.whole(1); by {
		case 0:
			return nil
		case -1: // the smallest BIGINT has no positive counterpart
			return int64(0)
		default:
			return c.whole(0) % by
		}
	}
}

func wholeDivision(c *call) any {
	a, aWhole := whole64(c.args[0])
	b, bWhole := whole64(c.args[1])
	if aWhole && bWhole {
		switch b {
		case 0:
			return nil
		case -1:
			return -a
		}
		return a / b
	}
	x, y := c.exact(0), c.exact(1)
	if c.failed || y.IsZero() {
		return nil
	}
	n, ok := asWhole(x.DivRound(y, 40))
	if !ok {
		return nil
	}
	return n
}

var wideMask = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))

// wrapWide keeps the low 128 bits, as the server's arithmetic does.
func wrapWide(i *big.Int) *big.Int {
	if fitsLargeInt(i) {
		return i
	}
	i = new(big.Int).And(i, wideMask)
	if i.Cmp(largeIntMax) > 0 {
		i.Sub(i, new(big.Int).Add(wideMask, big.NewInt(1)))
	}
	return i
}

func wides(op string) func(*call) any {
	return func(c *call) any {
		a, b := c.exact(0), c.exact(1)
		if c.failed {
			return nil
		}
		x, y, z := a.BigInt(), b.BigInt(), new(big.Int)
		switch op {
		case "+":
			z.Add(x, y)
		case "-":
			z.Sub(x, y)
		case "*":
			z.Mul(x, y)
		default:
			if y.Sign() == 0 {
				return nil
			}
			if op == "%" {
				z.Rem(x, y)
			} else {
				z.Quo(x, y)
			}
		}
		return decimal.NewFromBigInt(wrapWide(z), 0)
	}
}

// exactScale is the scale of a DECIMAL result.
func exactScale(op string, a, b int32) int32 {
	switch op {
	case "*":
		return a + b
	case "/":
		switch {
		case a <= 6:
			return a + 6
		case a <= 12:
			return 12
		}
		return a
	}
	return max(a, b)
}

const maxPrecision = 38

func exacts(op string, scale int32) func(*call) any {
	return func(c *call) any {
		a, b := c.exact(0), c.exact(1)
		if c.failed {
			return nil
		}
		var d decimal.Decimal
		switch op {
		case "+":
			d = a.Add(b)
		case "-":
			d = a.Sub(b)
		case "*":
			d = a.Mul(b)
		case "/":
			if b.IsZero() {
				return nil
			}
			d = a.DivRound(b, scale)
		default:
			if b.IsZero() {
				return nil
			}
			d = a.Mod(b)
		}
		d = rescale(d, scale)
		if digits(d) > maxPrecision {
			return nil
		}
		return d
	}
}

func doubles(op string) func(*call) any {
	return func(c *call) any {
		a, b := c.double(0), c.double(1)
		if c.failed {
			return nil
		}
		switch op {
		case "+":
			return finite(a + b)
		case "-":
			return finite(a - b)
		case "*":
			return finite(a * b)
		}
		if b == 0 {
			return nil
		}
		if op == "/" {
			return finite(a / b)
		}
		return finite(math.Mod(a, b))
	}
}

// finite is NULL for what is no number.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

func negativeType(args []sql.Type) sql.Type {
	switch familyOf(args[0]) {
	case wholeFamily:
		return wider([]sql.Type{args[0], types.Int8})
	case wideFamily:
		return LargeInt
	case exactFamily:
		return args[0]
	}
	return types.Float64
}

func negate(c *call) any {
	switch familyOf(c.types[0]) {
	case wholeFamily:
		return -c.whole(0)
	case wideFamily:
		return decimal.NewFromBigInt(wrapWide(new(big.Int).Neg(c.exact(0).BigInt())), 0)
	case exactFamily:
		return c.exact(0).Neg()
	}
	return -c.double(0)
}
