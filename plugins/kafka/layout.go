package kafka

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// layout is what rows look like; it is fixed at Open and shared by all lanes.
type layout struct {
	format
	schema   *arrow.Schema
	columns  []column // nil: whole documents
	paths    []project.Path
	fold     bool // match JSON keys whatever their case
	document bool // a value must be a JSON document
	maxRows  int
	routed   bool // the target wants to know the topic of each batch
}

// newLayout decides what rows look like, from the option column and from what the target asks for.
func newLayout(s *settings, peer sdk.Peer) (*layout, []string, error) {
	l := &layout{format: s.format, columns: s.columns, maxRows: s.maxRows, routed: peer.WantsDestination}
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
	case peer.WantsColumns:
		if len(peer.Columns) == 0 {
			return nil, nil, sdk.Faultf(sdk.Config, "the target wants separate columns and does not name them").At("column").
				Hint("list the columns of the rows here")
		}
		l.fold = true
		for _, name := range peer.Columns {
			l.columns = append(l.columns, column{name: name, kind: columnField, path: project.Path{{Key: name, Index: -1}}})
			if name == "schema" || name == "payload" {
				l.guardEnvelope = false
			}
		}
	default:
		for _, name := range peer.Columns {
			if name == "schema" || name == "payload" {
				l.guardEnvelope = false
			}
		}
		l.schema, l.document = rows.DocumentSchema, true
		return l, nil, nil
	}
	fields := make([]arrow.Field, len(l.columns))
	for i := range l.columns {
		c := &l.columns[i]
		names = append(names, c.name)
		fields[i] = c.field(&l.format)
		if c.kind == columnField {
			l.document = true
			l.paths = append(l.paths, c.path)
		}
	}
	l.schema = arrow.NewSchema(fields, nil)
	if rows.IsDocuments(l.schema) { // one column that happens to be called as whole documents are
		fields[0].Name = "document.1"
		l.schema = arrow.NewSchema(fields, nil)
	}
	return l, names, nil
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
