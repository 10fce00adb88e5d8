package resultset

import (
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	bufferSize = 128 << 10    // read at once
	keepAtMost = 1 << 20      // a buffer that grew beyond this for one row is not kept
	fullPacket = 1<<24 - 1    // a packet of this length is continued by the next one
	mostRow    = 1<<30 + 1024 // the most that max_allowed_packet can be set to, and a head
)

// errMalformed is an answer that breaks the protocol.
var errMalformed = errors.New("the server's answer breaks the protocol")

// buffer cuts what arrives into packets.
type buffer struct {
	from   io.Reader
	ready  func() error // called before each read
	buf    []byte
	r, w   int  // what has come and was not taken is buf[r:w]
	seq    byte // of the next packet
	astray bool // a refusal came out of order: the connection is at its end
	joined []byte
}

// packet gives the payload of the next packet, joined when it was cut. It is valid until the next call.
func (b *buffer) packet() ([]byte, error) {
	// By far most packets are in the buffer and end there.
	if have := b.buf[b.r:b.w]; len(have) >= 4 {
		if n := int(have[0]) | int(have[1])<<8 | int(have[2])<<16; n < fullPacket && len(have)-4 >= n && have[3] == b.seq {
			b.r += 4 + n
			b.seq++
			return have[4 : 4+n : 4+n], nil
		}
	}
	first, err := b.part()
	if err != nil || len(first) < fullPacket {
		return first, err
	}
	b.joined = append(b.joined[:0], first...)
	for {
		next, err := b.part()
		if err != nil {
			return nil, err
		}
		if len(b.joined)+len(next) > mostRow {
			return nil, fmt.Errorf("%w: a row of more than %d bytes", errMalformed, mostRow)
		}
		b.joined = append(b.joined, next...)
		if len(next) < fullPacket {
			whole := b.joined
			if cap(whole) > keepAtMost {
				b.joined = nil
			}
			return whole, nil
		}
	}
}

// part is one packet as it stands on the wire.
func (b *buffer) part() ([]byte, error) {
	if err := b.need(4); err != nil {
		return nil, err
	}
	head := b.buf[b.r : b.r+4]
	n, seq := int(head[0])|int(head[1])<<8|int(head[2])<<16, head[3]
	if seq != b.seq {
		// A server that gives a client up, such as one that shuts down, may not count the packet in which it says so.
		if n == 0 || n > bufferSize {
			return nil, outOfOrder(seq, b.seq)
		}
		if err := b.need(5); err != nil {
			return nil, err
		}
		if b.buf[b.r+4] != markError {
			return nil, outOfOrder(seq, b.seq)
		}
		b.astray = true
	}
	b.r += 4
	b.seq++
	if err := b.need(n); err != nil {
		return nil, err
	}
	b.r += n
	return b.buf[b.r-n : b.r : b.r], nil
}

func outOfOrder(got, want byte) error {
	return fmt.Errorf("%w: packet %d came in place of %d", errMalformed, got, want)
}

// need waits until n bytes are there.
func (b *buffer) need(n int) error {
	if b.w-b.r >= n {
		return nil
	}
	if b.r > 0 {
		b.w = copy(b.buf, b.buf[b.r:b.w])
		b.r = 0
	}
	switch {
	case n > len(b.buf):
		// Grown as the bytes come: a head may promise what never follows.
		b.buf = append(make([]byte, 0, min(n, max(2*len(b.buf), bufferSize))), b.buf[:b.w]...)
		b.buf = b.buf[:cap(b.buf)]
	case len(b.buf) > keepAtMost && n <= bufferSize && b.w <= bufferSize:
		b.buf = append(make([]byte, 0, bufferSize), b.buf[:b.w]...)[:bufferSize]
	}
	for b.w < n {
		if b.w == len(b.buf) {
			b.buf = append(b.buf, make([]byte, min(n-b.w, len(b.buf)))...)
		}
		if err := b.ready(); err != nil {
			return err
		}
		got, err := b.from.Read(b.buf[b.w:])
		b.w += got
		if err != nil && b.w < n {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// begin makes the buffer ready for the answer to a statement.
func (b *buffer) begin() { b.seq = 1 }

// deadline sets the time until which a read may last.
func (c *Conn) deadline(patience time.Duration) func() error {
	return func() error {
		if patience <= 0 {
			return nil
		}
		return c.Conn.SetReadDeadline(time.Now().Add(patience))
	}
}
