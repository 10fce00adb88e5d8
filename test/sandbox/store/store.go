package store

import (
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/test/sandbox/release"
)

// Options configure a Store.
type Options struct {
	// Users are the accounts; nil means root with an empty password.
	Users *Users
	// Now is the clock of CURRENT_TIMESTAMP defaults, of compaction and of schema
	// changes; nil means time.Now.
	Now func() time.Time
	// Release is the StarRocks release to play; the zero value is the newest.
	Release release.Release
	// MaxVersions and CompactEvery are the first values of SetMaxVersions and
	// SetCompactEvery.
	MaxVersions  int
	CompactEvery time.Duration
	// AlterTakes is the first value of SetAlterTakes.
	AlterTakes time.Duration
}

// Store is the catalog. It is safe for concurrent use.
type Store struct {
	users        *Users
	now          func() time.Time
	release      release.Release
	nextID       atomic.Int64
	maxVersions  atomic.Int64
	compactEvery atomic.Int64
	alterTakes   atomic.Int64
	compiler     atomic.Pointer[Compiler]

	publication sync.RWMutex // write-locked while several tables change together

	mu        sync.RWMutex // guards the following and the maps in them
	databases map[string]map[string]*Table
	views     map[string]map[string]View
	quotas    map[string]Quota // of databases that have one
}

// New returns an empty store.
func New(o Options) *Store {
	s := &Store{users: o.Users, now: o.Now, release: o.Release, databases: map[string]map[string]*Table{}}
	if s.users == nil {
		s.users = NewUsers()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.release == (release.Release{}) {
		s.release = release.Newest()
	}
	s.SetMaxVersions(o.MaxVersions)
	s.SetCompactEvery(o.CompactEvery)
	s.SetAlterTakes(o.AlterTakes)
	s.nextID.Store(10000)
	return s
}

// Release returns the StarRocks release the store plays.
func (s *Store) Release() release.Release { return s.release }

// Users returns the accounts of the server.
func (s *Store) Users() *Users { return s.users }

// UnknownDatabase reports a database that does not exist.
type UnknownDatabase struct{ Database string }

func (e *UnknownDatabase) Error() string { return fmt.Sprintf("Unknown database '%s'", e.Database) }

// UnknownTable reports a table that does not exist, or that was dropped meanwhile.
type UnknownTable struct{ Database, Table string }

func (e *UnknownTable) Error() string {
	return fmt.Sprintf("Unknown table '%s.%s'", e.Database, e.Table)
}

// DatabaseExists reports that a database of that name is there already.
type DatabaseExists struct{ Database string }

func (e *DatabaseExists) Error() string {
	return fmt.Sprintf("Can't create database '%s'; database exists", e.Database)
}

// TableExists reports that a table of that name is there already.
type TableExists struct{ Database, Table string }

func (e *TableExists) Error() string { return fmt.Sprintf("Table '%s' already exists", e.Table) }

// CreateDatabase adds a database; the error is a *DatabaseExists.
func (s *Store) CreateDatabase(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.databases[name]; ok {
		return &DatabaseExists{Database: name}
	}
	s.databases[name] = map[string]*Table{}
	return nil
}

// DropDatabase removes a database and its tables; the error is an *UnknownDatabase.
func (s *Store) DropDatabase(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tables, ok := s.databases[name]
	if !ok {
		return &UnknownDatabase{Database: name}
	}
	delete(s.databases, name)
	delete(s.views, name)
	delete(s.quotas, name)
	for _, t := range tables {
		t.drop()
	}
	return nil
}

// Databases lists the databases by name.
func (s *Store) Databases() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, 0, len(s.databases))
	for n := range s.databases {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// HasDatabase says whether the database exists.
func (s *Store) HasDatabase(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.databases[name]
	return ok
}

// CreateTable adds an empty table. Errors: *UnknownDatabase, *TableExists, or
// what is wrong with the schema.
func (s *Store) CreateTable(db, name string, schema Schema) (*Table, error) {
	schema, err := schema.checked()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tables, ok := s.databases[db]
	if !ok {
		return nil, &UnknownDatabase{Database: db}
	}
	_, there := tables[name]
	if _, view := s.views[db][name]; there || view {
		return nil, &TableExists{Database: db, Table: name}
	}
	t, err := newTable(s, db, name, schema)
	if err != nil {
		return nil, err
	}
	tables[name] = t
	return t, nil
}

// DropTable removes a table; loads under way into it fail when they commit.
// Errors: *UnknownDatabase, *UnknownTable.
func (s *Store) DropTable(db, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tables, ok := s.databases[db]
	if !ok {
		return &UnknownDatabase{Database: db}
	}
	t, ok := tables[name]
	if !ok {
		return &UnknownTable{Database: db, Table: name}
	}
	delete(tables, name)
	t.drop()
	return nil
}

// RenameTable gives a table another name. Errors: *UnknownDatabase, *UnknownTable,
// *TableExists, *NotNormal.
func (s *Store) RenameTable(db, from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tables, ok := s.databases[db]
	if !ok {
		return &UnknownDatabase{Database: db}
	}
	t, ok := tables[from]
	if !ok {
		return &UnknownTable{Database: db, Table: from}
	}
	if _, taken := tables[to]; taken {
		return &TableExists{Database: db, Table: to}
	}
	if err := t.rename(to); err != nil {
		return err
	}
	delete(tables, from)
	tables[to] = t
	return nil
}

// SwapTables exchanges the names of two tables. Errors as of RenameTable.
func (s *Store) SwapTables(db, a, b string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tables, ok := s.databases[db]
	if !ok {
		return &UnknownDatabase{Database: db}
	}
	for _, n := range []string{a, b} {
		if tables[n] == nil {
			return &UnknownTable{Database: db, Table: n}
		}
	}
	if err := tables[a].rename(b); err != nil {
		return err
	}
	if err := tables[b].rename(a); err != nil {
		return errors.Join(err, tables[a].rename(a))
	}
	tables[a], tables[b] = tables[b], tables[a]
	return nil
}

// Table finds a table. Errors: *UnknownDatabase, *UnknownTable.
func (s *Store) Table(db, name string) (*Table, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	tables, ok := s.databases[db]
	if !ok {
		return nil, &UnknownDatabase{Database: db}
	}
	t, ok := tables[name]
	if !ok {
		return nil, &UnknownTable{Database: db, Table: name}
	}
	return t, nil
}

// Tables lists the tables of a database by name; the error is an *UnknownDatabase.
func (s *Store) Tables(db string) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	tables, ok := s.databases[db]
	if !ok {
		return nil, &UnknownDatabase{Database: db}
	}
	names := make([]string, 0, len(tables))
	for n := range tables {
		names = append(names, n)
	}
	sort.Strings(names)
	return names, nil
}

// Together runs f, which commits to several tables, so that no View sees the work
// of a part of it. It returns f's error.
func (s *Store) Together(f func() error) error {
	s.publication.Lock()
	defer s.publication.Unlock()
	return f()
}

// View runs f, which takes the snapshots of one statement, with no Together under
// way. f must not commit.
func (s *Store) View(f func()) {
	s.publication.RLock()
	defer s.publication.RUnlock()
	f()
}
