package sqlport

import (
	"context"
	"io"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// table is a store table as the query engine sees it: one snapshot, some of the
// columns. It is immutable; projection makes another one over the same snapshot.
type table struct {
	t       *store.Table
	snap    *store.Snapshot
	full    sql.Schema // of all columns
	project []int      // columns to read, nil for all
	names   []string   // of the projected columns, nil for all
}

var (
	_ sql.ProjectedTable  = (*table)(nil)
	_ sql.PrimaryKeyTable = (*table)(nil)
)

func newTable(t *store.Table) *table {
	snap := t.Snapshot()
	s := snap.Schema()
	tab := &table{t: t, snap: snap, full: make(sql.Schema, len(s.Columns))}
	for i, c := range s.Columns {
		tab.full[i] = &sql.Column{
			Name: c.Name, Type: builtin.SQLType(c.Type), Nullable: c.Nullable, Source: t.Name(), DatabaseSource: t.DB(),
			PrimaryKey: s.Model == store.Primary && c.Key, Comment: c.Comment,
		}
	}
	return tab
}

func (t *table) Name() string               { return t.t.Name() }
func (t *table) String() string             { return t.t.Name() }
func (t *table) Collation() sql.CollationID { return sql.Collation_Default }
func (t *table) Projections() []string      { return t.names }

// PrimaryKeySchema gives the engine all columns, also of a projected table: it
// numbers columns by it.
func (t *table) PrimaryKeySchema() sql.PrimaryKeySchema { return sql.NewPrimaryKeySchema(t.full) }

func (t *table) Schema() sql.Schema {
	if t.project == nil {
		return t.full
	}
	s := make(sql.Schema, len(t.project))
	for i, c := range t.project {
		s[i] = t.full[c]
	}
	return s
}

// columns returns the store columns behind the schema.
func (t *table) columns() []int {
	if t.project != nil {
		return t.project
	}
	all := make([]int, len(t.full))
	for i := range all {
		all[i] = i
	}
	return all
}

func (t *table) WithProjections(names []string) sql.Table {
	n := *t
	n.names, n.project = names, make([]int, 0, len(names))
	for _, name := range names {
		n.project = append(n.project, t.full.IndexOfColName(name))
	}
	return &n
}

// onePartition is the only partition of every table here.
type onePartition struct{}

func (onePartition) Key() []byte { return []byte{0} }

func (t *table) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return sql.PartitionsToPartitionIter(onePartition{}), nil
}

func (t *table) PartitionRows(ctx *sql.Context, _ sql.Partition) (sql.RowIter, error) {
	return newRows(ctx, t, t.columns()), nil
}

// rows reads a snapshot row by row, in engine values.
type rows struct {
	cur  *reader
	conv []func(any) any
	raw  []any
}

func newRows(ctx context.Context, t *table, columns []int) *rows {
	r := &rows{cur: newReader(ctx, t, columns), raw: make([]any, len(columns))}
	schema := t.snap.Schema()
	for _, c := range columns {
		r.conv = append(r.conv, builtin.ToEngine(schema.Columns[c].Type))
	}
	return r
}

func (r *rows) Next(*sql.Context) (sql.Row, error) {
	ok, err := r.cur.next(r.raw)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, io.EOF
	}
	row := make(sql.Row, len(r.raw))
	for i, v := range r.raw {
		if v != nil && r.conv[i] != nil {
			v = r.conv[i](v)
		}
		row[i] = v
	}
	return row, nil
}

func (r *rows) Close(*sql.Context) error { return nil }

// reader reads canonical values, and looks at its context now and then.
type reader struct {
	ctx context.Context
	cur *store.Cursor
	n   int
}

func newReader(ctx context.Context, t *table, columns []int) *reader {
	return &reader{ctx: ctx, cur: t.snap.Cursor(append([]int{}, columns...))}
}

func (r *reader) next(dst []any) (bool, error) {
	if r.n++; r.n&1023 == 0 {
		if err := r.ctx.Err(); err != nil {
			return false, err
		}
	}
	return r.cur.Next(dst), nil
}
