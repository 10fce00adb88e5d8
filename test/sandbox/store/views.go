package store

import "sort"

// View is a named query.
type View struct {
	DB, Name string
	Home     string   // where the query looks for tables that it names alone
	Columns  []string // names of the result's columns
	Comments []string // of the columns, "" without one
	Types    []string // of the columns, as CREATE TABLE writes them
	Nullable []bool   // whether the columns may be NULL
	Query    string   // as the client wrote it
	Comment  string
	Security string // NONE or INVOKER
}

// CreateView adds a view, over one of the same name with replace. Tables and views
// of a database share their names; the error is an *UnknownDatabase or a *TableExists.
func (s *Store) CreateView(v View, replace bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tables, ok := s.databases[v.DB]
	if !ok {
		return &UnknownDatabase{Database: v.DB}
	}
	_, there := s.views[v.DB][v.Name]
	if _, table := tables[v.Name]; table || there && !replace {
		return &TableExists{Database: v.DB, Table: v.Name}
	}
	if s.views == nil {
		s.views = map[string]map[string]View{}
	}
	if s.views[v.DB] == nil {
		s.views[v.DB] = map[string]View{}
	}
	s.views[v.DB][v.Name] = v
	return nil
}

// DropView removes a view; the error is an *UnknownTable.
func (s *Store) DropView(db, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.views[db][name]; !ok {
		return &UnknownTable{Database: db, Table: name}
	}
	delete(s.views[db], name)
	return nil
}

// FindView finds a view.
func (s *Store) FindView(db, name string) (View, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.views[db][name]
	return v, ok
}

// Views lists the views of a database by name.
func (s *Store) Views(db string) []View {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]View, 0, len(s.views[db]))
	for _, v := range s.views[db] {
		list = append(list, v)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

// Schema describes the columns of a view. Nothing else of it is set.
func (v View) Schema() Schema {
	s := Schema{Comment: v.Comment}
	for i, name := range v.Columns {
		c := Column{Name: name, Nullable: true}
		if i < len(v.Comments) {
			c.Comment = v.Comments[i]
		}
		if i < len(v.Types) {
			if t, err := ParseType(v.Types[i]); err == nil {
				c.Type = t
			}
		}
		if i < len(v.Nullable) {
			c.Nullable = v.Nullable[i]
		}
		s.Columns = append(s.Columns, c)
	}
	return s
}

// RenameView gives a view another name in its database. Errors: *UnknownTable, or a
// *TableExists when the name is taken.
func (s *Store) RenameView(db, from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.views[db][from]
	if !ok {
		return &UnknownTable{Database: db, Table: from}
	}
	if _, taken := s.views[db][to]; taken || s.databases[db][to] != nil {
		return &TableExists{Database: db, Table: to}
	}
	delete(s.views[db], from)
	v.Name = to
	s.views[db][to] = v
	return nil
}
