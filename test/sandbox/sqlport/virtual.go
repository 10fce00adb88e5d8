package sqlport

import (
	"context"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// virtualTable is a table whose rows are made when it is read: one of
// information_schema, or the answer of a SHOW statement. Values are string, int64
// or nil.
type virtualTable struct {
	name string
	db   string
	cols []virtualColumn
	rows func(ctx context.Context) ([][]any, error)
}

type virtualColumn struct {
	name   string
	number bool
}

// columnsOf reads a compact list of columns: names parted by blanks, a # behind
// the name of a BIGINT column.
func columnsOf(list string) []virtualColumn {
	var cols []virtualColumn
	for _, n := range strings.Fields(list) {
		name, number := strings.CutSuffix(n, "#")
		cols = append(cols, virtualColumn{name: name, number: number})
	}
	return cols
}

var _ sql.Table = (*virtualTable)(nil)

func (t *virtualTable) Name() string               { return t.name }
func (t *virtualTable) String() string             { return t.name }
func (t *virtualTable) Collation() sql.CollationID { return sql.Collation_Default }

func (t *virtualTable) Schema() sql.Schema {
	s := make(sql.Schema, len(t.cols))
	for i, c := range t.cols {
		s[i] = &sql.Column{Name: c.name, Type: types.LongText, Nullable: true, Source: t.name, DatabaseSource: t.db}
		if c.number {
			s[i].Type = types.Int64
		}
	}
	return s
}

func (t *virtualTable) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return sql.PartitionsToPartitionIter(onePartition{}), nil
}

func (t *virtualTable) PartitionRows(ctx *sql.Context, _ sql.Partition) (sql.RowIter, error) {
	list, err := t.rows(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]sql.Row, len(list))
	for i, r := range list {
		rows[i] = sql.Row(r)
	}
	return sql.RowsToRowIter(rows...), nil
}

// virtualDB is a database of virtual tables. Names of tables ignore case.
type virtualDB struct {
	name   string
	tables []*virtualTable
}

var _ sql.Database = (*virtualDB)(nil)

func (d *virtualDB) Name() string { return d.name }

func (d *virtualDB) GetTableNames(*sql.Context) ([]string, error) {
	var names []string
	for _, t := range d.tables {
		names = append(names, t.name)
	}
	return names, nil
}

func (d *virtualDB) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	t := d.find(name)
	if t == nil {
		return nil, false, &store.UnknownTable{Database: d.name, Table: name}
	}
	return t, true, nil
}

func (d *virtualDB) find(name string) *virtualTable {
	for _, t := range d.tables {
		if strings.EqualFold(t.name, name) {
			return t
		}
	}
	return nil
}
