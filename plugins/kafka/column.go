package kafka

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// column is one entry of the option column.
type column struct {
	name     string // as the user wrote it
	kind     columnKind
	constant string
	path     project.Path
	outer    bool // with explode: of the document around the element
	index    int  // of a cell, when cells go by position
}

type columnKind uint8

const (
	columnField columnKind = iota
	columnConstant
	columnKey
	columnValue
	columnPartition
	columnHeaders
	columnOffset
	columnTimestamp
	columnTopic
	columnRecordHeaders // as they stand in a record
	columnOp
)

var attributes = map[string]columnKind{
	"__key__": columnKey, "__value__": columnValue, "__partition__": columnPartition, "__headers__": columnHeaders,
	"__offset__": columnOffset, "__timestamp__": columnTimestamp, "__topic__": columnTopic, "__op__": columnOp,
}

const attributeNames = "__key__, __value__, __partition__, __headers__, __offset__, __timestamp__, __topic__, __op__"

// parseColumn reads one entry: a constant in single quotes, an attribute of the message, or a path into the document.
func parseColumn(text string) (column, *options.Problem) {
	if n := len(text); n >= 2 && text[0] == '\'' && text[n-1] == '\'' {
		return column{name: text, kind: columnConstant, constant: strings.ReplaceAll(text[1:n-1], "''", "'")}, nil
	}
	if strings.HasPrefix(text, "'") {
		return column{}, &options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("the constant %s has no closing quote", text), Try: text + "'"}
	}
	if len(text) >= 4 && strings.HasPrefix(text, "__") && strings.HasSuffix(text, "__") {
		if kind, ok := attributes[text]; ok {
			return column{name: text, kind: kind}, nil
		}
		p := &options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is no attribute of a message", text), Want: attributeNames,
			Try: `\` + text + " when it is a JSON field"}
		for name := range attributes {
			if strings.EqualFold(name, text) {
				p.Try = name
			}
		}
		return column{}, p
	}
	path, err := project.ParsePath(text)
	if err != nil {
		return column{}, &options.Problem{Code: options.CodeNotAllowed, Seen: err.Error(), Try: `tag.desc, a[0].b, or a\.b for a name that holds a dot`}
	}
	return column{name: text, kind: columnField, path: path}, nil
}

// field is the Arrow column that the entry becomes.
func (c *column) field(f *format) arrow.Field {
	switch c.kind {
	case columnRecordHeaders:
		return arrow.Field{Name: c.name, Type: arrow.BinaryTypes.Binary, Nullable: true}
	case columnConstant, columnTopic:
		return arrow.Field{Name: c.name, Type: arrow.BinaryTypes.String, Nullable: true}
	case columnPartition, columnOffset, columnTimestamp, columnOp:
		return arrow.Field{Name: c.name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	case columnKey:
		if f.key.kind == "" {
			return typedField(c.name, f.keyType)
		}
	case columnValue:
		if !f.decodesValue() {
			return typedField(c.name, f.valueType)
		}
	case columnField:
		if f.cells() {
			return arrow.Field{Name: c.name, Type: arrow.BinaryTypes.String, Nullable: true}
		}
	}
	return rows.JSONField(c.name)
}

func typedField(name, typ string) arrow.Field {
	switch typ {
	case "bytearray":
		return arrow.Field{Name: name, Type: arrow.BinaryTypes.Binary, Nullable: true}
	case "long", "integer", "short":
		return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	case "double", "float":
		return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	}
	return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
}
