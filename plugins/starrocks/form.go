package starrocks

import (
	"net/http"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/gx-etl/gx/plugins/starrocks/encode"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// form is how rows travel.
type form struct {
	kind    kind
	header  http.Header
	encoder *encode.Encoder // nil for documents
	codec   streamload.Codec
}

// formOf prepares one way for rows of a schema.
func (s *settings) formOf(t *target, schema *arrow.Schema, names []string, k kind) (f form, err error) {
	pr := &s.props
	f = form{kind: k, header: pr.header.Clone(), codec: pr.codec}
	var mapping []string
	switch k {
	case kindDocuments:
		if err := s.untreated(); err != nil {
			return f, err
		}
		pr.jsonHeader(f.header)
	case kindCSV, kindJSON:
		var treat []encode.Treatment
		var sources []string
		treat, sources, mapping = s.treatments(t, schema, names)
		if k == kindJSON {
			pr.jsonHeader(f.header)
			f.encoder, err = encode.NewJSON(schema, sources, treat...)
		} else {
			d, err := pr.dialect()
			if err != nil {
				return f, protocol.Faultf(protocol.Config, "%v", err).At("loadProps")
			}
			pr.csvHeader(f.header)
			if f.encoder, err = encode.NewCSV(schema, sources, d, treat...); err != nil {
				return f, columnFault(err)
			}
		}
		if err != nil {
			return f, columnFault(err)
		}
		names = sources
	}
	if pr.columns == nil && len(names) > 0 && (k == kindCSV || t.explicit || pr.partial || len(mapping) > 0) {
		f.header["columns"] = []string{strings.Join(append([]string{columnsHeader(names)}, mapping...), ",")}
	}
	return f, nil
}

// turn makes the rows to come go in the spare form, or in the main one again.
func (in *intake) turn(spared bool) {
	in.spared, in.form = spared, in.main
	if spared {
		in.form = in.spare
	}
}

func columnFault(err error) error {
	return protocol.Faultf(protocol.Config, "%v", err).At("column").Hint("name the columns of the table in the order of the reader's columns")
}

// kindOf decides how rows travel: documents and JSON values as JSON, unless the job says otherwise.
func (w *Writer) kindOf(s *arrow.Schema) (kind, error) {
	format := w.set.props.format
	if rows.IsDocuments(s) {
		if format == formatCSV {
			return 0, protocol.Faultf(protocol.Config, "the reader sends whole JSON documents, which have no columns for csv").At("loadProps.format").
				Hint("use format json, or name the reader's columns")
		}
		return kindDocuments, nil
	}
	if format == formatJSON || (format == "" && slices.ContainsFunc(s.Fields(), inJSON)) {
		return kindJSON, nil
	}
	return kindCSV, nil
}

// namesOfDocuments are the names of what is in documents. A list of columns that leaves __op out would turn deletes into upserts.
func (s *settings) namesOfDocuments(t *target, op bool) ([]string, error) {
	switch {
	case !op:
		return t.sources, nil
	case t.model != "" && t.model != modelPrimary:
		return nil, t.cannotDelete()
	case s.props.columns != nil && !s.props.setsOp && !slices.Contains(t.sources, opColumn):
		return nil, protocol.Faultf(protocol.Config, "the rows say in __op what is to be done with them, and loadProps.columns does not name it").At("loadProps.columns").
			Hint("add __op (0 upsert, 1 delete) at the end")
	case s.props.partial && s.columns != nil && !slices.Contains(t.sources, opColumn):
		return nil, protocol.Faultf(protocol.Config, "the rows say in __op what is to be done with them, and column does not name it for a partial update").At("column").
			Hint("add __op (0 upsert, 1 delete) at the end")
	case t.explicit && s.props.columns == nil && !slices.Contains(t.sources, opColumn):
		return append(slices.Clone(t.sources), opColumn), nil
	}
	return t.sources, nil
}

func (t *target) cannotDelete() error {
	return protocol.Faultf(protocol.Config, "the rows say in __op whether they are an upsert (0) or a delete (1), and table %s.%s is %s, which cannot delete", t.database, t.table, t.model).
		At("table").Hint("write to a Primary Key table")
}

// inJSON tells which values are better off in JSON than as its text.
func inJSON(f arrow.Field) bool { return rows.IsJSON(f) || arrow.IsNested(f.Type.ID()) }

// namesFor are the names of a row's values. Change operations may come as a last column of their own.
func (s *settings) namesFor(t *target, schema *arrow.Schema, k kind) ([]string, error) {
	if k == kindDocuments {
		return s.namesOfDocuments(t, rows.HasOperations(schema))
	}
	n := schema.NumFields()
	var own []string
	for _, f := range schema.Fields() {
		own = append(own, f.Name)
	}
	op := n > 0 && own[n-1] == opColumn && !slices.Contains(t.sources, opColumn) && s.props.columns == nil
	if op && t.model != "" && t.model != modelPrimary {
		return nil, t.cannotDelete()
	}
	if names := s.someOf(t, own); names != nil {
		return names, nil
	}
	switch {
	case t.sources == nil && k == kindCSV:
		return nil, protocol.Faultf(protocol.Config, "the columns of %s.%s are not known, and csv needs their order", t.database, t.table).At("column").
			Hint("name the columns, or give jdbcUrl")
	case t.sources == nil:
		return own, nil
	case op:
		return append(slices.Clone(t.sources), opColumn), nil
	}
	return t.sources, nil
}
