// Package resultset runs a text query on a connection that go-sql-driver has opened, and reads the rows of its answer straight
// from the bytes of the packets: no value is boxed, nothing is allocated for a row. The driver does the handshake, the login,
// TLS and every other statement; between two statements of its own nothing of the server is under way, so that the
// connection can be lent (decision 0012).
//
// Protocol: "Text Protocol" in the MySQL developer documentation, "Result Set Packets" in that of MariaDB.
package resultset

import (
	"encoding/binary"
	"net"
	"sync/atomic"
)

// Conn is the connection under one of the driver: it goes into the DialFunc of the driver's settings. It learns from the
// driver's first packet what client and server have agreed on.
type Conn struct {
	net.Conn
	greeted  bool // the first packet of the driver has gone
	agreed   uint32
	extended uint32 // of MariaDB
	broken   atomic.Bool
	in       *buffer // made by the first query
}

// New watches a connection that nothing has been sent on.
func New(c net.Conn) *Conn { return &Conn{Conn: c} }

// What is agreed on. Flags: "Capabilities Flags" of the protocol.
const (
	clientMySQL        = 1 << 0 // not set: the other side may have extended flags
	clientCompress     = 1 << 5
	clientProtocol41   = 1 << 9
	clientTLS          = 1 << 11
	clientDeprecateEOF = 1 << 24
	clientZstd         = 1 << 26

	extendedCacheMetadata = 1 << 4
)

// Write serves net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	if !c.greeted {
		c.greeted = true
		// Head 4, flags 4, size 4, character set 1, filler 23, the last 4 of which are MariaDB's.
		if len(p) >= 36 {
			c.agreed = binary.LittleEndian.Uint32(p[4:])
			if c.agreed&clientMySQL == 0 {
				c.extended = binary.LittleEndian.Uint32(p[32:])
			}
		}
	}
	return c.Conn.Write(p)
}

// Plain tells whether the packets on the connection are what the server says, neither encrypted nor compressed. On others
// the rows must be read through the driver.
func (c *Conn) Plain() bool {
	return c.agreed&clientProtocol41 != 0 && c.agreed&(clientTLS|clientCompress|clientZstd) == 0 && !c.broken.Load()
}

// Usable tells whether the driver may go on with the connection.
func (c *Conn) Usable() bool { return !c.broken.Load() }

// Abort gives the connection up: whatever waits for it gets an error. It may be called at any time.
func (c *Conn) Abort() {
	c.broken.Store(true)
	_ = c.Conn.Close()
}
