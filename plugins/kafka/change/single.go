package change

import (
	"bytes"
	"context"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/project"
)

// single reads formats with one row in a message: those of Maxwell and of Oracle GoldenGate.
type single struct {
	envelope *project.Projector
	parts    [singleParts][]byte
	note     func(e *event, p *[singleParts][]byte) // where the change was
	actions  map[string]action
	merge    bool // an image after an update may have only what changed
	partial  bool // an image before an update has only what changed
}

const (
	singleType = iota
	singleAfter
	singleBefore
	singleDB
	singleTable
	singleKeys
	singleParts
)

func newMaxwell() *single {
	return &single{
		envelope: project.New(paths("type", "data", "old", "database", "table", "primary_key_columns"), false), partial: true,
		note: func(e *event, p *[singleParts][]byte) { e.database, e.table = p[singleDB], p[singleTable] },
		actions: map[string]action{
			`"insert"`: upsert, `"update"`: upsert, `"delete"`: remove, `"bootstrap-insert"`: upsert, `"bootstrap-start"`: nothing, `"bootstrap-complete"`: nothing,
			`"table-create"`: ddl, `"table-alter"`: ddl, `"table-drop"`: ddl, `"database-create"`: ddl, `"database-alter"`: ddl, `"database-drop"`: ddl,
			`"heartbeat"`: nothing,
		},
	}
}

// newOGG reads the row format of GoldenGate, whose tables are OWNER.NAME. An update may bring only the columns that it changed.
func newOGG() *single {
	return &single{
		envelope: project.New(paths("op_type", "after", "before", "catalog", "table", "primary_keys"), false), merge: true,
		note: func(e *event, p *[singleParts][]byte) {
			e.database, e.table = p[singleDB], p[singleTable]
			if at := bytes.IndexByte(e.table, '.'); at > 0 {
				e.owner = append(append(e.owner[:0], e.table[:at]...), '"')
				e.bare = append(append(e.bare[:0], '"'), e.table[at+1:]...)
				e.schema, e.table = e.owner, e.bare
			}
		},
		actions: map[string]action{`"I"`: upsert, `"U"`: upsert, `"D"`: remove, `"T"`: truncate},
	}
}

func (f *single) read(_ context.Context, d *Decoder, value []byte) error {
	if err := f.envelope.Project(value, f.parts[:]); err != nil {
		return decode.Refusef("%s", err)
	}
	p, e := &f.parts, &d.event
	action, known := f.actions[string(p[singleType])]
	if !known {
		return unknownOperation(p[singleType])
	}
	e.action, e.name, e.keys = action, p[singleType], p[singleKeys]
	f.note(e, p)
	im := images{after: p[singleAfter], before: p[singleBefore], partial: f.partial, merge: f.merge}
	switch action {
	case remove:
		if !f.merge {
			im.before = im.after // Maxwell has the deleted row there
		}
		im.after = nil
	case upsert:
	default:
		return nil
	}
	e.images = append(e.images, im)
	return nil
}
