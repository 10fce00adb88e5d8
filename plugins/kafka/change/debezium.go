package change

import (
	"bytes"
	"context"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/project"
)

// debezium reads {"op", "before", "after", "source"}, by itself or as the payload of {"schema", "payload"}.
type debezium struct {
	wanted   *decode.Wanted
	envelope *project.Projector
	parts    [debeziumParts][]byte
	shapes   map[string]*shape // by schema
	last     []byte            // what the last message with a schema had before its payload
	lastHas  *shape
	extended *shape // of MongoDB
	text     []byte // an image that stood in a text
}

const (
	debeziumOp = iota
	debeziumBefore
	debeziumAfter
	debeziumDB
	debeziumSchema
	debeziumTable
	debeziumCollection
	debeziumDDL
	debeziumStatus
	envelopeSchema
	envelopePayload
	debeziumParts
)

func paths(list ...string) (out []project.Path) {
	for _, text := range list {
		p, err := project.ParsePath(text)
		if err != nil {
			panic(err)
		}
		out = append(out, p)
	}
	return out
}

func newDebezium(c *Config) *debezium {
	f := &debezium{
		wanted: &c.Wanted, shapes: map[string]*shape{}, extended: &shape{slots: make([]conversion, len(c.Wanted.Paths))},
		envelope: project.New(paths("op", "before", "after", "source.db", "source.schema", "source.table", "source.collection", "ddl", "status",
			"schema", "payload"), false).KeepNulls(),
	}
	for i := range f.extended.slots {
		f.extended.slots[i] = conversion{kind: extended}
	}
	f.extended.all = &conversion{kind: extended}
	return f
}

// mostShapes bounds the schemas that are kept: a source that changes them with every message would fill the memory.
const mostShapes = 1000

func (f *debezium) read(_ context.Context, d *Decoder, value []byte) error {
	payload, has, err := f.open(value, false)
	if err != nil || payload == nil {
		return err
	}
	p, e := &f.parts, &d.event
	e.shape = has
	e.database, e.schema, e.table = p[debeziumDB], p[debeziumSchema], p[debeziumTable]
	op, collection := p[debeziumOp], p[debeziumCollection]
	if op == nil && p[debeziumDDL] != nil {
		e.action, e.name = ddl, p[debeziumDDL]
		return nil
	}
	if op == nil && p[debeziumStatus] != nil {
		return nil // BEGIN or END of a transaction
	}
	im := images{after: p[debeziumAfter], before: p[debeziumBefore]}
	if err := e.debezium(op, &im); err != nil {
		return err
	}
	switch {
	case e.action != upsert && e.action != remove:
		return nil
	case e.action == remove && (im.before == nil || im.before[0] == 'n'):
		if im.before, err = f.image(d); err != nil {
			return err
		}
	}
	if collection != nil {
		if e.table == nil {
			e.table = collection
		}
		if err := f.documents(d, &im); err != nil {
			return err
		}
	}
	e.images = append(e.images, im)
	return nil
}

// debezium reads an operation, and takes away the image that is not its own.
func (e *event) debezium(op []byte, im *images) error {
	switch e.name = op; string(op) {
	case `"c"`, `"r"`:
		e.action, im.before = upsert, nil
	case `"u"`:
		e.action = upsert
	case `"d"`:
		e.action, im.after = remove, nil
	case `"t"`:
		e.action = truncate
	case `"m"`:
		e.action = ddl
	default:
		return unknownOperation(op)
	}
	return nil
}

// open finds the payload of a value, and what its schema means. Messages of one table begin with the same schema, byte by
// byte; then only the payload is read. No payload: it is null.
func (f *debezium) open(value []byte, key bool) (payload []byte, has *shape, err error) {
	if !key && len(f.last) > 0 && bytes.HasPrefix(value, f.last) {
		rest := bytes.TrimRight(value[len(f.last):], " \t\r\n")
		if n := len(rest) - 1; n > 0 && rest[n] == '}' && f.envelope.Project(rest[:n], f.parts[:]) == nil {
			return rest[:n], f.lastHas, nil
		}
	}
	if err := f.envelope.Project(value, f.parts[:]); err != nil {
		return nil, nil, decode.Refusef("%s", err)
	}
	inner, text := f.parts[envelopePayload], f.parts[envelopeSchema]
	if inner == nil || f.parts[debeziumOp] != nil || key && f.envelope.Members() != 2 {
		return value, nil, nil
	}
	switch inner[0] {
	case 'n':
		return nil, nil, nil
	case '{':
	default:
		return nil, nil, decode.Refusef("the payload of the envelope is no JSON object")
	}
	if text != nil && text[0] == '{' {
		if has, err = f.shape(text, key); err != nil {
			return nil, nil, err
		}
	}
	if err := f.envelope.Project(inner, f.parts[:]); err != nil {
		return nil, nil, decode.Refusef("%s", err)
	}
	if !key && has != nil {
		f.remember(value, inner, has)
	}
	return inner, has, nil
}

// remember keeps what stands before the payload of a value, when the payload is its last member.
func (f *debezium) remember(value, inner []byte, has *shape) {
	const blank = " \t\r\n"
	body := bytes.TrimRight(value, blank)
	body = bytes.TrimRight(body[:len(body)-1], blank)
	if before, last := bytes.CutSuffix(body, inner); last && bytes.HasSuffix(before, []byte(`"payload":`)) {
		f.last, f.lastHas = append(f.last[:0], before...), has
	}
}

func (f *debezium) shape(text []byte, key bool) (*shape, error) {
	if s := f.shapes[string(text)]; s != nil {
		return s, nil
	}
	s, err := compileSchema(text, f.wanted, key)
	if err != nil {
		return nil, err
	}
	if len(f.shapes) == mostShapes {
		clear(f.shapes)
	}
	f.shapes[string(text)] = s
	return s, nil
}

// image makes the image of a deleted row of the key of its message. What it says of the schema goes into d.event.
func (f *debezium) image(d *Decoder) ([]byte, error) {
	if len(d.key) == 0 {
		return nil, decode.Refusef("a delete without an image of the row, and the message has no key: missing primary key column")
	}
	image, has, err := f.open(d.key, true)
	if err != nil {
		return nil, decode.Refusef("a delete without an image of the row, and the key of the message is no JSON: %s", err)
	}
	if image == nil {
		return nil, decode.Refusef("a delete without an image of the row, and the key of the message is null: missing primary key column")
	}
	d.event.shape = has
	return image, nil
}
