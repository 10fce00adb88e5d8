package sqlport

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// A release refuses what came after it. Where its grammar has no such words, the error
// is that of an unexpected input; where it knew the words and not the thing, a text of
// its own. The dates are those of the release notes and manuals.

// sinceDefined refuses a definition that the release cannot know. stmt is its source.
func (s *Server) sinceDefined(stmt lex.Statement, parsed ddl.Statement) error {
	switch d := parsed.(type) {
	case *ddl.CreateTable:
		if err := s.sinceWords(stmt); err != nil {
			return err
		}
		return s.sinceColumns(stmt, d.Schema.Columns)
	case *ddl.Alter:
		if err := s.sinceAltered(stmt); err != nil {
			return err
		}
		for _, c := range d.Clauses {
			changes, ok := c.(*ddl.Changes)
			if !ok {
				continue
			}
			for _, change := range changes.List {
				var columns []store.Column
				switch change := change.(type) {
				case store.AddColumn:
					columns = []store.Column{change.Column}
				case store.ModifyColumn:
					columns = []store.Column{change.Column}
				}
				if err := s.sinceColumns(stmt, columns); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sinceColumns refuses types and attributes of columns.
func (s *Server) sinceColumns(stmt lex.Statement, columns []store.Column) error {
	for _, c := range columns {
		text := strings.ToLower(c.Type.String())
		switch {
		case !s.atLeast(3, 0) && strings.Contains(text, "binary"):
			return s.unknownWord(stmt, "varbinary", "binary")
		case !s.atLeast(3, 1) && (strings.Contains(text, "map<") || strings.Contains(text, "struct<")):
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Unsupported data type: %s.", strings.ToUpper(c.Type.String()))
		case !s.atLeast(3, 0) && c.AutoIncrement:
			return s.unknownWord(stmt, "auto_increment")
		}
	}
	return nil
}

// unknownWord is the syntax error at the first of some words, which the grammar of the
// release does not have.
func (s *Server) unknownWord(stmt lex.Statement, words ...string) error {
	for _, t := range stmt.Toks {
		for _, w := range words {
			if t.Is(w) {
				return lex.Unexpected(t, "a type", "NULL", "NOT", "DEFAULT", "COMMENT")
			}
		}
	}
	return lex.Unexpected(stmt.Toks[len(stmt.Toks)-1], words...)
}

// sinceWords looks at the clauses of CREATE TABLE.
func (s *Server) sinceWords(stmt lex.Statement) error {
	toks := stmt.Toks
	depth, distributed := 0, false
	model := "duplicate"
	for i, t := range toks {
		next := func(n int) lex.Token { return toks[min(i+n, len(toks)-1)] }
		switch {
		case t.Is("("), t.Is("<"):
			depth++
			continue
		case t.Is(")"), t.Is(">"):
			depth--
			continue
		case depth == 1 && t.Is("as") && t.Kind == lex.Word && !s.atLeast(3, 1): // a generated column
			return lex.Unexpected(t, "NULL", "NOT", "DEFAULT", "COMMENT", ",", ")")
		case depth != 0 || t.Kind != lex.Word:
			continue
		}
		switch {
		case next(1).Is("key") && (t.Is("primary") || t.Is("unique") || t.Is("aggregate")):
			model = strings.ToLower(t.Text)
		case t.Is("temporary") && i < 3 && !s.release.AtLeastPatch(3, 3, 1):
			return lex.Unexpected(t, "TABLE", "DATABASE", "VIEW")
		case t.Is("partition") && next(1).Is("by"):
			if err := s.sincePartition(next(2), next(3)); err != nil {
				return err
			}
		case t.Is("distributed") && next(1).Is("by"):
			distributed = true
			if next(2).Is("random") && !s.atLeast(3, 1) {
				return lex.Unexpected(next(2), "HASH")
			}
		case t.Is("order") && next(1).Is("by") && (model != "primary" && !s.atLeast(3, 3) || !s.atLeast(3, 0)):
			if !s.atLeast(3, 0) {
				return lex.Unexpected(t, "PROPERTIES")
			}
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: only primary key support sort key.")
		}
	}
	if !distributed && !s.atLeast(3, 1) {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Create olap table should contain distribution desc.")
	}
	return nil
}

// sincePartition looks at what stands behind PARTITION BY.
func (s *Server) sincePartition(first, second lex.Token) error {
	switch {
	case first.Is("range"):
	case first.Is("list"):
		// The words are older than the feature, which came for tables of all kinds with 3.1.
		if !s.atLeast(3, 1) {
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: List partition is not supported.")
		}
	case (first.Is("date_trunc") || first.Is("time_slice")) && second.Is("("):
		if !s.atLeast(3, 0) {
			return lex.Unexpected(first, "RANGE", "LIST")
		}
	case !s.atLeast(3, 1):
		return lex.Unexpected(first, "RANGE", "LIST")
	}
	return nil
}

// sinceAltered looks at the clauses of ALTER TABLE.
func (s *Server) sinceAltered(stmt lex.Statement) error {
	c := &lex.Cursor{Toks: stmt.Toks}
	if !c.Try("alter", "table") {
		return nil
	}
	if _, _, err := c.Table(); err != nil {
		return nil
	}
	// 3.1 by the nearest statement: the manual of that line is the first to have it.
	if t := c.Peek(); t.Is("comment") && !s.atLeast(3, 1) {
		return lex.Unexpected(t, "ADD", "DROP", "MODIFY", "RENAME", "SWAP", "SET")
	}
	return nil
}
