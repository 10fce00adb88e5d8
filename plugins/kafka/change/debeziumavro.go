package change

import (
	"context"
	"encoding/json"

	"github.com/gx-etl/gx/plugins/kafka/avro"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/registry"
)

// debeziumAvro reads the envelope of Debezium in Avro, whose schemas a registry has. Types of Kafka Connect that Avro does
// not know stand in them as connect.name.
type debeziumAvro struct {
	source  decode.Decoder
	wanted  *decode.Wanted
	current *shape // of the value that was read last
}

// Cells that are looked for in an envelope.
const (
	avroOp = iota
	avroBefore
	avroAfter
	avroDB
	avroSchema
	avroTable
)

func newDebeziumAvro(c *Config) *debeziumAvro {
	f := &debeziumAvro{wanted: &c.Wanted}
	envelope := decode.Wanted{Paths: paths("op", "before", "after", "source.db", "source.schema", "source.table")}
	f.source = decode.NewFramed(c.Registry, registry.Avro, f.compile, envelope)
	return f
}

func (f *debeziumAvro) read(ctx context.Context, d *Decoder, value []byte) error {
	if err := f.source.Open(ctx, value); err != nil {
		return err
	}
	var row decode.Row
	if !f.source.Next(&row) {
		return nil
	}
	p, e := row.Cells, &d.event
	e.shape, e.database, e.schema, e.table = f.current, p[avroDB], p[avroSchema], p[avroTable]
	im := images{before: p[avroBefore], after: p[avroAfter]}
	if err := e.debezium(p[avroOp], &im); err != nil {
		return err
	}
	if e.action == upsert || e.action == remove {
		e.images = append(e.images, im)
	}
	return nil
}

// shaped is a program that tells which shape its values have.
type shaped struct {
	decode.Program
	shape *shape
	of    *debeziumAvro
}

func (p *shaped) Run(value []byte, s *decode.Sheet) error {
	p.of.current = p.shape
	return p.Program.Run(value, s)
}

// compile makes wall clocks of instants in UTC, which is how Debezium writes times without a zone.
func (f *debeziumAvro) compile(s *registry.Schema, w *decode.Wanted) (decode.Program, error) {
	p, err := avro.Compile(literal.Style{}, nil)(s, w)
	if err != nil {
		return nil, err
	}
	var root any
	if err := json.Unmarshal([]byte(s.Text), &root); err != nil {
		return nil, decode.Refusef("the schema cannot be read: %s", err)
	}
	c := connectTypes{named: map[string]map[string]any{}}
	envelope := c.field(root)
	row := envelope.member("after", false)
	if row == nil || row.Fields == nil {
		if row = envelope.member("before", false); row == nil {
			return nil, decode.Refusef("the schema has no field after or before: it is not that of a change")
		}
	}
	has, err := row.shape(f.wanted)
	return &shaped{p, has, f}, err
}

// connectTypes finds the types of Kafka Connect in a schema of Avro.
type connectTypes struct {
	named map[string]map[string]any // records by name, with their namespace and without
	depth int
	count int
}

// Bounds of a schema: types may contain themselves, or each other many times.
const (
	mostDepth = 100
	mostTypes = 1 << 16
)

// field is a type as Connect calls it; names of types that values do not carry any more are left out.
func (c *connectTypes) field(schema any) (f connectField) {
	c.count++
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > mostDepth || c.count > mostTypes {
		return f // no column of a table is that deep
	}
	switch s := schema.(type) {
	case string:
		if known := c.named[s]; known != nil {
			return c.field(known)
		}
		f.Type = s
	case []any:
		for _, branch := range s {
			if branch != "null" {
				return c.field(branch)
			}
		}
	case map[string]any:
		f = c.object(s)
	}
	return f
}

func (c *connectTypes) object(s map[string]any) (f connectField) {
	text := func(key string) string { v, _ := s[key].(string); return v }
	if s["type"] != nil && text("type") == "" {
		return c.field(s["type"])
	}
	f.Type, f.Name = text("type"), text("connect.name")
	if text("logicalType") != "" && f.Type != "record" {
		return connectField{Type: "string"} // Avro's own types are written already
	}
	switch f.Type {
	case "record":
		c.named[text("name")] = s
		c.named[text("namespace")+"."+text("name")] = s
		fields, _ := s["fields"].([]any)
		for _, one := range fields {
			m, _ := one.(map[string]any)
			inner := c.field(m["type"])
			inner.Field, _ = m["name"].(string)
			f.Fields = append(f.Fields, inner)
		}
	case "array":
		inner := c.field(s["items"])
		f.Items = &inner
	case "map":
		inner := c.field(s["values"])
		f.Values = &inner
	}
	return f
}
