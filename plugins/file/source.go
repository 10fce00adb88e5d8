package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gx-etl/gx/plugins/sdk"
)

// found is a file to read, as it was when the job began.
type found struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Changed int64  `json:"changed"` // Unix nanoseconds
}

// find lists the files that the paths stand for, sorted and each once.
func find(o *readerOptions) ([]found, error) {
	var all []found
	for _, path := range o.Path {
		before := len(all)
		hits, err := matches(path)
		if err != nil {
			return nil, err
		}
		for _, hit := range hits {
			if all, err = o.add(all, hit, hit == path); err != nil {
				return nil, err
			}
		}
		if len(all) == before {
			return nil, sdk.Faultf(sdk.NotFound, "there is no file for %q", path).At("path").
				Hint("a path as seen from the folder that gx was started in; in folders only the files that match pattern %q count", o.Pattern)
		}
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(all, func(a, b found) bool { return a.Path == b.Path }), nil
}

// matches is the path itself when it is there, and otherwise what it stands for as a pattern.
func matches(path string) ([]string, error) {
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return []string{filepath.Clean(path)}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fileFault("path", err)
	case !strings.ContainsAny(path, `*?[`):
		return nil, sdk.Faultf(sdk.NotFound, "%w", err).At("path").Hint("a path as seen from the folder that gx was started in, or a pattern such as data/*.csv")
	}
	hits, err := filepath.Glob(path)
	if err != nil {
		return nil, sdk.Faultf(sdk.Config, "%q: %w", path, err).At("path")
	}
	return hits, nil
}

// add takes a file, or the files of a folder.
func (o *readerOptions) add(all []found, path string, named bool) ([]found, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fileFault("path", err)
	case info.Mode().IsRegular():
		return append(all, found{Path: path, Size: info.Size(), Changed: info.ModTime().UnixNano()}), nil
	case !info.IsDir() && named:
		return nil, sdk.Faultf(sdk.Config, "%s is neither a file nor a folder", path).At("path").Hint("write it to a file first: gx reads some files more than once")
	case !info.IsDir():
		return all, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fileFault("path", err)
	}
	for _, e := range entries {
		name := e.Name()
		full := filepath.Join(path, name)
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			continue // by custom not data: files under way, marks of success
		}
		if e.IsDir() {
			if o.Recursive {
				if all, err = o.add(all, full, false); err != nil {
					return nil, err
				}
			}
			continue
		}
		if fits, _ := filepath.Match(o.Pattern, name); !fits {
			continue
		}
		if info, err := os.Stat(full); err != nil {
			return nil, fileFault("path", err)
		} else if info.Mode().IsRegular() {
			all = append(all, found{Path: full, Size: info.Size(), Changed: info.ModTime().UnixNano()})
		}
	}
	return all, nil
}

// opened is a file that is read from one place on.
type opened struct {
	io.Reader
	file *os.File
	free func()
}

// open opens a file at an offset, which is 0 unless its bytes are its text.
func (o *readerOptions) open(f found, offset int64) (*opened, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, fileFault("path", err)
	}
	out := &opened{file: file, free: func() {}}
	fail := func(err error) (*opened, error) {
		out.close()
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return fail(fileFault("path", err))
	}
	if info.Size() != f.Size || info.ModTime().UnixNano() != f.Changed {
		return fail(sdk.Faultf(sdk.Data, "%s changed while the job ran: %d bytes then, %d now", f.Path, f.Size, info.Size()).At("path").
			Hint("read files that are complete; writers can give them their name at the end"))
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return fail(fileFault("path", err))
	}
	as := compressionOf(o.Compress, f.Path)
	if f.Size == 0 {
		as = compressNone // many tools leave an empty file where there is nothing to compress
	}
	plain, free, err := expand(file, as)
	if err != nil {
		return fail(sdk.Faultf(sdk.Data, "%s is not %s: %w", f.Path, as, err).At("path").Hint("compress says how files are compressed, whatever their names"))
	}
	out.free = free
	c, _ := charsetOf(o.Encoding)
	out.Reader = c.decode(plain)
	return out, nil
}

func (f *opened) close() {
	f.free()
	_ = f.file.Close()
}

func fileFault(place string, err error) error {
	code := sdk.Refused
	switch {
	case errors.Is(err, fs.ErrPermission):
		code = sdk.Denied
	case errors.Is(err, fs.ErrNotExist):
		code = sdk.NotFound
	}
	return sdk.Faultf(code, "%w", err).At(place)
}
