package decode

import (
	"context"
	"errors"

	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/protocol"
)

// MaxText bounds the JSON text that a value may become, in bytes, so that its row fits into one batch: a few bytes can
// stand for a long list.
const MaxText = protocol.MaxMessage - (2 << 20)

// MaxDepth bounds how deep a value may nest.
const MaxDepth = 1000

// Sheet is where a Program writes the JSON text of a value, and notes which parts of it are cells.
type Sheet struct {
	Text  []byte
	spans []span // by slot
	row   Row
	given bool // row is the row
	none  bool
}

type span struct{ from, to int }

// None says that the value holds no row, as null.
func (s *Sheet) None() { s.none = true }

// Row gives the row itself, when it is part of the value and not of Text.
func (s *Sheet) Row(r Row) { s.row, s.given = r, true }

// Fill notes that Text from an index on is the value of some slots.
func (s *Sheet) Fill(slots []int, from int) {
	for _, slot := range slots {
		s.spans[slot] = span{from, len(s.Text)}
	}
}

// Clear takes back what was noted for some slots.
func (s *Sheet) Clear(slots []int) {
	for _, slot := range slots {
		s.spans[slot] = span{}
	}
}

// Program reads values of one schema. It is for one goroutine.
type Program interface {
	// Run writes a value, without the header of the wire format, to a Sheet. An error is a *Refusal.
	Run(value []byte, s *Sheet) error
}

// Compile makes the Program of a schema. The error says what is wrong with the schema.
type Compile func(schema *registry.Schema, wanted *Wanted) (Program, error)

// framed reads values in the wire format of Confluent's serializers, each by the schema that it was written with.
type framed struct {
	client   *registry.Client
	kind     string // registry.Avro …
	compile  Compile
	wanted   Wanted
	programs map[uint32]Program
	refused  map[uint32]*Refusal
	lastID   uint32
	last     Program
	sheet    Sheet
	cells    [][]byte
	row      Row
	fresh    bool
}

// NewFramed makes a Decoder of values in the wire format whose schemas a registry has.
func NewFramed(client *registry.Client, kind string, compile Compile, wanted Wanted) Decoder {
	return newFramed(client, kind, compile, wanted)
}

func newFramed(client *registry.Client, kind string, compile Compile, wanted Wanted) *framed {
	slots := len(wanted.Paths)
	if wanted.Document {
		slots++
	}
	return &framed{
		client: client, kind: kind, compile: compile, wanted: wanted, programs: map[uint32]Program{}, refused: map[uint32]*Refusal{},
		sheet: Sheet{spans: make([]span, slots)}, cells: make([][]byte, len(wanted.Paths)),
	}
}

func (d *framed) Open(ctx context.Context, value []byte) error {
	d.fresh = false
	id, ok := WireID(value)
	if !ok {
		return notFramed(value)
	}
	p, err := d.program(ctx, id)
	if err != nil {
		return err
	}
	return d.run(p, value[headerSize:])
}

func (d *framed) run(p Program, value []byte) error {
	s := &d.sheet
	clear(s.spans)
	s.Text, s.given, s.none = s.Text[:0], false, false
	if err := p.Run(value, s); err != nil {
		return err
	}
	if s.none {
		return nil
	}
	d.fresh = true
	if s.given {
		d.row = s.row
		return nil
	}
	d.row = Row{}
	for i := range d.cells {
		d.cells[i] = s.cell(i)
	}
	d.row.Cells = d.cells
	if d.wanted.Document {
		d.row.Document = s.cell(len(d.cells))
	}
	return nil
}

func (s *Sheet) cell(slot int) []byte {
	at := s.spans[slot]
	if at.to == 0 {
		return nil
	}
	return s.Text[at.from:at.to:at.to]
}

// RunOnce runs a Program on one value, without header; the row is empty when the value holds none.
func RunOnce(p Program, wanted Wanted, value []byte) (Row, error) {
	d := newFramed(nil, "", nil, wanted)
	var row Row
	if err := d.run(p, value); err != nil {
		return row, err
	}
	d.Next(&row)
	return row, nil
}

func (d *framed) Next(row *Row) bool {
	if !d.fresh {
		return false
	}
	*row, d.fresh = d.row, false
	return true
}

func notFramed(value []byte) error {
	switch c := value[0]; {
	case c == '{' || c == '[':
		return Refusef(`looks like plain JSON, not like Confluent wire format (the first byte is %q, not 0): set "type": "json"`, c)
	case c == 0:
		return Refusef("%d bytes are too short for the Confluent wire format", len(value))
	default:
		return Refusef("not in Confluent wire format: the first byte is 0x%02x, not 0", c)
	}
}

// program gives the Program of a schema id. What is wrong with a schema is asked once.
func (d *framed) program(ctx context.Context, id uint32) (Program, error) {
	if d.last != nil && d.lastID == id {
		return d.last, nil
	}
	p := d.programs[id]
	if p == nil {
		if r := d.refused[id]; r != nil {
			return nil, r
		}
		schema, err := d.client.Schema(ctx, id)
		var broken *registry.BrokenError
		var unknown *registry.UnknownError
		switch {
		case errors.As(err, &unknown):
			return nil, &Refusal{err.Error()} // not kept: it may be registered later
		case errors.As(err, &broken):
			return nil, d.refuse(id, err.Error())
		case err != nil:
			return nil, err
		case schema.Type != d.kind:
			return nil, d.refuse(id, Refusef("schema %d is of type %s, and the converter reads %s", id, schema.Type, d.kind).Error())
		}
		if p, err = d.compile(schema, &d.wanted); err != nil {
			return nil, d.refuse(id, Refusef("schema %d cannot be used: %s", id, err).Error())
		}
		d.programs[id] = p
	}
	d.lastID, d.last = id, p
	return p, nil
}

func (d *framed) refuse(id uint32, reason string) error {
	r := &Refusal{reason}
	d.refused[id] = r
	return r
}
