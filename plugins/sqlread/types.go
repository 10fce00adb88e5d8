package sqlread

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/gx-etl/gx/plugins/sqlread/cut"
)

// Kind says how the values of a column travel.
type Kind uint8

// The kinds. Unreadable is a type whose values cannot be had.
const (
	Unreadable Kind = iota
	Bool
	Int32
	Int64
	Uint64
	Float32
	Float64
	Decimal  // at most 38 digits
	Text     // also numbers that are too long for anything else
	Date     // days
	DateTime // microseconds, without a zone
	Bytes
	JSON
	Bits // BIT(n), a number of n bits
)

// Type is the type of a column.
type Type struct {
	Name             string // as the server says
	Kind             Kind
	Precision, Scale int32
	Split            cut.Kind
	Compared         string // what is compared with the bounds of a part, %s for the column; "": the column
	Try              string // of an unreadable type: what can be read in its place
}

func (t Type) field(name string) arrow.Field {
	f := arrow.Field{Name: name, Nullable: true}
	switch t.Kind {
	case Bool:
		f.Type = arrow.FixedWidthTypes.Boolean
	case Int32:
		f.Type = arrow.PrimitiveTypes.Int32
	case Int64:
		f.Type = arrow.PrimitiveTypes.Int64
	case Uint64, Bits:
		f.Type = arrow.PrimitiveTypes.Uint64
	case Float32:
		f.Type = arrow.PrimitiveTypes.Float32
	case Float64:
		f.Type = arrow.PrimitiveTypes.Float64
	case Decimal:
		f.Type = &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}
	case Date:
		f.Type = arrow.FixedWidthTypes.Date32
	case DateTime:
		f.Type = &arrow.TimestampType{Unit: arrow.Microsecond}
	case Bytes:
		f.Type = arrow.BinaryTypes.Binary
	case JSON:
		return rows.JSONField(name)
	default:
		f.Type = arrow.BinaryTypes.String
	}
	return f
}

// ParseType cuts a COLUMN_TYPE such as decimal(10,2) or bigint(20) unsigned into its name in small letters, its numbers,
// and whether it has no sign.
func ParseType(columnType string) (name string, numbers []int32, unsigned bool) {
	s := strings.ToLower(strings.TrimSpace(columnType))
	end := strings.IndexAny(s, "(< ")
	if end < 0 {
		return s, nil, false
	}
	name, rest := s[:end], s[end:]
	if rest[0] == '(' {
		inner, after, _ := strings.Cut(rest[1:], ")")
		for part := range strings.SplitSeq(inner, ",") {
			n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 32)
			if err != nil {
				break
			}
			numbers = append(numbers, int32(n))
		}
		rest = after
	}
	return name, numbers, strings.Contains(rest, "unsigned")
}

// DecimalType is the type of DECIMAL(precision, scale): numbers as far as Arrow's 128 bits reach, text beyond.
func DecimalType(name string, numbers []int32) Type {
	t := Type{Name: name, Kind: Text, Split: cut.Decimal}
	if len(numbers) > 0 && numbers[0] >= 1 && numbers[0] <= 38 {
		t.Kind, t.Precision = Decimal, numbers[0]
		if len(numbers) > 1 {
			t.Scale = numbers[1]
		}
	}
	return t
}
