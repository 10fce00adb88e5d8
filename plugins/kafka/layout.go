package kafka

import (
	"cmp"
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/kafka/avro"
	"github.com/gx-etl/gx/plugins/kafka/change"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/jsonschema"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/kafka/protobuf"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// layout is what rows look like; it is fixed at Open and shared by all lanes.
type layout struct {
	format
	schema  *arrow.Schema
	columns []column // nil: whole documents
	wanted  decode.Wanted
	outer   []bool // with explode: which wanted paths lead into the document around the elements
	needs   bool   // rows are made of what a decoder finds in a value
	maxRows int
	routed  bool // the target wants to know the topic of each batch
	// registries of the converters, nil where there is none
	valueRegistry, keyRegistry *registry.Client
	// reader schemas of the converters, nil where there is none; ask fetches them
	valueReader, keyReader *registry.Schema
}

// newLayout decides what rows look like, from the option column and from what the target asks for.
func newLayout(s *settings, peer sdk.Peer) (*layout, []string, error) {
	l := &layout{format: s.format, columns: s.columns, maxRows: s.maxRows, routed: peer.WantsDestination}
	if l.changing() {
		if err := l.operations(&peer); err != nil {
			return nil, nil, err
		}
	}
	var names []string
	switch {
	case s.columns != nil:
		if n := len(peer.Columns); n > 0 && n != len(s.columns) {
			return nil, nil, sdk.Faultf(sdk.Config, "%d columns here and %d at the target: %s", len(s.columns), n, shorten(peer.Columns)).
				At("column").Hint(`list one entry for each column of the target, or write ["*"] to match them by name`)
		}
		l.columns = append([]column(nil), s.columns...)
		for i := range l.columns {
			if len(peer.Columns) > 0 {
				l.columns[i].name = peer.Columns[i]
			}
		}
	case peer.WantsColumns, l.changing() && len(peer.Columns) > 0:
		if len(peer.Columns) == 0 {
			return nil, nil, sdk.Faultf(sdk.Config, "the target wants separate columns and does not name them").At("column").
				Hint("list the columns of the rows here")
		}
		l.wanted.Fold = true
		for _, name := range peer.Columns {
			l.columns = append(l.columns, column{name: name, kind: columnField, path: project.Path{{Key: name, Index: -1}}})
			if name == "schema" || name == "payload" {
				l.value.guard = false
			}
		}
	default:
		for _, name := range peer.Columns {
			if name == "schema" || name == "payload" {
				l.value.guard = false
			}
		}
		if l.cells() {
			return nil, nil, sdk.Faultf(sdk.Config, "the cells of %s have no names, and the target asks for documents", l.kind).At("column").
				Hint("list the columns here and at the target")
		}
		l.schema, l.needs, l.wanted.Document = rows.DocumentSchema, true, true
		if l.changing() {
			l.change(peer)
			if l.changes.config.Operations {
				l.schema = rows.ChangeSchema
			}
		}
		return l, nil, cmp.Or(l.unknownColumns(), l.connect())
	}
	for i := range l.columns {
		switch c := &l.columns[i]; {
		case c.kind == columnField:
			l.want(c.path, c.outer)
		case c.kind == columnValue && l.decodesValue():
			l.want(nil, l.explode != nil)
		}
	}
	if l.changing() {
		l.needs = true
		l.change(peer)
		if err := l.unknownColumns(); err != nil {
			return nil, nil, err
		}
	}
	fields := make([]arrow.Field, len(l.columns))
	for i := range l.columns {
		names = append(names, l.columns[i].name)
		fields[i] = l.columns[i].field(&l.format)
	}
	l.schema = arrow.NewSchema(fields, nil)
	if rows.IsDocuments(l.schema) { // one column that happens to be called as whole documents are
		fields[0].Name = "document.1"
		l.schema = arrow.NewSchema(fields, nil)
	}
	return l, names, l.connect()
}

// want adds a cell to what is looked for in a value.
func (l *layout) want(path project.Path, outer bool) {
	l.needs = true
	l.wanted.Paths, l.outer = append(l.wanted.Paths, path), append(l.outer, outer)
}

// connect makes the clients of registries. They ask nothing yet.
func (l *layout) connect() (err error) {
	if l.needs && (l.value.framed() || l.kind == change.DebeziumAvro) {
		if l.valueRegistry, err = registry.New(l.value.registry); err != nil {
			return err
		}
	}
	if l.keyed() && l.key.framed() {
		l.keyRegistry, err = registry.New(l.key.registry)
	}
	return err
}

// keyed tells that rows hold the key.
func (l *layout) keyed() bool {
	return slices.ContainsFunc(l.columns, func(c column) bool { return c.kind == columnKey })
}

// ask looks whether the registries that rows need answer, and fetches what a job needs of them before the first message;
// errors are faults.
func (l *layout) ask(ctx context.Context) (err error) {
	if l.valueReader, err = l.value.probe(ctx, l.valueRegistry); err == nil {
		l.keyReader, err = l.key.probe(ctx, l.keyRegistry)
	}
	return err
}

// probe looks whether a registry answers, and gives the reader schema, if the job names one.
func (c *converter) probe(ctx context.Context, client *registry.Client) (*registry.Schema, error) {
	if client == nil {
		return nil, nil
	}
	err := client.Probe(ctx)
	if err != nil || c.reader == "" || c.kind != formatAvro {
		return nil, err
	}
	s, err := client.Newest(ctx, c.reader)
	if err == nil {
		if wrong := avro.Check(s); wrong != nil {
			return nil, sdk.Faultf(sdk.Config, "the newest schema of %q cannot be used: %w", c.reader, wrong).At(c.option + ".readerSchema").
				Hint("the subject of an Avro schema")
		}
	}
	return s, err
}

// close ends the connections to registries.
func (l *layout) close() {
	for _, c := range []*registry.Client{l.valueRegistry, l.keyRegistry} {
		if c != nil {
			c.Close()
		}
	}
}

// decoder makes the decoder of values, nil when rows need none.
func (l *layout) decoder() decode.Decoder {
	if !l.needs {
		return nil
	}
	if l.changing() {
		c := l.changes.config
		c.Registry = l.valueRegistry
		return change.New(c)
	}
	if l.cells() {
		how := decode.Cells{Dialect: l.dialect, Width: len(l.wanted.Paths)}
		for _, c := range l.columns {
			if c.kind == columnField && l.indexed {
				how.Index = append(how.Index, c.index)
			}
		}
		return decode.NewCells(how)
	}
	if l.explode == nil {
		return l.documents(&l.value, l.valueRegistry, l.valueReader, l.wanted)
	}
	var outer []project.Path
	for i, is := range l.outer {
		if is {
			outer = append(outer, l.wanted.Paths[i])
		}
	}
	source := l.documents(&l.value, l.valueRegistry, l.valueReader, l.explode.Source(outer, l.wanted.Fold))
	return decode.NewExplode(*l.explode, source, l.wanted, l.outer)
}

// keyDecoder makes the decoder of keys, nil when they are of a type of bytes or not wanted.
func (l *layout) keyDecoder() decode.Decoder {
	if l.key.kind == "" || !l.keyed() {
		return nil
	}
	return l.documents(&l.key, l.keyRegistry, l.keyReader, decode.Wanted{Document: true, Any: true})
}

func (l *layout) documents(c *converter, client *registry.Client, reader *registry.Schema, wanted decode.Wanted) decode.Decoder {
	switch c.kind {
	case formatAvro:
		return decode.NewFramed(client, registry.Avro, avro.Compile(c.style, reader), wanted)
	case formatProtobuf:
		return decode.NewFramed(client, registry.Protobuf, protobuf.Compile(c.style), wanted)
	case formatJSONSchema:
		return decode.NewFramed(client, registry.JSON, jsonschema.Compile(c.validate), wanted)
	}
	return decode.NewJSON(decode.JSON{Envelope: c.envelope, Guard: c.guard, Option: c.option}, wanted)
}

func shorten(names []string) string {
	text := ""
	for i, n := range names {
		if i == 12 {
			return text + ", …"
		}
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text
}
