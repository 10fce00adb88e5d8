package rowcount

import "math/bits"

// JSON counts the rows of a stream of JSON documents: the objects that are
// documents, or the objects that are elements of the first document, an array; as
// the server, it does not look into the arrays behind. The count is exact for a
// valid stream. Strings, numbers and punctuation are not
// checked; what is wrong with the brackets shows in Broken and Strays.
//
// A backslash makes the quote after it an ordinary byte, inside strings and, in
// what is not JSON, outside of them too. Not safe for concurrent use.
type JSON struct {
	at          int // nesting at which rows begin
	depth       int
	rows        int64
	strayObject bool
	strayArray  bool
	broken      bool
	documents   int // met so far, when rows are elements
	carry       carry
	found       [batch]brackets
	// rest is the beginning of a block whose end has not come yet.
	rest  [blockSize]byte
	nrest int
}

// batch is how many blocks are looked at before their brackets are counted: 4 KiB
// stay in the first-level cache.
const batch = 64

// NewJSON returns a counter of documents, or, with elements, of the elements of
// arrays.
func NewJSON(elements bool) *JSON {
	c := &JSON{}
	if elements {
		c.at = 1
	}
	return c
}

// Feed takes the next bytes of the stream, cut anywhere.
func (c *JSON) Feed(data []byte) {
	if c.nrest > 0 {
		n := copy(c.rest[c.nrest:], data)
		c.nrest += n
		data = data[n:]
		if c.nrest < blockSize {
			return
		}
		c.blocks(c.rest[:])
		c.nrest = 0
	}
	whole := len(data) &^ (blockSize - 1)
	c.blocks(data[:whole])
	c.nrest = copy(c.rest[:], data[whole:])
}

// End says that the stream is over and returns how many rows it had. Broken
// and Strays are final after it.
func (c *JSON) End() int64 {
	if c.nrest > 0 {
		for i := c.nrest; i < blockSize; i++ {
			c.rest[i] = ' '
		}
		c.blocks(c.rest[:])
		c.nrest = 0
	}
	return c.rows
}

// Broken tells that a string or a bracket was left open, or more brackets were
// closed than opened.
func (c *JSON) Broken() bool { return c.broken || c.depth != 0 || c.carry.inString != 0 }

// Strays tells what stood in the wrong place: an object as the last document where
// that should be an array of rows, an array where a row should be.
func (c *JSON) Strays() (object, array bool) { return c.strayObject, c.strayArray }

func (c *JSON) blocks(data []byte) {
	for len(data) > 0 {
		n := min(len(data)/blockSize, batch)
		find(data[:n*blockSize], c.found[:n], &c.carry)
		for i := range c.found[:n] {
			if b := &c.found[i]; b.curly|b.square|b.closed != 0 {
				c.count(b)
			}
		}
		data = data[n*blockSize:]
	}
}

// count follows the nesting through 64 bytes that have brackets.
func (c *JSON) count(b *brackets) {
	opened := b.curly | b.square
	all := opened | b.closed
	level := c.depth - c.at
	closes := bits.OnesCount64(b.closed)
	if level > closes { // so deep that no row can begin here
		c.depth += bits.OnesCount64(opened) - closes
		return
	}
	// Rows without nesting are the common case: brackets open and close in
	// turn. Then the difference of the two words has ones from each bracket of
	// the kind that comes first up to before the next of the other kind.
	var turns uint64
	var first uint64
	switch level {
	case 0:
		turns, first = b.closed-opened, opened
	case 1:
		turns, first = opened-b.closed, b.closed
	default:
		c.walk(b)
		return
	}
	if turns^turns<<1 != all || turns&all != first {
		c.walk(b)
		return
	}
	if c.documents <= 1 {
		c.rows += int64(bits.OnesCount64(b.curly))
		c.strayArray = c.strayArray || b.square != 0
	}
	c.depth += bits.OnesCount64(opened) - closes
}

// walk goes from bracket to bracket.
func (c *JSON) walk(b *brackets) {
	opened := b.curly | b.square
	for all := opened | b.closed; all != 0; all &= all - 1 {
		bit := all & -all
		switch {
		case opened&bit == 0:
			c.depth--
			c.broken = c.broken || c.depth < 0
			continue
		case c.depth < c.at: // a document
			c.strayObject = b.curly&bit != 0
			c.documents++
		case c.depth > c.at || c.documents > 1:
		case b.curly&bit != 0:
			c.rows++
		default:
			c.strayArray = true
		}
		c.depth++
	}
}
