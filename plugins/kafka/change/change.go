// Package change reads messages that say how rows of a database changed, in the formats of several tools. A format finds the
// images of rows in a message; what becomes of them is the same for all: rows that are upserts or deletes.
package change

import (
	"context"
	"slices"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/protocol"
)

// The formats.
const (
	DebeziumJSON   = "debezium-json"
	DebeziumAvro   = "debezium-avro"
	CanalJSON      = "canal-json"
	TiCDCCanalJSON = "ticdc-canal-json"
	CloudCanalJSON = "cloudcanal-json"
	MaxwellJSON    = "maxwell-json"
	OGGJSON        = "ogg-json"
)

// Formats are all that New makes.
var Formats = []string{DebeziumJSON, CanalJSON, TiCDCCanalJSON, CloudCanalJSON, MaxwellJSON, OGGJSON, DebeziumAvro}

// What a job wants for deletes, truncates, DDL and messages without a value.
const (
	Fail   = "error"
	Ignore = "ignore"
	Append = "append"
	Drop   = "drop"
	Delete = "delete"
	Dirty  = "dirty"
)

// Config is what a job says of changes, and what is known of the target.
type Config struct {
	Format     string
	Wanted     decode.Wanted // Paths lead into the image of a row
	Operations bool          // the target applies deletes; without it OnDelete counts
	Target     string        // why it does not, in words: "table d.t is DUPLICATE KEY"
	OnDelete   string        // Fail, Ignore or Append
	OnTruncate string        // Fail or Ignore
	OnDDL      string        // Fail or Ignore
	Tombstones string        // Drop, Delete or Dirty
	Before     bool          // an update deletes its image before first
	Keys       []Key         // of the target
	Values     []Value       // by path of Wanted
	Style      literal.Style
	Registry   *registry.Client // of DebeziumAvro
	Table      []string         // parts of Destination: "db", "schema", "table"; none: rows do not say where they go
}

// Key is a primary key column of the target.
type Key struct {
	Name string
	Slot int // its path in Wanted, or -1: nothing fills it
}

// Value is what is known of the values of a column when the message has no schema.
type Value struct {
	Type      string // of the target's column, in lower case; empty: unknown
	PerSecond int64  // units of numbers that are times; 0: not told
	Decimal   Decimal
	Scale     int // of DecimalBytes; -1: not told
}

// Decimal is how a decimal stands in a text.
type Decimal uint8

// How decimals stand in texts.
const (
	DecimalUnknown Decimal = iota // nobody said
	DecimalText                   // by its digits
	DecimalBytes                  // by its unscaled bytes in base64
)

// Decoder turns messages into rows with operations. It serves decode.Decoder.
type Decoder struct {
	Config
	format    format
	projector *project.Projector // of the columns of an image
	keyer     *project.Projector // of the target's key in an image
	key       []byte             // of the message

	keyBefore, keyAfter [][]byte

	event event
	rows  []row
	at    int
	cells [][]byte // of all rows
	other [][]byte // of an image that is compared
	text  []byte   // what was written anew
	dest  []byte
	plain []byte // of a text that is looked into
	raw   []byte

	members, old []project.Member
	scaled       *project.Projector // of decimals with a scale of their own
}

// row is one that Next will give.
type row struct {
	doc    []byte
	from   int // of its cells
	delete bool
}

// format finds what a message says and sets d.event.
type format interface {
	read(ctx context.Context, d *Decoder, value []byte) error
}

// event is what one message says.
type event struct {
	action action
	name   []byte   // of the action, as the message says it
	images []images // of rows
	shape  *shape   // how values are written; nil: as the columns of the target suggest
	keys   []byte   // names of the source's primary key, a JSON array; nil: unknown

	database, schema, table []byte // JSON tokens, nil where there is none
	owner, bare             []byte // room for the parts of a name
}

// images of one row. A row that is deleted has only before.
type images struct {
	after, before []byte
	partial       bool // before has only what is different
	merge         bool // after may lack what before has
}

type action uint8

const (
	nothing action = iota // the message is there for other readers
	upsert
	remove
	truncate
	ddl
)

// New makes a Decoder.
func New(c Config) *Decoder {
	d := &Decoder{Config: c, projector: project.New(c.Wanted.Paths, c.Wanted.Fold).KeepNulls(), other: make([][]byte, len(c.Wanted.Paths))}
	var keys []project.Path
	for _, k := range c.Keys {
		if k.Slot >= 0 {
			keys = append(keys, c.Wanted.Paths[k.Slot])
		}
	}
	d.keyer, d.keyBefore, d.keyAfter = project.New(keys, c.Wanted.Fold), make([][]byte, len(keys)), make([][]byte, len(keys))
	switch c.Format {
	case DebeziumJSON:
		d.format = newDebezium(&d.Config)
	case DebeziumAvro:
		d.format = newDebeziumAvro(&d.Config)
	case CanalJSON, TiCDCCanalJSON:
		d.format = newCanal()
	case CloudCanalJSON:
		d.format = newCloudCanal()
	case MaxwellJSON:
		d.format = newMaxwell()
	case OGGJSON:
		d.format = newOGG()
	default:
		panic("change: no format " + c.Format)
	}
	return d
}

// Key tells the key of the message that Open takes next.
func (d *Decoder) Key(key []byte) { d.key = key }

func (d *Decoder) reset() {
	d.rows, d.at, d.cells, d.text, d.dest = d.rows[:0], 0, d.cells[:0], d.text[:0], d.dest[:0]
	d.event = event{images: d.event.images[:0], owner: d.event.owner, bare: d.event.bare}
}

// Open serves decode.Decoder. Without a row the message is left out on purpose.
func (d *Decoder) Open(ctx context.Context, value []byte) error {
	d.reset()
	if len(value) == 0 {
		return d.tombstone()
	}
	if err := d.format.read(ctx, d, value); err != nil {
		return err
	}
	err := d.act()
	if err != nil {
		d.rows = d.rows[:0]
	}
	return err
}

// tombstone handles a message without a value, with which Debezium lets compaction forget a key.
func (d *Decoder) tombstone() error {
	switch d.Tombstones {
	case Dirty:
		return decode.Refusef("a tombstone: the message has no value")
	case Delete:
		f, ok := d.format.(*debezium)
		if !ok {
			return decode.Refusef("a tombstone, and %s has no keys that say which row it deletes", d.Format)
		}
		image, err := f.image(d)
		if err != nil {
			return err
		}
		d.event.action, d.event.name = remove, []byte("tombstone")
		d.event.images = append(d.event.images, images{before: image})
		if err := d.act(); err != nil {
			d.rows = d.rows[:0]
			return err
		}
	}
	return nil
}

func (d *Decoder) act() error {
	e := &d.event
	switch e.action {
	case truncate:
		return d.policy("onTruncate", d.OnTruncate, "TRUNCATE")
	case ddl:
		return d.policy("onDdl", d.OnDDL, "DDL")
	case upsert, remove:
		for i := range e.images {
			if err := d.image(&e.images[i]); err != nil {
				return err
			}
		}
		d.destination()
	}
	return nil
}

func (d *Decoder) policy(option, what, kind string) error {
	if what == Ignore {
		return nil
	}
	e := &d.event
	return protocol.Faultf(protocol.Data, "the message is a change of another kind than rows, %s (%s), of table %s", kind, clip(e.name), d.source()).At(option).
		Hint(`do the same at the target by hand, then set "%s": "ignore"`, option)
}

// source names the table of the event for a person.
func (d *Decoder) source() string {
	var name []byte
	for _, part := range [][]byte{d.event.database, d.event.schema, d.event.table} {
		if text := plain(nil, part); len(text) > 0 {
			if len(name) > 0 {
				name = append(name, '.')
			}
			name = append(name, text...)
		}
	}
	if len(name) == 0 {
		return "unknown name"
	}
	return string(name)
}

// destination writes where the rows go.
func (d *Decoder) destination() {
	for _, part := range d.Table {
		token := d.event.table
		switch part {
		case "db":
			token = d.event.database
		case "schema":
			token = d.event.schema
		}
		before := len(d.dest)
		if before > 0 {
			d.dest = append(d.dest, '.')
		}
		if d.dest = plain(d.dest, token); len(d.dest) == before+1 && before > 0 {
			d.dest = d.dest[:before]
		}
	}
}

// plain adds the text of a JSON string.
func plain(dst, token []byte) []byte {
	if len(token) < 2 || token[0] != '"' {
		return dst
	}
	return project.AppendText(dst, token[1:len(token)-1])
}

// Next serves decode.Decoder.
func (d *Decoder) Next(r *decode.Row) bool {
	if d.at == len(d.rows) {
		return false
	}
	next := &d.rows[d.at]
	d.at++
	r.Document, r.Delete, r.Destination, r.Cells = next.doc, next.delete, nil, nil
	if n := len(d.Wanted.Paths); n > 0 {
		r.Cells = d.cells[next.from : next.from+n]
	}
	if len(d.Table) > 0 {
		r.Destination = d.dest
	}
	return true
}

func unknownOperation(token []byte) error {
	if token == nil {
		return decode.Refusef("no change: the message does not say which operation it is")
	}
	return decode.Refusef("unknown operation %s", clip(token))
}

func clip(b []byte) []byte {
	if len(b) > 40 {
		return append(slices.Clone(b[:40]), "…"...)
	}
	return b
}
