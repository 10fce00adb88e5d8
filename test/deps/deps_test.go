// Package deps holds the laws of who may import whom. A law says what it protects, and says so when it is broken.
package deps

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gx-etl/gx"

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string // everything below it
	Dir        string
	GoFiles    []string
	Module     *struct{ Path string }
}

// list runs go list over the root module with everything below it.
func list(t *testing.T, patterns ...string) map[string]pkg {
	t.Helper()
	return listIn(t, filepath.Join("..", ".."), patterns...)
}

// listIn is list for the module in dir, with flags before the patterns.
func listIn(t *testing.T, dir string, args ...string) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Standard,Imports,Deps,Dir,GoFiles,Module"}, args...)...)
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, said.String())
	}
	all := map[string]pkg{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// matches tells whether an import path is meant by a pattern: a path in this module ("core/..."), or one from elsewhere
// when it begins with a host. The end /... means everything below too, and "..." is the whole module.
func matches(pattern, path string) bool {
	if pattern == "..." {
		return path == module || strings.HasPrefix(path, module+"/")
	}
	if first, _, _ := strings.Cut(pattern, "/"); !strings.Contains(first, ".") {
		pattern = module + "/" + pattern
	}
	if base, deep := strings.CutSuffix(pattern, "/..."); deep {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

// law forbids imports. Direct laws look at what a package itself imports, the others at everything below it.
type law struct {
	of     string // pattern of the packages that it binds
	except []string
	never  []string
	only   []string // with this set, everything else is forbidden; the standard library and the package's own folder are not
	direct bool
	why    string
}

var laws = []law{
	{of: "plugins/...", never: []string{"core/...", "cmd/..."}, why: "a plugin must build without the engine, or nobody outside could write one"},
	{of: "core/...", never: []string{"plugins/sdk", "plugins/sdk/sdktest", "plugins/kafka/...", "plugins/starrocks/...", "plugins/stream/...",
		"plugins/file/..."},
		why: "host and plugin meet only in plugins/protocol and in the format of rows; an engine that knows a plugin treats it better than others"},
	{of: "core/...", except: []string{"core/transform", "core/dirty"}, never: []string{"plugins/sdk/...", "github.com/apache/arrow-go/...", "github.com/expr-lang/..."}, direct: true,
		why: "core/transform alone opens the rows, and only for jobs that ask for it"},
	{of: "core/dirty", only: []string{"core/dirty", "core/engine", "core/plan", "job/options", "plugins/protocol/...", "plugins/sdk/rows", "github.com/apache/arrow-go/..."}, direct: true,
		why: "dirty records become rows for a writer like any other, and nothing else of the core makes rows"},
	{of: "core/transform", only: []string{"core/transform", "job/...", "plugins/protocol/...", "plugins/sdk/rows", "github.com/apache/arrow-go/...", "github.com/expr-lang/..."}, direct: true,
		why: "transformers know the document and the rows, and nothing of lanes, processes and servers"},
	{of: "plugins/sdk/rows", only: []string{"plugins/sdk/rows", "github.com/apache/arrow-go/...", "github.com/google/flatbuffers/...", "google.golang.org/grpc/mem"}, direct: true,
		why: "rows is the format that travels, which both sides of the wire read, and so it knows neither of them"},
	{of: "core/...", never: []string{"cmd/..."}, why: "the command puts the parts together, not the other way round"},
	{of: "job/...", only: []string{"job/..."}, why: "a job document must be readable with no engine, no plugin and no library present"},
	{of: "plugins/protocol/...", never: []string{"job/...", "core/...", "cmd/...", "plugins/sdk/...", "plugins/kafka/...", "plugins/starrocks/...", "plugins/stream/...", "plugins/file/..."},
		why: "protocol is the ground that everything stands on, so it stands on nothing of gx"},
	{of: "plugins/sdk/...", never: []string{"github.com/IBM/sarama/...", "github.com/go-sql-driver/mysql/...", "github.com/spf13/...", "plugins/kafka/...",
		"plugins/starrocks/...", "plugins/stream/...", "plugins/file/..."}, why: "the author of a CSV plugin should not pay for Kafka, MySQL or a command line"},
	{of: "...", except: []string{"core/host"}, never: []string{"github.com/hashicorp/go-plugin/runner"}, direct: true,
		why: "core/host alone starts plugin processes; a second place would start them without its environment, its group and its pipes"},
	{of: "...", except: []string{"core/host", "plugins/protocol", "plugins/sdk/..."}, never: []string{"github.com/hashicorp/go-plugin/..."}, direct: true,
		why: "go-plugin is how processes meet, and only those who meet know of it"},
	{of: "...", except: []string{"cmd/gx"}, never: []string{"github.com/spf13/viper/..."}, direct: true,
		why: "viper lowercases keys: settings of the process may pass through it, a job never"},
	{of: "job/...", never: []string{"github.com/spf13/viper/..."}, why: "viper lowercases keys, and a job has keys of both cases"},
	{of: "core/plan", only: []string{"core/plan", "core/transform", "job/...", "plugins/protocol/..."}, direct: true,
		why: "a plan is made from the document alone: it asks no server, no plugin and no clock"},
	{of: "core/convert", only: []string{"core/convert", "job/..."}, direct: true, why: "converting is from text to text: it asks no server, no plugin and no file"},
	{of: "core/fault", only: []string{"core/fault", "plugins/protocol/..."}, direct: true, why: "everybody reports faults, so fault reports nobody's"},
	{of: "core/flow", only: []string{"core/flow", "plugins/protocol/..."}, direct: true, why: "a queue between reader and writer needs neither of them"},
	{of: "core/engine", never: []string{"core/host"}, why: "the engine runs on whatever fits its interfaces: on processes in cmd/gx, on fakes in its tests"},
	{of: "...", never: []string{"test/..."}, why: "what ships must not need what tests it"},
	{of: "plugins/file/...", never: []string{"plugins/kafka/...", "plugins/starrocks/...", "plugins/stream/..."}, why: "plugins know each other only by the protocol"},
	{of: "plugins/kafka/...", never: []string{"plugins/file/...", "plugins/starrocks/...", "plugins/stream/..."}, why: "plugins know each other only by the protocol"},
	{of: "plugins/starrocks/...", never: []string{"plugins/file/...", "plugins/kafka/...", "plugins/stream/..."}, why: "plugins know each other only by the protocol"},
	{of: "plugins/stream/...", never: []string{"plugins/file/...", "plugins/kafka/...", "plugins/starrocks/..."}, why: "plugins know each other only by the protocol"},
}

// broken gives the first import of p that a law forbids.
func (l *law) broken(p pkg, all map[string]pkg) string {
	imports := p.Deps
	if l.direct {
		imports = p.Imports
	}
	for _, path := range imports {
		switch {
		case slices.ContainsFunc(l.never, func(n string) bool { return matches(n, path) }):
			return path
		case l.only == nil || all[path].Standard:
		case !slices.ContainsFunc(l.only, func(o string) bool { return matches(o, path) }):
			return path
		}
	}
	return ""
}

func TestArrowsAreLaw(t *testing.T) { uphold(t, module, laws, list(t, "./...")) }

// uphold judges the packages of a module by laws.
func uphold(t *testing.T, of string, laws []law, all map[string]pkg) {
	t.Helper()
	for _, l := range laws {
		bound := 0
		for path, p := range all {
			if p.Module == nil || p.Module.Path != of || !matches(l.of, path) ||
				slices.ContainsFunc(l.except, func(e string) bool { return matches(e, path) }) {
				continue
			}
			bound++
			if hit := l.broken(p, all); hit != "" {
				t.Errorf("%s imports %s (%s)\n\tnever, because %s", path, hit, way(all, path, hit), l.why)
			}
		}
		if bound == 0 {
			t.Errorf("no package is bound by the law about %s any more (%s)", l.of, l.why)
		}
	}
}

// go-plugin has its client and its server in one package, so the import alone does not tell who starts processes.
func TestOnlyTheHostStartsPlugins(t *testing.T) {
	const library = "github.com/hashicorp/go-plugin"
	client := []string{"NewClient", "ClientConfig", "Client", "CleanupClients", "ReattachConfig"}
	users := 0
	for path, p := range list(t, "./...") {
		if !matches("...", path) || !slices.Contains(p.Imports, library) {
			continue
		}
		users++
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			name := ""
			for _, i := range parsed.Imports {
				if i.Path.Value == strconv.Quote(library) {
					if name = "plugin"; i.Name != nil {
						name = i.Name.Name
					}
				}
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && path != module+"/core/host" && slices.Contains(client, sel.Sel.Name) {
					if from, ok := sel.X.(*ast.Ident); ok && from.Name == name {
						t.Errorf("%s/%s uses %s.%s\n\tnever, because core/host alone starts, watches and ends plugin processes", path, file, name, sel.Sel.Name)
					}
				}
				return true
			})
		}
	}
	if users == 0 {
		t.Error("nobody imports go-plugin any more")
	}
}

// way is a shortest chain of imports from one package to another.
func way(all map[string]pkg, from, to string) string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range all[queue[0]].Imports {
			if _, seen := before[next]; seen {
				continue
			}
			before[next] = queue[0]
			queue = append(queue, next)
		}
	}
	if _, ok := before[to]; !ok {
		return "directly"
	}
	var chain []string
	for at := to; at != ""; at = before[at] {
		chain = append(chain, strings.TrimPrefix(at, module+"/"))
	}
	slices.Reverse(chain)
	return strings.Join(chain, " → ")
}

// sdkModules is how many modules of others a plugin pays for by importing the SDK. It may go down; to raise it is a
// decision about every plugin that anybody writes.
const sdkModules = 22

func TestWhatAPluginAuthorPaysFor(t *testing.T) {
	modules := map[string]bool{}
	for _, p := range list(t, "./plugins/sdk") {
		if p.Module != nil && p.Module.Path != module {
			modules[p.Module.Path] = true
		}
	}
	var names []string
	for m := range modules {
		names = append(names, m)
	}
	slices.Sort(names)
	t.Logf("plugins/sdk needs %d modules:\n%s", len(names), strings.Join(names, "\n"))
	if len(names) > sdkModules {
		t.Errorf("plugins/sdk needs %d modules, and %d were agreed", len(names), sdkModules)
	}
}

// The laws are only as good as the reader of patterns.
func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"core/...", module + "/core/engine", true}, {"core/...", module + "/core", true}, {"core/...", module + "/corelike", false},
		{"core/plan", module + "/core/plan", true}, {"core/plan", module + "/core/plan/sub", false},
		{"github.com/spf13/...", "github.com/spf13/viper", true}, {"github.com/spf13/...", "github.com/spf13extra/x", false},
		{"job/...", "encoding/json", false}, {"...", module + "/job", true}, {"...", "github.com/gx-etl/gxother", false},
	} {
		if got := matches(c.pattern, c.path); got != c.want {
			t.Errorf("%s and %s: %v", c.pattern, c.path, got)
		}
	}
	all := map[string]pkg{"fmt": {Standard: true}}
	p := pkg{Imports: []string{"fmt", module + "/job", "example.com/x"}, Deps: []string{"fmt", module + "/job", "example.com/x", module + "/core/host"}}
	for _, c := range []struct {
		l    law
		want string
	}{
		{law{never: []string{"core/..."}}, module + "/core/host"}, {law{never: []string{"core/..."}, direct: true}, ""},
		{law{only: []string{"job/..."}, direct: true}, "example.com/x"}, {law{only: []string{"job/...", "example.com/..."}, direct: true}, ""},
	} {
		if got := c.l.broken(p, all); got != c.want {
			t.Errorf("%+v: %q, want %q", c.l, got, c.want)
		}
	}
}
