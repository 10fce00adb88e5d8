package decode

import (
	"context"

	"github.com/gx-etl/gx/plugins/kafka/project"
)

// JSON says how values hold JSON.
type JSON struct {
	// Envelope: a value is {"schema", "payload"}, and its payload is the row.
	Envelope bool
	// Guard refuses such values, because nobody said that they come.
	Guard bool
	// Option is the converter that messages tell the user to change: valueConverter or keyConverter.
	Option string
}

var envelopeParts = []project.Path{{{Key: "schema", Index: -1}}, {{Key: "payload", Index: -1}}}

// jsonDecoder reads values that are JSON documents. Everything that it gives is part of the value.
type jsonDecoder struct {
	JSON
	wanted    Wanted
	projector *project.Projector
	opener    *project.Projector // of the two parts of an envelope
	parts     [2][]byte
	items     [][]byte
	cells     [][]byte
	doc       []byte // of the row that Next has still to give
}

// NewJSON makes a Decoder of JSON documents.
func NewJSON(how JSON, wanted Wanted) Decoder {
	return &jsonDecoder{
		JSON: how, wanted: wanted,
		projector: project.New(wanted.Paths, wanted.Fold),
		opener:    project.New(envelopeParts, false).KeepNulls(),
		cells:     make([][]byte, len(wanted.Paths)),
	}
}

func (d *jsonDecoder) Open(_ context.Context, value []byte) error {
	d.doc = nil
	if id, ok := WireID(value); ok {
		return Refusef(`looks like Confluent wire format (magic byte 0, schema id %d), not like plain JSON: `+
			`set "type": "jsonschema", "avro" or "protobuf" and schemaRegistryUrl in %s`, id, d.Option)
	}
	if d.Envelope {
		payload, err := d.unwrap(value)
		if payload == nil || err != nil {
			return err
		}
		value = payload
	}
	if err := d.check(value); err != nil {
		return Refusef("%s", err)
	}
	if d.Guard && beginsLikeEnvelope(value) && d.isEnvelope(value) {
		return Refusef(`holds exactly the keys schema and payload, as JSON with schemas does: set "%s": {"schemasEnable": true}`, d.Option)
	}
	d.doc = value
	return nil
}

// check validates a document and finds the wanted cells in it.
func (d *jsonDecoder) check(doc []byte) (err error) {
	switch {
	case d.wanted.List:
		d.items, err = project.Items(doc, d.items[:0])
		return err
	case d.wanted.Any:
		return project.Value(doc)
	case len(d.cells) > 0:
		return d.projector.Project(doc, d.cells)
	}
	return project.Check(doc)
}

func (d *jsonDecoder) Next(row *Row) bool {
	if d.doc == nil {
		return false
	}
	row.Document, row.Cells = d.doc, d.cells
	d.doc = nil
	return true
}

func (d *jsonDecoder) isEnvelope(value []byte) bool {
	return d.opener.Project(value, d.parts[:]) == nil && d.opener.Members() == 2 && d.parts[0] != nil && d.parts[1] != nil
}

// unwrap takes the payload out of an envelope; it is nil when the envelope is good and its payload is null.
func (d *jsonDecoder) unwrap(value []byte) (payload []byte, err error) {
	if err := d.opener.Project(value, d.parts[:]); err != nil {
		return nil, Refusef("%s", err)
	}
	payload = d.parts[1]
	switch {
	case d.opener.Members() != 2 || d.parts[0] == nil || payload == nil:
		return nil, Refusef("not an envelope of schema and payload, which %s.schemasEnable asks for", d.Option)
	case payload[0] == 'n':
		return nil, nil
	case payload[0] == '[' && d.wanted.List, d.wanted.Any, payload[0] == '{' && !d.wanted.List:
		return payload, nil
	case d.wanted.List:
		return nil, Refusef("the payload of the envelope is not a JSON array")
	}
	return nil, Refusef("the payload of the envelope is not a JSON object")
}

func beginsLikeEnvelope(doc []byte) bool {
	for i, c := range doc {
		if c == '"' {
			rest := doc[i+1:]
			return (len(rest) > 6 && string(rest[:7]) == `schema"`) || (len(rest) > 7 && string(rest[:8]) == `payload"`)
		}
		if c != '{' && c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return false
}
