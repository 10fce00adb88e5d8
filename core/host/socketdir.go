package host

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// socketDir is a private folder for the sockets of one plugin. Its lock file is held while the core lives, so that the
// next core can tell a folder that a killed one left behind from one that is in use.
type socketDir struct {
	path string
	lock *os.File
}

const socketDirPattern = "gx-sockets-*"

var sweeping sync.Once

func newSocketDir() (*socketDir, error) {
	sweeping.Do(sweep)
	path, err := os.MkdirTemp("", socketDirPattern) // mode 0700
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	d := &socketDir{path: path, lock: lock}
	if err != nil {
		d.remove()
		return nil, err
	}
	return d, nil
}

func (d *socketDir) remove() {
	_ = os.RemoveAll(d.path)
	if d.lock != nil {
		_ = d.lock.Close()
	}
}

// sweep removes what killed cores left behind. A folder without a lock file is just being made, or not ours.
func sweep() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), socketDirPattern))
	if err != nil {
		return
	}
	for _, path := range left {
		lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(path)
		}
		_ = lock.Close()
	}
}
