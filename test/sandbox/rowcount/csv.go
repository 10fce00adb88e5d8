package rowcount

import (
	"bytes"
	"math/bits"
)

// CSV counts the rows of a stream of delimited text without enclose or escape:
// blank lines are no rows, a last row without its delimiter is one. Not safe for
// concurrent use.
type CSV struct {
	delimiter []byte
	skip      int
	rows      int64
	inRow     bool // bytes of the current line were seen
}

// NewCSV returns a counter for lines that end with the delimiter, one byte or
// more. The first skip lines, blank ones too, are not counted.
func NewCSV(delimiter []byte, skip int) *CSV {
	return &CSV{delimiter: delimiter, skip: skip}
}

// Feed takes the next bytes of the stream and returns how many of them it is done
// with. The others, fewer than a delimiter has, must come again at the front of
// the next call.
func (c *CSV) Feed(data []byte) (used int) {
	for c.skip > 0 || len(c.delimiter) > 1 {
		end := c.index(data[used:])
		if end < 0 {
			kept := min(len(c.delimiter)-1, len(data)-used)
			c.inRow = c.inRow || len(data)-used > kept
			return len(data) - kept
		}
		c.line(end > 0)
		used += end + len(c.delimiter)
	}
	if used < len(data) {
		c.runs(data[used:])
	}
	return len(data)
}

func (c *CSV) index(data []byte) int {
	if len(c.delimiter) == 1 {
		return bytes.IndexByte(data, c.delimiter[0])
	}
	return bytes.Index(data, c.delimiter)
}

// line ends a line; text tells whether more of it came since the last call.
func (c *CSV) line(text bool) {
	switch {
	case c.skip > 0:
		c.skip--
	case text || c.inRow:
		c.rows++
	}
	c.inRow = false
}

// runs counts with a delimiter of one byte and nothing to skip: each delimiter
// that does not follow another ends a row.
func (c *CSV) runs(data []byte) {
	d := c.delimiter[0]
	if data[0] == d && c.inRow {
		c.rows++
	}
	c.rows += int64(runs(data, d))
	c.inRow = data[len(data)-1] != d
}

// End says that the stream is over, after the bytes in rest, which are those that
// Feed was not done with. It returns the number of rows, and how many lines there
// were too few to skip.
func (c *CSV) End(rest []byte) (rows int64, missing int) {
	if len(rest) > 0 || c.inRow {
		c.line(true)
	}
	return c.rows, c.skip
}

// runsPlain counts the d in data that come after another byte; the first byte of
// data comes after nothing and is not counted.
func runsPlain(data []byte, d byte) (n int) {
	if len(data) == 0 {
		return 0
	}
	before := uint64(0) // bit 0: the byte before is d
	if data[0] == d {
		before = 1
	}
	data = data[1:]
	for len(data) >= blockSize {
		words := load(data)
		hits := equal(&words, d)
		n += bits.OnesCount64(hits &^ (hits<<1 | before))
		before = hits >> 63
		data = data[blockSize:]
	}
	for _, b := range data {
		hit := uint64(0)
		if b == d {
			hit = 1
		}
		n += int(hit &^ before)
		before = hit
	}
	return n
}
