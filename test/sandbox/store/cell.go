package store

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
	"github.com/gx-etl/gx/test/sandbox/release"
)

// RowError says why a row was refused, in the words of the real server.
type RowError struct {
	Column string
	Reason string
}

func (e *RowError) Error() string { return e.Reason }

// outcome of reading a cell.
type outcome int

const (
	cellOK       outcome = iota
	cellBad              // not convertible: NULL, or an error in strict mode
	cellTooLarge         // convertible, but outside of what the column holds: an error in both modes
)

// cellType is what the readers need to know of a column type, prepared once.
type cellType struct {
	Type
	storage   storage
	low, high int64
	limit     int
	nested    nested
	hex       bool // VARBINARY text is hexadecimal
}

func newCellType(t Type) cellType { return newCellTypeFor(t, release.Newest()) }

// newCellTypeFor reads as a server of the release does. In which release VARBINARY
// text turned from hexadecimal to base64 is not known for sure; 3.3 is taken.
func newCellTypeFor(t Type, r release.Release) cellType {
	c := cellType{Type: t, hex: !r.AtLeast(3, 3), storage: storageOf(t.Kind), limit: t.maxLength()}
	c.low, c.high = bounds(t.Kind)
	switch t.Kind {
	case Array, Map, Struct:
		// The schema was checked, so the text parses; a type passed to
		// Convert by hand may not, and then converts nothing.
		c.nested, _ = parseNested(t.Text)
		c.limit = MaxJSON
	}
	return c
}

// readText appends the value that text stands for, or nothing unless it returns cellOK.
func (t *cellType) readText(v *vector, text []byte) outcome {
	switch t.Kind {
	case Boolean:
		b, ok := parseBool(text)
		if !ok {
			return cellBad
		}
		v.addInt(b)
	case TinyInt, SmallInt, Int, BigInt:
		x, ok := parseInt(text, t.low, t.high)
		if !ok {
			return cellBad
		}
		v.addInt(x)
	case LargeInt:
		x, ok := parseWide(text)
		if !ok {
			return cellBad
		}
		v.addWide(x)
	case Float, Double:
		x, ok := parseFloat(text, t.Kind)
		if !ok {
			return cellBad
		}
		v.addFloat(x)
	case Decimal:
		x, res := parseDecimal(text, t.Precision, t.Scale)
		switch res {
		case decimalBad:
			return cellBad
		case decimalTooLarge:
			return cellTooLarge
		}
		v.addWide(x)
	case Date, DateTime:
		c, ok := parseCivil(text)
		if !ok {
			return cellBad
		}
		if t.Kind == Date {
			c = civil{year: c.year, month: c.month, day: c.day}
		}
		v.addInt(c.pack())
	case Binary:
		return t.readBinary(v, text)
	case Bitmap, HLL, Percentile:
		return t.readSketch(v, text)
	case JSON:
		return t.readDocument(v, text)
	case Array, Map, Struct:
		return t.readNested(v, undouble(text))
	default:
		if len(text) > t.limit {
			return cellTooLarge
		}
		v.addBytes(text)
	}
	return cellOK
}

func parseBool(text []byte) (int64, bool) {
	text = trimBlanks(text)
	switch {
	case len(text) == 4 && bytes.EqualFold(text, []byte("true")):
		return 1, true
	case len(text) == 5 && bytes.EqualFold(text, []byte("false")):
		return 0, true
	}
	f, ok := parseFloat(text, Double)
	if !ok {
		return 0, false
	}
	if f != 0 {
		return 1, true
	}
	return 0, true
}

// readBinary decodes base64 and takes anything else as raw bytes, as newer servers do.
func (t *cellType) readBinary(v *vector, text []byte) outcome {
	if t.hex {
		return t.readHex(v, text)
	}
	if n := base64.StdEncoding.DecodedLen(len(text)); len(text)%4 == 0 && len(text) > 0 {
		start := len(v.arena)
		v.arena = append(v.arena, make([]byte, n)...)
		if got, err := base64.StdEncoding.Strict().Decode(v.arena[start:], text); err == nil {
			if got > t.limit {
				v.arena = v.arena[:start]
				return cellTooLarge
			}
			v.arena = v.arena[:start+got]
			v.closeBytes()
			return cellOK
		}
		v.arena = v.arena[:start]
	}
	if len(text) > t.limit {
		return cellTooLarge
	}
	v.addBytes(text)
	return cellOK
}

// readHex is readBinary of older servers: pairs of hexadecimal digits and nothing else.
func (t *cellType) readHex(v *vector, text []byte) outcome {
	if hex.DecodedLen(len(text)) > t.limit {
		return cellTooLarge
	}
	start := len(v.arena)
	v.arena = append(v.arena, make([]byte, hex.DecodedLen(len(text)))...)
	if _, err := hex.Decode(v.arena[start:], text); err != nil {
		v.arena = v.arena[:start]
		return cellBad
	}
	v.closeBytes()
	return cellOK
}

func (t *cellType) readDocument(v *vector, text []byte) outcome {
	text = trimBlanks(text)
	if end, err := jsonscan.Value(text, 0); err != nil || end != len(text) || !utf8.Valid(text) {
		return cellBad
	}
	if len(text) > t.limit {
		return cellTooLarge
	}
	v.arena = jsonscan.Compact(v.arena, text)
	v.closeBytes()
	return cellOK
}

// readNested converts a JSON array or object to the declared nested type.
func (t *cellType) readNested(v *vector, text []byte) outcome {
	text = trimBlanks(text)
	if end, err := jsonscan.Value(text, 0); err != nil || end != len(text) || !utf8.Valid(text) {
		return cellBad
	}
	start := len(v.arena)
	out, ok := t.nested.appendJSON(v.arena, text)
	if !ok {
		v.arena = v.arena[:start]
		return cellBad
	}
	v.arena = out
	v.closeBytes()
	return cellOK
}

// undouble turns the CSV form of nested text, where a quote inside a string is
// doubled, into JSON. Text without doubled quotes passes unchanged.
func undouble(text []byte) []byte {
	if !bytes.Contains(text, []byte(`""`)) {
		return text
	}
	if end, err := jsonscan.Value(text, 0); err == nil && end == len(text) {
		return text
	}
	out := make([]byte, 0, len(text))
	inside := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '"' {
			out = append(out, c)
			continue
		}
		if inside && i+1 < len(text) && text[i+1] == '"' {
			out = append(out, '\\', '"')
			i++
			continue
		}
		inside = !inside
		out = append(out, c)
	}
	return out
}

// readToken appends the value of a checked JSON token other than null.
// scratch is lent for unquoting.
func (t *cellType) readToken(v *vector, token []byte, scratch *[]byte) outcome {
	switch t.Kind {
	case JSON:
		if len(token) > t.limit {
			return cellTooLarge
		}
		v.arena = jsonscan.Compact(v.arena, token)
		v.closeBytes()
		return cellOK
	case Array, Map, Struct:
		return t.readNested(v, token)
	case Char, Varchar:
		return t.readTokenAsText(v, token)
	case Binary, Bitmap, HLL, Percentile:
		return cellBad
	}
	text := token
	switch token[0] {
	case '"':
		text = token[1 : len(token)-1]
		if bytes.IndexByte(text, '\\') >= 0 {
			*scratch = jsonscan.Unquote((*scratch)[:0], token)
			text = *scratch
		}
	case '{', '[':
		return cellBad
	case 't', 'f':
		if t.Kind != Boolean {
			text = []byte("1")
			if token[0] == 'f' {
				text = []byte("0")
			}
		}
	}
	out := t.readText(v, text)
	if out == cellBad && t.storage == asInts && t.Kind >= TinyInt && t.Kind <= BigInt {
		return t.readTruncated(v, text)
	}
	return out
}

// readTruncated is the second try of the JSON reader for integers: a number
// with a fraction or exponent is cut to its whole part if that fits.
func (t *cellType) readTruncated(v *vector, text []byte) outcome {
	f, ok := parseFloat(text, Double)
	if !ok {
		return cellBad
	}
	// float64(math.MaxInt64) is 2^63, one too many: compare below it.
	if f < float64(t.low) || f > float64(t.high) || f >= 1<<63 {
		return cellBad
	}
	v.addInt(int64(f))
	return cellOK
}

func (t *cellType) readTokenAsText(v *vector, token []byte) outcome {
	start := len(v.arena)
	switch token[0] {
	case '"':
		v.arena = jsonscan.Unquote(v.arena, token)
	case 't':
		v.arena = append(v.arena, '1')
	case 'f':
		v.arena = append(v.arena, '0')
	case '{', '[':
		v.arena = jsonscan.Compact(v.arena, token)
	default:
		v.arena = append(v.arena, token...)
	}
	if len(v.arena)-start > t.limit {
		v.arena = v.arena[:start]
		return cellTooLarge
	}
	v.closeBytes()
	return cellOK
}

func nullError(c *Column) *RowError {
	return &RowError{Column: c.Name, Reason: fmt.Sprintf("NULL value in non-nullable column '%s'", c.Name)}
}

func tooLargeError(c *Column, text []byte, length int) *RowError {
	if c.Type.Kind == Decimal {
		return &RowError{Column: c.Name, Reason: fmt.Sprintf("Decimal '%s' is out of range. The type of '%s' is %s",
			text, c.Name, decimalName(c.Type))}
	}
	return &RowError{Column: c.Name, Reason: fmt.Sprintf("String (length=%d) is too long. The max length of '%s' is %d",
		length, c.Name, c.Type.maxLength())}
}

func decimalName(t Type) string { return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale) }
