package load

import (
	"bytes"
	"io"
)

// Counting without parsing, for the discard mode: bodies are drained at memory
// speed, yet rows are counted exactly. JSON is not validated here.

// countCSV counts the rows of a CSV stream the way the reader would see them:
// blank lines do not count, a last row without delimiter does.
func countCSV(src io.Reader, delimiter []byte, skip int) (int64, error) {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	c := csvCounter{delimiter: delimiter, atStart: true, skip: skip}
	kept := 0
	for {
		n, err := src.Read((*pooled)[kept:])
		data := (*pooled)[:kept+n]
		used := c.feed(data)
		kept = copy(*pooled, data[used:])
		if err == io.EOF {
			if kept > 0 || !c.atStart {
				c.line(false)
			}
			return c.rows, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

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
	escaped  bool // the last byte was a backslash inside a string
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

// marks sorts the bytes that matter outside of strings.
var marks = [256]uint8{'"': 1, '{': 2, '[': 3, '}': 4, ']': 4}

func (c *jsonCounter) feed(data []byte) {
	i := 0
	if c.inString {
		i = c.string(data, 0)
	}
	depth := c.depth
	for i < len(data) {
		m := marks[data[i]]
		i++
		switch m {
		case 0:
			continue
		case 1:
			i = c.string(data, i)
			continue
		case 2:
			if depth == c.at {
				c.rows++
			}
			depth++
		case 3:
			depth++
		case 4:
			depth--
		}
	}
	c.depth = depth
}

// string passes the rest of a string and returns the position after its closing
// quote, or the end of the data with the state kept for the next piece.
func (c *jsonCounter) string(data []byte, i int) int {
	c.inString = true
	if c.escaped && i < len(data) {
		c.escaped = false
		i++
	}
	for i < len(data) {
		end := bytes.IndexByte(data[i:], '"')
		if end < 0 {
			c.escaped = oddBackslashes(data[i:])
			return len(data)
		}
		if end > 0 && data[i+end-1] == '\\' && oddBackslashes(data[i:i+end]) {
			i += end + 1
			continue
		}
		c.inString = false
		return i + end + 1
	}
	return i
}

func oddBackslashes(s []byte) bool {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// countQuoted counts rows of a dialect with enclose or escape, whose delimiters
// may be data.
func countQuoted(src io.Reader, q *request) (int64, error) {
	r := csvReader{q: q, skip: q.skip}
	err := r.read(src)
	return r.counted, err
}
