package change

import (
	"encoding/json"
	"strconv"

	"github.com/gx-etl/gx/plugins/kafka/decode"
)

// connectField is a type in the schema that Kafka Connect puts beside a payload.
type connectField struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Field      string            `json:"field"`
	Parameters map[string]string `json:"parameters"`
	Fields     []connectField    `json:"fields"`
	Items      *connectField     `json:"items"`
	Values     *connectField     `json:"values"`
}

// shape is a schema at work: what to do with the values of an image.
type shape struct {
	slots  []conversion // by wanted path
	fields []shapeField // in the order of the schema
	all    *conversion  // of every member, in the place of fields
}

type shapeField struct {
	key []byte // with its quotes
	conversion
}

// conversion says how a value is written anew.
type conversion struct {
	kind      kind
	perSecond int64
	scale     int
	name      string // of the type
}

type kind uint8

const (
	asIs kind = iota
	date
	clock
	wallClock
	zonedText
	unscaled
	variableScale
	bits
	binary
	jsonText
	extended // a value of MongoDB
	refused
)

// of finds what to do with a member; i is a guess of where it stands.
func (s *shape) of(i int, key []byte) *conversion {
	if s.all != nil {
		return s.all
	}
	if i < len(s.fields) && string(s.fields[i].key) == string(key) {
		return &s.fields[i].conversion
	}
	for i := range s.fields {
		if string(s.fields[i].key) == string(key) {
			return &s.fields[i].conversion
		}
	}
	return nil
}

// compileSchema reads the schema of an envelope, or that of a key, which is the row itself.
func compileSchema(text []byte, wanted *decode.Wanted, key bool) (*shape, error) {
	var root connectField
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, decode.Refusef("the schema cannot be read: %s", err)
	}
	row := &root
	if !key {
		if row = root.member("after", false); row == nil || row.Fields == nil {
			if row = root.member("before", false); row == nil {
				return nil, decode.Refusef("the schema has no field after or before: it is not that of a change")
			}
		}
	}
	return row.shape(wanted)
}

// shape is what to do with the values of a row of the type.
func (row *connectField) shape(wanted *decode.Wanted) (*shape, error) {
	s := &shape{slots: make([]conversion, len(wanted.Paths))}
	for i, path := range wanted.Paths {
		at := row
		for depth, step := range path {
			switch {
			case at == nil:
			case step.Index >= 0:
				at = at.Items
			case at.Type == "map":
				at = at.Values
			default:
				at = at.member(step.Key, wanted.Fold && depth == 0)
			}
		}
		if at != nil {
			s.slots[i] = at.conversion()
		}
	}
	for i := range row.Fields {
		name, err := json.Marshal(row.Fields[i].Field)
		if err != nil {
			return nil, decode.Refusef("the schema cannot be read: %s", err)
		}
		s.fields = append(s.fields, shapeField{name, row.Fields[i].conversion()})
	}
	return s, nil
}

func (f *connectField) member(name string, fold bool) *connectField {
	for i := range f.Fields {
		if f.Fields[i].Field == name {
			return &f.Fields[i]
		}
	}
	for i := range f.Fields {
		if fold && decode.SameLetters(f.Fields[i].Field, name) {
			return &f.Fields[i]
		}
	}
	return nil
}

// conversion of values of the type. Types by name are those of Debezium and of Kafka Connect.
func (f *connectField) conversion() conversion {
	c := conversion{name: f.Name}
	switch f.Name {
	case "io.debezium.time.Date", "org.apache.kafka.connect.data.Date":
		c.kind = date
	case "io.debezium.time.Time", "org.apache.kafka.connect.data.Time":
		c.kind, c.perSecond = clock, 1e3
	case "io.debezium.time.MicroTime":
		c.kind, c.perSecond = clock, 1e6
	case "io.debezium.time.NanoTime":
		c.kind, c.perSecond = clock, 1e9
	case "io.debezium.time.Timestamp", "org.apache.kafka.connect.data.Timestamp":
		c.kind, c.perSecond = wallClock, 1e3
	case "io.debezium.time.MicroTimestamp":
		c.kind, c.perSecond = wallClock, 1e6
	case "io.debezium.time.NanoTimestamp":
		c.kind, c.perSecond = wallClock, 1e9
	case "io.debezium.time.ZonedTimestamp", "io.debezium.time.IsoTimestamp":
		c.kind = zonedText
	case "org.apache.kafka.connect.data.Decimal":
		scale, err := strconv.Atoi(f.Parameters["scale"])
		if c.kind, c.scale = unscaled, scale; err != nil || scale < 0 || scale > 1000 {
			c.kind, c.name = refused, "a Decimal whose schema has no scale of 0 to 1000"
		}
	case "io.debezium.data.VariableScaleDecimal":
		c.kind = variableScale
	case "io.debezium.data.Bits":
		c.kind = bits
	case "io.debezium.data.Json":
		c.kind = jsonText
	case "io.debezium.data.geometry.Geometry", "io.debezium.data.geometry.Geography", "io.debezium.data.geometry.Point":
		c.kind = refused
	default:
		c = f.nested()
	}
	return c
}

// nested is the conversion of types that hold others. Values below them are not written anew, so those that would need it
// are refused.
func (f *connectField) nested() conversion {
	c := conversion{name: f.Name}
	if f.Type == "bytes" {
		c.kind = binary
	}
	inner := func(of *connectField) {
		if i := of.conversion(); i.kind != asIs && i.kind != binary && i.kind != jsonText {
			c = conversion{kind: refused, name: "a list or a structure of " + i.name}
		}
	}
	if f.Items != nil {
		inner(f.Items)
	}
	if f.Values != nil {
		inner(f.Values)
	}
	for i := range f.Fields {
		inner(&f.Fields[i])
	}
	return c
}
