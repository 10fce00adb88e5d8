// Package host finds, starts, watches and ends plugin processes. It is the only user of go-plugin's client side.
package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// Prefix starts the file name of every plugin binary.
const Prefix = "gx-plugin-"

// Location says how a plugin is started.
type Location struct {
	Name    string // "kafka-reader"
	Path    string // the program
	Args    []string
	Builtin bool
}

// Finder knows where plugins are. The built-in ones are this same binary, started again.
type Finder struct {
	Self     string   // path of the gx binary
	Builtins []string // names that Self serves
	Dirs     []string // searched in this order before PATH: --plugin-path, GX_PLUGIN_PATH, beside the binary
}

// Find looks for a plugin that serves a step: stepType "kafka" as a "reader" is the plugin kafka-reader, or one named
// kafka that may serve both roles. A name with the role in it is taken as it is.
func (f *Finder) Find(stepType, role string) (Location, error) {
	names := []string{stepType + "-" + role, stepType}
	if strings.HasSuffix(stepType, "-reader") || strings.HasSuffix(stepType, "-writer") {
		names = []string{stepType}
	}
	for _, n := range names {
		if loc, ok := f.named(n); ok {
			return loc, nil
		}
	}
	other := map[string]string{"reader": "writer", "writer": "reader"}[role]
	if _, ok := f.named(stepType + "-" + other); ok {
		return Location{}, protocol.Faultf(protocol.Config, "%q is a %s, and this step needs a %s", stepType, other, role).
			Hint("a %s: %s", role, f.known(role))
	}
	flt := protocol.Faultf(protocol.Config, "no such plugin: %q (known: %s)", stepType, f.known(role))
	if near, ok := options.Nearest(stepType, f.types(role)); ok {
		return Location{}, flt.Hint("%q", near)
	}
	return Location{}, flt.Hint("put a program %s%s in a folder of --plugin-path, or see `gx plugin list`", Prefix, names[0])
}

func (f *Finder) named(name string) (Location, bool) {
	if slices.Contains(f.Builtins, name) {
		return Location{Name: name, Path: f.Self, Args: []string{"plugin", "serve", name}, Builtin: true}, true
	}
	for _, dir := range f.searched() {
		path := filepath.Join(dir, Prefix+name)
		if executable(path) {
			return Location{Name: name, Path: path}, true
		}
	}
	return Location{}, false
}

// Named finds a plugin by its own name, for `gx plugin info`.
func (f *Finder) Named(name string) (Location, error) {
	if loc, ok := f.named(name); ok {
		return loc, nil
	}
	var names []string
	for _, l := range f.All() {
		names = append(names, l.Name)
	}
	flt := protocol.Faultf(protocol.Config, "no such plugin: %q (known: %s)", name, strings.Join(names, ", "))
	for _, n := range names {
		if strings.HasPrefix(n, name+"-") { // the type of a step in place of a plugin's name
			return Location{}, flt.Hint("%q", n)
		}
	}
	if near, ok := options.Nearest(name, names); ok {
		return Location{}, flt.Hint("%q", near)
	}
	return Location{}, flt.Hint("`gx plugin list`")
}

// At is a plugin whose program the job names itself.
func At(path string) (Location, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Location{}, protocol.Faultf(protocol.Config, "%w", err)
	}
	if !executable(abs) {
		if _, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) {
			return Location{}, protocol.Faultf(protocol.Config, "there is no file %s", path).Hint("the path of a plugin's program, absolute or from the folder that gx was started in")
		}
		return Location{}, protocol.Faultf(protocol.Config, "%s is not a program that can be started", path).Hint("chmod +x %s", path)
	}
	return Location{Name: strings.TrimPrefix(filepath.Base(abs), Prefix), Path: abs}, nil
}

// Verify fails unless the program has this SHA-256 checksum, in hexadecimal. Of a built-in plugin the program is gx itself.
func (l Location) Verify(checksum string) error {
	program, err := os.Open(l.Path)
	if err != nil {
		return protocol.Faultf(protocol.Config, "%s cannot be read: %w", l.Path, err)
	}
	defer func() { _ = program.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, program); err != nil {
		return protocol.Faultf(protocol.Config, "%s cannot be read: %w", l.Path, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, checksum) {
		return protocol.Faultf(protocol.Untrusted, "%s is not the program that the job asks for: its checksum is %s", l.Path, got).
			Hint("find out who has changed it; if that was you, change plugin.sha256")
	}
	return nil
}

func (f *Finder) searched() []string {
	return append(slices.Clone(f.Dirs), filepath.SplitList(os.Getenv("PATH"))...)
}

// All lists every plugin that can be found, the built-in ones first; of two with one name the one that would be used.
func (f *Finder) All() []Location {
	var out []Location
	seen := make(map[string]bool)
	for _, n := range f.Builtins {
		loc, _ := f.named(n)
		out = append(out, loc)
		seen[n] = true
	}
	for _, dir := range f.searched() {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // a folder of PATH that is not there
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(e.Name(), Prefix)
			path := filepath.Join(dir, e.Name())
			if ok && !seen[name] && executable(path) {
				seen[name] = true
				out = append(out, Location{Name: name, Path: path})
			}
		}
	}
	return out
}

// types lists the step types that exist for a role.
func (f *Finder) types(role string) []string {
	var out []string
	for _, l := range f.All() {
		if t, ok := strings.CutSuffix(l.Name, "-"+role); ok {
			out = append(out, t)
		} else if !strings.HasSuffix(l.Name, "-reader") && !strings.HasSuffix(l.Name, "-writer") {
			out = append(out, l.Name)
		}
	}
	return out
}

func (f *Finder) known(role string) string {
	return strings.Join(f.types(role), ", ")
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o111 != 0
}

// String is how a location is shown in lists.
func (l Location) String() string {
	if l.Builtin {
		return "built in"
	}
	return fmt.Sprintf("%q", l.Path)
}
