package debezium

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// maker makes values of one type as literals of SQL.
type maker func(r *rand.Rand) string

// or makes NULL of every sixth value.
func (m maker) orNull() maker {
	return func(r *rand.Rand) string {
		if r.IntN(6) == 0 {
			return "NULL"
		}
		return m(r)
	}
}

// oneOf makes values of several kinds.
func oneOf(makers ...maker) maker {
	return func(r *rand.Rand) string { return makers[r.IntN(len(makers))](r) }
}

// these makes the values given.
func these(literals ...string) maker {
	return func(r *rand.Rand) string { return literals[r.IntN(len(literals))] }
}

// whole makes whole numbers from low to high, the ends often.
func whole(low, high int64) maker {
	return oneOf(these(strconv.FormatInt(low, 10), strconv.FormatInt(high, 10)), func(r *rand.Rand) string {
		return strconv.FormatInt(low+int64(r.Uint64N(uint64(high-low)+1)), 10)
	})
}

// decimals makes numbers of up to digits digits, scale of which stand behind the point.
func decimals(digits, scale int) maker {
	most := strings.Repeat("9", digits-scale) + "." + strings.Repeat("9", scale)
	least := "0." + strings.Repeat("0", scale-1) + "1"
	return oneOf(these(most, "-"+most, least, "-"+least, "0", "1.5", "-128", "127", "255.5"), func(r *rand.Rand) string {
		text := fmt.Sprintf("%0*d", scale+1, r.Int64N(int64(math.Pow10(1+r.IntN(min(digits, 18))))))
		return []string{"", "-"}[r.IntN(2)] + text[:len(text)-scale] + "." + text[len(text)-scale:]
	})
}

// doubles makes numbers of 64 bits, or of the 32 bits that REAL and FLOAT hold.
func doubles(bits int) maker {
	return oneOf(these("0", "0.1", "-1.5", "16777217", "1e-30", "-1e30"), func(r *rand.Rand) string {
		f := (r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(40)-20))
		return strconv.FormatFloat(f, 'g', -1, bits)
	})
}

// moments makes times of the years from first to last, written by a layout.
func moments(first, last int, layout string) maker {
	from := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	to := time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1
	return func(r *rand.Rand) string {
		seconds := from + r.Int64N(to-from+1)
		switch r.IntN(8) {
		case 0:
			seconds = from
		case 1:
			seconds = to
		case 2:
			seconds -= seconds % 86400
		}
		micros := []int64{0, 1, 999999, 500000, r.Int64N(1000000)}[r.IntN(5)]
		return "'" + time.Unix(seconds, micros*1000).UTC().Format(layout) + "'"
	}
}

// words are what texts are made of: letters of every length, signs that formats trip over, and texts that look like others.
var words = []string{"a", "A", "zoë", "Zoë", "ZOË", "straße", "客户", "あ", "👩‍👩‍👧", "é", "é", `"`, `\`, `\N`, "'", ",", "\t", "\n", "\r\n", " ", "NULL", "null", "{}",
	"[1]", "0", "-1", "%", "_", ";", "--", "/*", "\x01", "\x02", "<b>", "&amp;", "\u2028", "`", "$1", ":x", "?", "😀"}

// texts makes texts of at most so many of those words.
func texts(most int) maker {
	return func(r *rand.Rand) string {
		var b strings.Builder
		for range r.IntN(most + 1) {
			b.WriteString(words[r.IntN(len(words))])
		}
		return quoted(b.String())
	}
}

// quoted is a text as a literal; both servers are told that a backslash means itself.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// documents makes JSON.
func documents(r *rand.Rand) string {
	text := strconv.Quote(words[r.IntN(12)])
	return quoted(these(
		`{}`, `[]`, `true`, `"x"`, `12345678901234`, `-0.5`,
		fmt.Sprintf(`{"a": %d, "b": [%s, null, false], "c": {"d": %s}}`, r.Int32(), text, text),
		fmt.Sprintf(`[%d, {"k": %s}]`, r.IntN(100), text),
	)(r))
}

// octets makes byte strings, written between two texts: '\x and ' or x' and '.
func octets(before, after string, most int) maker {
	return func(r *rand.Rand) string {
		b := make([]byte, r.IntN(most+1))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return before + hex.EncodeToString(b) + after
	}
}
