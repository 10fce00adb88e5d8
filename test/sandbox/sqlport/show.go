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
	case c.Peek().Is("where"), c.Peek().Is("order"), c.Peek().Is("limit"):
		return ss.showWhere(ctx, a, stmt.From(c.I), w)
	}
	if err := c.End(); err != nil {
		return err
	}
	return a.write(w)
}

func (ss *session) showWhat(c *lex.Cursor) (*answer, error) {
	full := c.Try("full")
	at := c.Peek()
	for _, topic := range []func(*lex.Cursor, bool) (*answer, error){ss.showOfTables, ss.showOfServer, ss.showOfWork, ss.showOfMySQL} {
		if a, err := topic(c, full); a != nil || err != nil {
			return a, err
		}
	}
	return nil, lex.Unexpected(at, "DATABASES", "TABLES", "COLUMNS", "CREATE TABLE", "BACKENDS", "FRONTENDS",
		"COMPUTE NODES", "VARIABLES", "PROCESSLIST", "TABLETS", "PARTITIONS")
}

// showOfTables knows the statements about databases and tables.
func (ss *session) showOfTables(c *lex.Cursor, full bool) (*answer, error) {
	s := ss.server
	switch {
	case c.Try("databases"), c.Try("schemas"):
		return ss.showDatabases(c)
	case c.Try("tables"):
		return ss.showTables(c, full)
	case c.Try("table", "status"):
		return ss.showTableStatus(c)
	case c.Try("columns"), c.Try("fields"):
		return ss.showColumns(c, full)
	case c.Try("create", "table"):
		return ss.showCreate(c, false)
	case c.Try("create", "view"):
		return ss.showCreate(c, true)
	case c.Try("create", "materialized", "view"):
		_, name, err := c.Table()
		if err != nil {
			return nil, err
		}
		return nil, lex.At(name, "Table %s is not found", name.Text)
	case c.Try("create", "database"), c.Try("create", "schema"):
		ifNot := c.Try("if", "not", "exists")
		name, err := c.Name()
		if err != nil {
			return nil, err
		}
		if !s.hasDatabase(name.Text) || !ss.seesDatabase(name.Text) && ifNot {
			return nil, &store.UnknownDatabase{Database: name.Text}
		}
		if !ss.seesDatabase(name.Text) {
			return nil, ss.denied("ANY", onDatabase(name.Text))
		}
		return fixed("Database Create_Database").add(name.Text, "CREATE DATABASE "+wire.QuoteName(name.Text)), nil
	case c.Try("tablets"), c.Try("tablet"):
		return ss.showTablets(c)
	case c.Try("dynamic", "partition", "tables"):
		return ss.showDynamic(c)
	case c.Try("partitions"):
		return ss.showPartitions(c, false)
	case c.Try("temporary", "partitions"):
		return ss.showPartitions(c, true)
	case c.Try("index"), c.Try("indexes"), c.Try("indices"), c.Try("keys"):
		t, err := ss.fromTable(c)
		if err != nil {
			return nil, err
		}
		a := &answer{cols: columnsOf(`Table Non_unique Key_name Seq_in_index Column_name Collation Cardinality
			Sub_part Packed Null Index_type Comment`)}
		for _, x := range t.Schema().Indexes {
			a.add(t.DB()+"."+t.Name(), "", x.Name, "", x.Column, "", "", "", "", "", ddl.IndexKind(x), x.Comment)
		}
		return a, nil
	case c.Try("data"):
		return ss.showData(c)
	case c.Try("materialized", "views"):
		if _, err := ss.fromDB(c); err != nil {
			return nil, err
		}
		return &answer{cols: columnsOf(`id# database_name name refresh_type is_active inactive_reason partition_type task_id# task_name
			last_refresh_start_time last_refresh_finished_time last_refresh_duration last_refresh_state last_refresh_force_refresh
			last_refresh_start_partition last_refresh_end_partition last_refresh_base_refresh_partitions
			last_refresh_mv_refresh_partitions last_refresh_error_code last_refresh_error_message rows# text extra_message
			query_rewrite_status creator last_refresh_process_time last_refresh_job_id`)}, nil
	}
	return nil, nil
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
