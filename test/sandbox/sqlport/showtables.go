package sqlport

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func (ss *session) showDatabases(c *lex.Cursor) (*answer, error) {
	if c.Try("from") || c.Try("in") {
		catalog, err := c.Name()
		if err != nil {
			return nil, err
		}
		if catalog.Text != defaultCatalog {
			return nil, unknownCatalog(catalog.Text)
		}
	}
	return list("Database", ss.server.databasesFor(ss)), nil
}

func unknownCatalog(name string) error {
	return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Unknown catalog '%s'.", name)
}

// fromDB reads [FROM|IN db], or takes the current database.
func (ss *session) fromDB(c *lex.Cursor) (string, error) {
	if !c.Try("from") && !c.Try("in") {
		return ss.dbOr("")
	}
	catalog, name, err := c.Table()
	if err != nil {
		return "", err
	}
	if catalog.Text != "" && catalog.Text != defaultCatalog {
		return "", lex.At(catalog, "Unknown catalog '%s'", catalog.Text)
	}
	if !ss.server.hasDatabase(name.Text) {
		return "", &store.UnknownDatabase{Database: name.Text}
	}
	return name.Text, nil
}

// described is what DESC and SHOW COLUMNS can tell about: a table or a view of the
// store, or a virtual table.
type described struct {
	table   *store.Table
	view    *store.View
	virtual *virtualTable
}

// find looks a table up that the session sees.
func (ss *session) find(db, name string) (described, error) {
	db, err := ss.dbOr(db)
	if err != nil {
		return described{}, err
	}
	if v := ss.server.systemDB(db); v != nil {
		t := v.find(name)
		switch {
		case t == nil:
			return described{}, &store.UnknownTable{Database: v.name, Table: name}
		case !ss.seesTable(v.name, t.name):
			return described{}, ss.denied("ANY", onTable(v.name, t.name))
		}
		return described{virtual: t}, nil
	}
	if v, ok := ss.server.st.FindView(db, name); ok {
		if !ss.seesView(db, name) {
			return described{}, ss.denied("ANY", onView(db, name))
		}
		return described{view: &v}, nil
	}
	t, err := ss.server.st.Table(db, name)
	if err != nil {
		return described{}, err
	}
	if !ss.seesTable(db, name) {
		return described{}, ss.denied("ANY", onTable(db, name))
	}
	return described{table: t}, nil
}

// tableNames reads FROM table [FROM db].
func tableNames(c *lex.Cursor) (db, name string, err error) {
	if !c.Try("from") && !c.Try("in") {
		return "", "", lex.Unexpected(c.Peek(), "FROM", "IN")
	}
	d, n, err := c.Table()
	if err != nil {
		return "", "", err
	}
	if c.Try("from") || c.Try("in") {
		if d, err = c.Name(); err != nil {
			return "", "", err
		}
	}
	return d.Text, n.Text, nil
}

// fromTable reads FROM table [FROM db], a table of the store.
func (ss *session) fromTable(c *lex.Cursor) (*store.Table, error) {
	db, name, err := tableNames(c)
	if err != nil {
		return nil, err
	}
	return ss.stored(db, name)
}

// stored is find for statements that make sense for tables of the store only.
func (ss *session) stored(db, name string) (*store.Table, error) {
	d, err := ss.find(db, name)
	if err != nil {
		return nil, err
	}
	return d.stored()
}

func (d described) stored() (*store.Table, error) {
	if d.table != nil {
		return d.table, nil
	}
	name := ""
	if d.view != nil {
		name = d.view.Name
	} else {
		name = d.virtual.name
	}
	return nil, wire.Errorf(5503, "42000", "Getting analyzing error. Detail message: Table '%s' is not a OLAP table.", name)
}

func (ss *session) showTables(c *lex.Cursor, full bool) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	if !ss.seesDatabase(db) {
		return nil, ss.denied("ANY", onDatabase(db))
	}
	tables, err := ss.server.tablesOf(ss, db)
	if err != nil {
		return nil, err
	}
	a := list("Tables_in_"+db, tables)
	if full {
		kind := "BASE TABLE"
		if ss.server.systemDB(db) != nil {
			kind = systemKind(db)
		}
		a.cols = append(a.cols, virtualColumn{name: "Table_type"})
		for i, name := range tables {
			if _, ok := ss.server.st.FindView(db, name); ok {
				a.rows[i] = append(a.rows[i], "VIEW")
			} else {
				a.rows[i] = append(a.rows[i], kind)
			}
		}
	}
	return a, nil
}

func (ss *session) showTableStatus(c *lex.Cursor) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	a := &answer{cols: columnsOf(`Name Engine Version# Row_format Rows# Avg_row_length# Data_length# Max_data_length#
		Index_length# Data_free# Auto_increment# Create_time Update_time Check_time Collation Checksum# Create_options Comment`)}
	if v := ss.server.systemDB(db); v != nil {
		for _, t := range v.tables {
			if !ss.seesTable(v.name, t.name) {
				continue
			}
			a.add(t.name, "MEMORY", nil, "", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, collation, nil, "", "")
		}
		return a, nil
	}
	for t := range ss.server.tablesFor(ss) {
		if t.DB() != db {
			continue
		}
		bytes, average := tableBytes(t), int64(0)
		if n := t.NumRows(); n > 0 {
			average = bytes / n
		}
		a.add(t.Name(), "StarRocks", nil, "", t.NumRows(), average, bytes, nil, nil, nil, nil, nil, nil, nil, collation, nil, "", t.Schema().Comment)
	}
	for v := range ss.server.viewsFor(ss) {
		if v.DB == db {
			a.add(v.Name, "", nil, "", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, collation, nil, "", v.Comment)
		}
	}
	slices.SortStableFunc(a.rows, func(x, y []any) int { return strings.Compare(x[0].(string), y[0].(string)) })
	return a, nil
}

// showData answers SHOW DATA [FROM db.table].
func (ss *session) showData(c *lex.Cursor) (*answer, error) {
	if c.Peek().Is("from") {
		t, err := ss.fromTable(c)
		if err != nil {
			return nil, err
		}
		tablets := tabletCount(t)
		size, rows := sizeShown(tableBytes(t)), strconv.FormatInt(t.NumRows(), 10)
		return fixed("TableName IndexName Size ReplicaCount RowCount").
			add(t.Name(), t.Name(), size, strconv.Itoa(tablets), rows).add("", "Total", size, strconv.Itoa(tablets), ""), nil
	}
	db, err := ss.dbOr("")
	if err != nil {
		return nil, err
	}
	a, sum, count := fixed("TableName Size ReplicaCount"), int64(0), 0
	for t := range ss.server.tablesFor(ss) {
		if t.DB() == db {
			bytes, n := tableBytes(t), tabletCount(t)
			a.add(t.Name(), sizeShown(bytes), strconv.Itoa(n))
			sum, count = sum+bytes, count+n
		}
	}
	q := ss.server.st.Quota(db)
	a.add("Total", sizeShown(sum), strconv.Itoa(count)).add("Quota", sizeShown(q.Data), strconv.FormatInt(q.Replicas, 10))
	return a.add("Left", sizeShown(max(q.Data-sum, 0)), strconv.FormatInt(max(q.Replicas-int64(count), 0), 10)), nil
}

func tabletCount(t *store.Table) (n int) {
	for _, p := range t.Partitions() {
		n += len(p.Tablets)
	}
	return n
}

func sizeShown(bytes int64) string { return store.SizeText(bytes) }

func (ss *session) showColumns(c *lex.Cursor, full bool) (*answer, error) {
	db, name, err := tableNames(c)
	if err != nil {
		return nil, err
	}
	d, err := ss.find(db, name)
	if err != nil {
		return nil, err
	}
	return d.columns(full), nil
}

// describe runs DESC t and DESCRIBE t.
func (ss *session) describe(_ context.Context, c *lex.Cursor, w *wire.Result) error {
	verb := c.Next()
	if t := c.Peek(); t.Is("select") || t.Is("with") || t.Is("insert") || t.Is("verbose") || t.Is("costs") || t.Is("logical") || t.Is("analyze") {
		return lex.At(t, "%s of a statement is not supported by this stand-in, only of a table", strings.ToUpper(verb.Text))
	}
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	all := c.Try("all")
	if err := c.End(); err != nil {
		return err
	}
	d, err := ss.find(db.Text, name.Text)
	if err != nil {
		return err
	}
	a := d.columns(false)
	if all && d.table != nil {
		a = allIndexes(d.table, a)
	}
	return a.write(w)
}

// allIndexes is DESC t ALL: the columns of every index, of which there is one.
func allIndexes(t *store.Table, plain *answer) *answer {
	a := &answer{cols: append(columnsOf("IndexName IndexKeysType"), plain.cols...)}
	for i, r := range plain.rows {
		lead := []any{"", ""}
		if i == 0 {
			lead = []any{t.Name(), t.Schema().Model.String()}
		}
		a.add(append(lead, r...)...)
	}
	return a
}

func (d described) columns(full bool) *answer {
	switch {
	case d.table != nil:
		return describeColumns(d.table.Schema(), full)
	case d.view != nil:
		return describeColumns(d.view.Schema(), full)
	}
	a := describedColumns(full)
	for _, c := range d.virtual.cols {
		typ, coll := "varchar(1048576)", any(collation)
		if c.number {
			typ, coll = "bigint(20)", nil
		}
		if full {
			a.add(c.name, typ, coll, "YES", "", nil, "", "", "")
		} else {
			a.add(c.name, typ, "YES", "false", nil, "")
		}
	}
	return a
}

func describedColumns(full bool) *answer {
	if full {
		return &answer{cols: columnsOf("Field Type Collation Null Key Default Extra Privileges Comment")}
	}
	return &answer{cols: columnsOf("Field Type Null Key Default Extra")}
}

func describeColumns(s store.Schema, full bool) *answer {
	a := describedColumns(full)
	for _, c := range s.Columns {
		var deflt, coll any
		if c.Default != nil {
			deflt = *c.Default
		}
		extra := c.Agg
		if c.AutoIncrement {
			extra = "auto_increment"
		}
		if !full {
			a.add(c.Name, c.Type.String(), yesNo(c.Nullable), fmt.Sprint(c.Key), deflt, extra)
			continue
		}
		if c.Type.Kind == store.Char || c.Type.Kind == store.Varchar {
			coll = collation
		}
		a.add(c.Name, c.Type.String(), coll, yesNo(c.Nullable), columnKey(s.Model, c), deflt, extra, "", c.Comment)
	}
	return a
}

func (ss *session) showCreateTable(d described) (*answer, error) {
	t, err := d.stored()
	if err != nil {
		return nil, err
	}
	return fixed("Table Create_Table").add(t.Name(), ddl.Show(t.Name(), t.Schema())), nil
}
