package file

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gx-etl/gx/plugins/sdk"
)

// part is a file under way. It has its name only when it is complete and on the disk.
type part struct {
	target *target
	name   string
	file   *os.File
	buf    *bufio.Writer
	out    io.WriteCloser
	rows   int64
	bytes  int64 // before compression
}

func (t *target) begin(name, compress string) (*part, error) {
	f, err := t.create(name)
	if err != nil {
		return nil, fileFault("path", err)
	}
	p := &part{target: t, name: name, file: f, buf: bufio.NewWriterSize(f, 256<<10)}
	if p.out, err = compressor(p.buf, compress); err != nil {
		p.drop()
		return nil, fileFault("path", err)
	}
	return p, nil
}

// create makes the file of a part and locks it, so that sweep lets it be. A sweep may come between the two: then the file
// has no name any more, and a new one is made. A file system without locks has no sweep either.
func (t *target) create(name string) (*os.File, error) {
	path := filepath.Join(t.folder, partPrefix+name+partSuffix)
	for {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return nil, err
		}
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		here, err := f.Stat()
		if err == nil {
			there, lost := os.Stat(path)
			if lost == nil && os.SameFile(here, there) {
				return f, nil
			}
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
}

func (p *part) write(b []byte) error {
	p.bytes += int64(len(b))
	if _, err := p.out.Write(b); err != nil {
		return fileFault("path", err)
	}
	return nil
}

// publish completes the file and gives it its name. It returns the size on the disk.
func (p *part) publish() (size int64, err error) {
	defer p.drop()
	err = p.out.Close()
	if err == nil {
		err = p.buf.Flush()
	}
	if err == nil {
		err = p.file.Sync()
	}
	if err != nil {
		return 0, fileFault("path", err)
	}
	if info, err := p.file.Stat(); err == nil {
		size = info.Size()
	}
	final := filepath.Join(p.target.folder, p.name)
	if _, err := os.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
		return 0, sdk.Faultf(sdk.Refused, "%s is there already", final).At("fileName").Hint("another fileName, or another folder")
	}
	if err := os.Rename(p.file.Name(), final); err != nil {
		return 0, fileFault("path", err)
	}
	return size, p.target.sync()
}

// drop removes the file, unless it has its name, and frees what it holds.
func (p *part) drop() {
	if p.file == nil {
		return
	}
	if p.out != nil {
		_ = p.out.Close()
	}
	_ = os.Remove(p.file.Name())
	_ = p.file.Close()
	p.file = nil
}
