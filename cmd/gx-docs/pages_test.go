package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tree is the root of the module, seen from here.
const tree = "../.."

func readTree(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func allPages(t testing.TB) []string {
	t.Helper()
	paths, err := pages(tree)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(paths, "README.md") || !slices.Contains(paths, "core/DESIGN.md") {
		t.Fatalf("the pages of the tree were not found: %v", paths)
	}
	return paths
}

func TestPagesAreCurrent(t *testing.T) {
	stale, err := refresh(tree, allPages(t), sections())
	if err != nil {
		t.Fatal(err)
	}
	for page := range stale {
		t.Errorf("%s is not what the structs say; go generate ./cmd/gx-docs writes it anew", page)
	}
}

// TestBuiltinsAreThoseOfTheBinary reads the list in cmd/gx, which is a program and cannot be imported.
func TestBuiltinsAreThoseOfTheBinary(t *testing.T) {
	list := func(file string) (calls []string) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			fn, ok := n.(*ast.FuncDecl)
			if ok {
				return fn.Name.Name == "builtins"
			}
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok {
					calls = append(calls, s.X.(*ast.Ident).Name+"."+s.Sel.Name)
				}
			}
			return true
		})
		return calls
	}
	binary, docs := list(filepath.Join(tree, "cmd", "gx", "builtin.go")), list("sections.go")
	if len(binary) == 0 || !slices.Equal(binary, docs) {
		t.Errorf("cmd/gx serves %v, the pages describe %v", binary, docs)
	}
}

var (
	inlineLink = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)
	codeSpan   = regexp.MustCompile("``[^`].*?``|`[^`]*`")
	imgSource  = regexp.MustCompile(`(?:src|href)="([^"]+)"`)
)

// prosaic drops what is no prose: fenced blocks and code spans, where brackets mean something else.
func prosaic(page string) string {
	var b strings.Builder
	fence := false
	for line := range strings.SplitSeq(page, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fence = !fence
			continue
		}
		if !fence {
			b.WriteString(codeSpan.ReplaceAllString(line, "code") + "\n")
		}
	}
	return b.String()
}

// headings are the anchors of a page, made as GitHub makes them.
func headings(page string) []string {
	var out []string
	fence := false
	for line := range strings.SplitSeq(page, "\n") {
		if strings.HasPrefix(line, "```") {
			fence = !fence
		}
		if fence || !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127 && !strings.ContainsRune("→…·", r):
				return r
			}
			return -1
		}, title)
		out = append(out, anchor)
	}
	return out
}

func TestLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, page := range allPages(t) {
		text := readTree(t, page)
		found := inlineLink.FindAllStringSubmatch(prosaic(text), -1)
		found = append(found, imgSource.FindAllStringSubmatch(prosaic(text), -1)...)
		for _, m := range found {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(target, "#")
			where := page
			if file != "" {
				where = path.Join(path.Dir(page), file)
			}
			st, err := os.Stat(filepath.Join(tree, filepath.FromSlash(where)))
			switch {
			case err != nil || strings.HasPrefix(where, ".."):
				t.Errorf("%s links to %s, which is not there", page, target)
			case anchor != "" && !st.IsDir() && strings.HasSuffix(where, ".md") && !slices.Contains(headings(readTree(t, where)), anchor):
				t.Errorf("%s links to %s, and %s has no such heading", page, target, where)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found: the test has lost its eyes", links)
	}
}

// TestEveryPageIsReached walks the links from README.md: a page that none leads to is read by nobody.
func TestEveryPageIsReached(t *testing.T) {
	seen := map[string]bool{}
	var walk func(page string)
	walk = func(page string) {
		if seen[page] || !strings.HasSuffix(page, ".md") {
			return
		}
		seen[page] = true
		for _, m := range inlineLink.FindAllStringSubmatch(prosaic(readTree(t, page)), -1) {
			file, _, _ := strings.Cut(m[1], "#")
			if file == "" || strings.Contains(file, "://") {
				continue
			}
			to := path.Join(path.Dir(page), file)
			if st, err := os.Stat(filepath.Join(tree, filepath.FromSlash(to))); err == nil && st.IsDir() {
				to = path.Join(to, "README.md")
			}
			if _, err := os.Stat(filepath.Join(tree, filepath.FromSlash(to))); err == nil {
				walk(to)
			}
		}
	}
	walk("README.md")
	for _, page := range allPages(t) {
		if !seen[page] {
			t.Errorf("no way leads from README.md to %s", page)
		}
	}
}
