// Package wire is the server side of the MySQL client protocol, as far as a
// StarRocks frontend speaks it: protocol 4.1, mysql_native_password, the text
// and the binary result format, several statements in one request.
//
// It knows frames, not SQL: a Handler opens one Session per connection, and the
// session answers statements through a Result.
package wire

import (
	"context"
	"fmt"
)

// Error is an error as the client sees it. Anything else that a Session
// returns reaches the client as code 1105.
type Error struct {
	Code    uint16
	State   string // five characters; empty means HY000
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("Error %d (%s): %s", e.Code, e.state(), e.Message) }

func (e *Error) state() string {
	if len(e.State) != 5 {
		return "HY000"
	}
	return e.State
}

// Errorf makes an Error with a formatted message.
func Errorf(code uint16, state, format string, args ...any) *Error {
	return &Error{Code: code, State: state, Message: fmt.Sprintf(format, args...)}
}

// Handler supplies what the protocol needs from its server. Its methods are
// called from many connections at once.
type Handler interface {
	// Password returns the clear password of a user, or its hash: a star and 40
	// hexadecimal digits, as PASSWORD() makes it. False means no such user.
	Password(user string) (string, bool)
	// Open starts the session of an authenticated connection.
	Open(c *Conn) Session
}

// Session is one connection's state. Its methods are called one at a time, by
// the goroutine that serves the connection. The context of a call ends when the
// statement is killed, when the connection is, or when the server closes.
type Session interface {
	// Use makes db the current database.
	Use(ctx context.Context, db string) error
	// Query runs everything in text and writes one result per statement.
	Query(ctx context.Context, text string, w *Result) error
	// Prepare checks a statement for server-side execution.
	Prepare(ctx context.Context, text string) (Prepared, error)
	// Fields describes the columns of a table, for an old listing command.
	Fields(ctx context.Context, table string) ([]Column, error)
	// Execute runs a prepared statement with its parameters in place.
	Execute(ctx context.Context, p Prepared, args []Arg, w *Result) error
	// Reset returns the session to the state it had after Open.
	Reset()
	// Close is the last call.
	Close()
}

// Prepared is a statement that a session accepted. Columns may be empty when
// they are not known before execution.
type Prepared struct {
	Text    string
	Params  int
	Columns []Column
}

// Arg is one parameter of an executed statement: NULL, a number as text that
// needs no quotes, or bytes that do.
type Arg struct {
	Null   bool
	Number bool
	Text   []byte
}

// Column types as the protocol numbers them.
const (
	TypeTiny       byte = 0x01
	TypeShort      byte = 0x02
	TypeLong       byte = 0x03
	TypeFloat      byte = 0x04
	TypeDouble     byte = 0x05
	TypeNull       byte = 0x06
	TypeTimestamp  byte = 0x07
	TypeLongLong   byte = 0x08
	TypeInt24      byte = 0x09
	TypeDate       byte = 0x0a
	TypeTime       byte = 0x0b
	TypeDateTime   byte = 0x0c
	TypeYear       byte = 0x0d
	TypeVarchar    byte = 0x0f
	TypeNewDecimal byte = 0xf6
	TypeBlob       byte = 0xfc
	TypeVarString  byte = 0xfd
	TypeString     byte = 0xfe
)

// Character sets that a column definition may name.
const (
	CharsetUTF8   uint16 = 33
	CharsetBinary uint16 = 63
)

// Column describes one column of a result.
type Column struct {
	DB, Table, Name string
	Type            byte
	Charset         uint16
	Length          uint32 // bytes of the longest text
	Flags           uint16
	Decimals        byte
}

func (c Column) definition(b []byte) []byte {
	b = appendLenEncString(b, "def")
	b = appendLenEncString(b, c.DB)
	b = appendLenEncString(b, c.Table)
	b = appendLenEncString(b, c.Table)
	b = appendLenEncString(b, c.Name)
	b = appendLenEncString(b, c.Name)
	return append(b, 0x0c,
		byte(c.Charset), byte(c.Charset>>8),
		byte(c.Length), byte(c.Length>>8), byte(c.Length>>16), byte(c.Length>>24),
		c.Type, byte(c.Flags), byte(c.Flags>>8), c.Decimals, 0, 0)
}
