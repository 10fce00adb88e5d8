package wire

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"net"
	"strconv"
	"time"
)

const (
	statusAutocommit  uint16 = 0x0002
	statusMoreResults uint16 = 0x0008
)

// Result writes the answer of one request: either OK, or Columns, any number of
// rows, and End, once per statement. A row is its values in column order
// between BeginRow and EndRow. Values are always given as text; the binary
// format of a prepared statement is made from it.
//
// Rows go to the socket whenever the output buffer is full, so a slow client
// slows the query down.
type Result struct {
	p      *packets
	binary bool
	eof    bool // the client still expects EOF packets around rows
	more   bool // another result follows the current one

	cols []Column
	row  []byte
	col  int
	fail error // first bad value of the row being built

	open  bool  // Columns was written, End was not
	rows  int64 // rows of the current result
	total int64 // rows of all results

	mishap *Mishap // what interrupts the rows, nil for nothing
	conn   net.Conn
}

// More announces whether the current statement is followed by another one in
// the same request. The session says so before it answers each statement.
func (r *Result) More(more bool) { r.more = more }

// Rows returns how many rows have been written so far, over all results.
func (r *Result) Rows() int64 { return r.total }

func (r *Result) status() uint16 {
	if r.more {
		return statusAutocommit | statusMoreResults
	}
	return statusAutocommit
}

// OK answers a statement that has no rows.
func (r *Result) OK(affected, insertID uint64, info string) error {
	return r.p.write(appendOK(nil, 0x00, affected, insertID, r.status(), info))
}

func appendOK(b []byte, head byte, affected, insertID uint64, status uint16, info string) []byte {
	b = append(b, head)
	b = appendLenEnc(b, affected)
	b = appendLenEnc(b, insertID)
	b = append(b, byte(status), byte(status>>8), 0, 0)
	if info == "" {
		return b
	}
	// The protocol's text says "to the end of the packet" here; servers send a
	// length first, and clients of the C libraries insist on it.
	return appendLenEncString(b, info)
}

// Columns starts a result with rows.
func (r *Result) Columns(cols []Column) error {
	r.cols, r.open, r.rows = cols, true, 0
	if err := r.p.write(appendLenEnc(nil, uint64(len(cols)))); err != nil {
		return err
	}
	for _, c := range cols {
		r.row = c.definition(r.row[:0])
		if err := r.p.write(r.row); err != nil {
			return err
		}
	}
	if r.eof {
		return r.p.write([]byte{0xfe, 0, 0, byte(r.status()), byte(r.status() >> 8)})
	}
	return nil
}

// BeginRow starts a row.
func (r *Result) BeginRow() {
	r.row, r.col, r.fail = r.row[:0], 0, nil
	if r.binary {
		r.row = append(r.row, 0)
		for range (len(r.cols) + 7 + 2) / 8 {
			r.row = append(r.row, 0)
		}
	}
}

// Null adds a NULL value.
func (r *Result) Null() {
	if r.binary {
		bit := r.col + 2
		r.row[1+bit/8] |= 1 << (bit % 8)
	} else {
		r.row = append(r.row, 0xfb)
	}
	r.col++
}

// String adds a value.
func (r *Result) String(s string) {
	if r.binary {
		r.encode(s)
	} else {
		r.row = appendLenEncString(r.row, s)
	}
	r.col++
}

// Bytes adds a value.
func (r *Result) Bytes(s []byte) {
	if r.binary {
		r.encode(string(s))
	} else {
		r.row = appendLenEncString(r.row, s)
	}
	r.col++
}

// Int adds an integer value.
func (r *Result) Int(v int64) {
	if r.binary {
		r.encode(strconv.FormatInt(v, 10))
		r.col++
		return
	}
	at := len(r.row)
	r.row = append(r.row, 0) // no integer text reaches 251 bytes
	r.row = strconv.AppendInt(r.row, v, 10)
	r.row[at] = byte(len(r.row) - at - 1)
	r.col++
}

// EndRow sends the row.
func (r *Result) EndRow() error {
	if r.fail != nil {
		return r.fail
	}
	if r.mishap != nil {
		if err := r.interrupted(false); err != nil {
			return err
		}
	}
	r.rows++
	r.total++
	return r.p.write(r.row)
}

// End closes a result with rows.
func (r *Result) End() error {
	if err := r.interrupted(true); err != nil {
		return err
	}
	r.open = false
	if r.eof {
		return r.p.write([]byte{0xfe, 0, 0, byte(r.status()), byte(r.status() >> 8)})
	}
	return r.p.write(appendOK(nil, 0xfe, 0, 0, r.status(), ""))
}

// encode appends text in the binary form of the current column's type.
func (r *Result) encode(s string) {
	c := r.cols[r.col]
	switch c.Type {
	case TypeTiny, TypeShort, TypeLong, TypeLongLong:
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			u, uerr := strconv.ParseUint(s, 10, 64)
			if uerr != nil {
				r.fail = Errorf(1105, "", "column %s: %q is no integer", c.Name, s)
				return
			}
			v = int64(u)
		}
		width := map[byte]int{TypeTiny: 1, TypeShort: 2, TypeLong: 4, TypeLongLong: 8}[c.Type]
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		r.row = append(r.row, b[:width]...)
	case TypeFloat, TypeDouble:
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			r.fail = Errorf(1105, "", "column %s: %q is no number", c.Name, s)
			return
		}
		if c.Type == TypeFloat {
			r.row = binary.LittleEndian.AppendUint32(r.row, math.Float32bits(float32(v)))
		} else {
			r.row = binary.LittleEndian.AppendUint64(r.row, math.Float64bits(v))
		}
	case TypeDate, TypeDateTime:
		t, err := parseTime(s)
		if err != nil {
			r.fail = Errorf(1105, "", "column %s: %q is no date", c.Name, s)
			return
		}
		r.row = appendTime(r.row, t, c.Type == TypeDate)
	default:
		r.row = appendLenEncString(r.row, s)
	}
}

func parseTime(s string) (time.Time, error) {
	if len(s) == len(time.DateOnly) {
		return time.Parse(time.DateOnly, s)
	}
	return time.Parse("2006-01-02 15:04:05.999999", s)
}

func appendTime(b []byte, t time.Time, dateOnly bool) []byte {
	day := []byte{byte(t.Year()), byte(t.Year() >> 8), byte(t.Month()), byte(t.Day())}
	if dateOnly {
		return append(append(b, 4), day...)
	}
	micro := uint32(t.Nanosecond() / 1000)
	clock := []byte{byte(t.Hour()), byte(t.Minute()), byte(t.Second())}
	if micro == 0 {
		return append(append(append(b, 7), day...), clock...)
	}
	b = append(append(append(b, 11), day...), clock...)
	return binary.LittleEndian.AppendUint32(b, micro)
}

// Discard returns a Result that throws everything away, for statements that run
// without a client.
func Discard() *Result {
	return &Result{p: &packets{w: bufio.NewWriter(io.Discard)}}
}
