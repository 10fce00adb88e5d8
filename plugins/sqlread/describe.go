package sqlread

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sqlread/cut"
	"github.com/gx-etl/gx/plugins/sqlread/sqltext"
)

// described is a column of a table as information_schema has it.
type described struct {
	name     string
	nullable bool
	Type
}

// describe looks a table up; the error says when it is not there.
func (p *pool) describe(ctx context.Context, conn *sql.Conn, d *Dialect, t table) (columns []described, err error) {
	rows, err := conn.QueryContext(ctx, "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME FROM information_schema.columns WHERE TABLE_SCHEMA = "+
		sqltext.Literal(t.database)+" AND TABLE_NAME = "+sqltext.Literal(t.name)+" ORDER BY ORDINAL_POSITION")
	if err != nil {
		return nil, p.said(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, typ, nullable string
		var charset sql.NullString
		if err := rows.Scan(&name, &typ, &nullable, &charset); err != nil {
			return nil, p.said(err)
		}
		c := described{name: name, nullable: strings.EqualFold(nullable, "YES"), Type: d.Column(typ)}
		if c.Split == cut.Text && !holdsMost(charset.String) {
			c.Split = cut.NarrowText
		}
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		return nil, p.said(err)
	}
	if len(columns) == 0 {
		return nil, sdk.Faultf(sdk.NotFound, "table %s does not exist, or the user may not see it", t).At(t.path).
			Hint("SHOW TABLES FROM %s lists those that exist", sqltext.Name(t.database))
	}
	return columns, nil
}

// holdsMost tells whether a character set has all characters of up to three bytes of UTF-8; a server that names none stores
// UTF-8.
func holdsMost(charset string) bool {
	charset = strings.ToLower(charset)
	return charset == "" || strings.HasPrefix(charset, "utf") || charset == "ucs2"
}

func find(columns []described, name string) *described {
	for i := range columns {
		if columns[i].name == name {
			return &columns[i]
		}
	}
	for i := range columns {
		if strings.EqualFold(columns[i].name, name) {
			return &columns[i]
		}
	}
	return nil
}

// output is one column that the reader delivers.
type output struct {
	name   string
	sql    string // the item of the SELECT list
	column string // of the table; "": an expression
	Type
}

// keywords may stand where a column may, and are none.
var keywords = map[string]bool{"NULL": true, "TRUE": true, "FALSE": true, "CURRENT_DATE": true, "CURRENT_TIME": true,
	"CURRENT_TIMESTAMP": true, "CURRENT_USER": true, "LOCALTIME": true, "LOCALTIMESTAMP": true, "UTC_DATE": true, "UTC_TIMESTAMP": true}

// outputs turns the column parameter into the items of a SELECT from a table of these columns. The types of expressions
// are still open.
func (s *settings) outputs(t table, columns []described) (out []output, err error) {
	if len(s.columns) == 1 && s.columns[0] == "*" {
		for _, c := range columns {
			out = append(out, s.plain(&c))
		}
		return out, nil
	}
	for i, text := range s.columns {
		if !sqltext.Plain(text) {
			name := sqltext.Alias(text)
			if name == "" {
				name = text
			}
			out = append(out, output{name: name, sql: text})
			continue
		}
		c := find(columns, sqltext.Bare(text))
		switch {
		case c != nil:
			out = append(out, s.plain(c))
		case keywords[strings.ToUpper(text)]:
			out = append(out, output{name: text, sql: text})
		default:
			return nil, unknownColumn(fmt.Sprintf("column[%d]", i), text, t, columns)
		}
	}
	return out, nil
}

func (s *settings) plain(c *described) output {
	return output{name: c.name, sql: s.dialect.Select(c.Type, sqltext.Name(c.name)), column: c.name, Type: c.Type}
}

func unknownColumn(place, name string, t table, columns []described) error {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	f := sdk.Faultf(sdk.Config, "table %s has no column %s", t, name).At(place)
	if near, ok := options.Nearest(sqltext.Bare(name), names); ok {
		return f.Hint("%s", near)
	}
	return f.Hint("it has %s", strings.Join(names[:min(len(names), 30)], ", "))
}

// readable fails for a column whose values cannot be had.
func readable(outs []output) error {
	for _, o := range outs {
		if o.Kind == Unreadable {
			f := sdk.Faultf(sdk.Config, "column %s is of type %s, which cannot be read", o.name, o.Type.Name).At("column")
			if o.Try != "" {
				return f.Hint("name the columns, and instead of this one %s", fmt.Sprintf(o.Try, sqltext.Name(o.name)))
			}
			return f.Hint("name the columns without this one")
		}
	}
	return nil
}

// sameShape fails unless two tables give the same columns. How long a text may be is no difference.
func sameShape(first table, want []output, t table, got []output) error {
	for i := range min(len(want), len(got)) {
		a, b := want[i], got[i]
		if !strings.EqualFold(a.column, b.column) || a.column != "" && (a.Kind != b.Kind || a.Precision != b.Precision || a.Scale != b.Scale) {
			return sdk.Faultf(sdk.Config, "column %d is %s %s in %s and %s %s in %s", i+1, a.name, a.Type.Name, first, b.name, b.Type.Name, t).At(t.path).
				Hint("tables that are read as one have columns of the same types; name those that they share in column")
		}
	}
	if len(want) != len(got) {
		return sdk.Faultf(sdk.Config, "%s has %d columns, %s has %d", first, len(want), t, len(got)).At(t.path).
			Hint("tables that are read as one have the same columns; name those that they share in column")
	}
	return nil
}

// probe asks the server what a query would give, without its rows, and fills in the types of expressions. The names are
// taken, too, when there are none yet.
func (p *pool) probe(ctx context.Context, conn *sql.Conn, d *Dialect, query string, outs []output) ([]output, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, p.said(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, p.said(err)
	}
	if outs == nil {
		for _, t := range types {
			outs = append(outs, output{name: t.Name()})
		}
	}
	if len(types) != len(outs) {
		return nil, sdk.Faultf(sdk.Config, "the server gives %d columns for %d", len(types), len(outs)).At("column")
	}
	for i, t := range types {
		if outs[i].column == "" {
			outs[i].Type = d.Computed(t.DatabaseTypeName())
		}
	}
	for rows.Next() { // there are none, by the condition of the query
	}
	return outs, rows.Err()
}

// bounds asks for the least and the greatest value of the column that cuts a table; ok is false when there is none.
func (p *pool) bounds(ctx context.Context, conn *sql.Conn, s *settings, t table, column string) (low, high string, ok bool, err error) {
	c := sqltext.Name(column)
	var lo, hi sql.NullString
	query := "SELECT " + s.hintText() + "MIN(" + c + "), MAX(" + c + ") FROM " + t.quoted() + " WHERE " + s.and(c+" IS NOT NULL")
	if err := conn.QueryRowContext(ctx, query).Scan(&lo, &hi); err != nil {
		return "", "", false, p.said(err)
	}
	return lo.String, hi.String, lo.Valid && hi.Valid, nil
}

// cutKind is the way in which a column can cut a table.
func (c *described) cutKind() cut.Kind {
	if c.Kind == Unreadable {
		return cut.None
	}
	return c.Split
}
