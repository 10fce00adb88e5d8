// Package drain takes the rows of a query from a server that speaks the MySQL protocol and forgets them, as a client that
// does as little as can be done and through go-sql-driver: what a reader of tables needs beyond that is its own price.
package drain

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Result is what came.
type Result struct {
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`   // of packets with their heads, or of values
	Seconds float64 `json:"seconds"` // from sending the query to the end of its answer
}

// Packets sends a query as root without a password and counts the packets of its answer, without looking into them:
// what a client costs is mostly what it makes of the values.
func Packets(ctx context.Context, addr, query string) (Result, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = c.Close() }()
	d := &drainer{conn: c, in: bufio.NewReaderSize(c, 256<<10)}
	if err := d.login(); err != nil {
		return Result{}, fmt.Errorf("login: %w", err)
	}
	began := time.Now()
	if err := d.send(append([]byte{3}, query...), 0); err != nil {
		return Result{}, err
	}
	if err := d.rows(); err != nil {
		return Result{}, fmt.Errorf("%s: %w", query, err)
	}
	d.out.Seconds = time.Since(began).Seconds()
	return d.out, nil
}

type drainer struct {
	conn net.Conn
	in   *bufio.Reader
	out  Result
}

const (
	protocol41       = 1 << 9
	secureConnection = 1 << 15
	pluginAuth       = 1 << 19
)

func (d *drainer) login() error {
	if _, err := d.packet(); err != nil { // the greeting
		return err
	}
	reply := binary.LittleEndian.AppendUint32(nil, protocol41|secureConnection|pluginAuth)
	reply = binary.LittleEndian.AppendUint32(reply, 1<<24-1)
	reply = append(reply, 33) // utf8
	reply = append(reply, make([]byte, 23)...)
	reply = append(reply, "root\x00\x00mysql_native_password\x00"...)
	if err := d.send(reply, 1); err != nil {
		return err
	}
	head, err := d.packet()
	if err == nil && head != 0 {
		err = fmt.Errorf("the server answers with a packet of type %#x", head)
	}
	return err
}

func (d *drainer) send(payload []byte, seq byte) error {
	n := len(payload)
	_, err := d.conn.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, payload...))
	return err
}

// end is the type of the packets after the columns and after the rows; rows never begin with it, for none has a value
// of 16 MiB.
const end = 0xfe

// packet skips a packet and returns its first byte.
func (d *drainer) packet() (byte, error) {
	head, err := d.in.Peek(5)
	if err != nil {
		return 0, err
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	kind := head[4]
	if kind == 0xff {
		text := make([]byte, 4+n)
		_, err := io.ReadFull(d.in, text)
		return kind, errors.Join(fmt.Errorf("error %d: %s", binary.LittleEndian.Uint16(text[5:]), text[7:]), err)
	}
	d.out.Bytes += int64(4 + n)
	_, err = d.in.Discard(4 + n)
	return kind, err
}

// rows counts the packets from behind the columns to the end.
func (d *drainer) rows() error {
	d.out = Result{}
	for ends := 0; ends < 2; {
		kind, err := d.packet()
		switch {
		case err != nil:
			return err
		case kind == end:
			ends++
		case ends == 1:
			d.out.Rows++
		}
	}
	return nil
}
