package sqlread

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"
	"github.com/gx-etl/gx/plugins/sqlread/resultset"
)

// answer is the result of a query, as bytes of the text protocol; nil is NULL.
type answer interface {
	Columns() int
	// Next reads a row; the values are valid until the next call. io.EOF: there are no more.
	Next(values [][]byte) error
}

// lender opens connections of the driver that know the network connection they stand on.
type lender struct{ driver.Connector }

// dialed is the key of the place in a context where the network connection goes.
type dialed struct{}

// lend makes the driver's connector one whose connections are lent.
func lend(cfg *mysql.Config) (driver.Connector, error) {
	var dialer net.Dialer
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		wire := resultset.New(c)
		if place, ok := ctx.Value(dialed{}).(**resultset.Conn); ok {
			*place = wire
		}
		return wire, nil
	}
	c, err := mysql.NewConnector(cfg)
	return lender{c}, err
}

// Connect serves driver.Connector.
func (l lender) Connect(ctx context.Context) (driver.Conn, error) {
	var wire *resultset.Conn
	c, err := l.Connector.Connect(context.WithValue(ctx, dialed{}, &wire))
	if err != nil {
		return nil, err
	}
	full, ok := c.(driverConn)
	if !ok || wire == nil {
		_ = c.Close()
		return nil, errors.New("the driver has not opened a connection of the kind that it did")
	}
	return &lent{full, wire}, nil
}

// driverConn is all that a connection of the driver can do for database/sql.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// lent is a connection of the driver that can be taken from under it between two statements.
type lent struct {
	driverConn
	wire *resultset.Conn
}

// IsValid serves driver.Validator.
func (l *lent) IsValid() bool { return l.wire.Usable() && l.driverConn.IsValid() }

// ask runs a query and gives its rows, until ctx ends. The function that it gives as well must be called after the last row:
// it ends the watch of ctx, and closes what is still open.
func (l *lent) ask(ctx context.Context, query string, s *settings) (answer, func(), error) {
	if !l.wire.Plain() || s.throughDriver {
		rows, err := l.QueryContext(ctx, query, nil)
		if err != nil {
			return nil, nil, err
		}
		// After the last row Close says nothing; before it, the connection is dropped with its context.
		return newBoxed(rows), func() { _ = rows.Close() }, nil
	}
	gone := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(gone)
		l.wire.Abort()
	})
	end := func() {
		if !stop() {
			<-gone
		}
	}
	rows, err := l.wire.Query(query, s.patience())
	if err != nil {
		end()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, nil, err
	}
	return rows, end, nil
}

// boxed are the rows of the driver, for connections whose packets cannot be seen. Numbers are written as text again, so
// that there is one way only from bytes to Arrow; a DOUBLE in a dirty record may so be 1e+25 where the server wrote 1e25.
type boxed struct {
	rows   driver.Rows
	values []driver.Value
	texts  [][]byte
}

func newBoxed(rows driver.Rows) *boxed {
	n := len(rows.Columns())
	return &boxed{rows, make([]driver.Value, n), make([][]byte, n)}
}

// Columns serves answer.
func (b *boxed) Columns() int { return len(b.values) }

// Next serves answer.
func (b *boxed) Next(values [][]byte) error {
	if err := b.rows.Next(b.values); err != nil {
		return err
	}
	for i, v := range b.values {
		text := b.texts[i][:0]
		switch v := v.(type) {
		case nil:
			values[i] = nil
			continue
		case []byte:
			if values[i] = v; v == nil {
				values[i] = []byte{}
			}
			continue
		case int64:
			text = strconv.AppendInt(text, v, 10)
		case uint64:
			text = strconv.AppendUint(text, v, 10)
		case float32:
			text = strconv.AppendFloat(text, float64(v), 'g', -1, 32)
		case float64:
			text = strconv.AppendFloat(text, v, 'g', -1, 64)
		default:
			text = fmt.Append(text, v)
		}
		b.texts[i], values[i] = text, text
	}
	return nil
}
