package transform

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	notFinite = "the result is no finite number"
	notUTF8   = "the result is not text in UTF-8"
	tooMuch   = "the values of one batch come to over 2 GiB"
)

// none adds NULL.
func (o *output) none() {
	switch o.typ {
	case "int", "float":
		o.store.fixed64(0, false)
	case "bool":
		o.store.bit(false, false)
	default:
		o.store.endBytes(false)
	}
}

// add adds the result of an expression in the type of the column. With a reason nothing is added.
func (o *output) add(v any) (reason string) {
	if v = plain(v); v == nil {
		o.none()
		return ""
	}
	switch o.typ {
	case "int":
		n, reason := asInt(v)
		if reason == "" {
			o.store.fixed64(uint64(n), true)
		}
		return reason
	case "float":
		f, reason := asFloat(v)
		if reason == "" {
			o.store.fixed64(math.Float64bits(f), true)
		}
		return reason
	case "bool":
		t, ok := v.(bool)
		if !ok {
			return kindOf(v) + " is neither true nor false"
		}
		o.store.bit(t, true)
		return ""
	case "json":
		o.text, reason = appendJSON(o.text[:0], v)
	default:
		o.text, reason = appendString(o.text[:0], v)
	}
	switch {
	case reason != "":
		return reason
	case !o.store.fits(len(o.text)):
		return tooMuch
	}
	o.store.bytes(o.text)
	return ""
}

func asInt(v any) (int64, string) {
	switch v := v.(type) {
	case int:
		return int64(v), ""
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > exactInt {
			return 0, kindOf(v) + " is no integer; int() cuts, round() rounds"
		}
		return int64(v), ""
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n, ""
		}
	}
	return 0, kindOf(v) + " is no integer"
}

func asFloat(v any) (float64, string) {
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case int:
		if !exact(v) {
			return 0, errRounded.Error()
		}
		f = float64(v)
	case string:
		var err error
		if f, err = strconv.ParseFloat(v, 64); err != nil {
			return 0, kindOf(v) + " is no number"
		}
	default:
		return 0, kindOf(v) + " is no number"
	}
	if !finite(f) {
		return 0, notFinite
	}
	return f, ""
}

// appendString writes a result as text: lists and maps as JSON.
func appendString(dst []byte, v any) ([]byte, string) {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return dst, notUTF8
		}
		return append(dst, v...), ""
	case time.Time:
		return v.AppendFormat(dst, timeText), ""
	case time.Duration:
		return append(dst, v.String()...), ""
	}
	return appendJSON(dst, v)
}

// appendJSON writes a result as a JSON value.
func appendJSON(dst []byte, v any) ([]byte, string) {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return dst, notUTF8
		}
		return appendQuoted(dst, []byte(v)), ""
	case int:
		return strconv.AppendInt(dst, int64(v), 10), ""
	case bool:
		return strconv.AppendBool(dst, v), ""
	case float64:
		if !finite(v) {
			return dst, notFinite
		}
		if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) {
			return strconv.AppendFloat(dst, v, 'e', -1, 64), ""
		}
		return strconv.AppendFloat(dst, v, 'f', -1, 64), ""
	case time.Time, time.Duration:
		text, reason := appendString(nil, v)
		return appendQuoted(dst, text), reason
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return dst, kindOf(v) + " has no form as text"
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...), ""
}
