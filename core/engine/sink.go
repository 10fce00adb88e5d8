package engine

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/plugins/protocol"
)

// DirtySink keeps the records that did not become rows. Calls come one at a time.
type DirtySink interface {
	Add(ctx context.Context, d DirtyRecord) error
	// Sync makes everything added durable; it is called before the positions behind it move.
	Sync(ctx context.Context) error
}

// DirtyPlugin is a DirtySink with a process of its own, which the engine opens and leaves beside those of reader and writer.
type DirtyPlugin interface {
	DirtySink
	Process
	// Open connects and looks whether the place takes dirty records. It changes nothing there.
	Open(ctx context.Context, resumed bool) (notes []string, err error)
	// Finish ends the work of a job that did not fail; everything added is durable then.
	Finish(ctx context.Context, stopped bool) (notes []string, err error)
	// Leave is called last, whatever went before, also when the process is dead.
	Leave(ctx context.Context) error
}

// DirtyRecord is one record that did not become a row.
type DirtyRecord struct {
	Side   string // the plugin that refused it
	Place  string
	Reason string
	Column string
	Record []byte
	Key    []byte
	Origin *Origin // nil: Place alone says where it was
	// Refused is why the writer of dirty records did not take it, empty when it did or none was asked.
	Refused string
}

// Origin is where a message stands, and what belongs to it beside key and value.
type Origin struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      int64 // Unix milliseconds, -1 when unknown
	Headers   []Header
}

// Header is one header of a message. A nil Value is none at all, which differs from an empty one.
type Header struct {
	Name  string
	Value []byte
}

// HeadersJSON writes headers as [["name", value], …] in their order: a value that is UTF-8 as text, any other as
// {"base64": …}, none as null. A name is text or base64 in the same way.
func HeadersJSON(headers []Header) []byte {
	plain := func(b []byte) any {
		switch {
		case b == nil:
			return nil
		case utf8.Valid(b):
			return string(b)
		}
		return map[string][]byte{"base64": b}
	}
	list := make([][2]any, len(headers))
	for i, h := range headers {
		list[i] = [2]any{plain([]byte(h.Name)), plain(h.Value)}
		if h.Name == "" {
			list[i][0] = ""
		}
	}
	out, err := json.Marshal(list)
	if err != nil {
		panic(err) // texts, bytes and nil only
	}
	return out
}

// Size is about what the record takes in memory, in bytes.
func (d *DirtyRecord) Size() int {
	n := 256 + len(d.Place) + len(d.Reason) + len(d.Column) + len(d.Record) + len(d.Key) + len(d.Refused)
	if d.Origin != nil {
		for _, h := range d.Origin.Headers {
			n += 64 + len(h.Name) + len(h.Value)
		}
	}
	return n
}

// sink is the plugin that keeps dirty records, nil if none does.
func (e *Engine) sink() DirtyPlugin {
	s, _ := e.Dirty.(DirtyPlugin)
	return s
}

// dirtyPath is where the document says what becomes of dirty records.
func (e *Engine) dirtyPath() string {
	if e.Plan.Sink != nil {
		return e.Plan.Sink.Path
	}
	return "setting.dirty"
}

func (e *Engine) openSink(ctx context.Context, resumed bool) error {
	s := e.sink()
	if s == nil {
		return nil
	}
	notes, err := s.Open(ctx, resumed)
	if err != nil {
		return fault.Within(e.dirtyPath(), err)
	}
	e.notes("dirty records", notes)
	return nil
}

func (e *Engine) finishSink(ctx context.Context, stopped bool) error {
	s := e.sink()
	if s == nil {
		return nil
	}
	notes, err := s.Finish(ctx, stopped)
	if err != nil {
		return e.notKept(err)
	}
	e.notes("dirty records", notes)
	return nil
}

// notKept is the end of a job whose dirty records have no place to go. What a plugin says about it keeps its code.
func (e *Engine) notKept(err error) error {
	if protocol.AsFault(err) != nil || protocol.IsCanceled(err) {
		return fault.Within(e.dirtyPath(), err)
	}
	return protocol.Faultf(protocol.Internal, "dirty records could not be kept: %w", err).At(e.dirtyPath())
}
