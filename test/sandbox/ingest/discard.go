package ingest

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
)

// Counting without parsing, for the discard mode: bodies are drained at memory
// speed, yet rows are counted exactly. JSON is not validated here.

type csvCounter struct {
	delimiter []byte
	double    []byte
	skip      int // lines still to be skipped
	rows      int64
	atStart   bool // nothing of the current row was seen yet
}

// line counts a finished line.
func (c *csvCounter) line(blank bool) {
	switch {
	case c.skip > 0:
		c.skip--
	case !blank:
		c.rows++
	}
	c.atStart = true
}

// feed counts the rows that end in data and returns how many bytes it is done
// with; the rest, shorter than a delimiter, must come again.
func (c *csvCounter) feed(data []byte) int {
	if len(c.delimiter) == 1 {
		c.feedBytes(data)
		return len(data)
	}
	used := 0
	for {
		end := bytes.Index(data[used:], c.delimiter)
		if end < 0 {
			break
		}
		c.line(end == 0 && c.atStart)
		used += end + len(c.delimiter)
	}
	if tail := len(c.delimiter) - 1; len(data)-used > tail {
		c.atStart = false
		used = len(data) - tail
	}
	return used
}

func (c *csvCounter) feedBytes(data []byte) {
	if len(data) == 0 {
		return
	}
	d := c.delimiter[0]
	if c.double == nil {
		c.double = []byte{d, d}
	}
	if c.skip > 0 || c.atStart && data[0] == d || bytes.Contains(data, c.double) {
		c.feedBlank(data)
		return
	}
	c.rows += int64(bytes.Count(data, c.delimiter))
	c.atStart = data[len(data)-1] == d
}

// feedBlank is the slow way for data with blank or skipped lines in it.
func (c *csvCounter) feedBlank(data []byte) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, c.delimiter[0])
		if end < 0 {
			c.atStart = false
			return
		}
		c.line(end == 0 && c.atStart)
		data = data[end+1:]
	}
}

// jsonCounter counts the objects that open at a depth: 0 for a sequence of
// objects, 1 for the elements of an outer array.
type jsonCounter struct {
	depth    int
	at       int
	rows     int64
	inString bool
	escaped  bool // the last byte was a backslash that escapes the next
}

func countJSON(src io.Reader, stripArray bool) (int64, error) {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	var c jsonCounter
	if stripArray {
		c.at = 1
	}
	for {
		n, err := src.Read(*pooled)
		c.feed((*pooled)[:n])
		if err == io.EOF {
			return c.rows, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// feed looks at 64 bytes at a time: it marks the quotes in one word of bits,
// spreads them to a mask of the bytes inside strings, and visits only the
// brackets outside. Blocks with a backslash go byte by byte.
func (c *jsonCounter) feed(data []byte) {
	for len(data) >= 64 {
		if c.escaped || !c.block(data[:64]) {
			c.bytes(data[:64])
		}
		data = data[64:]
	}
	c.bytes(data)
}

const (
	ones    = 0x0101010101010101
	low7    = 0x7f7f7f7f7f7f7f7f
	gather  = 0x0002040810204081 // moves the top bits of eight bytes into one byte
	quotes  = '"' * ones
	slashes = '\\' * ones
	// Setting the bits of 0x26 maps [ ] { } to 0x7f, and besides them only
	// Y _ y and DEL, which JSON has inside strings alone.
	bracketBits = 0x26 * ones
	brackets    = 0x7f * ones
)

// zeros has the top bit of every byte of x that is zero.
func zeros(x uint64) uint64 { return ^((x&low7 + low7) | x | low7) }

// block handles 64 bytes, or reports false and does nothing when a backslash is
// among them.
func (c *jsonCounter) block(b []byte) bool {
	var quote, bracket, slash uint64
	for w := 0; w < 8; w++ {
		x := binary.LittleEndian.Uint64(b[8*w:])
		slash |= zeros(x ^ slashes)
		quote |= zeros(x^quotes) * gather >> 56 << (8 * w)
		bracket |= zeros((x|bracketBits)^brackets) * gather >> 56 << (8 * w)
	}
	if slash != 0 {
		return false
	}
	// After this, a bit is set when an odd number of quotes is at or before it.
	inside := quote
	for shift := 1; shift < 64; shift *= 2 {
		inside ^= inside << shift
	}
	if c.inString {
		inside = ^inside
	}
	for m := bracket &^ inside; m != 0; m &= m - 1 {
		c.bracket(b[bits.TrailingZeros64(m)])
	}
	c.inString = inside>>63 != 0
	return true
}

func (c *jsonCounter) bracket(b byte) {
	switch b {
	case '{':
		if c.depth == c.at {
			c.rows++
		}
		c.depth++
	case '[':
		c.depth++
	case '}', ']':
		c.depth--
	}
}

func (c *jsonCounter) bytes(data []byte) {
	for _, b := range data {
		switch {
		case c.escaped:
			c.escaped = false
		case b == '"':
			c.inString = !c.inString
		case !c.inString:
			c.bracket(b)
		case b == '\\':
			c.escaped = true
		}
	}
}
