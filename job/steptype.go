package job

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// families are the plugins whose DataX names are known. Any other name is left as it is: only the host knows
// which plugins exist.
var families = []string{"starrocks", "kafka", "stream", "mysql", "file", "txtfile"}

// renamed are the families that have another name here.
var renamed = map[string]string{"txtfile": "file"}

func ours(family string) string {
	if name, other := renamed[family]; other {
		return name
	}
	return family
}

// stepType turns a plugin name of the document into that of gx: starrockswriter becomes starrocks. A name
// that says reader in a writer's place is a problem.
func (p *parser) stepType(name string, category Category, at string) string {
	lower := strings.ToLower(strings.TrimSpace(name))
	if slices.Contains(families, lower) {
		return ours(lower)
	}
	for _, suffix := range []Category{Reader, Writer} {
		family, ok := strings.CutSuffix(lower, string(suffix))
		if !ok || !slices.Contains(families, family) {
			continue
		}
		if suffix != category {
			p.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: name + " stands where a " + string(category) + " belongs", Try: family + string(category)})
		}
		return ours(family)
	}
	return strings.TrimSpace(name)
}

// familyOf is stepType without a place to judge.
func familyOf(name string) string {
	lower := strings.ToLower(strings.TrimSpace(name))
	for _, family := range families {
		if lower == family || lower == family+string(Reader) || lower == family+string(Writer) {
			return ours(family)
		}
	}
	return lower
}

// step builds a Step; at is the path of the key that names its type.
func (p *parser) step(name, spelled string, category Category, parameter options.Value, path, at string, plugin *Plugin) Step {
	s := Step{Name: name, Category: category, Type: p.stepType(spelled, category, at), Path: path, Plugin: plugin}
	if s.Type != spelled {
		s.Spelled = spelled
	}
	s.Parameter, s.Datasource = p.withDatasource(p.parameter(parameter, path), path, s.Type)
	return s
}
