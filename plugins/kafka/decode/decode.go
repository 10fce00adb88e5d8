// Package decode turns the value of a message into the parts of rows. Every format that the reader knows is a Decoder;
// what the rows are then made of (columns, headers, offsets) is none of its business.
package decode

import (
	"context"
	"fmt"

	"github.com/gx-etl/gx/plugins/kafka/project"
)

// Decoder reads the values of messages, one after the other. It is for one goroutine. Values that it was given and rows
// that it gave are not used after the next Open.
//
// A value is judged as a whole before its first row is seen, since half a message cannot be taken back: whatever is wrong
// with it, Open says.
type Decoder interface {
	// Open takes a value, which has at least one byte. An error of type *Refusal says why the value has no rows; the
	// message is then a dirty record. Any other error ends the job.
	Open(ctx context.Context, value []byte) error
	// Next sets row to the next row of the value and tells whether there was one. A value without any row holds nothing
	// on purpose, such as an empty list.
	Next(row *Row) bool
}

// Row is what a Decoder finds in a value. What it points to is valid until the next Open.
type Row struct {
	// Document is the whole row as JSON text, when Wanted asks for it.
	Document []byte
	// Cells are the values of the wanted paths; nil is NULL. They are JSON tokens, or plain UTF-8 text from formats of
	// delimiters.
	Cells [][]byte
	// Delete tells that the row is to be deleted, not upserted.
	Delete bool
	// Destination is where the row goes, when its value says so.
	Destination []byte
}

// Size is the number of bytes in the row.
func (r *Row) Size() int {
	n := len(r.Document)
	for _, c := range r.Cells {
		n += len(c)
	}
	return n
}

// Wanted says what of a value the rows are made of.
type Wanted struct {
	// Paths lead to the cells of a row. The empty path is the whole document.
	Paths []project.Path
	// Fold matches the first key of a path whatever the case of its ASCII letters; an exact match wins.
	Fold bool
	// Document asks for the whole document, which is then a JSON object, unless Any or List is set.
	Document bool
	// Any lets the document be any JSON value, as keys of messages may be.
	Any bool
	// List wants the document to be a JSON array.
	List bool
}

// Refusal says why a value is no row; the message that held it becomes a dirty record.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// Refusef makes a *Refusal.
func Refusef(format string, args ...any) error { return &Refusal{Reason: fmt.Sprintf(format, args...)} }
