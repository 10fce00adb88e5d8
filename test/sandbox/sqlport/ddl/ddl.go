// Package ddl reads StarRocks data definition statements into store schemas,
// and writes a schema back as SHOW CREATE TABLE does.
//
// Rules are those of StarRocks: which clause may follow which, which column may
// be a key, what a table without a key clause gets. Rollups, which steer a real
// cluster but no data, are checked and let go; what changes the meaning of data
// and cannot be kept is refused.
package ddl

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Statement is one of the statement types of this package.
type Statement interface{ isStatement() }

// CreateDatabase is CREATE DATABASE.
type CreateDatabase struct {
	Name        string
	IfNotExists bool
}

// DropDatabase is DROP DATABASE.
type DropDatabase struct {
	Name     string
	IfExists bool
}

// CreateTable is CREATE TABLE. DB is empty when the name was not qualified.
type CreateTable struct {
	DB, Name    string
	IfNotExists bool
	Schema      store.Schema
}

// CreateTableLike is CREATE TABLE ... LIKE.
type CreateTableLike struct {
	DB, Name         string
	IfNotExists      bool
	LikeDB, LikeName string
}

// DropTable is DROP TABLE.
type DropTable struct {
	DB, Name string
	IfExists bool
}

// Truncate is TRUNCATE TABLE, of some partitions if it names any.
type Truncate struct {
	DB, Name   string
	Partitions []string
}

func (*CreateDatabase) isStatement()  {}
func (*DropDatabase) isStatement()    {}
func (*CreateTable) isStatement()     {}
func (*CreateTableLike) isStatement() {}
func (*DropTable) isStatement()       {}
func (*Truncate) isStatement()        {}

// Parse reads one statement. Errors are *lex.Error; they name line, column and
// token.
func Parse(s lex.Statement) (Statement, error) {
	p := &parser{Cursor: lex.Cursor{Toks: s.Toks}, src: s.Src}
	st, err := p.statement()
	if err != nil {
		return nil, err
	}
	if err := p.End(); err != nil {
		return nil, err
	}
	return st, nil
}

type parser struct {
	lex.Cursor
	src string
}

func (p *parser) statement() (Statement, error) {
	switch {
	case p.Try("create"):
		return p.create()
	case p.Try("drop"):
		return p.drop()
	case p.Try("truncate"):
		if err := p.Expect("table"); err != nil {
			return nil, err
		}
		db, name, err := p.Table()
		if err != nil {
			return nil, err
		}
		st := &Truncate{DB: db.Text, Name: name.Text}
		if p.Try("partition") || p.Try("partitions") {
			st.Partitions, err = p.someNames()
		}
		return st, err
	case p.Try("alter"):
		return p.alter()
	case p.Try("cancel", "alter", "table", "column"):
		if err := p.Expect("from"); err != nil {
			return nil, err
		}
		db, name, err := p.Table()
		return &CancelAlter{DB: db.Text, Name: name.Text}, err
	}
	return nil, lex.Unexpected(p.Peek(), "CREATE", "DROP", "TRUNCATE", "ALTER")
}

func (p *parser) create() (Statement, error) {
	if p.Try("database") || p.Try("schema") {
		st := &CreateDatabase{IfNotExists: p.Try("if", "not", "exists")}
		name, err := p.newName("database")
		if err != nil {
			return nil, err
		}
		st.Name = name.Text
		if p.Peek().Is("properties") {
			_, err = p.properties()
		}
		return st, err
	}
	if p.Try("index") {
		return p.createIndex()
	}
	if err := p.elsewhere("CREATE"); err != nil {
		return nil, err
	}
	p.Try("external") // the engine says that there are no such tables
	if !p.Try("table") {
		return nil, lex.Unexpected(p.Peek(), "DATABASE", "TABLE")
	}
	exists := p.Try("if", "not", "exists")
	db, name, err := p.Table()
	if err != nil {
		return nil, err
	}
	if err := checkName(name, "table"); err != nil {
		return nil, err
	}
	if p.Try("like") {
		fromDB, from, err := p.Table()
		return &CreateTableLike{DB: db.Text, Name: name.Text, IfNotExists: exists, LikeDB: fromDB.Text, LikeName: from.Text}, err
	}
	st := &CreateTable{DB: db.Text, Name: name.Text, IfNotExists: exists}
	st.Schema, err = p.table(name)
	return st, err
}

// maxName is the longest name in bytes.
const maxName = 1023

// newName reads a name that is about to be given to something.
func (p *parser) newName(what string) (lex.Token, error) {
	t, err := p.Name()
	if err == nil {
		err = checkName(t, what)
	}
	return t, err
}

func checkName(t lex.Token, what string) error {
	bad := !utf8.ValidString(t.Text) || len(t.Text) > maxName
	for _, r := range t.Text {
		bad = bad || unicode.IsControl(r)
	}
	if what != "column" && strings.ContainsAny(t.Text, `/\.`) {
		bad = true
	}
	if bad {
		return lex.At(t, "Incorrect %s name %q", what, t.Text)
	}
	return nil
}

func (p *parser) drop() (Statement, error) {
	if p.Try("database") || p.Try("schema") {
		st := &DropDatabase{IfExists: p.Try("if", "exists")}
		name, err := p.Name()
		if err != nil {
			return nil, err
		}
		st.Name = name.Text
		p.Try("force")
		return st, nil
	}
	if p.Try("index") {
		return p.dropIndex()
	}
	if err := p.elsewhere("DROP"); err != nil {
		return nil, err
	}
	if !p.Try("table") {
		return nil, lex.Unexpected(p.Peek(), "DATABASE", "TABLE")
	}
	st := &DropTable{IfExists: p.Try("if", "exists")}
	db, name, err := p.Table()
	if err != nil {
		return nil, err
	}
	st.DB, st.Name = db.Text, name.Text
	p.Try("force")
	return st, nil
}
