// Package encode turns Arrow rows into the bytes of a Stream Load body: CSV lines, JSON objects, or JSON documents that
// are joined as they came. Encoders work on the Arrow buffers, allocate nothing per row, and refuse a row that StarRocks
// would read differently from what was meant.
package encode

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Bad says why a row cannot travel.
type Bad struct {
	Column string // the writer's name of the column; empty when the row as a whole is meant
	Reason string
	// JSON tells that the row could travel as JSON.
	JSON bool
}

// Encoder appends rows of one schema as text. Bind gives it a batch; Append may then be called for each row. Not safe
// for concurrent use.
type Encoder struct {
	columns []column
	csv     *Dialect // nil: JSON
	marks   []int    // where fields start in the row being built, for delimiters of several bytes
	bad     Bad
}

// NewJSON makes an Encoder of JSON objects whose keys are names, by position of the schema's fields.
// treat is empty or has the treatment of each column.
func NewJSON(s *arrow.Schema, names []string, treat ...Treatment) (*Encoder, error) {
	e := &Encoder{}
	if err := e.describe(s, names, treat); err != nil {
		return nil, err
	}
	for i := range e.columns {
		open := byte(',')
		if i == 0 {
			open = '{'
		}
		key, _ := appendQuoted([]byte{open}, []byte(names[i]))
		e.columns[i].key = append(key, ':')
	}
	return e, nil
}

// NewCSV makes an Encoder of CSV lines, each ended by the row delimiter. treat is empty or has the treatment
// of each column.
func NewCSV(s *arrow.Schema, names []string, d *Dialect, treat ...Treatment) (*Encoder, error) {
	e := &Encoder{csv: d, marks: make([]int, 0, len(names))}
	if err := e.describe(s, names, treat); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Encoder) describe(s *arrow.Schema, names []string, treat []Treatment) error {
	if s.NumFields() != len(names) {
		return fmt.Errorf("rows have %d columns (%s), the table takes %d (%s)",
			s.NumFields(), shortList(fieldNames(s)), len(names), shortList(names))
	}
	e.columns = make([]column, len(names))
	for i, f := range s.Fields() {
		c, err := newColumn(f, names[i])
		if err != nil {
			return err
		}
		if len(treat) > 0 {
			c.treat(treat[i])
		}
		e.columns[i] = c
	}
	return nil
}

// Bind points the encoder at the rows of a batch, which has the schema the encoder was made for.
func (e *Encoder) Bind(rec arrow.RecordBatch) error {
	if int(rec.NumCols()) != len(e.columns) {
		return fmt.Errorf("batch has %d columns, expected %d", rec.NumCols(), len(e.columns))
	}
	for i := range e.columns {
		if err := e.columns[i].bind(rec.Column(i)); err != nil {
			return err
		}
	}
	return nil
}

// Append adds one row to dst. When it answers false, dst is returned as it was and Bad tells why.
func (e *Encoder) Append(dst []byte, row int) ([]byte, bool) {
	if e.csv != nil {
		return e.appendCSV(dst, row)
	}
	return e.appendJSON(dst, row)
}

// Bad is the reason of the last refused row.
func (e *Encoder) Bad() Bad { return e.bad }

func (e *Encoder) refuse(c *column, reason string) bool {
	e.bad = Bad{Column: c.name, Reason: reason,
		JSON: reason == holdsDelimiter || reason == looksNull || reason == looksBlank}
	return false
}

func fieldNames(s *arrow.Schema) []string {
	var names []string
	for _, f := range s.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// shortList keeps an error readable when a table has hundreds of columns.
func shortList(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
