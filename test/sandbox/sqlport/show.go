package sqlport

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// answer is the result of a SHOW statement before LIKE or WHERE. Values are
// string, int64 or nil.
type answer struct {
	cols  []virtualColumn
	rows  [][]any
	fixed bool // LIKE and WHERE do not belong to the statement
}

// show runs SHOW statements.
func (ss *session) show(ctx context.Context, stmt lex.Statement, w *wire.Result) error {
	c := &lex.Cursor{Toks: stmt.Toks}
	c.Next()
	a, err := ss.showWhat(c)
	if err != nil {
		return err
	}
	switch {
	case a.fixed:
	case c.Try("like"):
		pattern, err := c.Str()
		if err != nil {
			return err
		}
		a.like(pattern)
	case c.Peek().Is("where"):
		return ss.showWhere(ctx, a, stmt.From(c.I), w)
	}
	if err := c.End(); err != nil {
		return err
	}
	return a.write(w)
}

func (ss *session) showWhat(c *lex.Cursor) (*answer, error) {
	s := ss.server
	full := c.Try("full")
	switch at := c.Peek(); {
	case c.Try("databases"), c.Try("schemas"):
		return list("Database", append([]string{infoSchema}, s.st.Databases()...)), nil
	case c.Try("tables"):
		return ss.showTables(c, full)
	case c.Try("table", "status"):
		return ss.showTableStatus(c)
	case c.Try("columns"), c.Try("fields"):
		return ss.showColumns(c, full)
	case c.Try("create", "table"):
		return ss.showCreateTable(c)
	case c.Try("create", "database"), c.Try("create", "schema"):
		name, err := c.Name()
		if err != nil {
			return nil, err
		}
		if !s.st.HasDatabase(name.Text) {
			return nil, &store.UnknownDatabase{Database: name.Text}
		}
		return fixed("Database Create_Database").add(name.Text, "CREATE DATABASE "+wire.QuoteName(name.Text)), nil
	case c.Try("backends"), c.Try("compute", "nodes"), c.Try("frontends"):
		return s.showNodes(strings.ToLower(at.Text)), nil
	case c.Try("variables"), c.Try("session", "variables"), c.Try("local", "variables"):
		return &answer{cols: columnsOf("Variable_name Value"), rows: ss.vars.variableRows()}, nil
	case c.Try("global", "variables"):
		return &answer{cols: columnsOf("Variable_name Value"), rows: s.globals.variableRows()}, nil
	case c.Try("processlist"):
		return ss.showProcesses(full), nil
	case c.Try("tablets"), c.Try("tablet"):
		return ss.showTablets(c)
	case c.Try("partitions"):
		return ss.showPartitions(c, false)
	case c.Try("temporary", "partitions"):
		return ss.showPartitions(c, true)
	case c.Try("alter", "table", "column"):
		return ss.showAlterColumn(c)
	case c.Try("index"), c.Try("indexes"), c.Try("indices"), c.Try("keys"):
		if _, err := ss.fromTable(c); err != nil {
			return nil, err
		}
		return &answer{cols: columnsOf(`Table Non_unique Key_name Seq_in_index Column_name Collation Cardinality
			Sub_part Packed Null Index_type Comment`)}, nil
	case c.Try("warnings"), c.Try("errors"):
		return fixed("Level Code# Message"), nil
	case c.Try("status"), c.Try("session", "status"), c.Try("global", "status"):
		return &answer{cols: columnsOf("Variable_name Value")}, nil
	case c.Try("character", "set"), c.Try("charset"):
		return (&answer{cols: columnsOf("Charset Description Default_collation Maxlen#")}).
			add("utf8", "UTF-8 Unicode", collation, int64(3)), nil
	case c.Try("collation"):
		return (&answer{cols: columnsOf("Collation Charset Id# Default Compiled Sortlen#")}).
			add(collation, "utf8", int64(33), "Yes", "Yes", int64(1)), nil
	case c.Try("engines"), c.Try("storage", "engines"):
		return fixed("Engine Support Comment Transactions XA Savepoints").
			add("OLAP", "DEFAULT", "Default storage engine of StarRocks", "NO", "NO", "NO"), nil
	case c.Try("catalogs"):
		return (&answer{cols: columnsOf("Catalog Type Comment")}).add("default_catalog", "Internal", "An internal catalog contains this cluster's self-managed tables."), nil
	case c.Try("grants"):
		return fixed("UserIdentity Catalog Grants").
			add(fmt.Sprintf("'%s'@'%%'", ss.user()), "default_catalog", fmt.Sprintf("GRANT 'root' TO '%s'@'%%'", ss.user())), nil
	default:
		return nil, lex.Unexpected(at, "DATABASES", "TABLES", "COLUMNS", "CREATE TABLE", "BACKENDS", "FRONTENDS",
			"COMPUTE NODES", "VARIABLES", "PROCESSLIST", "TABLETS", "PARTITIONS")
	}
}

func list(title string, values []string) *answer {
	a := &answer{cols: []virtualColumn{{name: title}}}
	for _, v := range values {
		a.add(v)
	}
	return a
}

func fixed(columns string) *answer {
	a := &answer{fixed: true}
	for _, c := range columnsOf(columns) {
		c.name = strings.ReplaceAll(c.name, "_", " ")
		a.cols = append(a.cols, c)
	}
	return a
}

func (a *answer) add(values ...any) *answer {
	a.rows = append(a.rows, values)
	return a
}

// like keeps the rows whose first value matches an SQL pattern, in any case.
func (a *answer) like(pattern string) {
	re := likePattern(pattern)
	var kept [][]any
	for _, r := range a.rows {
		if re.MatchString(fmt.Sprint(r[0])) {
			kept = append(kept, r)
		}
	}
	a.rows = kept
}

// likePattern compiles % and _, which a backslash takes their meaning from.
func likePattern(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?is)^")
	for escaped := false; pattern != ""; {
		r := []rune(pattern)[0]
		pattern = pattern[len(string(r)):]
		switch {
		case !escaped && r == '\\' && pattern != "":
			escaped = true
			continue
		case !escaped && r == '%':
			b.WriteString(".*")
		case !escaped && r == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
		escaped = false
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}

// showWhere lets the engine filter an answer.
func (ss *session) showWhere(ctx context.Context, a *answer, where string, w *wire.Result) error {
	v := &virtualTable{name: "answer", db: scratchDB, cols: a.cols, rows: func(context.Context) ([][]any, error) { return a.rows, nil }}
	q, err := ss.server.engine.plan(context.WithValue(ctx, scratchKey{}, v), ss,
		rewritten{sql: "SELECT * FROM " + wire.QuoteName(scratchDB) + ".answer " + where})
	if err != nil {
		return err
	}
	return ss.server.engine.write(q, w)
}

func (a *answer) write(w *wire.Result) error {
	cols := make([]wire.Column, len(a.cols))
	for i, c := range a.cols {
		cols[i] = textColumn(c.name)
		if c.number {
			cols[i] = numberColumn(c.name)
		}
	}
	if err := w.Columns(cols); err != nil {
		return err
	}
	for _, r := range a.rows {
		w.BeginRow()
		for _, v := range r {
			switch v := v.(type) {
			case nil:
				w.Null()
			case int64:
				w.Int(v)
			default:
				w.String(fmt.Sprint(v))
			}
		}
		if err := w.EndRow(); err != nil {
			return err
		}
	}
	return w.End()
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
	if catalog.Text != "" && catalog.Text != "default_catalog" {
		return "", lex.At(catalog, "Unknown catalog '%s'", catalog.Text)
	}
	return name.Text, nil
}

// fromTable reads FROM table [FROM db].
func (ss *session) fromTable(c *lex.Cursor) (*store.Table, error) {
	if !c.Try("from") && !c.Try("in") {
		return nil, lex.Unexpected(c.Peek(), "FROM", "IN")
	}
	db, name, err := c.Table()
	if err != nil {
		return nil, err
	}
	if c.Try("from") || c.Try("in") {
		if db, err = c.Name(); err != nil {
			return nil, err
		}
	}
	return ss.table(db.Text, name.Text)
}

func (ss *session) showTables(c *lex.Cursor, full bool) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	tables, err := ss.server.tablesOf(db)
	if err != nil {
		return nil, err
	}
	a := list("Tables_in_"+db, tables)
	if full {
		kind := "BASE TABLE"
		if strings.EqualFold(db, infoSchema) {
			kind = "SYSTEM VIEW"
		}
		a.cols = append(a.cols, virtualColumn{name: "Table_type"})
		for i := range a.rows {
			a.rows[i] = append(a.rows[i], kind)
		}
	}
	return a, nil
}

func (ss *session) showTableStatus(c *lex.Cursor) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	if !ss.server.st.HasDatabase(db) {
		return nil, &store.UnknownDatabase{Database: db}
	}
	a := &answer{cols: columnsOf(`Name Engine Version# Row_format Rows# Avg_row_length# Data_length# Max_data_length#
		Index_length# Data_free# Auto_increment# Create_time Update_time Check_time Collation Checksum# Create_options Comment`)}
	for t := range ss.server.allTables() {
		if t.DB() == db {
			a.add(t.Name(), "StarRocks", nil, nil, t.NumRows(), nil, nil, nil, nil, nil, nil, nil, nil, nil, collation, nil, nil, t.Schema().Comment)
		}
	}
	return a, nil
}

func (ss *session) showColumns(c *lex.Cursor, full bool) (*answer, error) {
	t, err := ss.fromTable(c)
	if err != nil {
		return nil, err
	}
	return describeTable(t, full), nil
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
	c.Try("all")
	if err := c.End(); err != nil {
		return err
	}
	t, err := ss.table(db.Text, name.Text)
	if err != nil {
		return err
	}
	return describeTable(t, false).write(w)
}

func describeTable(t *store.Table, full bool) *answer {
	a := &answer{cols: columnsOf("Field Type Null Key Default Extra")}
	if full {
		a.cols = columnsOf("Field Type Collation Null Key Default Extra Privileges Comment")
	}
	s := t.Schema()
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

func (ss *session) showCreateTable(c *lex.Cursor) (*answer, error) {
	db, name, err := c.Table()
	if err != nil {
		return nil, err
	}
	t, err := ss.table(db.Text, name.Text)
	if err != nil {
		return nil, err
	}
	return fixed("Table Create_Table").add(t.Name(), ddl.Show(t.Name(), t.Schema())), nil
}
