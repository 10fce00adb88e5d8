package starrocks

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// The models of a table.
const (
	modelDuplicate = "DUPLICATE KEY"
	modelAggregate = "AGGREGATE KEY"
	modelUnique    = "UNIQUE KEY"
	modelPrimary   = "PRIMARY KEY"
)

// target is a table and what goes into it.
type target struct {
	database, table string
	model           string            // "" when unknown
	types           map[string]string // by name in lower case, such as datetime; nil when unknown
	keys            map[string]bool   // by name in lower case; empty when unknown
	known           []string          // the table's columns in its order; nil when unknown
	sources         []string          // names of a row's values, in order; nil: unknown
	absent          bool              // the table is not there and will be made
	explicit        bool              // sources were named by the job
	tide            *tide             // how much a load holds; nil: as much as the job allows
}

// tableName tells tables apart, to which several targets may belong.
type tableName struct{ database, table string }

func (t *target) name() tableName { return tableName{t.database, t.table} }

// replaySafe tells whether loading rows again changes nothing.
func (t *target) replaySafe() bool { return t.model == modelPrimary || t.model == modelUnique }

// target asks for the columns and model of a table; without a MySQL port it knows what the job says.
func (s *settings) target(ctx context.Context, f *frontendSQL, database, table string) (*target, error) {
	t := &target{database: database, table: table}
	if f != nil {
		if err := f.describe(ctx, t); err != nil {
			return nil, err
		}
		if t.known == nil {
			if !s.makes(t) {
				return nil, f.missing(ctx, t)
			}
			t.absent, t.types = true, nil
		}
	}
	if err := s.model(t); err != nil {
		return nil, err
	}
	return t, s.arrange(t)
}

// arrange fits the job's columns to the table: names are compared without case and StarRocks' spelling wins, because a
// JSON key that differs in case only would silently become NULL.
func (s *settings) arrange(t *target) error {
	switch {
	case s.props.columns != nil:
		t.sources, t.explicit = s.props.columns, true
	case s.columns != nil:
		t.sources, t.explicit = slices.Clone(s.columns), true
	default:
		t.sources = t.known
	}
	op := s.props.setsOp || slices.Contains(t.sources, opColumn)
	if op && t.model != "" && t.model != modelPrimary {
		return protocol.Faultf(protocol.Config, "table %s.%s is %s, __op works on PRIMARY KEY tables only", t.database, t.table, t.model).
			At("column").Hint("leave __op out, or write to a Primary Key table")
	}
	if err := s.updatable(t); err != nil {
		return err
	}
	for name := range s.dates.own {
		if t.types != nil && t.types[name] == "" && !slices.ContainsFunc(s.props.columns, func(c string) bool { return strings.EqualFold(c, name) }) {
			return protocol.Faultf(protocol.Config, "table %s.%s has no column %s", t.database, t.table, name).At("zeroDateColumns").
				Hint("its columns are %s", strings.Join(t.known, ", "))
		}
	}
	if t.known == nil || s.props.columns != nil || s.columns == nil {
		return nil // what loadProps.columns names may be made up: StarRocks judges it
	}
	for i, name := range t.sources {
		if name == opColumn {
			continue
		}
		at := slices.IndexFunc(t.known, func(k string) bool { return strings.EqualFold(k, name) })
		if at < 0 {
			f := protocol.Faultf(protocol.Config, "table %s.%s has no column %s", t.database, t.table, name).At(fmt.Sprintf("column[%d]", i))
			if near, ok := options.Nearest(name, t.known); ok {
				return f.Hint("%s", near)
			}
			return f.Hint("its columns are %s", strings.Join(t.known, ", "))
		}
		t.sources[i] = t.known[at]
	}
	return nil
}

// describe reads the columns and the model of a table; one that is not there has no columns.
func (f *frontendSQL) describe(ctx context.Context, t *target) error {
	fail := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return protocol.Faultf(protocol.Refused, "cannot read the columns of %s.%s from %s: %s", t.database, t.table, f.addr, oneLine(err)).At("jdbcUrl")
	}
	rows, err := f.db.QueryContext(ctx,
		"SELECT COLUMN_NAME, DATA_TYPE, COLUMN_KEY FROM information_schema.columns WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION", t.database, t.table)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	t.types, t.keys = map[string]string{}, map[string]bool{}
	for rows.Next() {
		var name string
		var typ, key sql.NullString
		if err := rows.Scan(&name, &typ, &key); err != nil {
			return fail(err)
		}
		t.known = append(t.known, name)
		t.types[strings.ToLower(name)] = strings.ToLower(typ.String)
		if key.String == "PRI" {
			t.keys[strings.ToLower(name)] = true
		}
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	if t.known != nil {
		t.model = f.model(ctx, t)
	}
	return nil
}

// missing tells the table's absence apart from the database's, and names what comes close.
func (f *frontendSQL) missing(ctx context.Context, t *target) error {
	fault := protocol.Faultf(protocol.NotFound, "table %s.%s does not exist, or the user may not see it", t.database, t.table).At("table")
	var tables []string
	if rows, err := f.db.QueryContext(ctx, "SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = ?", t.database); err == nil {
		defer rows.Close()
		for rows.Next() {
			var name string
			if rows.Scan(&name) == nil {
				tables = append(tables, name)
			}
		}
	}
	if near, ok := options.Nearest(t.table, tables); ok {
		return fault.Hint("create it, or did you mean %s?", near)
	}
	return fault.Hint("create it first, or let schemaSaveMode createIfMissing do it")
}

// model asks information_schema; releases before 2.5 and users without the right leave it unknown.
func (f *frontendSQL) model(ctx context.Context, t *target) string {
	var m string
	err := f.db.QueryRowContext(ctx,
		"SELECT TABLE_MODEL FROM information_schema.tables_config WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", t.database, t.table).Scan(&m)
	if err != nil {
		return ""
	}
	switch m = strings.ToUpper(m); { // PRI_KEYS, UNQ_KEYS, AGG_KEYS, DUP_KEYS, or in words
	case strings.HasPrefix(m, "PRI"):
		return modelPrimary
	case strings.HasPrefix(m, "UNQ"), strings.HasPrefix(m, "UNI"):
		return modelUnique
	case strings.HasPrefix(m, "AGG"):
		return modelAggregate
	case strings.HasPrefix(m, "DUP"):
		return modelDuplicate
	}
	return ""
}
