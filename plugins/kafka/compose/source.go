package compose

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/tidwall/gjson"
)

// shape is what a value came to.
type shape uint8

const (
	isNull   shape = iota
	isText         // between quotes in JSON
	isToken        // stands in JSON as it is
	noNumber       // NaN or an infinity, for which JSON has no form
)

// source is a column of the rows that come, as far as its schema tells.
type source struct {
	typ    arrow.DataType
	json   bool
	counts bool // may be a whole number
	unit   arrow.TimeUnit
	zone   *time.Location // that a timestamp is shown in
}

func newSource(f arrow.Field) (source, error) {
	s := source{typ: f.Type, json: rows.IsJSON(f), zone: time.UTC}
	switch t := f.Type.(type) {
	case *arrow.TimestampType:
		zone, err := t.GetZone()
		if err != nil {
			return s, err
		}
		if s.unit, s.counts = t.Unit, true; zone != nil {
			s.zone = zone
		}
	case arrow.BinaryDataType:
		s.counts = true
	default:
		s.counts = arrow.IsInteger(t.ID()) || t.ID() == arrow.NULL
	}
	return s, nil
}

const (
	notUTF8 = "holds bytes that are not UTF-8"
	notJSON = "holds JSON that cannot be read"
	notANum = "JSON has no NaN and no infinity"
)

// append adds a value as text; a reason says why it has none.
func (s *source) append(dst []byte, col arrow.Array, row int) (out []byte, as shape, reason string) {
	if col.IsNull(row) || s.typ.ID() == arrow.NULL {
		return dst, isNull, ""
	}
	if b, ok := plain(col, row); ok {
		if s.json {
			return token(dst, b)
		}
		if !utf8.Valid(b) {
			return dst, isNull, notUTF8
		}
		return append(dst, b...), isText, ""
	}
	switch c := col.(type) {
	case *array.Boolean:
		return strconv.AppendBool(dst, c.Value(row)), isToken, ""
	case *array.Uint64:
		return strconv.AppendUint(dst, c.Value(row), 10), isToken, ""
	case *array.Float16:
		return float(dst, float64(c.Value(row).Float32()), 32)
	case *array.Float32:
		return float(dst, float64(c.Value(row)), 32)
	case *array.Float64:
		return float(dst, c.Value(row), 64)
	case *array.Timestamp:
		return c.Value(row).ToTime(s.unit).In(s.zone).AppendFormat(dst, "2006-01-02 15:04:05.999999999"), isText, ""
	case *array.Date32:
		return c.Value(row).ToTime().UTC().AppendFormat(dst, time.DateOnly), isText, ""
	case *array.Date64:
		return c.Value(row).ToTime().UTC().AppendFormat(dst, time.DateOnly), isText, ""
	case *array.Decimal32, *array.Decimal64, *array.Decimal128, *array.Decimal256:
		return append(dst, col.ValueStr(row)...), isToken, ""
	}
	if n, ok := integer(col, row); ok {
		return strconv.AppendInt(dst, n, 10), isToken, ""
	}
	if _, nested := s.typ.(arrow.NestedType); nested {
		b, err := json.Marshal(col.GetOneForMarshal(row))
		if err != nil {
			return dst, isNull, "has no form as JSON: " + err.Error()
		}
		return append(dst, b...), isToken, ""
	}
	return append(dst, col.ValueStr(row)...), isText, ""
}

// plain is the bytes of a value that is bytes or text.
func plain(col arrow.Array, row int) ([]byte, bool) {
	switch c := col.(type) {
	case *array.Binary:
		return c.Value(row), true
	case *array.String:
		return bytesOf(c.Value(row)), true
	case *array.LargeBinary:
		return c.Value(row), true
	case *array.LargeString:
		return bytesOf(c.Value(row)), true
	case *array.BinaryView:
		return c.Value(row), true
	case *array.StringView:
		return bytesOf(c.Value(row)), true
	case *array.FixedSizeBinary:
		return c.Value(row), true
	}
	return nil, false
}

// bytesOf is the bytes of a text, which nobody changes.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// integer is a whole number; those of 64 bits without a sign only as far as they fit.
func integer(col arrow.Array, row int) (int64, bool) {
	switch c := col.(type) {
	case *array.Int64:
		return c.Value(row), true
	case *array.Int32:
		return int64(c.Value(row)), true
	case *array.Int16:
		return int64(c.Value(row)), true
	case *array.Int8:
		return int64(c.Value(row)), true
	case *array.Uint32:
		return int64(c.Value(row)), true
	case *array.Uint16:
		return int64(c.Value(row)), true
	case *array.Uint8:
		return int64(c.Value(row)), true
	case *array.Uint64:
		n := c.Value(row)
		return int64(n), n <= math.MaxInt64
	}
	return 0, false
}

// count is the whole number in a column of any type that can hold one: a timestamp is Unix milliseconds, a text its digits.
func (s *source) count(col arrow.Array, row int) (int64, bool) {
	if n, ok := integer(col, row); ok {
		return n, true
	}
	if c, ok := col.(*array.Timestamp); ok {
		return c.Value(row).ToTime(s.unit).UnixMilli(), true
	}
	b, ok := plain(col, row)
	if !ok {
		return 0, false
	}
	b = bytes.Trim(bytes.TrimSpace(b), `"`)
	n, err := strconv.ParseInt(unsafe.String(unsafe.SliceData(b), len(b)), 10, 64)
	return n, err == nil
}

// float writes the shortest text that reads back as the same number.
func float(dst []byte, f float64, bits int) ([]byte, shape, string) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendFloat(dst, f, 'g', -1, bits), noNumber, ""
	}
	as := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		as = 'e'
	}
	return strconv.AppendFloat(dst, f, as, -1, bits), isToken, ""
}

const jsonSpace = " \t\r\n"

// token takes a piece of JSON: texts are unpacked, null is NULL, everything else stays as it came.
func token(dst, v []byte) ([]byte, shape, string) {
	v = bytes.Trim(v, jsonSpace)
	switch {
	case !utf8.Valid(v):
		return dst, isNull, notUTF8
	case !gjson.ValidBytes(v):
		return dst, isNull, notJSON
	case v[0] == 'n':
		return dst, isNull, ""
	case v[0] != '"':
		return append(dst, v...), isToken, ""
	case bytes.IndexByte(v, '\\') < 0:
		return append(dst, v[1:len(v)-1]...), isText, ""
	case halved(v):
		return dst, isNull, "holds half of a surrogate pair, which is no text"
	}
	var text string
	if err := json.Unmarshal(v, &text); err != nil {
		return dst, isNull, notJSON
	}
	return append(dst, text...), isText, ""
}

// halved tells whether a valid JSON text holds half of a surrogate pair.
func halved(v []byte) bool {
	unit := func(i int) rune { // at an escape of the form \uXXXX; 0 where there is none
		if i+6 > len(v) || v[i] != '\\' || v[i+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(v[i+2:i+6]), 16, 16)
		return rune(n)
	}
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' {
			continue
		}
		switch u := unit(i); {
		case utf16.IsSurrogate(u) && utf16.DecodeRune(u, unit(i+6)) == utf8.RuneError:
			return true
		case utf16.IsSurrogate(u):
			i += 11
		default:
			i++
		}
	}
	return false
}

// rawToken takes a piece of JSON as it is.
func rawToken(dst, v []byte) ([]byte, shape, string) {
	v = bytes.Trim(v, jsonSpace)
	switch {
	case !utf8.Valid(v):
		return dst, isNull, notUTF8
	case !gjson.ValidBytes(v):
		return dst, isNull, notJSON
	}
	return append(dst, v...), isToken, ""
}
