package ddl

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// AddIndex is ADD INDEX, also as CREATE INDEX.
type AddIndex struct{ Index store.Index }

// DropIndex is DROP INDEX, also as a statement of its own.
type DropIndex struct{ Name string }

func (*AddIndex) isClause()  {}
func (*DropIndex) isClause() {}

// index reads name (column) [USING kind [(properties)]] [COMMENT text].
func (p *parser) index() (store.Index, error) {
	x := store.Index{Kind: "BITMAP"}
	name, err := p.newName("index")
	if err != nil {
		return x, err
	}
	x.Name = name.Text
	cols, err := p.Names()
	if err != nil {
		return x, err
	}
	if len(cols) != 1 {
		return x, lex.At(name, "%s index can only apply to a single column.", x.Name)
	}
	x.Column = cols[0].Text
	err = p.indexKind(&x)
	return x, err
}

func (p *parser) indexKind(x *store.Index) (err error) {
	if p.Try("using") {
		t := p.Next()
		x.Kind = strings.ToUpper(t.Text)
		switch x.Kind {
		case "BITMAP", "GIN", "NGRAMBF", "VECTOR":
		default:
			return lex.Unexpected(t, "BITMAP", "GIN", "NGRAMBF", "VECTOR")
		}
		if p.Peek().Is("(") {
			if x.Properties, err = p.propertyList(); err != nil {
				return err
			}
		}
	}
	x.Comment, err = p.comment()
	return err
}

// createIndex reads what follows CREATE INDEX.
func (p *parser) createIndex() (Statement, error) {
	x := store.Index{Kind: "BITMAP"}
	name, err := p.newName("index")
	if err != nil {
		return nil, err
	}
	if err := p.Expect("on"); err != nil {
		return nil, err
	}
	db, table, err := p.Table()
	if err != nil {
		return nil, err
	}
	cols, err := p.Names()
	if err != nil {
		return nil, err
	}
	if len(cols) != 1 {
		return nil, lex.At(name, "%s index can only apply to a single column.", name.Text)
	}
	x.Name, x.Column = name.Text, cols[0].Text
	if err := p.indexKind(&x); err != nil {
		return nil, err
	}
	return &Alter{DB: db.Text, Name: table.Text, Clauses: []Clause{&AddIndex{x}}}, nil
}

// dropIndex reads what follows DROP INDEX.
func (p *parser) dropIndex() (Statement, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	if err := p.Expect("on"); err != nil {
		return nil, err
	}
	db, table, err := p.Table()
	return &Alter{DB: db.Text, Name: table.Text, Clauses: []Clause{&DropIndex{name.Text}}}, err
}

// IndexKind is the kind of an index with its properties, as SHOW INDEX has it.
func IndexKind(x store.Index) string {
	if len(x.Properties) == 0 {
		return x.Kind
	}
	return x.Kind + "(" + strings.Join(showProperties(x.Properties), ", ") + ")"
}

func showIndex(x store.Index) string {
	return "INDEX " + bareName(x.Name) + " (" + quoteName(x.Column) + ") USING " + IndexKind(x) + " COMMENT '" + singleQuoter.Replace(x.Comment) + "'"
}

var singleQuoter = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)
