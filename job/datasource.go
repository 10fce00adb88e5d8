package job

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// Datasources are connections that are defined once and used by name in many jobs. Each is an object with the
// plugin's name under "type" and any of the plugin's options beside it.
type Datasources map[string]options.Value

// datasourcesPath begins the path of problems found in the file of data sources.
const datasourcesPath = "datasources"

// ParseDatasources reads a file of data sources: {"name": {"type": "starrocks", …}, …}.
// References to secrets stay as they are until a job uses them.
func ParseDatasources(src []byte) (Datasources, []options.Problem) {
	root, problems := options.Parse(src)
	if root.Kind() == options.Missing {
		return nil, problems
	}
	if root.Kind() != options.Object {
		return nil, append(problems, options.Problem{Code: options.CodeWrongType, Path: datasourcesPath, Seen: root.Kind().String() + " is not an object",
			Try: `{"name": {"type": "starrocks", …}}`})
	}
	out := Datasources{}
	for _, m := range root.Members() {
		at := options.Join(datasourcesPath, m.Key)
		line, col := m.Value.Pos()
		switch typ := m.Value.Get("type"); {
		case m.Value.Kind() != options.Object:
			problems = append(problems, options.Problem{Code: options.CodeWrongType, Path: at, Seen: m.Value.Kind().String() + " is not an object", Try: `{"type": "starrocks", …}`, Line: line, Col: col})
		case typ.Kind() != options.String || typ.Text() == "":
			problems = append(problems, options.Problem{Code: options.CodeMissing, Path: options.Join(at, "type"), Seen: "required and not given", Try: "the name of a plugin, such as starrocks", Line: line, Col: col})
		default:
			out[m.Key] = m.Value.Unplaced().MapScalars("", func(_, key string, scalar options.Value) options.Value {
				if passwordKey.MatchString(key) {
					return scalar.AsSecret()
				}
				return scalar
			})
		}
	}
	return out, problems
}

// withDatasource puts the data sources that a parameter names in the place of their names, there and in the
// elements of connection. It returns the name that the parameter itself gives.
func (p *parser) withDatasource(parameter options.Value, path, stepType string) (options.Value, string) {
	name := ""
	if ds := parameter.Get(options.DatasourceKey); ds.Kind() == options.String && ds.Text() != "" {
		name = ds.Text()
		parameter = p.lend(parameter, name, path, stepType)
	}
	connections := parameter.Get("connection")
	if connections.Kind() == options.Array {
		items := slices.Clone(connections.Items())
		for i, c := range items {
			if ds := c.Get(options.DatasourceKey); ds.Kind() == options.String && ds.Text() != "" {
				items[i] = p.lend(c, ds.Text(), options.At(options.Join(path, "connection"), i), stepType)
			}
		}
		parameter = parameter.With("connection", options.List(items...))
	}
	return parameter, name
}

// lend replaces the name of a data source by its content, with secrets resolved and without its type.
func (p *parser) lend(holder options.Value, name, path, stepType string) options.Value {
	at := options.Join(path, options.DatasourceKey)
	ds, known := p.Datasources[name]
	if !known {
		problem := options.Problem{Code: options.CodeUnknownDatasource, Path: at, Seen: fmt.Sprintf("no data source is named %q", name)}
		names := slices.Sorted(maps.Keys(p.Datasources))
		if problem.Want = strings.Join(names, ", "); len(names) == 0 {
			problem.Try = "name a file of data sources with --datasources or GX_DATASOURCES"
		} else {
			problem.Try, _ = options.Nearest(name, names)
		}
		p.add(problem)
		return holder.With(options.DatasourceKey, options.Map())
	}
	if typ := ds.Get("type").Text(); familyOf(typ) != familyOf(stepType) {
		p.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: fmt.Sprintf("the data source %q is of type %s, the step of type %s", name, typ, stepType),
			Try: "a data source of type " + stepType})
	}
	return holder.With(options.DatasourceKey, p.resolve(options.Join(datasourcesPath, name), ds.Without("type")))
}
