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

// longestBase leaves room in a socket's address, which may have 107 bytes, for what is made below: ours, go-plugin's folder
// and the socket itself, each with a random number.
const longestBase = 107 - len("/gx-sockets-4294967295/plugin-dir4294967295/plugin4294967295")

// socketBase is where temporary files go, unless sockets there would have too long an address.
func socketBase() string {
	if d := os.TempDir(); len(d) <= longestBase {
		return d
	}
	return "/tmp"
}

var sweeping sync.Once

func newSocketDir() (*socketDir, error) {
	base := socketBase()
	sweeping.Do(func() { sweep(base) })
	path, err := os.MkdirTemp(base, socketDirPattern) // mode 0700
	if err != nil {
		return nil, err
	}
	d := &socketDir{path: path}
	// It gets its name when it is locked: whoever sweeps must never find it free.
	unnamed := filepath.Join(path, "new")
	if d.lock, err = os.OpenFile(unnamed, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		if err = syscall.Flock(int(d.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			err = os.Rename(unnamed, filepath.Join(path, "lock"))
		}
	}
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
func sweep(base string) {
	left, err := filepath.Glob(filepath.Join(base, socketDirPattern))
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
