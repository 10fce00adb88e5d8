package journal

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// Journal is a State whose file is open for writing. Its methods may be called side by side; each returns when its record
// is on disk, but for Complete and Fail, which promise nothing. After an error no other record is taken: what the disk
// holds is then unknown, and the next run reads it.
type Journal struct {
	path string
	now  func() time.Time

	mu     sync.Mutex // guards the following
	f      file
	state  State
	sum    uint32
	failed error
}

// file is the part of os.File that a journal needs.
type file interface {
	Write(b []byte) (int, error)
	Sync() error
	Close() error
}

// Create begins a file with a header; one that is there is replaced.
func Create(path string, h Header) (*Journal, error) {
	h.Format = Format
	text, err := json.Marshal(h)
	if err != nil {
		return nil, unwritten(path, err)
	}
	line, after := appendLine(nil, 0, text)
	// The job's lock is held, so what stands under the new name is left from a run that was killed here.
	fresh := path + ".new"
	if err := Remove(fresh); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, unwritten(path, err)
	}
	_, err = f.Write(line)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = f.Close()
		_ = os.Remove(fresh)
		return nil, unwritten(path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		_ = f.Close()
		return nil, unwritten(path, err)
	}
	// f is at its end and the only one that writes.
	return &Journal{path: path, now: time.Now, f: f, sum: after,
		state: State{Header: h, Progress: make([]Progress, len(h.Shards))}}, nil
}

// Continue opens the file of an earlier run for writing. What was torn off its last line is cut away.
func Continue(path string) (*Journal, error) {
	p, err := load(path)
	if err == nil && p == nil {
		err = unwritten(path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, unwritten(path, err)
	}
	if err := mend(f, p); err != nil {
		_ = f.Close()
		return nil, unwritten(path, err)
	}
	return &Journal{path: path, now: time.Now, f: f, sum: p.sum, state: p.state}, nil
}

// mend makes the file end with the last whole line, and goes to its end.
func mend(f *os.File, p *parsed) error {
	if err := f.Truncate(int64(p.size)); err != nil {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, int64(p.size-1)); err != nil {
		return err
	}
	if _, err := f.Seek(0, 2); err != nil {
		return err
	}
	if last[0] != '\n' {
		if _, err := f.Write([]byte{'\n'}); err != nil {
			return err
		}
	}
	return f.Sync()
}

// Remove takes a file away; it is no error when there is none.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritten(path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

func unwritten(path string, err error) error {
	return protocol.Faultf(protocol.Internal, "the state file cannot be written: %s: %w", path, err).
		Hint("mend the disk, then gx run --resume JOB; --state-dir puts the file elsewhere")
}

// State is a copy of what the file says now.
func (j *Journal) State() State {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.state
	s.Progress = append([]Progress(nil), s.Progress...)
	return s
}

// Path is where the file is.
func (j *Journal) Path() string { return j.path }

// add writes a record, and makes it and all before it durable.
func (j *Journal) add(r record, durable bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.addLocked(r, durable)
}

func (j *Journal) addLocked(r record, durable bool) error {
	if j.failed != nil {
		return j.failed
	}
	r.At = j.now().UTC().Round(time.Millisecond)
	text, err := json.Marshal(r)
	if err == nil {
		err = j.state.apply(r)
	}
	if err != nil {
		j.failed = protocol.Faultf(protocol.Internal, "%s: %w", j.path, err)
		return j.failed
	}
	line, after := appendLine(nil, j.sum, text)
	_, err = j.f.Write(line) // in one call, so that only the last line can be torn
	if err == nil && durable {
		err = j.f.Sync()
	}
	if err != nil {
		j.failed = unwritten(j.path, err)
		return j.failed
	}
	j.sum = after
	return nil
}

// Started says that the target is prepared.
func (j *Journal) Started() error { return j.add(record{Is: isStarted}, true) }

// Resumed says that another process goes on with the run.
func (j *Journal) Resumed() error { return j.add(record{Is: isResumed}, true) }

// Open takes a name for the next transaction of a shard.
func (j *Journal) Open(shard int) (transaction string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if shard < 0 || shard >= len(j.state.Progress) {
		return "", protocol.Faultf(protocol.Internal, "there is no shard %d", shard)
	}
	name := j.state.name(shard, j.state.Progress[shard].Attempt+1)
	return name, j.addLocked(record{Is: isOpen, Shard: shard, Transaction: name}, true)
}

// Complete says that all rows of a shard are in its transaction.
func (j *Journal) Complete(shard int, t Tally) error {
	return j.add(record{Is: isComplete, Shard: shard, Tally: &t}, false)
}

// Decide says that the shard's transaction is to be committed, whatever happens.
func (j *Journal) Decide(shard int) error { return j.add(record{Is: isDecided, Shard: shard}, true) }

// Aborted says that the shard's transaction is gone, so that the shard can be read again.
func (j *Journal) Aborted(shard int) error { return j.add(record{Is: isAborted, Shard: shard}, true) }

// Done says that the rows of a shard are in the target. t is nil when its transaction was complete.
func (j *Journal) Done(shard int, t *Tally) error {
	return j.add(record{Is: isDone, Shard: shard, Tally: t}, true)
}

// Finishing says that what closes the job begins.
func (j *Journal) Finishing() error { return j.add(record{Is: isFinishing}, true) }

// Fail notes why the run ended early.
func (j *Journal) Fail(why string) error { return j.add(record{Is: isFailed, Why: why}, false) }

// Ended says that nothing is left to do.
func (j *Journal) Ended() error { return j.add(record{Is: isEnded}, true) }

// Close lets go of the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed == nil {
		j.failed = protocol.Faultf(protocol.Internal, "%s: written to after its end", j.path)
	}
	return j.f.Close()
}
