package rowcount

import (
	"bytes"
	"math/bits"
)

// Dialect is delimited text whose fields may hold delimiters.
type Dialect struct {
	Separator []byte // of fields, one byte or more
	Delimiter []byte // of rows, one byte or more
	// Enclose, as the first byte of a field, begins text that runs to the next
	// one that is not doubled. 0: none.
	Enclose byte
	// Escape makes the separator, the delimiter or the byte after it data. 0: none.
	Escape byte
	// Trim lets an enclose count as the first byte of a field when only spaces
	// are before it.
	Trim bool
}

// Quoted counts the rows of a stream in a Dialect; blank lines are no rows. Not
// safe for concurrent use.
type Quoted struct {
	d       Dialect
	special [4]byte // bytes that may be more than data
	reach   int     // bytes needed to judge a special one

	skip       int
	rows       int64
	inRow      bool // bytes of the current row were seen
	inField    bool // bytes of the current field were seen, spaces apart that are trimmed
	inEnclosed bool
	marks      [stretch / blockSize]uint64
}

// stretch is how many bytes are marked before they are walked through.
const stretch = 16 << 10

// NewQuoted returns a counter. The first skip rows, blank ones too, are not counted.
func NewQuoted(d Dialect, skip int) *Quoted {
	c := &Quoted{d: d, skip: skip, reach: max(len(d.Separator), len(d.Delimiter)) + 2}
	c.special = [4]byte{d.Separator[0], d.Delimiter[0], d.Delimiter[0], d.Delimiter[0]}
	if d.Enclose != 0 {
		c.special[2] = d.Enclose
	}
	if d.Escape != 0 {
		c.special[3] = d.Escape
	}
	return c
}

// Feed takes the next bytes of the stream and returns how many of them it is done
// with. The others, at most as many as a separator or delimiter and one more, must
// come again at the front of the next call.
func (c *Quoted) Feed(data []byte) (used int) {
	for {
		piece := data[used:min(len(data), used+stretch)]
		n := c.walk(piece, false)
		used += n
		if used == len(data) || n < len(piece) && len(piece) < stretch {
			return used
		}
	}
}

// End says that the stream is over, after the bytes in rest, which are those that
// Feed was not done with. It returns the number of rows, and how many lines there
// were too few to skip.
func (c *Quoted) End(rest []byte) (rows int64, missing int) {
	c.walk(rest, true)
	if c.inRow {
		c.endRow()
	}
	return c.rows, c.skip
}

func (c *Quoted) endRow() {
	switch {
	case c.skip > 0:
		c.skip--
	case c.inRow:
		c.rows++
	}
	c.inRow, c.inField, c.inEnclosed = false, false, false
}

// walk goes from special byte to special byte and stops where it cannot judge
// one for want of what follows. It returns how far it came.
func (c *Quoted) walk(data []byte, last bool) int {
	c.mark(data)
	d, separator, delimiter := &c.d, c.d.Separator[0], c.d.Delimiter[0]
	end := len(data)
	if !last {
		end -= c.reach - 1 // special bytes from here on must wait
	}
	for at := 0; at < len(data); {
		if next := c.next(at, len(data)); next > at {
			c.plain(data[at:next])
			if at = next; at == len(data) {
				break
			}
		}
		if at >= end {
			return at
		}
		b, rest := data[at], data[at:]
		switch {
		case d.Escape != 0 && b == d.Escape && len(rest) > 1 && !(b == d.Enclose && c.inEnclosed):
			c.inField = true
			at += 1 + c.escaped(rest[1:])
		case c.inEnclosed:
			at++
			if b != d.Enclose {
				break
			}
			if len(rest) > 1 && rest[1] == b {
				at++
			} else {
				c.inEnclosed = false
			}
		case d.Enclose != 0 && !c.inField && b == d.Enclose:
			c.inEnclosed, c.inField = true, true
			at++
		case b == delimiter && begins(rest, d.Delimiter):
			c.endRow()
			at += len(d.Delimiter)
			continue
		case b == separator && begins(rest, d.Separator):
			c.inField = false
			at += len(d.Separator)
		default:
			c.plain(rest[:1])
			at++
		}
		c.inRow = true
	}
	return len(data)
}

// begins is bytes.HasPrefix for a prefix that is mostly one byte long.
func begins(data, prefix []byte) bool {
	return data[0] == prefix[0] && (len(prefix) == 1 || bytes.HasPrefix(data, prefix))
}

// escaped tells how many of the bytes after an escape it makes data.
func (c *Quoted) escaped(after []byte) int {
	switch {
	case begins(after, c.d.Delimiter):
		return len(c.d.Delimiter)
	case begins(after, c.d.Separator):
		return len(c.d.Separator)
	}
	return 1
}

// plain takes bytes that are nothing but data.
func (c *Quoted) plain(data []byte) {
	c.inRow = true
	if !c.inField {
		c.inField = !c.d.Trim || len(bytes.TrimLeft(data, " ")) > 0
	}
}

// mark finds the special bytes of data, which is no longer than a stretch.
func (c *Quoted) mark(data []byte) {
	whole := len(data) / blockSize
	special(data[:whole*blockSize], c.marks[:whole], &c.special)
	if rest := data[whole*blockSize:]; len(rest) > 0 {
		var block [blockSize]byte
		copy(block[:], rest)
		special(block[:], c.marks[whole:whole+1], &c.special)
		c.marks[whole] &= 1<<len(rest) - 1
	}
}

// next is the place of the first special byte at or behind at, or n.
func (c *Quoted) next(at, n int) int {
	if m := c.marks[at/blockSize] >> (at % blockSize); m != 0 {
		return at + bits.TrailingZeros64(m)
	}
	for word := at/blockSize + 1; word*blockSize < n; word++ {
		if m := c.marks[word]; m != 0 {
			return word*blockSize + bits.TrailingZeros64(m)
		}
	}
	return n
}

// specialPlain marks in out, 64 bytes for each, which bytes of data are one of four.
func specialPlain(data []byte, out []uint64, chars *[4]byte) {
	for i := range out {
		words := load(data[i*blockSize:])
		out[i] = equal(&words, chars[0]) | equal(&words, chars[1]) | equal(&words, chars[2]) | equal(&words, chars[3])
	}
}
