package options

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// The functions of this file turn one scalar into a Go value. On failure they return what is wrong in words
// that continue the shown value: "is not an integer". Texts and numbers may stand for each other, because
// jobs in the wild write "concurrent": 1 beside "mbps": "12".

const beyond = "is beyond 64 bits"

func toInt(v Value) (int64, string) {
	text := strings.TrimSpace(v.text)
	if v.kind != Number && v.kind != String {
		return 0, "is not an integer"
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n, ""
	}
	r, ok := exactly(text)
	if !ok || !r.IsInt() {
		return 0, "is not an integer"
	}
	if !r.Num().IsInt64() {
		return 0, beyond
	}
	return r.Num().Int64(), ""
}

// exactly reads a decimal number such as 1e6 or 500000.0 without rounding. Exponents are capped so that a
// few bytes cannot ask for gigabytes.
func exactly(text string) (*big.Rat, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	if len(text) > 64 || digits == "" || strings.Trim(digits, "0123456789.eE+-") != "" {
		return nil, false
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if e, err := strconv.Atoi(text[i+1:]); err != nil || e > 64 || e < -64 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}

func toFloat(v Value) (float64, string) {
	if v.kind != Number && v.kind != String {
		return 0, "is not a number"
	}
	text := strings.TrimSpace(v.text)
	f, err := strconv.ParseFloat(text, 64)
	if strings.ContainsAny(text, "xXpP_nN") || (err != nil && !math.IsInf(f, 0)) {
		return 0, "is not a number"
	}
	if math.IsInf(f, 0) {
		return 0, "is beyond the range of a number"
	}
	return f, ""
}

func toBool(v Value) (bool, string) {
	switch strings.ToLower(strings.TrimSpace(v.text)) {
	case "true", "1", "yes":
		return true, ""
	case "false", "0", "no":
		return false, ""
	}
	return false, "is neither true nor false"
}

func toText(v Value) (string, string) {
	switch v.kind {
	case String, Number, Bool:
		return v.text, ""
	}
	return "", "is " + v.kind.String() + ", not a text"
}

// times multiplies a bare number; anything else, such as 64MiB or 5s, says its unit itself and stays.
func times(v Value, factor int64) Value {
	if factor == 0 || (v.kind != Number && v.kind != String) {
		return v
	}
	r, ok := exactly(strings.TrimSpace(v.text))
	if !ok {
		return v
	}
	r.Mul(r, new(big.Rat).SetInt64(factor))
	v.kind, v.text = Number, r.RatString()
	if !r.IsInt() {
		v.text = r.FloatString(9)
	}
	return v
}

// mapped says what a number became on its way from an alias that counts in another unit.
func mapped(to, from Value) string {
	if to.text == from.text || from.secret {
		return ""
	}
	return ": " + to.text
}

var byteUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

// toBytes reads a number of bytes: 5242880, 64MiB, 64m (both 1024-based), 64MB (1000-based), 1.5g.
func toBytes(v Value) (int64, string) {
	const wrong = "is not a number of bytes"
	text := strings.TrimSpace(v.text)
	cut := strings.IndexFunc(text, func(r rune) bool { return (r|0x20) >= 'a' && (r|0x20) <= 'z' && (r|0x20) != 'e' })
	if cut < 0 || v.kind != String {
		n, wrongInt := toInt(v)
		if wrongInt == beyond {
			return 0, beyond
		}
		if wrongInt != "" {
			return 0, wrong
		}
		return n, ""
	}
	unit, known := byteUnits[strings.ToLower(text[cut:])]
	r, ok := exactly(strings.TrimSpace(text[:cut]))
	if !known || !ok {
		return 0, wrong
	}
	if r.Mul(r, new(big.Rat).SetInt64(unit)); !r.IsInt() {
		return 0, "is not a whole number of bytes"
	}
	if !r.Num().IsInt64() {
		return 0, beyond
	}
	return r.Num().Int64(), ""
}

// toDuration reads "300s", "1h30m", or a bare number counted in unit.
func toDuration(v Value, unit time.Duration) (time.Duration, string) {
	const wrong = "is not a duration"
	if v.kind != Number && v.kind != String {
		return 0, wrong
	}
	text := strings.TrimSpace(v.text)
	if r, ok := exactly(text); ok {
		if r.Mul(r, new(big.Rat).SetInt64(int64(unit))); !r.IsInt() {
			return 0, wrong
		}
		if !r.Num().IsInt64() {
			return 0, "is longer than 292 years"
		}
		return time.Duration(r.Num().Int64()), ""
	}
	d, err := time.ParseDuration(strings.ReplaceAll(strings.ToLower(text), " ", ""))
	if err != nil {
		return 0, wrong
	}
	return d, ""
}

// show returns v for a message, short enough for one line; objects and lists are only named, they may hold secrets.
func show(v Value) string {
	if v.kind == String && !v.secret {
		return quote(v.text)
	}
	if v.kind == Object || v.kind == Array {
		return v.kind.String()
	}
	text := []rune(v.String())
	if len(text) > 60 {
		text = append(text[:60:60], '…')
	}
	return string(text)
}

func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
