package sqlport

import (
	"errors"
	"fmt"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// define runs CREATE, DROP and TRUNCATE.
func (ss *session) define(stmt lex.Statement, w *wire.Result) error {
	parsed, err := ddl.Parse(stmt)
	if err != nil {
		return err
	}
	if err := ss.server.sinceDefined(stmt, parsed); err != nil {
		return err
	}
	st := ss.server.st
	switch d := parsed.(type) {
	case *ddl.CreateDatabase:
		err = st.CreateDatabase(d.Name)
		if d.IfNotExists {
			err = unless[*store.DatabaseExists](err)
		}
	case *ddl.DropDatabase:
		err = st.DropDatabase(d.Name)
		if err != nil && !d.IfExists {
			return wire.Errorf(1008, "HY000", "Can't drop database '%s'; database doesn't exist", d.Name)
		}
		if err == nil {
			ss.server.ledger.DropDatabase(d.Name)
		}
		err = nil
		if ss.db() == d.Name {
			ss.base.SetCurrentDatabase("")
		}
	case *ddl.CreateTable:
		err = ss.create(d.DB, d.Name, d.IfNotExists, d.Schema)
	case *ddl.CreateTableLike:
		var like *store.Table
		if like, err = ss.table(d.LikeDB, d.LikeName); err == nil {
			err = ss.create(d.DB, d.Name, d.IfNotExists, like.Schema())
		}
	case *ddl.DropTable:
		var db string
		if db, err = ss.dbOr(d.DB); err == nil {
			if _, view := st.FindView(db, d.Name); view {
				return wrongObject(db, d.Name, "TABLE")
			}
			err = st.DropTable(db, d.Name)
			if d.IfExists {
				err = unless[*store.UnknownTable](err)
			}
		}
	case *ddl.Truncate:
		var t *store.Table
		if t, err = ss.table(d.DB, d.Name); err == nil {
			if d.Partitions == nil {
				t.Truncate()
			} else {
				err = t.TruncatePartitions(d.Partitions)
			}
		}
	case *ddl.Alter:
		err = ss.alter(d)
	case *ddl.CancelAlter:
		var t *store.Table
		if t, err = ss.table(d.DB, d.Name); err == nil {
			err = t.CancelAlter()
		}
	default:
		err = fmt.Errorf("statement %T", parsed)
	}
	if err != nil {
		return err
	}
	return w.OK(0, 0, "")
}

// unless drops an error of type E.
func unless[E error](err error) error {
	if e := *new(E); errors.As(err, &e) {
		return nil
	}
	return err
}

func (ss *session) create(db, name string, ifNot bool, s store.Schema) error {
	db, err := ss.dbOr(db)
	if err != nil {
		return err
	}
	if err := ss.server.st.CheckQuota(db); err != nil {
		return err
	}
	if err := ss.checkNew(&s); err != nil {
		return err
	}
	_, err = ss.server.st.CreateTable(db, name, s)
	if ifNot {
		err = unless[*store.TableExists](err)
	}
	return err
}

// dbOr returns db, or the current database when db is empty.
func (ss *session) dbOr(db string) (string, error) {
	if db == "" {
		db = ss.db()
	}
	if db == "" {
		return "", errNoDatabase
	}
	return db, nil
}

func (ss *session) table(db, name string) (*store.Table, error) {
	db, err := ss.dbOr(db)
	if err != nil {
		return nil, err
	}
	return ss.server.st.Table(db, name)
}
