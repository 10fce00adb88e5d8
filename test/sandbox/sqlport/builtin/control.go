package builtin

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

func init() {
	register(map[string]*function{
		"if": {min: 3, max: 3, nulls: true, result: func(a []sql.Type) sql.Type { return Common(a[1:]...) }, eval: func(c *call) any {
			which := 2
			if is, ok := truth(c.args[0]); ok && is {
				which = 1
			}
			return c.as(which, Common(c.types[1:]...))
		}},
		"ifnull":   {min: 2, max: 2, nulls: true, result: commonOf, eval: firstNotNull},
		"nvl":      {min: 2, max: 2, nulls: true, result: commonOf, eval: firstNotNull},
		"coalesce": {min: 1, max: -1, nulls: true, result: commonOf, eval: firstNotNull},
		"nullif": {min: 2, max: 2, nulls: true, result: sameAs(0), eval: func(c *call) any {
			if !c.null(0) && !c.null(1) && sameValue(c, 0, 1) {
				return nil
			}
			return c.args[0]
		}},
		"isnull":    {min: 1, max: 1, nulls: true, result: boolean, eval: func(c *call) any { return boolValue(c.null(0)) }},
		"isnotnull": {min: 1, max: 1, nulls: true, result: boolean, eval: func(c *call) any { return boolValue(!c.null(0)) }},
		"greatest":  {min: 1, max: -1, result: commonOf, eval: func(c *call) any { return extreme(c, 1) }},
		"least":     {min: 1, max: -1, result: commonOf, eval: func(c *call) any { return extreme(c, -1) }},
	})
}

func commonOf(args []sql.Type) sql.Type { return Common(args...) }

// Common is the type that values of all these types become where one of them is
// chosen: the widest number, and text as soon as one is text.
func Common(list ...sql.Type) sql.Type {
	var common sql.Type = types.Null
	for _, t := range list {
		common = commonOfTwo(common, t)
	}
	return common
}

func commonOfTwo(a, b sql.Type) sql.Type {
	switch {
	case a == types.Null || a == b:
		return b
	case b == types.Null:
		return a
	case isMoment(a) && isMoment(b):
		return types.DatetimeMaxPrecision
	case isNumeric(a) && isNumeric(b):
		switch max(familyOf(a), familyOf(b)) {
		case wholeFamily:
			if width(a) > width(b) {
				return a
			}
			return b
		case wideFamily:
			return LargeInt
		case exactFamily:
			return types.MustCreateDecimalType(maxPrecision, uint8(max(scaleOf(a), scaleOf(b))))
		}
		return types.Float64
	case IsDocument(a) || IsDocument(b):
		if IsDocument(a) && IsDocument(b) && a != JSON && b != JSON {
			return a
		}
		return JSON
	case types.IsBinaryType(a) && types.IsBinaryType(b):
		return a
	}
	return types.LongText
}

// as is argument i as a value of the chosen type.
func (c *call) as(i int, t sql.Type) any {
	v := c.args[i]
	if v == nil || c.types[i] == t {
		return v
	}
	switch {
	case isText(t):
		return c.text(i)
	case types.IsDecimal(t):
		return rescale(c.exact(i), scaleOf(t))
	case t == types.Float64:
		return c.double(i)
	case isMoment(t):
		return c.moment(i)
	}
	return v
}

func firstNotNull(c *call) any {
	for i := range c.args {
		if !c.null(i) {
			return c.as(i, Common(c.types...))
		}
	}
	return nil
}

func sameValue(c *call, i, j int) bool {
	if isText(c.types[i]) && isText(c.types[j]) {
		return c.text(i) == c.text(j)
	}
	return compareValues(c, i, j, Common(c.types[i], c.types[j])) == 0 && !c.failed
}

// compareValues orders two arguments as values of type t.
func compareValues(c *call, i, j int, t sql.Type) int {
	sign := func(less, more bool) int {
		switch {
		case less:
			return -1
		case more:
			return 1
		}
		return 0
	}
	switch {
	case isMoment(t):
		return c.moment(i).Compare(c.moment(j))
	case types.IsDecimal(t):
		return c.exact(i).Cmp(c.exact(j))
	case types.IsFloat(t):
		a, b := c.double(i), c.double(j)
		return sign(a < b, a > b)
	case isNumeric(t):
		a, b := c.whole(i), c.whole(j)
		return sign(a < b, a > b)
	}
	a, b := c.text(i), c.text(j)
	return sign(a < b, a > b)
}

func extreme(c *call, sign int) any {
	t, best := Common(c.types...), 0
	for i := 1; i < len(c.args); i++ {
		if compareValues(c, i, best, t)*sign > 0 {
			best = i
		}
	}
	return c.as(best, t)
}
