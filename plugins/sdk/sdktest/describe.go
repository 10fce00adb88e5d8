package sdktest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
)

// The laws of this file hold for readers and writers alike.

type subject struct {
	plugin     sdk.Plugin
	role       v1.Role
	parameters string
	streaming  bool
}

var pluginName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

var capabilities = []string{protocol.CapBatch, protocol.CapStreaming, protocol.CapDocuments, protocol.CapColumns, protocol.CapTwoPhase, protocol.CapPositions}

func describesItself(t *testing.T, s subject) {
	c := start(t, s.plugin)
	d, err := c.plugin.Describe(within(t), &v1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !pluginName.MatchString(d.Name) {
		t.Errorf("the name %q is not made of small letters, digits and single dashes", d.Name)
	}
	if d.Version == "" || d.Doc == "" {
		t.Errorf("version %q, doc %q: neither may be empty", d.Version, d.Doc)
	}
	for _, r := range d.Roles {
		if r.Doc == "" {
			t.Errorf("%s: no doc", r.Role)
		}
		if !slices.Contains(r.Capabilities, protocol.CapBatch) && !slices.Contains(r.Capabilities, protocol.CapStreaming) {
			t.Errorf("%s: capabilities %q hold neither %q nor %q", r.Role, r.Capabilities, protocol.CapBatch, protocol.CapStreaming)
		}
		for _, capability := range r.Capabilities {
			if !slices.Contains(capabilities, capability) {
				t.Errorf("%s: capability %q is not one of %q", r.Role, capability, capabilities)
			}
		}
		documented(t, r.Role.String(), r.Parameters)
	}
	role(t, c, s.role)
}

func documented(t *testing.T, path string, ps []*v1.Parameter) {
	names := make(map[string]bool)
	for _, p := range ps {
		at := path + "." + p.Name
		if p.Doc == "" || p.Type == "" {
			t.Errorf("%s: type %q, doc %q: neither may be empty", at, p.Type, p.Doc)
		}
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if names[name] {
				t.Errorf("%s: two parameters have the name %q", path, name)
			}
			names[name] = true
		}
		documented(t, at, p.Children)
	}
}

// role gives the plugin's own description of a role.
func role(t *testing.T, c *core, r v1.Role) *v1.RoleSpec {
	t.Helper()
	d, err := c.plugin.Describe(within(t), &v1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range d.Roles {
		if spec.Role == r {
			return spec
		}
	}
	t.Fatalf("%s is no %s", d.Name, r)
	return nil
}

// problems asks Check and returns what is more than a note.
func (s subject) problems(t *testing.T, c *core, parameters []byte, lenient bool) (wrong, notes []*v1.Problem) {
	t.Helper()
	out, err := c.plugin.Check(within(t), &v1.CheckRequest{Role: s.role, Parameters: parameters, Mode: mode(s.streaming), Lenient: lenient})
	if err != nil {
		t.Fatalf("check of %s: %v", parameters, err)
	}
	for _, p := range out.Problems {
		if p.Code == "" || p.Seen == "" {
			t.Errorf("a problem without a code or without words: %v", p)
		}
		if p.Warning {
			notes = append(notes, p)
		} else {
			wrong = append(wrong, p)
		}
	}
	return wrong, notes
}

func (s subject) tree(t *testing.T) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s.parameters))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		t.Fatalf("the parameters of the case are no JSON object: %v", err)
	}
	return out
}

func acceptsItsCase(t *testing.T, s subject) {
	c := start(t, s.plugin)
	if wrong, _ := s.problems(t, c, []byte(s.parameters), false); len(wrong) > 0 {
		t.Errorf("the case itself has problems: %v", wrong)
	}
}

// Writing a default down is the same as leaving it out.
func defaultsAreValid(t *testing.T, s subject) {
	c := start(t, s.plugin)
	for _, p := range role(t, c, s.role).Parameters {
		tree := s.tree(t)
		if p.Default == "" || given(tree, p) {
			continue
		}
		tree[p.Name] = p.Default
		if wrong, _ := s.problems(t, c, encode(t, tree), false); len(wrong) > 0 {
			t.Errorf("%s: its default %q is not valid: %v", p.Name, p.Default, wrong)
		}
	}
}

func given(tree map[string]any, p *v1.Parameter) bool {
	for _, name := range append([]string{p.Name}, p.Aliases...) {
		if _, ok := tree[name]; ok {
			return true
		}
	}
	return false
}

func missesWhatIsRequired(t *testing.T, s subject) {
	c := start(t, s.plugin)
	walk("", s.tree(t), role(t, c, s.role).Parameters, func(path string, p *v1.Parameter, root func(edit func(map[string]any)) map[string]any) {
		if !p.Required {
			return
		}
		tree := root(func(at map[string]any) {
			for _, name := range append([]string{p.Name}, p.Aliases...) {
				delete(at, name)
				if shared, ok := at[options.DatasourceKey].(map[string]any); ok {
					delete(shared, name)
				}
			}
		})
		wrong, _ := s.problems(t, c, encode(t, tree), false)
		if !slices.ContainsFunc(wrong, func(p *v1.Problem) bool { return p.Path == path }) {
			t.Errorf("without the required %s: %v, want a problem with this path", path, wrong)
		}
	})
}

func refusesUnknownKeys(t *testing.T, s subject) {
	c := start(t, s.plugin)
	const key = "noSuchOptionAnywhere"
	for _, p := range role(t, c, s.role).Parameters {
		if p.Name == "*" {
			return // it takes every key
		}
	}
	tree := s.tree(t)
	tree[key] = 1
	at := func(p *v1.Problem) bool { return p.Path == key }
	if wrong, _ := s.problems(t, c, encode(t, tree), false); !slices.ContainsFunc(wrong, at) {
		t.Errorf("%v, want a problem with the path %s", wrong, key)
	}
	wrong, notes := s.problems(t, c, encode(t, tree), true)
	if len(wrong) > 0 || !slices.ContainsFunc(notes, at) {
		t.Errorf("leniently: problems %v, notes %v, want a note with the path %s", wrong, notes, key)
	}
}

// unfit holds, for the types of parameters that have one, a value that nothing makes fit.
func unfit(typ string) (any, bool) {
	switch word, _, _ := strings.Cut(typ, " "); word {
	case "integer", "number", "boolean", "duration", "bytes":
		return "many monkeys", true
	case "string", "secret":
		return map[string]any{"a": []any{1}}, true
	case "object", "map":
		return 17, true
	}
	return nil, false
}

func refusesWrongTypes(t *testing.T, s subject) {
	c := start(t, s.plugin)
	walk("", s.tree(t), role(t, c, s.role).Parameters, func(path string, p *v1.Parameter, root func(edit func(map[string]any)) map[string]any) {
		bad, ok := unfit(p.Type)
		if !ok || strings.HasSuffix(p.Name, "*") {
			return
		}
		tree := root(func(at map[string]any) {
			for _, alias := range p.Aliases {
				delete(at, alias)
			}
			at[p.Name] = bad
		})
		wrong, _ := s.problems(t, c, encode(t, tree), false)
		if !slices.ContainsFunc(wrong, func(p *v1.Problem) bool { return strings.HasPrefix(p.Path, path) }) {
			t.Errorf("%s (%s) = %v: %v, want a problem with this path", path, p.Type, bad, wrong)
		}
	})
	for _, text := range []string{"", "null", "[]", "17", `{"a":`, "\xff"} {
		out, err := c.plugin.Check(within(t), &v1.CheckRequest{Role: s.role, Parameters: []byte(text)})
		if err != nil {
			t.Errorf("check of %q: %v, want problems", text, err)
		}
		_ = out
	}
}

func isNothingElse(t *testing.T, s subject) {
	c := start(t, s.plugin)
	for _, r := range []v1.Role{v1.Role_ROLE_UNSPECIFIED, v1.Role_ROLE_READER, v1.Role_ROLE_WRITER} {
		if r == v1.Role_ROLE_READER && s.plugin.Reader != nil || r == v1.Role_ROLE_WRITER && s.plugin.Writer != nil {
			continue
		}
		_, err := c.plugin.Check(within(t), &v1.CheckRequest{Role: r, Parameters: []byte(s.parameters)})
		wantFault(t, "check as "+r.String(), err)
	}
}

// walk visits every parameter of the objects that the case gives. edit gets the object that holds the parameter, in a
// fresh copy of the whole, which root returns.
func walk(path string, tree map[string]any, ps []*v1.Parameter,
	visit func(path string, p *v1.Parameter, root func(edit func(map[string]any)) map[string]any)) {
	descend(path, tree, ps, func(edit func(map[string]any)) map[string]any {
		out := clone(tree).(map[string]any)
		edit(out)
		return out
	}, visit)
}

func descend(path string, here map[string]any, ps []*v1.Parameter, root func(func(map[string]any)) map[string]any,
	visit func(string, *v1.Parameter, func(func(map[string]any)) map[string]any)) {
	for _, p := range ps {
		at := options.Join(path, p.Name)
		visit(at, p, root)
		switch child := here[p.Name].(type) {
		case map[string]any:
			descend(at, child, p.Children, func(edit func(map[string]any)) map[string]any {
				return root(func(m map[string]any) { edit(m[p.Name].(map[string]any)) })
			}, visit)
		case []any:
			for i, item := range child {
				object, ok := item.(map[string]any)
				if !ok {
					continue
				}
				descend(options.At(at, i), object, p.Children, func(edit func(map[string]any)) map[string]any {
					return root(func(m map[string]any) { edit(m[p.Name].([]any)[i].(map[string]any)) })
				}, visit)
			}
		}
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		for k, x := range out {
			out[k] = clone(x)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i, x := range out {
			out[i] = clone(x)
		}
		return out
	}
	return v
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
