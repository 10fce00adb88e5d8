package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// maxPayload is the largest payload of one packet; a longer message is a run of
// full packets closed by a shorter one, possibly empty.
const maxPayload = 1<<24 - 1

// errTooBig reports a message over the reader's limit. The rest of the message
// has not been read, so the connection cannot be used any more.
var errTooBig = errors.New("message over max_allowed_packet")

// packets frames messages on one connection. One goroutine at a time.
type packets struct {
	r     *bufio.Reader
	w     *bufio.Writer
	pace  *paced
	seq   byte
	limit int
	in    []byte // the last message read; valid until the next read
}

func newPackets(c net.Conn, limit int) *packets {
	pace := &paced{Conn: c}
	return &packets{r: bufio.NewReaderSize(c, 16<<10), w: bufio.NewWriterSize(pace, 64<<10), pace: pace, limit: limit}
}

// read returns the next whole message. The slice is reused by the next call.
func (p *packets) read() ([]byte, error) {
	p.in = p.in[:0]
	for {
		var head [4]byte
		if _, err := io.ReadFull(p.r, head[:]); err != nil {
			return nil, err
		}
		n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
		if head[3] != p.seq {
			return nil, fmt.Errorf("packet out of order: sequence %d, expected %d", head[3], p.seq)
		}
		p.seq++
		at := len(p.in)
		if at+n > p.limit {
			return nil, errTooBig
		}
		p.in = append(p.in, make([]byte, n)...)
		if _, err := io.ReadFull(p.r, p.in[at:]); err != nil {
			return nil, err
		}
		if n < maxPayload {
			return p.in, nil
		}
	}
}

// write frames one message into the output buffer; flush sends it.
func (p *packets) write(msg []byte) error {
	for {
		n := min(len(msg), maxPayload)
		head := [4]byte{byte(n), byte(n >> 8), byte(n >> 16), p.seq}
		p.seq++
		if _, err := p.w.Write(head[:]); err != nil {
			return err
		}
		if _, err := p.w.Write(msg[:n]); err != nil {
			return err
		}
		msg = msg[n:]
		if n < maxPayload {
			return nil
		}
	}
}

func (p *packets) flush() error { return p.w.Flush() }

func appendLenEnc(b []byte, n uint64) []byte {
	switch {
	case n < 251:
		return append(b, byte(n))
	case n < 1<<16:
		return append(b, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	default:
		return binary.LittleEndian.AppendUint64(append(b, 0xfe), n)
	}
}

func appendLenEncString[T string | []byte](b []byte, s T) []byte {
	return append(appendLenEnc(b, uint64(len(s))), s...)
}

// fields reads the parts of a message that a client sent. After the first
// short read every later one fails too, so callers check err once.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) take(n int) []byte {
	if f.bad || n < 0 || n > len(f.b) {
		f.bad = true
		return nil
	}
	v := f.b[:n]
	f.b = f.b[n:]
	return v
}

func (f *fields) uint8() byte {
	if v := f.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (f *fields) uint16() uint16 {
	if v := f.take(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (f *fields) uint32() uint32 {
	if v := f.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (f *fields) uint64() uint64 {
	if v := f.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (f *fields) lenEnc() uint64 {
	switch first := f.uint8(); first {
	case 0xfc:
		return uint64(f.uint16())
	case 0xfd:
		v := f.take(3)
		if v == nil {
			return 0
		}
		return uint64(v[0]) | uint64(v[1])<<8 | uint64(v[2])<<16
	case 0xfe:
		return f.uint64()
	default:
		return uint64(first)
	}
}

func (f *fields) lenEncBytes() []byte {
	n := f.lenEnc()
	if n > uint64(len(f.b)) {
		f.bad = true
		return nil
	}
	return f.take(int(n))
}

// nulString reads up to and over the next zero byte.
func (f *fields) nulString() string {
	for i, c := range f.b {
		if c == 0 {
			s := string(f.b[:i])
			f.b = f.b[i+1:]
			return s
		}
	}
	f.bad = true
	return ""
}

var errMalformed = errors.New("malformed packet")

func (f *fields) err() error {
	if f.bad {
		return errMalformed
	}
	return nil
}
