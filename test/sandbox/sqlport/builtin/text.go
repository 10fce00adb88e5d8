package builtin

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql/types"
)

func init() {
	one := func(f func(string) string) *function {
		return &function{min: 1, max: 1, result: varchar, eval: func(c *call) any { return f(c.text(0)) }}
	}
	substring := &function{min: 2, max: 3, result: varchar, eval: func(c *call) any {
		if len(c.args) == 2 {
			return substr(c.text(0), c.whole(1), maxText)
		}
		return substr(c.text(0), c.whole(1), c.whole(2))
	}}
	left := &function{min: 2, max: 2, result: varchar, eval: func(c *call) any { return substr(c.text(0), 1, c.whole(1)) }}
	right := &function{min: 2, max: 2, result: varchar, eval: func(c *call) any {
		s, n := c.text(0), c.whole(1)
		if n <= 0 {
			return ""
		}
		return substr(s, -min(n, int64(utf8.RuneCountInString(s))), n)
	}}
	lower, upper := one(strings.ToLower), one(strings.ToUpper)
	runes := &function{min: 1, max: 1, result: integer, eval: func(c *call) any { return int64(utf8.RuneCountInString(c.text(0))) }}
	register(map[string]*function{
		"concat": {min: 1, max: -1, result: varchar, eval: func(c *call) any {
			var b strings.Builder
			for i := range c.args {
				b.WriteString(c.text(i))
			}
			return b.String()
		}},
		"concat_ws": {min: 2, max: -1, nulls: true, result: varchar, eval: func(c *call) any {
			if c.null(0) {
				return nil
			}
			var parts []string
			for i := 1; i < len(c.args); i++ {
				if !c.null(i) {
					parts = append(parts, c.text(i))
				}
			}
			return strings.Join(parts, c.text(0))
		}},
		"substr": substring, "substring": substring, "mid": substring,
		"left": left, "strleft": left, "right": right, "strright": right,
		"length":       {min: 1, max: 1, result: integer, eval: func(c *call) any { return int64(len(c.text(0))) }},
		"octet_length": {min: 1, max: 1, result: integer, eval: func(c *call) any { return int64(len(c.text(0))) }},
		"char_length":  runes, "character_length": runes,
		"upper": upper, "ucase": upper, "lower": lower, "lcase": lower,
		"initcap": one(initCap),
		"reverse": {min: 1, max: 1, result: sameText, eval: func(c *call) any {
			if IsDocument(c.types[0]) {
				return reverseArray(c)
			}
			r := []rune(c.text(0))
			slices.Reverse(r)
			return string(r)
		}},
		"trim":  {min: 1, max: 2, result: varchar, eval: func(c *call) any { return strings.Trim(c.text(0), trimSet(c)) }},
		"ltrim": {min: 1, max: 2, result: varchar, eval: func(c *call) any { return strings.TrimLeft(c.text(0), trimSet(c)) }},
		"rtrim": {min: 1, max: 2, result: varchar, eval: func(c *call) any { return strings.TrimRight(c.text(0), trimSet(c)) }},
		"replace": {min: 3, max: 3, result: varchar, eval: func(c *call) any {
			if c.text(1) == "" {
				return c.text(0)
			}
			return strings.ReplaceAll(c.text(0), c.text(1), c.text(2))
		}},
		"locate": {min: 2, max: 3, result: integer, eval: func(c *call) any {
			from := int64(1)
			if len(c.args) == 3 {
				from = c.whole(2)
			}
			return locate(c.text(1), c.text(0), from)
		}},
		"instr":      {min: 2, max: 2, result: integer, eval: func(c *call) any { return locate(c.text(0), c.text(1), 1) }},
		"split_part": {min: 3, max: 3, result: varchar, eval: splitPart},
		"substring_index": {min: 3, max: 3, result: varchar, eval: func(c *call) any {
			parts := strings.Split(c.text(0), c.text(1))
			n := c.whole(2)
			switch {
			case n == 0 || c.text(1) == "":
				return nil
			case n > 0:
				parts = parts[:min(n, int64(len(parts)))]
			default:
				parts = parts[max(int64(len(parts))+n, 0):]
			}
			return strings.Join(parts, c.text(1))
		}},
		"lpad": {min: 2, max: 3, result: varchar, eval: func(c *call) any { return pad(c, true) }},
		"rpad": {min: 2, max: 3, result: varchar, eval: func(c *call) any { return pad(c, false) }},
		"repeat": {min: 2, max: 2, result: varchar, eval: func(c *call) any {
			s, n := c.text(0), max(c.whole(1), 0)
			if int64(len(s))*n > maxText || n > maxText {
				return nil
			}
			return strings.Repeat(s, int(n))
		}},
		"space": {min: 1, max: 1, result: varchar, eval: func(c *call) any {
			n := max(c.whole(0), 0)
			if n > maxText {
				return nil
			}
			return strings.Repeat(" ", int(n))
		}},
		"starts_with":   {min: 2, max: 2, result: boolean, eval: func(c *call) any { return boolValue(strings.HasPrefix(c.text(0), c.text(1))) }},
		"ends_with":     {min: 2, max: 2, result: boolean, eval: func(c *call) any { return boolValue(strings.HasSuffix(c.text(0), c.text(1))) }},
		"null_or_empty": {min: 1, max: 1, nulls: true, result: boolean, eval: func(c *call) any { return boolValue(c.null(0) || c.text(0) == "") }},
		"strcmp":        {min: 2, max: 2, result: integer, eval: func(c *call) any { return int64(strings.Compare(c.text(0), c.text(1))) }},
		"ascii": {min: 1, max: 1, result: integer, eval: func(c *call) any {
			s := c.text(0)
			if s == "" {
				return int64(0)
			}
			return int64(s[0])
		}},
		"char": {min: 1, max: 1, result: varchar, eval: func(c *call) any { return string([]byte{byte(c.whole(0))}) }},
		"find_in_set": {min: 2, max: 2, result: integer, eval: func(c *call) any {
			if strings.Contains(c.text(0), ",") {
				return int64(0)
			}
			return int64(slices.Index(strings.Split(c.text(1), ","), c.text(0)) + 1)
		}},
		"append_trailing_char_if_absent": {min: 2, max: 2, result: varchar, eval: func(c *call) any {
			s, end := c.text(0), c.text(1)
			if len(end) != 1 {
				return nil
			}
			if s == "" || strings.HasSuffix(s, end) {
				return s
			}
			return s + end
		}},
		"translate": {min: 3, max: 3, result: varchar, eval: func(c *call) any {
			from, to := []rune(c.text(1)), []rune(c.text(2))
			return strings.Map(func(r rune) rune {
				i := slices.Index(from, r)
				switch {
				case i < 0:
					return r
				case i < len(to):
					return to[i]
				}
				return -1
			}, c.text(0))
		}},
		"money_format": {min: 1, max: 1, result: varchar, eval: func(c *call) any {
			d := c.exact(0).Round(2).StringFixed(2)
			sign := ""
			if strings.HasPrefix(d, "-") {
				sign, d = "-", d[1:]
			}
			whole, rest, _ := strings.Cut(d, ".")
			for i := len(whole) - 3; i > 0; i -= 3 {
				whole = whole[:i] + "," + whole[i:]
			}
			return sign + whole + "." + rest
		}},
		"regexp_extract": {min: 3, max: 3, result: varchar, eval: func(c *call) any {
			re, at := c.pattern(1), c.whole(2)
			if re == nil || c.failed {
				return nil
			}
			if at < 0 || at > int64(re.NumSubexp()) {
				return ""
			}
			m := re.FindStringSubmatch(c.text(0))
			if m == nil {
				return ""
			}
			return m[at]
		}},
		"regexp_replace": {min: 3, max: 3, result: varchar, eval: func(c *call) any {
			re := c.pattern(1)
			if re == nil {
				return nil
			}
			return re.ReplaceAllString(c.text(0), groupReferences(c.text(2)))
		}},
	})
}

// maxText bounds the texts that functions make, in bytes: the size of a VARCHAR.
const maxText = 1048576

// sameText is the result type of functions that take text or an array.
var sameText = func(args []sqlType) sqlType {
	if IsDocument(args[0]) {
		return args[0]
	}
	return types.LongText
}

func firstRune(s string) (rune, int) { return utf8.DecodeRuneInString(s) }

// substr counts characters from 1, or from the end when from is negative. From 0,
// and from before the beginning, nothing is taken.
func substr(s string, from, n int64) string {
	if n <= 0 || from == 0 {
		return ""
	}
	if from < 0 {
		count := int64(utf8.RuneCountInString(s))
		if from = count + from + 1; from <= 0 {
			return ""
		}
	}
	for ; from > 1 && s != ""; from-- {
		_, size := firstRune(s)
		s = s[size:]
	}
	end := 0
	for ; n > 0 && end < len(s); n-- {
		_, size := firstRune(s[end:])
		end += size
	}
	return s[:end]
}

func trimSet(c *call) string {
	if len(c.args) == 2 {
		return c.text(1)
	}
	return " "
}

// locate gives the place of sub in s in characters from 1, at or behind from.
func locate(s, sub string, from int64) any {
	count := int64(utf8.RuneCountInString(s))
	if from < 1 || from > count+1 {
		return int64(0)
	}
	skipped := len(s) - len(substr(s, from, maxText))
	if from > count {
		skipped = len(s)
	}
	i := strings.Index(s[skipped:], sub)
	if i < 0 {
		return int64(0)
	}
	return int64(utf8.RuneCountInString(s[:skipped+i])) + 1
}

// splitPart counts parts from 1, or from the end when negative.
func splitPart(c *call) any {
	s, by, n := c.text(0), c.text(1), c.whole(2)
	if n == 0 || c.failed {
		return nil
	}
	parts := strings.Split(s, by)
	if n < 0 {
		n += int64(len(parts)) + 1
	}
	if n < 1 || n > int64(len(parts)) {
		return nil
	}
	return parts[n-1]
}

func pad(c *call, before bool) any {
	s, n, fill := []rune(c.text(0)), c.whole(1), []rune(" ")
	if len(c.args) == 3 {
		fill = []rune(c.text(2))
	}
	switch {
	case n < 0 || n > maxText:
		return nil
	case n <= int64(len(s)):
		return string(s[:n])
	case len(fill) == 0:
		return string(s)
	}
	var add []rune
	for i := 0; len(s)+len(add) < int(n); i++ {
		add = append(add, fill[i%len(fill)])
	}
	if before {
		return string(add) + string(s)
	}
	return string(s) + string(add)
}

// initCap makes the first letter of every word a capital and the others small.
func initCap(s string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if letter && !inside {
			inside = true
			return unicode.ToUpper(r)
		}
		inside = letter
		return unicode.ToLower(r)
	}, s)
}

// groupReferences turns \1 into ${1} and keeps dollars as they are.
func groupReferences(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '$':
			b.WriteString("$$")
		case c == '\\' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			i++
			b.WriteString("${" + strconv.Itoa(int(s[i]-'0')) + "}")
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
