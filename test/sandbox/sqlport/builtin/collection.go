package builtin

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// Arrays and maps travel as JSON text (see Nested), the way the MySQL protocol shows them.
func init() {
	contains := func(want bool) *function {
		return &function{min: 2, max: 2, nulls: true, result: boolean, eval: func(c *call) any {
			if c.null(0) {
				return nil
			}
			return boolValue(position(c) > 0 == want)
		}}
	}
	size := &function{min: 1, max: 1, result: integer, eval: jsonLength}
	element := &function{min: 2, max: 2, result: func(args []sqlType) sqlType { return itemType(args[0]) }, eval: elementAt}
	fold := func(result func(item sqlType) sqlType, f func(a []decimal.Decimal) decimal.Decimal) *function {
		kind := func(args []sqlType) sqlType {
			if item := itemType(args[0]); isNumeric(item) {
				return result(item)
			}
			return types.Float64
		}
		return &function{min: 1, max: 1, result: kind, eval: func(c *call) any {
			var numbers []decimal.Decimal
			for _, v := range c.list(0) {
				if d, ok := exactText(jsonText(v)); ok && v != "null" {
					numbers = append(numbers, d)
				}
			}
			if len(numbers) == 0 {
				return nil
			}
			return c.item(f(numbers).String(), kind(c.types))
		}}
	}
	total := func(a []decimal.Decimal) decimal.Decimal { return decimal.Sum(a[0], a[1:]...) }
	register(map[string]*function{
		"array": {max: -1, nulls: true, result: func(args []sqlType) sqlType {
			if len(args) == 0 {
				return JSON
			}
			return arrayOf(inside(Common(args...)))
		}, eval: func(c *call) any {
			out := make([]string, len(c.args))
			for i := range c.args {
				out[i] = jsonOf(c.types[i], c.args[i])
			}
			return joined(out)
		}},
		"map": {max: -1, nulls: true, result: func(args []sqlType) sqlType {
			var keys, values []sqlType
			for i := 0; i+1 < len(args); i += 2 {
				keys, values = append(keys, args[i]), append(values, args[i+1])
			}
			if keys == nil {
				return JSON
			}
			return mapOf(inside(Common(keys...)), inside(Common(values...)))
		}, eval: func(c *call) any {
			if len(c.args)%2 != 0 {
				return nil
			}
			var out []string
			for i := 0; i < len(c.args); i += 2 {
				out = append(out, jsonOf(c.types[i], c.args[i])+":"+jsonOf(c.types[i+1], c.args[i+1]))
			}
			return "{" + strings.Join(out, ",") + "}"
		}},
		"named_struct": {max: -1, nulls: true, result: fixed(JSON), eval: func(c *call) any {
			if len(c.args)%2 != 0 {
				return nil
			}
			var out []string
			for i := 0; i < len(c.args); i += 2 {
				out = append(out, quoted(c.text(i))+":"+jsonOf(c.types[i+1], c.args[i+1]))
			}
			return "{" + strings.Join(out, ",") + "}"
		}},
		"array_length": size, "cardinality": size, "map_size": size,
		"array_contains": contains(true),
		"array_position": {min: 2, max: 2, nulls: true, result: integer, eval: func(c *call) any {
			if c.null(0) {
				return nil
			}
			return position(c)
		}},
		"element_at": element,
		"map_keys": {min: 1, max: 1, result: func(args []sqlType) sqlType {
			if p := partsOf(args[0], store.Map); p != nil {
				return arrayOf(p[0])
			}
			return JSON
		}, eval: func(c *call) any {
			plain := false
			if p := partsOf(c.types[0], store.Map); p != nil {
				plain = isNumeric(SQLType(p[0]))
			}
			return mapParts(c, func(key, _ string) string {
				if plain {
					return key
				}
				return quoted(key)
			})
		}},
		"map_values": {min: 1, max: 1, result: func(args []sqlType) sqlType {
			if p := partsOf(args[0], store.Map); p != nil {
				return arrayOf(p[1])
			}
			return JSON
		}, eval: func(c *call) any {
			return mapParts(c, func(_, v string) string { return v })
		}},
		"split": {min: 2, max: 2, result: fixed(arrayOf(inside(types.LongText))), eval: func(c *call) any {
			var out []string
			for s := range strings.SplitSeq(c.text(0), c.text(1)) {
				out = append(out, quoted(s))
			}
			return joined(out)
		}},
		"array_join": {min: 2, max: 3, result: varchar, eval: func(c *call) any {
			var out []string
			for _, v := range c.list(0) {
				switch {
				case v != "null":
					out = append(out, jsonText(v))
				case len(c.args) == 3:
					out = append(out, c.text(2))
				}
			}
			return strings.Join(out, c.text(1))
		}},
		"array_append": {min: 2, max: 2, nulls: true, result: alike, eval: func(c *call) any {
			if c.null(0) {
				return nil
			}
			return joined(append(c.list(0), jsonOf(c.types[1], c.args[1])))
		}},
		"array_concat": {min: 1, max: -1, result: alike, eval: func(c *call) any {
			var all []string
			for i := range c.args {
				all = append(all, c.list(i)...)
			}
			return joined(all)
		}},
		"array_remove": {min: 2, max: 2, result: alike, eval: func(c *call) any {
			out := slices.DeleteFunc(c.list(0), func(v string) bool { return c.sameItem(v) })
			return joined(out)
		}},
		"array_distinct": {min: 1, max: 1, result: alike, eval: func(c *call) any {
			var out []string
			for _, v := range c.list(0) {
				if !slices.Contains(out, v) {
					out = append(out, v)
				}
			}
			return joined(out)
		}},
		"array_sort": {min: 1, max: 1, result: alike, eval: func(c *call) any {
			out := c.list(0)
			slices.SortStableFunc(out, compareItems)
			return joined(out)
		}},
		"array_slice": {min: 2, max: 3, result: alike, eval: func(c *call) any {
			all := c.list(0)
			from, n := c.whole(1), int64(len(all))
			if len(c.args) == 3 {
				n = c.whole(2)
			}
			if from < 0 {
				from += int64(len(all)) + 1
			}
			if from < 1 || from > int64(len(all)) || n <= 0 {
				return "[]"
			}
			return joined(all[from-1 : min(from-1+n, int64(len(all)))])
		}},
		"array_sum": fold(sumType, total),
		"array_avg": fold(func(item sqlType) sqlType {
			if types.IsDecimal(item) && !IsLargeInt(item) {
				return item
			}
			return types.Float64
		}, func(a []decimal.Decimal) decimal.Decimal { return total(a).Div(decimal.NewFromInt(int64(len(a)))) }),
		"array_max": fold(itself, func(a []decimal.Decimal) decimal.Decimal { return decimal.Max(a[0], a[1:]...) }),
		"array_min": fold(itself, func(a []decimal.Decimal) decimal.Decimal { return decimal.Min(a[0], a[1:]...) }),
	})
}

func itself(item sqlType) sqlType { return item }

// sumType is the type of a sum of items.
func sumType(item sqlType) sqlType {
	switch {
	case IsLargeInt(item):
		return item
	case types.IsDecimal(item):
		return types.MustCreateDecimalType(maxPrecision, uint8(scaleOf(item)))
	case types.IsInteger(item):
		return types.Int64
	}
	return types.Float64
}

func joined(items []string) string { return "[" + strings.Join(items, ",") + "]" }

// list is argument i as the items of an array; anything else fails.
func (c *call) list(i int) []string {
	doc, ok := c.document(i)
	if !ok || !strings.HasPrefix(doc, "[") {
		c.failed = true
		return nil
	}
	return list(doc)
}

func reverseArray(c *call) any {
	all := c.list(0)
	slices.Reverse(all)
	return joined(all)
}

// sameItem compares an item of an array with argument 1.
func (c *call) sameItem(v string) bool {
	if c.null(1) || v == "null" {
		return c.null(1) && v == "null"
	}
	if isNumeric(c.types[1]) {
		a, ok := exactText(jsonText(v))
		if v == "true" || v == "false" {
			n, _ := whole64(jsonNumber(v))
			a, ok = decimal.NewFromInt(n), true
		}
		b, okB := asExact(c.args[1])
		return ok && okB && a.Equal(b)
	}
	return jsonText(v) == c.text(1)
}

func position(c *call) int64 {
	for i, v := range c.list(0) {
		if c.sameItem(v) {
			return int64(i) + 1
		}
	}
	return 0
}

// elementAt counts the items of an array from 1, or from the end when negative, and
// finds the values of a map by key.
func elementAt(c *call) any {
	doc, ok := c.document(0)
	if !ok {
		return nil
	}
	found := "null"
	if strings.HasPrefix(doc, "[") {
		n, all := c.whole(1), list(doc)
		if n < 0 {
			n += int64(len(all)) + 1
		}
		if n >= 1 && n <= int64(len(all)) {
			found = all[n-1]
		}
	} else {
		members(doc, func(key, v string) bool {
			if key == c.text(1) {
				found = v
			}
			return true
		})
	}
	if found == "null" {
		return nil
	}
	return c.item(found, itemType(c.types[0]))
}

func mapParts(c *call, part func(key, v string) string) any {
	doc, ok := c.document(0)
	if !ok || !strings.HasPrefix(doc, "{") {
		return nil
	}
	var out []string
	members(doc, func(key, v string) bool { out = append(out, part(key, v)); return true })
	return joined(out)
}

// compareItems puts NULL first, then numbers by value, then text by bytes.
func compareItems(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "null":
		return -1
	case b == "null":
		return 1
	}
	x, okX := exactText(a)
	y, okY := exactText(b)
	if okX && okY {
		return x.Cmp(y)
	}
	return strings.Compare(jsonText(a), jsonText(b))
}
