package starrocks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// What partial_update, partial_update_mode and merge_condition need: of each other, of the table, of the release.

// wholeDocuments is the property for which a document's own members do not say what it holds; "": there is none.
func (p *props) wholeDocuments() string {
	for _, name := range []string{"jsonpaths", "json_root"} {
		if p.pathOfProp[name] != "" {
			return name
		}
	}
	return ""
}

// mergeColumn is the column of merge_condition; "": none.
func (p *props) mergeColumn() string {
	return p.sent("merge_condition")
}

func (p *props) updateMode() string { return p.sent("partial_update_mode") }

// sent is what goes to StarRocks as a property; "": nothing.
func (p *props) sent(name string) string { return strings.Join(p.header[name], "") }

// updates judges what the job alone can be wrong about.
func (s *settings) updates(j *judge) {
	pr := &s.props
	at := func(name string) string { return pr.pathOfProp[name] }
	add := func(code, path, seen, try string, warning bool) {
		j.add([]options.Problem{{Code: code, Path: path, Seen: seen, Try: try, Warning: warning}})
	}
	mode := pr.updateMode()
	if mode != "" && !pr.partial {
		add(options.CodeIgnored, at("partial_update_mode"), "has no effect without partial_update", `"partial_update":true`, true)
	}
	if mode == "column_upsert" {
		add(options.CodeAssumed, at("partial_update_mode"), "column_upsert: a release that does not know it silently takes row", "column", true)
	}
	if merge := pr.mergeColumn(); merge != "" && pr.partial && s.columns != nil && !slices.ContainsFunc(s.columns, func(c string) bool { return strings.EqualFold(c, merge) }) {
		add(options.CodeConflict, at("merge_condition"), fmt.Sprintf("%s is not among the columns that the partial update writes", merge), "name it in column", false)
	}
	if name := pr.wholeDocuments(); pr.partial && name != "" {
		add(options.CodeAssumed, at("partial_update"), "with "+name+" every document is taken to hold all columns: what is missing becomes NULL", "leave "+name+" out", true)
	}
	if pr.partial && pr.columns != nil {
		add(options.CodeAssumed, at("partial_update"), "with loadProps.columns every document is taken to hold all of them: what is missing becomes NULL", "name the columns in column", true)
	}
}

// someOf names the values of a partial update's rows that hold fewer columns than the job writes, and say which; nil: they do
// not. What they leave out keeps its value.
func (s *settings) someOf(t *target, own []string) (names []string) {
	if !s.props.partial || s.props.columns != nil || len(own) >= len(t.sources) {
		return nil
	}
	for _, name := range own {
		at := slices.IndexFunc(t.sources, func(c string) bool { return strings.EqualFold(c, name) })
		switch {
		case at >= 0:
			names = append(names, t.sources[at])
		case name == opColumn:
			names = append(names, name)
		default:
			return nil
		}
	}
	for key := range t.keys {
		if !slices.ContainsFunc(names, func(c string) bool { return strings.EqualFold(c, key) }) {
			return nil
		}
	}
	return names
}

// updatable judges a table for them.
func (s *settings) updatable(t *target) error {
	merge := s.props.mergeColumn()
	if asked := s.props.partial || merge != ""; asked && t.model != "" && t.model != modelPrimary {
		name := "merge_condition"
		if s.props.partial {
			name = "partial_update"
		}
		return protocol.Faultf(protocol.Config, "table %s.%s is %s, %s works on PRIMARY KEY tables only", t.database, t.table, t.model, name).
			At("loadProps." + name).Hint("leave it out, or write to a Primary Key table")
	}
	if merge == "" || t.known == nil {
		return nil
	}
	wrong := func(format string, a ...any) error {
		return protocol.Faultf(protocol.Config, "table %s.%s: "+format, append([]any{t.database, t.table}, a...)...).At("loadProps.merge_condition").
			Hint("a number or time that grows with every change of a row")
	}
	lower := strings.ToLower(merge)
	typ, _, _ := strings.Cut(t.types[lower], "(")
	switch {
	case t.types[lower] == "":
		return wrong("there is no column %s", merge)
	case t.keys[lower]:
		return wrong("%s is a key column, and the condition cannot be one", merge)
	case slices.Contains([]string{"char", "varchar", "string", "varbinary", "binary", "json", "bitmap", "hll", "percentile"}, typ):
		return wrong("%s is of type %s, which StarRocks does not compare", merge, typ)
	}
	return nil
}

// updatesIn judges a release for them; one whose number cannot be read may be any.
func (s *settings) updatesIn(release string) error {
	is, ok := parseVersion(release)
	older := func(than ...int) bool { return ok && slices.Compare(is[:], than) < 0 }
	mode := s.props.updateMode()
	switch {
	case s.props.mergeColumn() != "" && older(2, 5):
		return protocol.Faultf(protocol.Config, "StarRocks %s has no merge_condition, which came with 2.5", release).At("loadProps.merge_condition").Hint("leave it out")
	case s.props.partial && s.props.mergeColumn() != "" && older(3, 1, 3):
		return protocol.Faultf(protocol.Config, "StarRocks %s takes merge_condition or partial_update, not both, which came with 3.1.3", release).At("loadProps.merge_condition").Hint("leave one of them out")
	case s.props.partial && mode != "" && mode != "row" && older(3, 1):
		return protocol.Faultf(protocol.Config, "StarRocks %s has no partial_update_mode, which came with 3.1: it would silently take row", release).At("loadProps.partial_update_mode").Hint("leave it out, or row")
	}
	return nil
}

// fewColumns is the share of a table's columns up to which column mode is the faster one when loads have many rows.
const fewColumns = 0.1

// modeNote advises on partial_update_mode, where the job names the columns of a table that is known.
func (s *settings) modeNote(t *target) (notes []string) {
	if !s.props.partial || t.known == nil || !t.explicit {
		return nil
	}
	written := 0
	for _, name := range t.sources {
		if lower := strings.ToLower(name); t.types[lower] != "" && !t.keys[lower] {
			written++
		}
	}
	others := len(t.known) - len(t.keys)
	few := others > 0 && float64(written) <= fewColumns*float64(others)
	switch mode := s.props.updateMode(); {
	case few && (mode == "" || mode == "row"):
		notes = append(notes, fmt.Sprintf("partial_update: %d of %d columns are written; when loads have many rows, partial_update_mode column is faster than row", written, others))
	case !few && mode == "column":
		notes = append(notes, fmt.Sprintf("partial_update_mode column: %d of %d columns are written; it is made for few columns, up to a tenth, and row is faster for more", written, others))
	}
	return notes
}
