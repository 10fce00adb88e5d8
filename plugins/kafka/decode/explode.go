package decode

import (
	"context"
	"strings"

	"github.com/gx-etl/gx/plugins/kafka/project"
)

// Explode makes rows of the elements of one array in each document.
type Explode struct {
	// Path leads to the array; empty: the document is the array.
	Path project.Path
	// Text is the path as the user wrote it.
	Text string
}

// ParseExplode reads "$[*]", "$.items[*]" or "$.a.b[*]". The text of the error is for the user.
func ParseExplode(text string) (Explode, error) {
	e := Explode{Text: text}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return e, Refusef("%q does not begin with $", text)
	}
	rest, ok = strings.CutSuffix(rest, "[*]")
	if !ok {
		return e, Refusef("%q does not end with [*]", text)
	}
	if rest == "" {
		return e, nil
	}
	rest, ok = strings.CutPrefix(rest, ".")
	if !ok {
		return e, Refusef("%q has no point behind $", text)
	}
	path, err := project.ParsePath(rest)
	e.Path = path
	return e, err
}

// Source is what the decoder of the documents has to find so that NewExplode can do its work: the array, and what is
// wanted of the document around it.
func (e Explode) Source(outer []project.Path, fold bool) Wanted {
	if len(e.Path) == 0 {
		return Wanted{Document: true, List: true}
	}
	return Wanted{Paths: append([]project.Path{e.Path}, outer...), Fold: fold}
}

// exploder gives the elements of an array as rows.
type exploder struct {
	Explode
	source    Decoder
	projector *project.Projector
	from      []int // for each cell of a row: the outer value that it is, or -1
	inner     [][]byte
	cells     [][]byte
	outer     [][]byte
	items     [][]byte
	at        int
	wanted    Wanted
}

// NewExplode makes rows of what source finds, which is what Source asks for. outer[i] tells that the path i of wanted leads
// into the document around the array, not into an element; those are the paths given to Source, in their order.
func NewExplode(e Explode, source Decoder, wanted Wanted, outer []bool) Decoder {
	d := &exploder{Explode: e, source: source, wanted: wanted, from: make([]int, len(wanted.Paths))}
	var paths []project.Path
	outside := 0
	for i, p := range wanted.Paths {
		if d.from[i] = -1; outer != nil && outer[i] {
			d.from[i] = outside
			outside++
		} else {
			paths = append(paths, p)
		}
	}
	d.projector = project.New(paths, wanted.Fold)
	d.inner, d.cells = make([][]byte, len(paths)), make([][]byte, len(wanted.Paths))
	return d
}

func (d *exploder) Open(ctx context.Context, value []byte) error {
	d.items, d.at, d.outer = d.items[:0], 0, nil
	if err := d.source.Open(ctx, value); err != nil {
		return err
	}
	var row Row
	if !d.source.Next(&row) {
		return nil
	}
	array := row.Document
	if len(d.Path) > 0 {
		array, d.outer = row.Cells[0], row.Cells[1:]
	}
	switch {
	case array == nil:
		return Refusef("there is no array at %s, which explode asks for", d.Text)
	case array[0] != '[' && len(d.Path) > 0:
		return Refusef("what is at %s is no array, which explode asks for", d.Text)
	}
	var err error
	if d.items, err = project.Items(array, d.items); err != nil {
		d.items = d.items[:0]
		return Refusef("%s", err)
	}
	for i, item := range d.items {
		if item[0] != '{' {
			d.items = d.items[:0]
			return Refusef("element %d of %s is not a JSON object", i, d.Text)
		}
	}
	return nil
}

func (d *exploder) Next(row *Row) bool {
	if d.at == len(d.items) {
		return false
	}
	item := d.items[d.at]
	d.at++
	if len(d.inner) > 0 {
		// An element was judged with its document, nothing can be wrong with it.
		if err := d.projector.Project(item, d.inner); err != nil {
			panic("decode: an element of a valid document is invalid: " + err.Error())
		}
	}
	next := 0
	for i, outer := range d.from {
		if outer >= 0 {
			d.cells[i] = d.outer[outer]
			continue
		}
		d.cells[i] = d.inner[next]
		next++
	}
	row.Document, row.Cells = item, d.cells
	return true
}
