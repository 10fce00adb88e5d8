package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// leaving is one column of the rows that leave expr: a column that came, or a result.
type leaving struct {
	name   string
	from   int // column that came; for a result that is added -1
	result int // -1: none
}

// lay says which columns leave when these come.
func (s *exprStep) lay(in []string) ([]leaving, error) {
	if err := s.known(in); err != nil {
		return nil, err
	}
	out := make([]leaving, len(in))
	for i, name := range in {
		out[i] = leaving{name: name, from: i, result: -1}
	}
	for k := range s.results {
		r := &s.results[k]
		i, there := find(in, r.column)
		switch {
		case r.fresh && (there || slices.ContainsFunc(out, func(l leaving) bool { return strings.EqualFold(l.name, r.column) })):
			return nil, protocol.Faultf(protocol.Config, "there is a column %q already", r.column).At(r.at).Hint("set instead of add, or another name")
		case r.fresh:
			at := len(out)
			if at > 0 && out[at-1].name == opColumn {
				at--
			}
			out = slices.Insert(out, at, leaving{name: r.column, from: -1, result: k})
		case !there:
			return nil, missing(in, r.column, r.at)
		default:
			out[slices.IndexFunc(out, func(l leaving) bool { return l.from == i })].result = k
		}
	}
	gone := make(map[int]bool, len(s.drop))
	for k, name := range s.drop {
		i, ok := find(in, name)
		if !ok {
			return nil, missing(in, name, options.At(options.Join(s.path, "drop"), k))
		}
		gone[i] = true
	}
	for _, from := range sorted(s.rename) {
		i, ok := find(in, from)
		if !ok {
			return nil, missing(in, from, options.Join(s.path, "rename"))
		}
		for k := range out {
			if out[k].from == i {
				out[k].name = s.rename[from]
			}
		}
	}
	out = slices.DeleteFunc(out, func(l leaving) bool { return l.from >= 0 && gone[l.from] })
	if !s.reshapes() {
		return out, nil
	}
	return out, s.sound(out)
}

// sound refuses rows without columns, and with two of one name.
func (s *exprStep) sound(out []leaving) error {
	if len(out) == 0 {
		return protocol.Faultf(protocol.Config, "no column is left").At(options.Join(s.path, "drop")).Hint("keep one at least")
	}
	for i, l := range out {
		if slices.ContainsFunc(out[:i], func(m leaving) bool { return strings.EqualFold(l.name, m.name) }) {
			return protocol.Faultf(protocol.Config, "two columns would be named %q", l.name).At(s.path).Hint("drop one, or give it another name")
		}
	}
	return nil
}

// known looks for everything that the expressions use.
func (s *exprStep) known(in []string) error {
	for _, p := range s.programs() {
		for _, name := range p.uses {
			if !slices.Contains(in, name) {
				return missing(in, name, p.place)
			}
		}
		for _, name := range p.lets {
			if slices.Contains(in, name) {
				return protocol.Faultf(protocol.Config, "the variable %s has the name of a column", name).At(p.place).Hint("give the variable another name")
			}
		}
	}
	return nil
}

func (s *exprStep) programs() []*program {
	var out []*program
	if s.where != nil {
		out = append(out, s.where)
	}
	for i := range s.results {
		out = append(out, &s.results[i].program)
	}
	return out
}

func (s *exprStep) columns(in []string) ([]string, error) {
	out, err := s.lay(in)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(out))
	for i, l := range out {
		names[i] = l.name
	}
	return names, nil
}

func (s *exprStep) reshapes() bool {
	return len(s.drop) > 0 || len(s.rename) > 0 || slices.ContainsFunc(s.results, func(r result) bool { return r.fresh })
}

func (s *exprStep) bind(fields []arrow.Field) (worker, []arrow.Field, error) {
	in := namesOf(fields)
	layout, err := s.lay(in)
	if err != nil {
		return nil, nil, err
	}
	w := &exprWorker{step: s, env: map[string]any{}, layout: layout, outputs: make([]output, len(s.results))}
	used := map[string]bool{}
	for _, p := range s.programs() {
		for _, name := range p.uses {
			if used[name] {
				continue
			}
			used[name] = true
			i := slices.Index(in, name)
			c, err := columnOf(fields[i], &job.Dates{})
			if err != nil {
				return nil, nil, protocol.Faultf(protocol.Data, "column %s: %w", name, err).At(p.place)
			}
			w.inputs = append(w.inputs, input{col: i, column: c})
		}
	}
	slices.SortFunc(w.inputs, func(a, b input) int { return a.col - b.col })
	values := slices.ContainsFunc(fields, rows.IsJSON)
	out := make([]arrow.Field, len(layout))
	for i, l := range layout {
		if l.result < 0 {
			out[i] = fields[l.from]
			out[i].Name = l.name
			continue
		}
		r := &s.results[l.result]
		typ := r.typ
		switch {
		case typ != "":
		case !r.fresh:
			typ = typeOf(fields[l.from])
		case values:
			typ = "json"
		default:
			typ = "string"
		}
		out[i] = fieldOf(l.name, typ)
		w.outputs[l.result] = output{column: r.column, code: r.code, typ: typ, arrow: out[i].Type}
	}
	for i := range w.outputs {
		if w.outputs[i].code == nil { // its column is dropped; exprOptions.Check lets none through
			return nil, nil, protocol.Faultf(protocol.Config, "%q is set and dropped", s.results[i].column).At(s.results[i].at).Hint("keep one of the two")
		}
	}
	if names := namesOf(out); rows.IsDocuments(arrow.NewSchema(out, nil)) {
		return nil, nil, protocol.Faultf(protocol.Config, "one JSON column named %q would be taken for whole documents", names[0]).At(s.path).Hint("another name, or a second column")
	}
	return w, out, nil
}

// typeOf is the type that new values of a column get.
func typeOf(f arrow.Field) string {
	switch f.Type.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return "int"
	case arrow.FLOAT32, arrow.FLOAT64:
		return "float"
	case arrow.BOOL:
		return "bool"
	}
	if rows.IsJSON(f) {
		return "json"
	}
	return "string"
}

func fieldOf(name, typ string) arrow.Field {
	f := arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
	switch typ {
	case "int":
		f.Type = arrow.PrimitiveTypes.Int64
	case "float":
		f.Type = arrow.PrimitiveTypes.Float64
	case "bool":
		f.Type = arrow.FixedWidthTypes.Boolean
	case "json":
		f = rows.JSONField(name)
	case "string":
	default:
		panic(fmt.Sprintf("transform: no type %q", typ))
	}
	return f
}
