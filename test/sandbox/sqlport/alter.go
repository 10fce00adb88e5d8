package sqlport

import (
	"errors"
	"fmt"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// alter runs ALTER TABLE. Column changes go on after the statement; see
// SHOW ALTER TABLE COLUMN.
func (ss *session) alter(d *ddl.Alter) error {
	t, err := ss.table(d.DB, d.Name)
	if err != nil {
		return err
	}
	for _, c := range d.Clauses {
		if err := ss.alterClause(t, c); err != nil {
			return alterError(err)
		}
	}
	return nil
}

func (ss *session) alterClause(t *store.Table, c ddl.Clause) error {
	st := ss.server.st
	switch c := c.(type) {
	case *ddl.Changes:
		for _, change := range c.List {
			add, ok := change.(store.AddColumn)
			if !ok || add.Column.Generated == nil {
				continue
			}
			have := t.Schema()
			if err := ss.server.checkGenerated(&have, &add.Column); err != nil {
				return err
			}
		}
		return t.AlterColumns(c.List...)
	case *ddl.RenameColumn:
		// The statement came with a patch release of 3.3; the line stands for it.
		if !ss.server.atLeast(3, 3) {
			return wire.Errorf(1064, "42000", "Getting syntax error. Detail message: Unexpected input 'COLUMN', the most similar input is {'ROLLUP', 'PARTITION'}.")
		}
		return t.RenameColumn(c.From, c.To)
	case *ddl.Rename:
		return st.RenameTable(t.DB(), t.Name(), c.To)
	case *ddl.Swap:
		return st.SwapTables(t.DB(), t.Name(), c.With)
	case *ddl.SetProperties:
		return ss.setProperties(t, c.Properties)
	case *ddl.AddIndex:
		return t.AddIndex(c.Index)
	case *ddl.DropIndex:
		return t.DropIndex(c.Name)
	case *ddl.SetComment:
		return t.SetComment(c.Text)
	case *ddl.AddPartitions:
		return t.AddPartitions(c.Defs, c.Temporary, c.IfNotExists)
	case *ddl.DropPartitions:
		return t.DropPartitions(c.Names, c.Temporary, c.IfExists)
	case *ddl.TruncatePartitions:
		return t.TruncatePartitions(c.Names)
	case *ddl.RenamePartition:
		return t.RenamePartition(c.From, c.To)
	case *ddl.ReplacePartitions:
		return t.ReplacePartitions(c.Names, c.With, c.Strict, c.UseTemporaryName)
	}
	return fmt.Errorf("clause %T", c)
}

// alterError gives the errors of ALTER TABLE their MySQL numbers.
func alterError(err error) error {
	var same *store.SamePartitionName
	var missing *store.MissingPartition
	switch {
	case errors.As(err, &same):
		return wire.Errorf(1517, "HY000", "Getting analyzing error. Detail message: %v.", same)
	case errors.As(err, &missing):
		return wire.Errorf(1507, "HY000", "Getting analyzing error. Detail message: %v.", missing)
	}
	return err
}
