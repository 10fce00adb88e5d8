package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A saved store is one file: a mark and the version of the format, the body, and
// the CRC-32C of the body. Integers are varints, texts have their length in front.
const (
	fileName    = "store.gxs"
	fileMark    = "gxstore\n"
	fileVersion = 2
	headBytes   = int64(len(fileMark)) + 4
	sumBytes    = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes everything the store holds into a file in dir, which it makes if it
// has to: databases, views, tables with their partitions, rows and counters, and users. The
// file of an earlier Save is replaced at the end, so that one of the two is always
// whole. Commits go on meanwhile; the file holds one moment of all tables. A schema
// change under way is saved as cancelled.
func (s *Store) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+fileName+"-*") // for its owner only: passwords are in it
	if err != nil {
		return err
	}
	if err = errors.Join(s.write(f), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, fileName))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	// The new name is safe once the directory is.
	d, err := os.Open(dir)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("%s is saved, but its directory cannot be synced: %w", fileName, err)
	}
	return nil
}

func (s *Store) write(f *os.File) error {
	if _, err := f.Write(binary.BigEndian.AppendUint32([]byte(fileMark), fileVersion)); err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	if err := s.encode(io.MultiWriter(f, sum)); err != nil {
		return err
	}
	if _, err := f.Write(sum.Sum(nil)); err != nil {
		return err
	}
	return f.Sync()
}

// Load puts what Save wrote into dir into the store, which must be empty; users are
// replaced. Without such a file nothing happens. The error names a file that is
// damaged, or that something else has written, and the store is then as it was.
func (s *Store) Load(dir string) error {
	name := filepath.Join(dir, fileName)
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = errors.Join(s.read(f), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (s *Store) read(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, headBytes)
	if n, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	} else if int64(n) < headBytes || string(head[:len(fileMark)]) != fileMark {
		return errors.New("not a saved store")
	}
	if v := binary.BigEndian.Uint32(head[len(fileMark):]); v != fileVersion {
		return fmt.Errorf("format version %d, this program reads version %d", v, fileVersion)
	}
	size := info.Size() - headBytes - sumBytes
	if size < 0 {
		return errors.New("the file is cut off")
	}
	sum := crc32.New(castagnoli)
	if _, err := io.CopyN(sum, f, size); err != nil {
		return err
	}
	var want [sumBytes]byte
	if _, err := io.ReadFull(f, want[:]); err != nil {
		return err
	}
	if sum.Sum32() != binary.BigEndian.Uint32(want[:]) {
		return errors.New("the checksum is wrong: the file is damaged")
	}
	if _, err := f.Seek(headBytes, io.SeekStart); err != nil {
		return err
	}
	return s.decode(f, size)
}

// savedTable is a table as it was when all of them were locked.
type savedTable struct {
	t        *Table
	named    naming
	layout   *layout
	version  int64
	autoNext int64
	parts    []savedPartition
	jobs     []AlterJob
}

type savedPartition struct {
	partition // its counters and definition
	frozen    []chunk
}

// freeze notes the state of all tables at one moment. Rows are shared, not copied.
func (s *Store) freeze() map[string][]*savedTable {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []*Table
	dbs := map[string][]*savedTable{}
	for db, tables := range s.databases {
		dbs[db] = nil
		for _, t := range tables {
			t.advance()
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b *Table) int { return int(a.id - b.id) })
	jobs := make([][]AlterJob, len(all))
	for i, t := range all {
		jobs[i] = t.AlterJobs()
	}
	for _, t := range all {
		t.mu.Lock()
		defer t.mu.Unlock()
	}
	for i, t := range all {
		st := &savedTable{t: t, named: *t.named.Load(), layout: t.layout.Load(), version: t.version, autoNext: t.autoNext, jobs: jobs[i]}
		for _, p := range t.partitions {
			sp := savedPartition{partition: *p}
			for n, c := range p.chunks {
				c.shared = true
				sp.frozen = append(sp.frozen, *c)
				if n == len(p.chunks)-1 {
					sp.frozen[n].columns = slices.Clone(c.columns)
				}
			}
			st.parts = append(st.parts, sp)
		}
		dbs[st.named.db] = append(dbs[st.named.db], st)
	}
	return dbs
}

func (s *Store) encode(w io.Writer) error {
	e := &encoder{w: bufio.NewWriterSize(w, 1<<16)}
	users, err := s.users.MarshalJSON()
	if err != nil {
		return err
	}
	var dbs map[string][]*savedTable
	views := map[string][]View{}
	s.View(func() {
		dbs = s.freeze()
		for db := range dbs {
			views[db] = s.Views(db)
		}
	})
	e.int(s.nextID.Load())
	e.bytes(users)
	list(e, slices.Sorted(maps.Keys(dbs)), func(db string) {
		e.string(db)
		q := s.Quota(db)
		e.int(q.Data)
		e.int(q.Replicas)
		list(e, dbs[db], e.table)
		list(e, views[db], e.view)
	})
	if e.err == nil {
		e.err = e.w.Flush()
	}
	return e.err
}

func (e *encoder) view(v View) {
	e.string(v.Name)
	e.string(v.Home)
	list(e, v.Columns, e.string)
	list(e, v.Comments, e.string)
	list(e, v.Types, e.string)
	list(e, v.Nullable, e.bool)
	e.string(v.Query)
	e.string(v.Comment)
	e.string(v.Security)
}

func (e *encoder) table(t *savedTable) {
	e.int(t.t.id)
	e.string(t.named.name)
	e.schema(&t.layout.schema)
	list(e, t.layout.ids, e.int)
	e.int(t.version)
	e.int(t.autoNext)
	list(e, t.parts, func(p savedPartition) { e.partition(t.layout, &p) })
	list(e, t.jobs, func(j AlterJob) {
		if j.Finished.IsZero() {
			j.State, j.Message, j.Finished = AlterCancelled, "the server stopped during the schema change", j.Created
		}
		e.int(j.ID)
		e.int(j.TxnID)
		e.int(j.Created.UnixNano())
		e.int(j.Finished.UnixNano())
		e.string(string(j.State))
		e.string(j.Message)
	})
}

func (e *encoder) partition(l *layout, p *savedPartition) {
	e.int(p.id)
	e.string(p.name)
	e.bool(p.temporary)
	e.bool(p.automatic)
	e.def(&p.def)
	e.int(int64(p.buckets))
	e.int(p.firstTablet)
	e.int(p.version)
	e.int(p.changed.UnixNano())
	e.int(int64(p.versions.n))
	e.int(p.versions.merged.UnixNano())
	live := make([]int, 0, chunkRows)
	e.uint(uint64(len(p.frozen)))
	for c := range p.frozen {
		ch := &p.frozen[c]
		live = live[:0]
		for i := range ch.rows {
			if !ch.isDeleted(i) {
				live = append(live, i)
			}
		}
		e.uint(uint64(len(live)))
		for i := range ch.columns {
			e.vector(&ch.columns[i], live)
		}
	}
}

func fromNanos(n int64) time.Time { return time.Unix(0, n) }
