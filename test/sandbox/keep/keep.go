// Package keep holds the folder in which a stand-in leaves its tables and labels
// for the next one, and keeps two of them from sharing it.
package keep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Folder is a folder that belongs to this process until Close.
type Folder struct {
	dir  string
	lock *os.File
}

// InUse reports a folder that belongs to another process.
type InUse struct {
	Dir string
	PID string // as the other process wrote it; empty when it has not yet
}

func (e *InUse) Error() string {
	if e.PID == "" {
		return fmt.Sprintf("%s is in use by another gx-sandbox", e.Dir)
	}
	return fmt.Sprintf("%s is in use by another gx-sandbox, process %s", e.Dir, e.PID)
}

// Open takes the folder, and makes it when it is not there. The error is *InUse when
// another process has it.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// The lock lives as long as the process, however it ends. The file stays:
	// removing it would let two processes lock two files of one name.
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := io.ReadAll(io.LimitReader(lock, 20)) // for the message only
		err = fmt.Errorf("lock %s: %w", dir, err)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = &InUse{Dir: dir, PID: strings.TrimSpace(string(pid))}
		}
		return nil, errors.Join(err, lock.Close())
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Folder{dir: dir, lock: lock}, nil
}

// Path returns the path of a name within the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// Close gives the folder up.
func (f *Folder) Close() error { return f.lock.Close() }

// Write makes a file of JSON appear with all of its content, or leaves the old one.
func (f *Folder) Write(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	tmp, err := os.CreateTemp(f.dir, "."+name+"-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.Path(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return f.sync()
}

// sync makes a rename last.
func (f *Folder) sync() error {
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Read fills v from a file and says whether there is one. The error names a file
// that cannot be read as v.
func (f *Folder) Read(name string, v any) (bool, error) {
	text, err := os.ReadFile(f.Path(name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("%s: %w", f.Path(name), err)
	}
	return true, nil
}
