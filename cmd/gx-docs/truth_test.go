package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gx-etl/gx/core/dirty"
	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/plugins/protocol"
)

// faultCodes reads the closed list of codes from its source, so that a new one is missed here.
func faultCodes(t *testing.T) (codes []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(tree, "plugins", "protocol", "fault.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Code" {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, text)
		}
		return true
	})
	return codes
}

func TestExitCodesAreThoseOfTheCode(t *testing.T) {
	operate, readme := readTree(t, "docs/operate.md"), readTree(t, "README.md")
	codes := faultCodes(t)
	if len(codes) < 10 {
		t.Fatalf("codes found: %v", codes)
	}
	for _, code := range codes {
		exit := fault.Exit(protocol.Faultf(protocol.Code(code), "x"))
		if row := fmt.Sprintf("| `%s` | %d |", code, exit); !strings.Contains(operate, row) {
			t.Errorf("docs/operate.md has no row %s", row)
		}
		if row := fmt.Sprintf("\n| %d |", exit); !strings.Contains(readme, row) {
			t.Errorf("README.md has no exit code %d", exit)
		}
	}
}

func TestReportFieldsAreDescribed(t *testing.T) {
	page := readTree(t, "docs/operate.md")
	var fields func(typ reflect.Type)
	fields = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue
			}
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("docs/operate.md does not say what %s.%s is", typ.Name(), name)
			}
			inner := f.Type
			for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct && inner.PkgPath() == typ.PkgPath() {
				fields(inner)
			}
		}
	}
	fields(reflect.TypeFor[engine.Report]())
}

// TestTheTableOfDirtyRecordsIsShown holds the statement of the page and of the example to the one that gx prints.
func TestTheTableOfDirtyRecordsIsShown(t *testing.T) {
	flat := func(sql string) string {
		sql = strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(strings.Fields(sql), " "))
		return strings.ReplaceAll(sql, "`", "")
	}
	for page, table := range map[string]string{"docs/operate.md": "ops.dirty_records", "examples/dirty-records/init.sql": "billing.dirty_records"} {
		if want := flat(dirty.Statement(table)); !strings.Contains(flat(readTree(t, page)), want) {
			t.Errorf("%s does not hold %s", page, want)
		}
	}
}

// TestJobKeysAreDescribed asks the decoder for the keys it knows: it names them when it meets one that it does not.
func TestJobKeysAreDescribed(t *testing.T) {
	page := readTree(t, "docs/reference/job.md")
	_, problems := job.Parse([]byte(`{"type":"job","wwwwwwwwwwww":1,"steps":[{"wwwwwwwwwwww":1}]}`), job.Options{})
	lists := 0
	for _, p := range problems {
		if !strings.HasSuffix(p.Path, "wwwwwwwwwwww") {
			continue
		}
		lists++
		for key := range strings.SplitSeq(p.Want, ", ") {
			if !regexp.MustCompile("(?m)^\\| `" + key + "[`.\\[]").MatchString(page) {
				t.Errorf("docs/reference/job.md has no row for %s", key)
			}
		}
	}
	if lists != 2 {
		t.Errorf("the decoder named the keys %d times: %v", lists, problems)
	}
}

// TestFileMapIsComplete looks for every package of this module in the map of core/DESIGN.md.
func TestFileMapIsComplete(t *testing.T) {
	page := readTree(t, "core/DESIGN.md")
	found := 0
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (strings.HasPrefix(name, ".") && name != ".." || name == "testdata" || name == "test" || name == "scripts" || name == "examples") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		dir, err := filepath.Rel(tree, filepath.Dir(path))
		if err != nil {
			return err
		}
		found++
		link := "](../" + filepath.ToSlash(dir) + "/"
		if inner, ok := strings.CutPrefix(filepath.ToSlash(dir), "core/"); ok {
			link = "](" + inner + "/"
		}
		if !strings.Contains(page, link) {
			t.Errorf("core/DESIGN.md does not name the package %s", dir)
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil || found < 50 {
		t.Errorf("%d files, %v", found, err)
	}
}

func TestDecisionsHaveFourParts(t *testing.T) {
	pages := slices.DeleteFunc(allPages(t), func(p string) bool { return !strings.HasPrefix(p, "core/decisions/") })
	slices.Sort(pages)
	design := readTree(t, "core/DESIGN.md")
	for i, page := range pages {
		number := fmt.Sprintf("%04d", i+1)
		if !strings.HasPrefix(page, "core/decisions/"+number+"-") {
			t.Errorf("%s is not number %s", page, number)
		}
		text := readTree(t, page)
		at := 0
		for _, part := range []string{"# " + number + " · ", "\n**Context.** ", "\n**Decision.**", "\n**What we gave up.** ", "\n**How we would notice it was wrong.** "} {
			n := strings.Index(text[at:], part)
			if n < 0 {
				t.Errorf("%s: %q is missing or out of order", page, strings.TrimSpace(part))
				continue
			}
			at += n
		}
		if !strings.Contains(design, "("+strings.TrimPrefix(page, "core/")+")") {
			t.Errorf("core/DESIGN.md does not list %s", page)
		}
	}
	if len(pages) < 10 {
		t.Errorf("%d decisions", len(pages))
	}
}
