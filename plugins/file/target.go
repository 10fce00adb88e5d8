package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gx-etl/gx/plugins/sdk"
)

// target is the folder that files go to, and the names that belong to one fileName in it.
type target struct {
	folder string
	stem   string // orders
	ext    string // .csv.gz
}

func newTarget(o *writerOptions) target {
	t := target{folder: o.Path, stem: o.FileName}
	packed := ""
	if as := compressionOf(compressAuto, t.stem); as != compressNone && as == o.Compress {
		packed = filepath.Ext(t.stem)
	} else {
		packed = map[string]string{compressGzip: ".gz", compressZstd: ".zst"}[o.Compress]
	}
	t.stem = strings.TrimSuffix(t.stem, packed)
	plain := filepath.Ext(t.stem)
	if t.stem == plain { // .hidden
		plain = ""
	}
	t.stem, t.ext = strings.TrimSuffix(t.stem, plain), plain+packed
	return t
}

// name is that of file n, from 1, of a lane in a run. No two runs have a name in common.
func (t *target) name(run string, lane, n int) string {
	return fmt.Sprintf("%s__%s_%d_%d%s", t.stem, run, lane, n, t.ext)
}

// Files under way have a name that readers of folders pass by.
const (
	partPrefix = "."
	partSuffix = ".part"
)

// ours tells that a name belongs to fileName: it is that name, or one that name makes, whatever the run and the compression.
func (t *target) ours(name string) bool {
	return name == t.stem+t.ext || strings.HasPrefix(name, t.stem+"__")
}

// list gives the files that are there, and those that were left under way.
func (t *target) list() (files, parts []string, err error) {
	entries, err := os.ReadDir(t.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fileFault("path", err)
	}
	for _, e := range entries {
		name := e.Name()
		inner, hidden := strings.CutPrefix(name, partPrefix)
		inner, part := strings.CutSuffix(inner, partSuffix)
		switch {
		case e.IsDir():
		case t.ours(name):
			files = append(files, name)
		case hidden && part && strings.HasPrefix(inner, t.stem+"__"):
			parts = append(parts, name)
		}
	}
	slices.Sort(files)
	return files, parts, nil
}

// check looks, changing nothing, whether the folder is there or can be made.
func (t *target) check() error {
	for dir := filepath.Clean(t.folder); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return sdk.Faultf(sdk.Config, "%s is not a folder", dir).At("path")
		case err == nil:
			return nil
		case !errors.Is(err, fs.ErrNotExist):
			return fileFault("path", err)
		case dir == filepath.Dir(dir):
			return sdk.Faultf(sdk.NotFound, "%s: %w", t.folder, err).At("path")
		}
	}
}

// sweep removes what runs left under way that were killed. Those of living runs are locked.
func (t *target) sweep(parts []string) (removed int, err error) {
	for _, name := range parts {
		path := filepath.Join(t.folder, name)
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue // gone, or not ours to touch
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			if err = os.Remove(path); err == nil {
				removed++
			}
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fileFault("path", err)
		}
	}
	return removed, nil
}

// remove takes files away.
func (t *target) remove(names []string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(t.folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fileFault("path", err)
		}
	}
	return t.sync()
}

// sync makes names durable.
func (t *target) sync() error {
	dir, err := os.Open(t.folder)
	if err != nil {
		return fileFault("path", err)
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems cannot
		return fileFault("path", err)
	}
	return nil
}

// some names at most five of many.
func some(names []string) string {
	if len(names) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}
