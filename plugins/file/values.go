package file

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/tidwall/gjson"
)

// form is what a value comes to.
type form uint8

const (
	formNull  form = iota
	formText       // in JSON between quotes
	formPlain      // stands in JSON as it is
	formOdd        // has no form in JSON
)

// source is a column of the rows that come, as far as its schema tells.
type source struct {
	json   bool
	unit   arrow.TimeUnit
	zone   *time.Location // that a timestamp is shown in
	layout string         // of dates; "": the usual forms
}

func newSource(f arrow.Field, layout string) (source, error) {
	s := source{json: rows.IsJSON(f), zone: time.UTC, layout: layout}
	if t, ok := f.Type.(*arrow.TimestampType); ok {
		s.unit = t.Unit
		zone, err := t.GetZone()
		if err != nil {
			return s, err
		}
		if zone != nil {
			s.zone = zone
		}
	}
	return s, nil
}

const (
	notUTF8  = "holds bytes that are not UTF-8"
	notJSON  = "holds JSON that cannot be read"
	notANumb = "JSON has no NaN and no infinity"
)

// append adds a value as text; a reason says why it has no text.
func (s *source) append(dst []byte, col arrow.Array, row int) (out []byte, as form, reason string) {
	if col.IsNull(row) || col.DataType().ID() == arrow.NULL {
		return dst, formNull, ""
	}
	switch c := col.(type) {
	case *array.String:
		return text(dst, raw(c.Value(row)))
	case *array.LargeString:
		return text(dst, raw(c.Value(row)))
	case *array.StringView:
		return text(dst, raw(c.Value(row)))
	case *array.Binary:
		if s.json {
			return token(dst, c.Value(row))
		}
		return text(dst, c.Value(row))
	case *array.LargeBinary:
		return text(dst, c.Value(row))
	case *array.BinaryView:
		return text(dst, c.Value(row))
	case *array.FixedSizeBinary:
		return text(dst, c.Value(row))
	case *array.Boolean:
		return strconv.AppendBool(dst, c.Value(row)), formPlain, ""
	case *array.Int8:
		return strconv.AppendInt(dst, int64(c.Value(row)), 10), formPlain, ""
	case *array.Int16:
		return strconv.AppendInt(dst, int64(c.Value(row)), 10), formPlain, ""
	case *array.Int32:
		return strconv.AppendInt(dst, int64(c.Value(row)), 10), formPlain, ""
	case *array.Int64:
		return strconv.AppendInt(dst, c.Value(row), 10), formPlain, ""
	case *array.Uint8:
		return strconv.AppendUint(dst, uint64(c.Value(row)), 10), formPlain, ""
	case *array.Uint16:
		return strconv.AppendUint(dst, uint64(c.Value(row)), 10), formPlain, ""
	case *array.Uint32:
		return strconv.AppendUint(dst, uint64(c.Value(row)), 10), formPlain, ""
	case *array.Uint64:
		return strconv.AppendUint(dst, c.Value(row), 10), formPlain, ""
	case *array.Float16:
		return number(dst, float64(c.Value(row).Float32()), 32)
	case *array.Float32:
		return number(dst, float64(c.Value(row)), 32)
	case *array.Float64:
		return number(dst, c.Value(row), 64)
	case *array.Timestamp:
		t := c.Value(row).ToTime(s.unit).In(s.zone)
		return t.AppendFormat(dst, s.or("2006-01-02 15:04:05.999999999")), formText, ""
	case *array.Date32:
		return c.Value(row).ToTime().UTC().AppendFormat(dst, s.or(time.DateOnly)), formText, ""
	case *array.Date64:
		return c.Value(row).ToTime().UTC().AppendFormat(dst, s.or(time.DateOnly)), formText, ""
	case *array.Decimal32, *array.Decimal64, *array.Decimal128, *array.Decimal256:
		return append(dst, col.ValueStr(row)...), formPlain, ""
	}
	if _, nested := col.DataType().(arrow.NestedType); nested {
		b, err := json.Marshal(col.GetOneForMarshal(row))
		if err != nil {
			return dst, formNull, "has no form as JSON: " + err.Error()
		}
		return append(dst, b...), formPlain, ""
	}
	return text(dst, []byte(col.ValueStr(row)))
}

// raw is the bytes of a text, which nobody changes.
func raw(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func (s *source) or(layout string) string {
	if s.layout != "" {
		return s.layout
	}
	return layout
}

func text(dst, v []byte) ([]byte, form, string) {
	if !utf8.Valid(v) {
		return dst, formNull, notUTF8
	}
	return append(dst, v...), formText, ""
}

// number writes the shortest text that reads back as the same number.
func number(dst []byte, f float64, bits int) ([]byte, form, string) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendFloat(dst, f, 'g', -1, bits), formOdd, ""
	}
	as := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		as = 'e'
	}
	return strconv.AppendFloat(dst, f, as, -1, bits), formPlain, ""
}

// token takes a piece of JSON: texts are unpacked, null is NULL, everything else stays as it is.
func token(dst, v []byte) ([]byte, form, string) {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) == 0:
		return dst, formNull, notJSON
	case v[0] == '"':
		if !utf8.Valid(v) {
			return dst, formNull, notUTF8
		}
		r := gjson.ParseBytes(v)
		if r.Type != gjson.String || !gjson.ValidBytes(v) {
			return dst, formNull, notJSON
		}
		if unpaired(r) {
			return dst, formNull, "holds half of a surrogate pair, which is no text"
		}
		return append(dst, r.Str...), formText, ""
	case string(v) == "null":
		return dst, formNull, ""
	}
	return oneLine(dst, v)
}

// oneLine adds a piece of JSON without line breaks.
func oneLine(dst, v []byte) ([]byte, form, string) {
	if !utf8.Valid(v) {
		return dst, formNull, notUTF8
	}
	if !gjson.ValidBytes(v) {
		return dst, formNull, notJSON
	}
	if !bytes.ContainsAny(v, "\r\n") {
		return append(dst, v...), formPlain, ""
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return dst, formNull, notJSON
	}
	return append(dst, b.Bytes()...), formPlain, ""
}
