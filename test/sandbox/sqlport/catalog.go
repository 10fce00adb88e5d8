package sqlport

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// provider shows the databases of the store to the query engine.
type provider struct{ server *Server }

var (
	_ sql.DatabaseProvider = (*provider)(nil)
	_ sql.FunctionProvider = (*provider)(nil)
)

// scratchDB names a database that holds one table, bound to the context of one
// query: the rows of a SHOW statement that filters them with WHERE.
const scratchDB = "\x01scratch"

type scratchKey struct{}

func (p *provider) Database(ctx *sql.Context, name string) (sql.Database, error) {
	if name == scratchDB {
		switch t := ctx.Value(scratchKey{}).(type) {
		case *virtualTable:
			return &virtualDB{name: scratchDB, tables: []*virtualTable{t}}, nil
		case *inputTable:
			return inputDB{t}, nil
		}
	}
	if name == nowhere {
		return emptyDB{}, nil
	}
	if v := p.server.systemDB(name); v != nil {
		return v, nil
	}
	if !p.server.st.HasDatabase(name) {
		return nil, &store.UnknownDatabase{Database: name}
	}
	return &database{st: p.server.st, name: name}, nil
}

func (p *provider) HasDatabase(ctx *sql.Context, name string) bool {
	return name == nowhere || name == scratchDB && ctx.Value(scratchKey{}) != nil || p.server.hasDatabase(name)
}

func (p *provider) AllDatabases(*sql.Context) []sql.Database {
	var list []sql.Database
	for _, name := range p.server.st.Databases() {
		list = append(list, &database{st: p.server.st, name: name})
	}
	return list
}

// Function finds the functions of package builtin before the engine's own.
func (p *provider) Function(_ *sql.Context, name string) (sql.Function, bool) {
	f := builtin.Find(strings.ToLower(name))
	return f, f != nil
}

// database is one database of the store. Names of tables are case-sensitive, as
// they are in StarRocks.
type database struct {
	st   *store.Store
	name string
	// home is another database for the query of the view that was asked for last. The
	// engine asks for a database anew for every name, and then for Name.
	home string
}

var _ sql.Database = (*database)(nil)

func (d *database) Name() string {
	if d.home != "" {
		return d.home
	}
	return d.name
}

// nowhere is the current database of a session that has none while it reads a view. It
// holds nothing.
const nowhere = "\x01nowhere"

type emptyDB struct{}

var _ sql.Database = emptyDB{}

func (emptyDB) Name() string                                 { return nowhere }
func (emptyDB) GetTableNames(*sql.Context) ([]string, error) { return nil, nil }
func (emptyDB) GetTableInsensitive(*sql.Context, string) (sql.Table, bool, error) {
	return nil, false, errNoDatabase
}

func (d *database) GetTableNames(*sql.Context) ([]string, error) { return d.st.Tables(d.name) }

// GetTableInsensitive finds a table, possibly narrowed (see narrowing). The view of
// its rows is taken here: one per reference in a query.
func (d *database) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	name, narrow, err := splitTableName(name)
	if err != nil {
		return nil, false, err
	}
	t, err := d.st.Table(d.name, name)
	if err != nil {
		return nil, false, err
	}
	tab := newTable(t)
	if tab.snap, err = narrow.of(tab.snap); err != nil {
		return nil, false, err
	}
	return tab, true, nil
}
