// Package state keeps what a job leaves on disk: its lock and its dirty records.
package state

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/plugins/protocol"
)

// Lock holds a job's name in a state directory while it runs.
type Lock struct{ f *os.File }

// Acquire takes the lock of a job. Two running jobs with one name would share a consumer group and a dirty file, so the
// second is refused with the process id of the first. The lock goes with the process, however it ends.
func Acquire(dir, job string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unwritable(dir, err)
	}
	path := filepath.Join(dir, job+".lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer func() { _ = f.Close() }()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, unwritable(dir, err)
		}
		pid := make([]byte, 20)
		n, _ := f.ReadAt(pid, 0)
		return nil, protocol.Faultf(protocol.Config, "job %q is running already, as process %s", job, strings.TrimSpace(string(pid[:n]))).
			Hint("wait for it, stop it, or give this job another name")
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		_ = f.Close()
		return nil, unwritable(dir, err)
	}
	return &Lock{f: f}, nil
}

// Release frees the name.
func (l *Lock) Release() { _ = l.f.Close() }

func unwritable(dir string, err error) error {
	f := protocol.Faultf(protocol.Config, "the state directory cannot be used: %w", err)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return f.Hint("--state-dir with a folder that can be written (now %s)", dir)
	}
	return f.Hint("--state-dir with another folder (now %s)", dir)
}

// DirtyFile is a JSON lines file of dirty records. It is made when the first record comes, readable by its owner only.
type DirtyFile struct {
	Path string
	Job  string
	Run  string

	f *os.File
	w *bufio.Writer
}

// dirtyLine is one line of the file. Bytes that are not UTF-8 stand in the base64 field instead.
type dirtyLine struct {
	Time      string `json:"time"`
	Job       string `json:"job"`
	Run       string `json:"run"`
	Plugin    string `json:"plugin"`
	Place     string `json:"place"`
	Reason    string `json:"reason"`
	Column    string `json:"column,omitempty"`
	Record    string `json:"record,omitempty"`
	RecordB64 string `json:"recordBase64,omitempty"`
	Key       string `json:"key,omitempty"`
	KeyB64    string `json:"keyBase64,omitempty"`
	Refused   string `json:"refused,omitempty"`
	*origin
}

// origin is what is known of a message beside its key and value.
type origin struct {
	Topic     string          `json:"topic"`
	Partition int32           `json:"partition"`
	Offset    int64           `json:"offset"`
	Timestamp string          `json:"timestamp,omitempty"`
	Headers   json.RawMessage `json:"headers,omitempty"`
}

func originOf(o *engine.Origin) *origin {
	if o == nil {
		return nil
	}
	out := &origin{Topic: o.Topic, Partition: o.Partition, Offset: o.Offset}
	if o.Time >= 0 {
		out.Timestamp = time.UnixMilli(o.Time).UTC().Format(time.RFC3339Nano)
	}
	if len(o.Headers) > 0 {
		out.Headers = engine.HeadersJSON(o.Headers)
	}
	return out
}

// Add writes a record.
func (d *DirtyFile) Add(_ context.Context, r engine.DirtyRecord) error {
	if d.f == nil {
		f, err := os.OpenFile(d.Path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return err
		}
		d.f, d.w = f, bufio.NewWriterSize(f, 64<<10)
	}
	line := dirtyLine{Time: time.Now().UTC().Format(time.RFC3339Nano), Job: d.Job, Run: d.Run, Plugin: r.Side,
		Place: r.Place, Reason: r.Reason, Column: r.Column, Refused: r.Refused, origin: originOf(r.Origin)}
	line.Record, line.RecordB64 = text(r.Record)
	line.Key, line.KeyB64 = text(r.Key)
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = d.w.Write(append(b, '\n'))
	return err
}

func text(b []byte) (plain, b64 string) {
	if utf8.Valid(b) {
		return string(b), ""
	}
	return "", base64.StdEncoding.EncodeToString(b)
}

// Sync makes the records durable.
func (d *DirtyFile) Sync(context.Context) error { return d.sync() }

func (d *DirtyFile) sync() error {
	if d.f == nil || d.w.Buffered() == 0 {
		return nil
	}
	if err := d.w.Flush(); err != nil {
		return err
	}
	return d.f.Sync()
}

// Written tells whether there is a file of this run.
func (d *DirtyFile) Written() bool { return d.f != nil }

// Close ends the file.
func (d *DirtyFile) Close() error {
	if d.f == nil {
		return nil
	}
	return errors.Join(d.sync(), d.f.Close())
}

// DirtyLines writes dirty records to a stream, such as standard output, in the same form.
type DirtyLines struct {
	DirtyFile
}

// NewDirtyLines makes DirtyLines on a file that stays open.
func NewDirtyLines(f *os.File, job, run string) *DirtyLines {
	return &DirtyLines{DirtyFile{Path: f.Name(), Job: job, Run: run, f: f, w: bufio.NewWriter(f)}}
}

// Sync flushes; a terminal or pipe has nothing to sync.
func (d *DirtyLines) Sync(context.Context) error { return d.w.Flush() }

// Written is false: there is no file to point at.
func (d *DirtyLines) Written() bool { return false }

// Close flushes and leaves the stream open.
func (d *DirtyLines) Close() error { return d.w.Flush() }
