package resultset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Rows are the rows of an answer.
type Rows struct {
	conn    *Conn
	in      *buffer
	columns int
	done    bool
}

// Query sends a statement and reads up to its first row. A read of the answer may wait for as long as patience says, 0 is for ever. What the
// server refuses is a *mysql.MySQLError, as the driver would give it; after any other error the connection is broken.
func (c *Conn) Query(statement string, patience time.Duration) (*Rows, error) {
	if !c.Plain() {
		return nil, errors.New("not a connection whose packets can be read")
	}
	if len(statement)+1 >= fullPacket {
		return nil, fmt.Errorf("a statement of %d bytes is too long", len(statement))
	}
	if c.in == nil {
		c.in = &buffer{from: c.Conn, buf: make([]byte, bufferSize)}
	}
	c.in.ready = c.deadline(patience)
	const query = 3
	n := len(statement) + 1
	command := append(append(make([]byte, 0, 4+n), byte(n), byte(n>>8), byte(n>>16), 0, query), statement...)
	r := &Rows{conn: c, in: c.in}
	var err error
	if patience > 0 {
		err = c.Conn.SetWriteDeadline(time.Now().Add(patience))
	}
	if err == nil {
		_, err = c.Conn.Write(command)
	}
	if err == nil {
		c.in.begin()
		err = r.head()
	}
	if err != nil {
		return nil, r.failed(err)
	}
	return r, nil
}

// First bytes of packets that are no row.
const (
	markOK    = 0x00
	markNull  = 0xfb // of a value; of an answer: the server asks for a local file
	markEnd   = 0xfe
	markError = 0xff
)

// head reads what stands before the rows.
func (r *Rows) head() error {
	p, err := r.in.packet()
	if err != nil {
		return err
	}
	switch {
	case len(p) == 0:
		return errMalformed
	case p[0] == markError:
		return refused(p)
	case p[0] == markOK:
		return fmt.Errorf("%w: no result", errMalformed)
	case p[0] == markNull:
		return fmt.Errorf("%w: it asks for a local file", errMalformed)
	}
	n, size := length(p)
	if size == 0 || n < 1 || n > 1<<16 {
		return fmt.Errorf("%w: %d columns", errMalformed, n)
	}
	if r.conn.extended&extendedCacheMetadata != 0 && (len(p) <= size || p[size] == 0) {
		return fmt.Errorf("%w: the columns are not described", errMalformed)
	}
	r.columns = int(n)
	skip := r.columns
	if r.conn.agreed&clientDeprecateEOF == 0 {
		skip++
	}
	for range skip {
		if p, err = r.in.packet(); err != nil {
			return err
		}
		if len(p) > 0 && p[0] == markError {
			return refused(p)
		}
	}
	return nil
}

// Columns is the number of values of each row.
func (r *Rows) Columns() int { return r.columns }

// Next reads a row into values, one for each column: the bytes of the text protocol, valid until the next call; nil is NULL.
// io.EOF: there are no more, and the driver may have the connection again.
func (r *Rows) Next(values [][]byte) error {
	if r.done {
		return io.EOF
	}
	p, err := r.in.packet()
	if err != nil {
		return r.failed(err)
	}
	if len(p) > 0 && p[0] >= markEnd {
		if p[0] == markError {
			return r.failed(refused(p))
		}
		if len(p) < fullPacket { // else a row whose first value is longer than a packet
			return r.end(p)
		}
	}
	at := 0
	for i := range values {
		if at >= len(p) {
			return r.failed(errMalformed)
		}
		// A length of one byte, which most have.
		n, size := uint64(p[at]), 1
		if n >= markNull {
			if n == markNull {
				values[i] = nil
				at++
				continue
			}
			if n, size = length(p[at:]); size == 0 {
				return r.failed(errMalformed)
			}
		}
		at += size
		if n > uint64(len(p)-at) {
			return r.failed(errMalformed)
		}
		values[i] = p[at : at+int(n) : at+int(n)]
		at += int(n)
	}
	if at != len(p) {
		return r.failed(errMalformed)
	}
	return nil
}

// moreResults is the flag of the status that says that another answer follows.
const moreResults = 8

// end reads the packet after the last row.
func (r *Rows) end(p []byte) error {
	r.done = true
	rest := p[1:]
	if r.conn.agreed&clientDeprecateEOF != 0 { // affected rows and the last id stand before the status
		for range 2 {
			_, size := length(rest)
			if size == 0 {
				return r.failed(errMalformed)
			}
			rest = rest[size:]
		}
	} else if len(rest) >= 2 {
		rest = rest[2:] // warnings
	}
	if len(rest) < 2 {
		return r.failed(errMalformed)
	}
	if binary.LittleEndian.Uint16(rest)&moreResults != 0 || r.in.r != r.in.w {
		r.conn.Abort() // the rows are whole; what follows is for nobody
	}
	return io.EOF
}

// failed ends the reading. After what the server has refused it waits for the next statement; after anything else nobody knows
// where in its answer it is.
func (r *Rows) failed(err error) error {
	r.done = true
	var answer *mysql.MySQLError
	if !errors.As(err, &answer) || r.in.astray || r.in.r != r.in.w {
		r.conn.Abort()
	}
	return err
}

// refused reads an error packet.
func refused(p []byte) error {
	if len(p) < 3 {
		return errMalformed
	}
	e := &mysql.MySQLError{Number: binary.LittleEndian.Uint16(p[1:])}
	text := p[3:]
	if len(text) >= 6 && text[0] == '#' {
		copy(e.SQLState[:], text[1:6])
		text = text[6:]
	}
	e.Message = string(text)
	return e
}

// length reads a length-encoded number; size is that of the number itself, 0 when there is none.
func length(p []byte) (n uint64, size int) {
	if len(p) == 0 {
		return 0, 0
	}
	switch p[0] {
	case 0xfc:
		size = 3
	case 0xfd:
		size = 4
	case 0xfe:
		size = 9
	case markNull, markError:
		return 0, 0
	default:
		return uint64(p[0]), 1
	}
	if len(p) < size {
		return 0, 0
	}
	for i := size - 1; i > 0; i-- {
		n = n<<8 | uint64(p[i])
	}
	return n, size
}
