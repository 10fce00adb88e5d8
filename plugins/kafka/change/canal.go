package change

import (
	"context"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/project"
)

// canal reads {"type", "data": [...], "old": [...]} of Canal and of TiCDC. old has the former values of what an update
// changed, and perhaps of more.
type canal struct {
	envelope   *project.Projector
	parts      [canalParts][]byte
	data, olds [][]byte
}

const (
	canalType = iota
	canalData
	canalOld
	canalDDL
	canalDB
	canalTable
	canalKeys
	canalSQL
	canalParts
)

func newCanal() *canal {
	return &canal{envelope: project.New(paths("type", "data", "old", "isDdl", "database", "table", "pkNames", "sql"), false)}
}

func (f *canal) read(_ context.Context, d *Decoder, value []byte) (err error) {
	if err := f.envelope.Project(value, f.parts[:]); err != nil {
		return decode.Refusef("%s", err)
	}
	p, e := &f.parts, &d.event
	e.database, e.table, e.keys = p[canalDB], p[canalTable], p[canalKeys]
	typ := p[canalType]
	switch e.name = typ; string(typ) {
	case `"INSERT"`, `"UPDATE"`, `"INIT"`:
		e.action = upsert
	case `"DELETE"`:
		e.action = remove
	case `"TRUNCATE"`:
		e.action = truncate
		return nil
	case `"TIDB_WATERMARK"`, `"BEGIN"`, `"COMMIT"`, `"XACOMMIT"`, `"XAROLLBACK"`:
		return nil
	case `"CREATE"`, `"ALTER"`, `"ERASE"`, `"RENAME"`, `"CINDEX"`, `"DINDEX"`, `"QUERY"`, `"INIT_DDL"`:
		e.action = ddl
		return nil
	default:
		if string(p[canalDDL]) != "true" {
			return unknownOperation(typ)
		}
		e.action = ddl
		return nil
	}
	if f.data, f.olds, err = lists(p[canalData], p[canalOld], f.data, f.olds); err != nil {
		return err
	}
	for i, image := range f.data {
		im := images{after: image, partial: true}
		switch {
		case e.action == remove:
			im = images{before: image}
		case string(typ) == `"UPDATE"` && i < len(f.olds):
			im.before = f.olds[i]
		}
		e.images = append(e.images, im)
	}
	return nil
}

// lists reads the images after and before a change; there may be none before.
func lists(data, old []byte, dst, dstOld [][]byte) (_, _ [][]byte, err error) {
	if data == nil {
		return dst, dstOld, decode.Refusef("the message has no list of rows")
	}
	if dst, err = project.Items(data, dst[:0]); err != nil {
		return dst, dstOld, decode.Refusef("the list of rows: %s", err)
	}
	dstOld = dstOld[:0]
	if old == nil {
		return dst, dstOld, nil
	}
	if dstOld, err = project.Items(old, dstOld); err != nil {
		return dst, dstOld, decode.Refusef("the list of former rows: %s", err)
	}
	if len(dstOld) > 0 && len(dstOld) != len(dst) {
		return dst, dstOld, decode.Refusef("%d rows and %d former ones", len(dst), len(dstOld))
	}
	return dst, dstOld, nil
}

// cloudCanal reads {"action", "data": [...], "before": [...]} of CloudCanal and BladePipe.
type cloudCanal struct {
	envelope   *project.Projector
	parts      [cloudParts][]byte
	data, olds [][]byte
}

const (
	cloudAction = iota
	cloudData
	cloudBefore
	cloudDDL
	cloudIsDDL
	cloudEntry
	cloudDB
	cloudSchema
	cloudTable
	cloudKeys
	cloudParts
)

func newCloudCanal() *cloudCanal {
	return &cloudCanal{envelope: project.New(paths("action", "data", "before", "ddl", "isDdl", "entryType", "db", "schema", "table", "pks"), false)}
}

func (f *cloudCanal) read(_ context.Context, d *Decoder, value []byte) (err error) {
	if err := f.envelope.Project(value, f.parts[:]); err != nil {
		return decode.Refusef("%s", err)
	}
	p, e := &f.parts, &d.event
	e.database, e.schema, e.table, e.keys = p[cloudDB], p[cloudSchema], p[cloudTable], p[cloudKeys]
	switch string(p[cloudEntry]) {
	case `"TRANSACTIONBEGIN"`, `"TRANSACTIONEND"`, `"HEARTBEAT"`:
		return nil
	}
	e.name = p[cloudAction]
	switch name := string(e.name); {
	case name == `"TRUNCATE"`:
		e.action = truncate
		return nil
	case string(p[cloudDDL]) == "true", string(p[cloudIsDDL]) == "true":
		e.action = ddl
		return nil
	case name == `"INSERT"`, name == `"UPDATE"`:
		e.action = upsert
	case name == `"DELETE"`:
		e.action = remove
	default:
		return unknownOperation(p[cloudAction])
	}
	data, before := p[cloudData], p[cloudBefore]
	if e.action == remove && (data == nil || string(data) == "[]") {
		data = before // where releases differ
	}
	if f.data, f.olds, err = lists(data, before, f.data, f.olds); err != nil {
		return err
	}
	for i, image := range f.data {
		im := images{after: image}
		switch {
		case e.action == remove:
			im = images{before: image}
		case i < len(f.olds) && string(e.name) == `"UPDATE"`:
			im.before = f.olds[i]
		}
		e.images = append(e.images, im)
	}
	return nil
}
