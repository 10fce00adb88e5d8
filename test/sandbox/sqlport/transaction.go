package sqlport

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// transaction is what BEGIN opened in a session. Its statements gather rows, which
// COMMIT makes visible together; none of them sees what the others wrote.
type transaction struct {
	label   string
	txn     *ledger.Txn
	db      string // of the first table written to, empty before
	written []*store.Table
	batches []*store.Batch
	rows    int64
}

// change is what a statement does to a table.
type change struct {
	verb       string // insert, update or delete; starts the label made up for it
	label      string // of WITH LABEL
	table      *store.Table
	batch      *store.Batch
	overwrite  bool
	partitions []string // that an overwrite replaces, nil for all
	rows       uint64   // the statement says it touched
}

// Messages of explicit transactions. The number of errNotInTxn is a guess: no source
// at hand gives it.
var (
	errSameTable = wire.Errorf(5303, "25P01", "NOT allowed to read or write tables that have been subjected to DML operations before")
	errCrossDB   = wire.Errorf(5304, "25P01", "Cannot execute cross-database transactions. All DML target tables must belong to the same db")
	errNotInTxn  = wire.Errorf(5305, "25P01", "This statement is not supported in an explicit transaction. COMMIT or ROLLBACK first")
)

// txnMessage is the text behind the OK of a write.
func txnMessage(label, status string, id int64) string {
	return fmt.Sprintf("{'label':'%s', 'status':'%s', 'txnId':'%d'}", label, status, id)
}

// begin runs BEGIN and START TRANSACTION. Before 3.5 the server reads them and does
// nothing, and every statement stays a transaction of its own. A second BEGIN goes
// on with the transaction at hand.
func (ss *session) begin(c *lex.Cursor, w *wire.Result) error {
	if c.Try("start") {
		if err := c.Expect("transaction"); err != nil {
			return err
		}
		c.Try("with", "consistent", "snapshot")
	} else {
		c.Next()
		c.Try("work")
	}
	if err := c.End(); err != nil {
		return err
	}
	if !ss.server.release.AtLeast(3, 5) {
		return w.OK(0, 0, "")
	}
	if ss.txn == nil {
		ss.txn = &transaction{label: uuid.NewString()}
		if err := ss.register(ss.txn, ss.db(), ""); err != nil {
			ss.txn = nil
			return err
		}
	}
	return w.OK(0, 0, txnMessage(ss.txn.label, "PREPARE", ss.txn.txn.ID()))
}

// register enters a transaction into the ledger, where loads find its label.
func (ss *session) register(t *transaction, db, table string) error {
	o := ledger.Opening{DB: db, Label: t.label, Kind: ledger.Insert, Coordinator: ledger.Frontend, Timeout: ss.dmlTimeout(),
		User: ss.user(), Client: ss.host()}
	if table != "" {
		o.Tables = []string{table}
	}
	txn, err := ss.server.ledger.Begin(o)
	if err != nil {
		return wire.Errorf(1064, "42000", "%v", err)
	}
	t.txn = txn
	return nil
}

// dmlTimeout is how long a statement that writes may take: insert_timeout from 3.4
// on, query_timeout before.
func (ss *session) dmlTimeout() time.Duration {
	return time.Duration(ss.vars.number(ss.dmlTimeoutVariable())) * time.Second
}

func (ss *session) dmlTimeoutVariable() string {
	if ss.server.release.AtLeast(3, 4) {
		return "insert_timeout"
	}
	return "query_timeout"
}

// endTransaction runs COMMIT and ROLLBACK. Without a BEGIN they do nothing.
func (ss *session) endTransaction(c *lex.Cursor, w *wire.Result) error {
	commit := c.Next().Is("commit")
	c.Try("work")
	if err := c.End(); err != nil {
		return err
	}
	t := ss.txn
	if t == nil {
		return w.OK(0, 0, "")
	}
	ss.txn = nil
	if !commit {
		ss.server.ledger.Abort(t.txn, "rollback transaction by user")
		return w.OK(0, 0, txnMessage(t.label, "ABORTED", t.txn.ID()))
	}
	ss.server.ledger.SetOutcome(t.txn, ledger.Outcome{Rows: t.rows})
	_, err := ss.server.ledger.Commit(t.txn)
	if err == nil {
		err = ss.server.ledger.Publish(t.txn, func() error {
			return ss.server.st.Together(func() error { return ss.server.st.CommitAll(t.batches) })
		})
	}
	if err != nil {
		return err
	}
	return w.OK(0, 0, txnMessage(t.label, "VISIBLE", t.txn.ID()))
}

// abandon rolls back what a session leaves behind.
func (ss *session) abandon() {
	if ss.txn != nil {
		ss.server.ledger.Abort(ss.txn.txn, "connection closed")
		ss.txn = nil
	}
}

// write carries a change out, or keeps it for the COMMIT of the open transaction.
func (ss *session) write(ch change, w *wire.Result) error {
	if ss.txn != nil {
		return ss.txn.add(ss, ch, w)
	}
	t := &transaction{label: ch.label}
	if t.label == "" {
		t.label = ch.verb + "_" + uuid.NewString()
	}
	if err := ss.register(t, ch.table.DB(), ch.table.Name()); err != nil {
		return err
	}
	ss.server.ledger.SetOutcome(t.txn, ledger.Outcome{Rows: int64(ch.rows)})
	_, err := ss.server.ledger.Commit(t.txn)
	if err == nil {
		err = ss.server.ledger.Publish(t.txn, func() error {
			if ch.overwrite {
				return ch.table.Overwrite(ch.batch, ch.partitions)
			}
			return ch.table.Commit(ch.batch)
		})
	}
	if err != nil {
		ss.server.ledger.Abort(t.txn, err.Error())
		return err
	}
	return w.OK(ch.rows, 0, txnMessage(t.label, "VISIBLE", t.txn.ID()))
}

func (t *transaction) add(ss *session, ch change, w *wire.Result) error {
	if ch.overwrite || ch.verb != "insert" && !ss.server.release.AtLeast(4, 0) {
		return errNotInTxn
	}
	if t.db != "" && t.db != ch.table.DB() {
		return errCrossDB
	}
	if slices.Contains(t.written, ch.table) {
		return errSameTable
	}
	if t.db == "" && ss.db() != ch.table.DB() {
		// The ledger keeps labels by database, and BEGIN could not know which.
		ss.server.ledger.Abort(t.txn, "moved to database "+ch.table.DB())
		if err := ss.register(t, ch.table.DB(), ch.table.Name()); err != nil {
			return err
		}
	}
	t.db, t.written, t.batches = ch.table.DB(), append(t.written, ch.table), append(t.batches, ch.batch)
	t.rows += int64(ch.rows)
	return w.OK(ch.rows, 0, txnMessage(t.label, "PREPARE", t.txn.ID()))
}

// inTransaction says whether a statement may run now. An open transaction takes
// queries, writes, SET and SHOW.
func (ss *session) inTransaction(verb string) error {
	if ss.txn == nil {
		return nil
	}
	switch verb {
	case "select", "with", "(", "insert", "update", "delete", "set", "show", "begin", "start", "commit", "rollback", "use", "desc", "describe", "explain", "kill":
		return nil
	}
	return errNotInTxn
}

// reads checks a statement that writes from what a query finds: the tables it reads
// may not be among those the open transaction wrote.
func (ss *session) reads(tables []*store.Table) error {
	if ss.txn == nil {
		return nil
	}
	for _, t := range tables {
		if slices.Contains(ss.txn.written, t) {
			return errSameTable
		}
	}
	return nil
}

var errTxnModel = errors.New("DELETE in an explicit transaction takes a Primary Key table here; delete outside of the transaction")
