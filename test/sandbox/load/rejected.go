package load

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/gx-etl/gx/test/sandbox/ingest"
)

// rejectedRecords are the files of refused rows that log_rejected_record_num asks
// for. They lie in a folder of their own, which ends with the server.
type rejectedRecords struct {
	mu  sync.Mutex // guards dir
	dir string     // empty until the first file
}

func (r *rejectedRecords) folder() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		dir, err := os.MkdirTemp("", "rejected_record")
		if err != nil {
			return "", err
		}
		r.dir = dir
	}
	return r.dir, nil
}

// write makes the file of one load, named as the BE names it, and returns its path.
func (r *rejectedRecords) write(db, label string, txn int64, records []ingest.Rejected) (path string, err error) {
	dir, err := r.folder()
	if err != nil {
		return "", err
	}
	// Names of databases may hold what no folder's name can.
	if db = url.PathEscape(db); strings.Trim(db, ".") == "" {
		db = "_" + db
	}
	dir = filepath.Join(dir, db, label, strconv.FormatInt(txn, 10))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	path = filepath.Join(dir, fmt.Sprintf("%x_%x", id[:8], id[8:]))
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return path, ingest.WriteRejected(f, records)
}

func (r *rejectedRecords) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		return nil
	}
	return os.RemoveAll(r.dir)
}

// rejectedPath keeps the refused rows of a load and returns where, host:path. It is
// empty when nobody asked for them, and when they cannot be written: the real
// server notes that in a log of its own and goes on.
func (b *backend) rejectedPath(db, label string, txn int64, rows *ingest.Load) string {
	if len(rows.Rejected()) == 0 {
		return ""
	}
	path, err := b.s.rejected.write(db, label, txn, rows.Rejected())
	if err != nil {
		return ""
	}
	host, _, err := net.SplitHostPort(b.node.Addr())
	if err != nil {
		return ""
	}
	return host + ":" + path
}
