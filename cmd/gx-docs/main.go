// Command gx-docs writes into the Markdown pages of this tree what the code knows better: the option tables. A page holds
// the words, and between two markers stands what belongs to this program:
//
//	<!-- gx-docs kafka-reader -->
//	… written anew at every run …
//	<!-- /gx-docs -->
//
// The tables come from the same structs that decode a job, so they cannot fall behind.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go run . ../..

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := write(root); err != nil {
		fmt.Fprintln(os.Stderr, "gx-docs:", err)
		os.Exit(1)
	}
}

// write brings every page of the tree up to date and touches only those that change.
func write(root string) error {
	paths, err := pages(root)
	if err != nil {
		return err
	}
	fresh, err := refresh(root, paths, sections())
	if err != nil {
		return err
	}
	for path, text := range fresh {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages lists the Markdown files of the tree, relative to root and with slashes.
func pages(root string) (paths []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(name, ".md") {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			paths = append(paths, filepath.ToSlash(rel))
		}
		return nil
	})
	return paths, err
}

// refresh returns the pages whose text changes, by path. A section that no page shows is an error: somebody added it and
// forgot the page.
func refresh(root string, paths []string, sections map[string]string) (map[string]string, error) {
	out := make(map[string]string)
	shown := make(map[string]bool)
	for _, path := range paths {
		src, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return nil, err
		}
		text, names, err := fill(string(src), sections)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, n := range names {
			shown[n] = true
		}
		if text != string(src) {
			out[path] = text
		}
	}
	for name := range sections {
		if !shown[name] {
			return nil, fmt.Errorf("no page shows the section %q; add %s%s%s and %s to one", name, openMark, name, closeMark, endMark)
		}
	}
	return out, nil
}

const (
	openMark  = "<!-- gx-docs "
	closeMark = " -->"
	endMark   = "<!-- /gx-docs -->"
)

// fill replaces what stands between the markers of a page, and names the sections that it shows.
func fill(page string, sections map[string]string) (text string, names []string, err error) {
	var b strings.Builder
	fence := false
	for rest := page; rest != ""; {
		line, after, _ := strings.Cut(rest, "\n")
		name, ok := strings.CutPrefix(line, openMark)
		if strings.HasPrefix(line, "```") {
			fence = !fence
		}
		if !ok || fence {
			b.WriteString(rest[:len(rest)-len(after)])
			rest = after
			continue
		}
		name, ok = strings.CutSuffix(name, closeMark)
		if !ok {
			return "", nil, fmt.Errorf("%q does not end with %q", line, closeMark)
		}
		section, ok := sections[name]
		if !ok {
			return "", nil, fmt.Errorf("there is no section %q", name)
		}
		_, after, ok = strings.Cut(after, endMark)
		if !ok {
			return "", nil, fmt.Errorf("the section %q has no %s", name, endMark)
		}
		fmt.Fprintf(&b, "%s\n\n%s\n%s", line, section, endMark)
		names, rest = append(names, name), after
	}
	return b.String(), names, nil
}
