package rows

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Describe writes one row as a JSON object, for people and for dirty records; bytes that are no text come in hexadecimal
// digits.
func Describe(rec arrow.RecordBatch, row int) []byte {
	b := []byte{'{'}
	for i, f := range rec.Schema().Fields() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, describeText(f.Name)...), ':')
		b = append(b, describeValue(rec.Column(i), f, row)...)
	}
	return append(b, '}')
}

func describeValue(a arrow.Array, f arrow.Field, row int) []byte {
	var raw []byte
	switch v := a.(type) {
	case *array.Binary:
		raw = v.Value(row)
	case *array.String:
		raw = []byte(v.Value(row))
	default:
		if a.IsNull(row) {
			return []byte("null")
		}
		return describeText(a.ValueStr(row))
	}
	switch {
	case a.IsNull(row):
		return []byte("null")
	case !utf8.Valid(raw):
		return describeText("0x" + hex.EncodeToString(raw))
	case IsJSON(f) && json.Valid(raw):
		return raw
	}
	return describeText(string(raw))
}

func describeText(s string) []byte {
	b, err := json.Marshal(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		return []byte(fmt.Sprintf("%q", s))
	}
	return b
}
