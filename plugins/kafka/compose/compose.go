// Package compose makes Kafka messages of rows.
//
// Columns are taken by name. Some names stand for a part of the message, as in the reader: __key__, __value__, __headers__,
// __timestamp__, __partition__ and __topic__; they are never part of a value that is made of columns. The parts __key__ and
// __value__ take bytes and texts as they are, and NULL as no key and no value.
//
// The column __headers__ is a text, JSON or binary, and holds one of two forms, told apart by their first byte:
//
//   - JSON: a list of pairs [["name", value], …], which keeps order and doubles, or an object {"name": value, …}, in which a
//     list stands for several headers of that name. A value is a text, {"base64": "…"} for bytes that are no text, or null
//     for a header without a value; a number or a boolean is its text. In the list a name may be {"base64": "…"} too.
//   - The encoding of Kafka's own records: the number of headers, and for each the length of its name, the name, the length
//     of its value or -1, the value; numbers as zigzag varints. Nothing at all is no headers.
package compose

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/jsontext"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// Format is what the value of a message is made of.
type Format uint8

// The formats. JSON is an object of the columns, CSV their texts with a delimiter, Text the text of the only column, and Raw
// the bytes of __value__.
const (
	JSON Format = iota
	CSV
	Text
	Raw
)

// KeyFormat is how columns become a key.
type KeyFormat uint8

// The formats of keys: the text of one column, a JSON object of columns, or the bytes of one column.
const (
	KeyText KeyFormat = iota
	KeyJSON
	KeyRaw
)

// Form says how messages are made. Names of columns are those that the rows have, or that Columns gives them.
type Form struct {
	Format    Format
	Columns   []string // other names for the columns of the rows, by position; nil: their own
	Value     []string // columns of the value; nil: all that stand for no part of the message
	Key       []string // columns of the key; nil: __key__ where there is one
	KeyFormat KeyFormat
	Headers   []string // columns that become headers, after those of __headers__
	Constants []Constant
	Timestamp string // column of the time; "": __timestamp__ where there is one

	Delimiter []byte // of CSV
	Quote     byte   // of CSV; 0: none
	Null      []byte // what stands for NULL in CSV
}

// Constant is a header that every message gets.
type Constant struct{ Name, Value string }

// The columns that stand for a part of the message.
const (
	KeyColumn       = "__key__"
	ValueColumn     = "__value__"
	HeadersColumn   = "__headers__"
	TimestampColumn = "__timestamp__"
	PartitionColumn = "__partition__"
	TopicColumn     = "__topic__"
)

var parts = []string{KeyColumn, ValueColumn, HeadersColumn, TimestampColumn, PartitionColumn, TopicColumn}

// Attribute tells whether a column of this name stands for a part of the message.
func Attribute(name string) bool { return slices.Contains(parts, name) }

// NoTime and NoPartition stand for what a row does not say.
const (
	NoTime      = -1
	NoPartition = -1
)

// Composer makes messages of the rows of one schema. Not safe for concurrent use.
type Composer struct {
	form      *Form
	documents bool
	names     []string
	sources   []source // by column

	value, key, headers                  []int // columns
	keyAt, valueAt, headsAt, timeAt      int   // columns that are a part as they are, -1: none
	partitionAt, topicAt                 int
	valueLabels, keyLabels, headerLabels [][]byte

	scratch []byte
}

// New prepares for rows of a schema; the error is a fault.
func New(form *Form, schema *arrow.Schema) (*Composer, error) {
	c := &Composer{form: form, documents: rows.IsDocuments(schema)}
	if c.documents {
		if id := schema.Field(0).Type.ID(); id != arrow.BINARY {
			return nil, sdk.Faultf(sdk.Data, "documents come as %s, not as binary", schema.Field(0).Type)
		}
		if form.Format != JSON {
			return nil, sdk.Faultf(sdk.Config, "the reader gives whole documents, which only messageFormat json writes").At("messageFormat").
				Hint("%s", map[Format]string{CSV: "name the fields in column", Text: "name the field in column", Raw: `"messageFormat": "raw" for the reader too`}[form.Format])
		}
	}
	for _, f := range schema.Fields() {
		c.names = append(c.names, f.Name)
	}
	if form.Columns != nil && !c.documents {
		if len(form.Columns) != len(c.names) {
			return nil, sdk.Faultf(sdk.Config, "rows have %d columns, and column names %d", len(c.names), len(form.Columns)).At("column").
				Hint("name as many columns as the reader gives")
		}
		c.names = form.Columns
	}
	for i, f := range schema.Fields() {
		s, err := newSource(f)
		if err != nil {
			return nil, sdk.Faultf(sdk.Data, "column %s: %w", c.names[i], err)
		}
		c.sources = append(c.sources, s)
	}
	c.keyAt, c.valueAt, c.headsAt = c.find(KeyColumn), c.find(ValueColumn), c.find(HeadersColumn)
	c.timeAt, c.partitionAt, c.topicAt = c.find(TimestampColumn), c.find(PartitionColumn), c.find(TopicColumn)
	return c, c.arrange()
}

func (c *Composer) find(name string) int {
	if c.documents {
		return -1
	}
	return slices.Index(c.names, name)
}

// arrange finds the columns that the form names.
func (c *Composer) arrange() (err error) {
	f := c.form
	if f.Timestamp != "" && c.documents {
		return sdk.Faultf(sdk.Config, "the reader gives whole documents, and the time of a message cannot be taken from a field").At("timestampColumn").
			Hint("name the fields in column")
	}
	if f.Timestamp != "" {
		if c.timeAt = c.find(f.Timestamp); c.timeAt < 0 {
			return c.missing(f.Timestamp, "timestampColumn")
		}
	}
	for _, at := range []int{c.timeAt, c.partitionAt} {
		if at >= 0 && !c.sources[at].counts {
			return sdk.Faultf(sdk.Config, "column %s is %s, not a whole number", c.names[at], c.sources[at].typ).At("column").
				Hint("Unix milliseconds or a timestamp for the time of a message, a whole number for its partition")
		}
	}
	if f.Key != nil {
		c.keyAt = -1
		if c.key, c.keyLabels, err = c.fields(f.Key, "keyColumns"); err != nil {
			return err
		}
	}
	if c.headers, c.headerLabels, err = c.fields(f.Headers, "headerColumns"); err != nil {
		return err
	}
	for i, name := range f.Headers {
		c.headerLabels[i] = []byte(name)
	}
	return c.arrangeValue()
}

func (c *Composer) arrangeValue() (err error) {
	f := c.form
	switch {
	case c.documents && f.Value == nil:
		return nil
	case f.Format == Raw:
		if c.valueAt < 0 {
			return sdk.Faultf(sdk.Config, "messageFormat raw needs a column %s, and the rows have %s", ValueColumn, quoted(c.names)).At("messageFormat").
				Hint(`"messageFormat": "raw" for the Kafka reader too, or name the columns in column`)
		}
		for i, name := range c.names {
			if !Attribute(name) && !slices.Contains(c.key, i) && !slices.Contains(c.headers, i) && i != c.timeAt {
				return sdk.Faultf(sdk.Config, "column %s has no place in a message with messageFormat raw", strconv.Quote(name)).At("messageFormat").
					Hint("name it in headerColumns or keyColumns, or leave it out at the reader")
			}
		}
		return nil
	case c.valueAt >= 0:
		return sdk.Faultf(sdk.Config, "the rows have a column %s, which is a whole value", ValueColumn).At("messageFormat").Hint(`"messageFormat": "raw"`)
	}
	names := f.Value
	if names == nil {
		for _, name := range c.names {
			if !Attribute(name) {
				names = append(names, name)
			}
		}
	}
	if c.value, c.valueLabels, err = c.fields(names, "valueColumns"); err != nil {
		return err
	}
	switch {
	case len(names) == 0:
		return sdk.Faultf(sdk.Config, "the rows have no column for the value of a message: %s", quoted(c.names)).At("column").Hint("add one at the reader")
	case f.Format == Text && len(names) > 1:
		return sdk.Faultf(sdk.Config, "messageFormat text writes one column, and there are %d: %s", len(names), quoted(names)).At("messageFormat").
			Hint(`"valueColumns": [%q], or another messageFormat`, names[0])
	}
	return nil
}

// fields finds columns by name and makes the labels that they have in JSON objects. Of documents every name is a field.
func (c *Composer) fields(names []string, option string) (at []int, labels [][]byte, err error) {
	for n, name := range names {
		i := 0
		if !c.documents {
			if i = c.find(name); i < 0 {
				return nil, nil, c.missing(name, option)
			}
		}
		at = append(at, i)
		label := jsontext.Append([]byte{"{,"[min(n, 1)]}, []byte(name))
		labels = append(labels, append(label, ':'))
	}
	return at, labels, nil
}

func (c *Composer) missing(name, option string) error {
	return sdk.Faultf(sdk.Config, "the rows have no column %q, only %s", name, quoted(c.names)).At(option).Hint("the names are those of the reader, or those in column")
}

func quoted(names []string) string {
	out := ""
	for i, n := range names {
		if i == 12 {
			return out + ", …"
		}
		if i > 0 {
			out += ", "
		}
		out += strconv.Quote(n)
	}
	return out
}

// Topic is the topic that a row names itself, in the memory of the rows; nil when it names none.
func (c *Composer) Topic(rec arrow.RecordBatch, row int) []byte {
	if c.topicAt < 0 || rec.Column(c.topicAt).IsNull(row) {
		return nil
	}
	b, _ := plain(rec.Column(c.topicAt), row)
	return b
}

// Shown is a row as JSON as far as it can be, for a dirty record.
func (c *Composer) Shown(rec arrow.RecordBatch, row int) []byte {
	var out []byte
	for i, col := range rec.Columns() {
		out = append(out, "{,"[min(i, 1)])
		out = append(jsontext.Append(out, []byte(c.names[i])), ':')
		if col.IsNull(row) {
			out = append(out, "null"...)
		} else if b, ok := plain(col, row); ok {
			out = jsontext.Append(out, b)
		} else {
			out = jsontext.Append(out, []byte(col.ValueStr(row)))
		}
	}
	return append(slices.Clip(out), '}')
}

// documentAt is the document of a row.
func documentAt(rec arrow.RecordBatch, row int) []byte {
	return rec.Column(0).(*array.Binary).Value(row)
}

// refusal says why a row becomes no message.
type refusal struct{ column, reason string }

func refuse(column, format string, args ...any) *refusal {
	return &refusal{column: column, reason: fmt.Sprintf(format, args...)}
}
