package builtin

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
)

func init() {
	query := &function{min: 2, max: 2, result: fixed(JSON), eval: func(c *call) any {
		v, ok := c.lookUp()
		if !ok {
			return nil
		}
		return v
	}}
	text := &function{min: 2, max: 2, result: varchar, eval: func(c *call) any {
		v, ok := c.lookUp()
		if !ok || v == "null" {
			return nil
		}
		return jsonText(v)
	}}
	whole := &function{min: 2, max: 2, result: bigint, eval: func(c *call) any {
		v, ok := c.lookUp()
		if !ok {
			return nil
		}
		f, ok := asDouble(jsonNumber(v))
		if n, exact := asWhole(jsonNumber(v)); exact {
			return n
		}
		if !ok || f < math.MinInt64 || f >= math.MaxInt64 {
			return nil
		}
		return int64(f)
	}}
	register(map[string]*function{
		"json_query": query, "->": query,
		"get_json_string": text, "json_value": text, "get_json_object": text,
		"get_json_int": whole,
		"get_json_double": {min: 2, max: 2, result: double, eval: func(c *call) any {
			v, ok := c.lookUp()
			if !ok {
				return nil
			}
			f, ok := asDouble(jsonNumber(v))
			if !ok {
				return nil
			}
			return f
		}},
		"get_json_bool": {min: 2, max: 2, result: boolean, eval: func(c *call) any {
			switch v, _ := c.lookUp(); v {
			case "true":
				return int64(1)
			case "false":
				return int64(0)
			}
			return nil
		}},
		"json_exists": {min: 2, max: 2, result: boolean, eval: func(c *call) any {
			_, ok := c.lookUp()
			return boolValue(ok)
		}},
		"json_length": {min: 1, max: 2, result: integer, eval: jsonLength},
		"json_keys": {min: 1, max: 2, result: fixed(JSON), eval: func(c *call) any {
			v, ok := c.document(0)
			if len(c.args) == 2 {
				v, ok = c.lookUp()
			}
			if !ok || !strings.HasPrefix(v, "{") {
				return nil
			}
			var keys []string
			members(v, func(key, _ string) bool { keys = append(keys, quoted(key)); return true })
			return "[" + strings.Join(keys, ",") + "]"
		}},
		"parse_json": {min: 1, max: 1, result: fixed(JSON), eval: func(c *call) any {
			v, ok := c.document(0)
			if !ok {
				return nil
			}
			return v
		}},
		"to_json": {min: 1, max: 1, result: fixed(JSON), eval: func(c *call) any {
			if HoldsMap(c.types[0]) {
				return QuoteKeys(c.text(0))
			}
			return jsonOf(c.types[0], c.args[0])
		}},
		"json_string": {min: 1, max: 1, result: varchar, eval: func(c *call) any {
			v, ok := c.document(0)
			if !ok {
				return nil
			}
			return v
		}},
		"json_array": {max: -1, nulls: true, result: fixed(JSON), eval: func(c *call) any {
			items := make([]string, len(c.args))
			for i := range c.args {
				items[i] = jsonOf(c.types[i], c.args[i])
			}
			return "[" + strings.Join(items, ",") + "]"
		}},
		"json_object": {max: -1, nulls: true, result: fixed(JSON), eval: func(c *call) any {
			var b strings.Builder
			for i := 0; i < len(c.args); i += 2 {
				if c.null(i) {
					return nil
				}
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(quoted(c.text(i)) + ":")
				if i+1 == len(c.args) {
					b.WriteString("null")
				} else {
					b.WriteString(jsonOf(c.types[i+1], c.args[i+1]))
				}
			}
			return "{" + b.String() + "}"
		}},
	})
}

// document is argument i as checked JSON text.
func (c *call) document(i int) (string, bool) {
	text := strings.TrimSpace(c.text(i))
	if c.failed {
		return "", false
	}
	if HoldsMap(c.types[i]) {
		text = QuoteKeys(text)
	}
	end, err := jsonscan.Value([]byte(text), 0)
	if err != nil || end != len(text) {
		return "", false
	}
	return string(jsonscan.Compact(nil, []byte(text))), true
}

// lookUp follows the path in argument 1 through the document in argument 0.
func (c *call) lookUp() (string, bool) {
	doc, ok := c.document(0)
	if !ok {
		return "", false
	}
	return walkJSON(doc, c.text(1))
}

// walkJSON reads paths like $.a.b[0]."c d" and the same without $. [*] gives the
// rest of the path of every item, as an array.
func walkJSON(doc, path string) (string, bool) {
	path = strings.TrimPrefix(strings.TrimSpace(path), "$")
	for path != "" {
		if path[0] == '.' {
			path = path[1:]
			continue
		}
		if path[0] == '[' {
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return "", false
			}
			at := strings.TrimSpace(path[1:end])
			path = path[end+1:]
			if at == "*" {
				return walkAll(doc, path)
			}
			n, err := strconv.Atoi(at)
			if err != nil || n < 0 {
				return "", false
			}
			item, ok := "", false
			items(doc, func(i int, v string) bool {
				if i == n {
					item, ok = v, true
				}
				return i < n
			})
			if !ok {
				return "", false
			}
			doc = item
			continue
		}
		name := path
		if path[0] == '"' {
			end := strings.IndexByte(path[1:], '"')
			if end < 0 {
				return "", false
			}
			name, path = path[1:1+end], path[end+2:]
		} else {
			if end := strings.IndexAny(path, ".["); end >= 0 {
				name = path[:end]
			}
			path = path[len(name):]
		}
		found, ok := "", false
		members(doc, func(key, v string) bool {
			if key == name {
				found, ok = v, true
			}
			return !ok
		})
		if !ok {
			return "", false
		}
		doc = found
	}
	return doc, true
}

func walkAll(doc, path string) (string, bool) {
	var found []string
	items(doc, func(_ int, v string) bool {
		if inner, ok := walkJSON(v, path); ok {
			found = append(found, inner)
		}
		return true
	})
	return "[" + strings.Join(found, ",") + "]", strings.HasPrefix(doc, "[")
}

// members calls fn with every key and value of a compact object until it says no.
func members(doc string, fn func(key, value string) bool) {
	if !strings.HasPrefix(doc, "{") || doc == "{}" {
		return
	}
	for b, i := []byte(doc), 1; ; {
		end, err := jsonscan.String(b, i)
		if err != nil {
			return
		}
		key := string(jsonscan.Unquote(nil, b[i:end]))
		from := end + 1 // over the colon
		to, err := jsonscan.Value(b, from)
		if err != nil || !fn(key, doc[from:to]) || doc[to] == '}' {
			return
		}
		i = to + 1
	}
}

// items calls fn with every item of a compact array until it says no.
func items(doc string, fn func(i int, value string) bool) {
	if !strings.HasPrefix(doc, "[") || doc == "[]" {
		return
	}
	for n, b, i := 0, []byte(doc), 1; ; n++ {
		to, err := jsonscan.Value(b, i)
		if err != nil || !fn(n, doc[i:to]) || doc[to] == ']' {
			return
		}
		i = to + 1
	}
}

// list returns the items of a compact array.
func list(doc string) (all []string) {
	items(doc, func(_ int, v string) bool { all = append(all, v); return true })
	return all
}

func jsonLength(c *call) any {
	v, ok := c.document(0)
	if len(c.args) == 2 {
		v, ok = c.lookUp()
	}
	if !ok {
		return nil
	}
	switch n := int64(0); v[0] {
	case '{':
		members(v, func(string, string) bool { n++; return true })
		return n
	case '[':
		return int64(len(list(v)))
	}
	return int64(1)
}

func quoted(s string) string { return string(jsonscan.Quote(nil, []byte(s))) }

// jsonText is a JSON value as text: strings without their quotes.
func jsonText(v string) string {
	if strings.HasPrefix(v, `"`) {
		return string(jsonscan.Unquote(nil, []byte(v)))
	}
	return v
}

// jsonNumber is a JSON value for the conversions to numbers; true is 1.
func jsonNumber(v string) any {
	switch v {
	case "true":
		return int64(1)
	case "false":
		return int64(0)
	}
	return jsonText(v)
}

// jsonOf is an engine value as JSON text.
func jsonOf(t sqlType, v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(x)
	case time.Time, []byte:
		text, _ := Text(t, v)
		return quoted(text)
	case string:
		if IsDocument(t) {
			return x
		}
		return quoted(x)
	case decimal.Decimal:
		return DecimalText(x, -1)
	}
	if n, ok := whole64(v); ok && types.IsBoolean(t) {
		return strconv.FormatBool(n != 0)
	}
	text, ok := Text(t, v)
	if !ok {
		return "null"
	}
	return text
}

// toJSON is CAST(.. AS JSON): text that is JSON is read, other text becomes a string.
func toJSON(t sqlType, v any) any {
	s, ok := v.(string)
	if ok && HoldsMap(t) {
		return QuoteKeys(s)
	}
	if !ok || IsDocument(t) {
		return jsonOf(t, v)
	}
	trimmed := strings.TrimSpace(s)
	if end, err := jsonscan.Value([]byte(trimmed), 0); err == nil && end == len(trimmed) {
		return string(jsonscan.Compact(nil, []byte(trimmed)))
	}
	return quoted(s)
}
