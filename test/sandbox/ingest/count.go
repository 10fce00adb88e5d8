package ingest

import (
	"io"

	"github.com/gx-etl/gx/test/sandbox/rowcount"
)

// counter counts the rows of the bodies of one load without parsing them, for the
// discard mode: bodies are drained at memory speed, yet the count is exact. Rows
// are not looked into: none is refused.
type counter struct {
	q    *Request
	rows int64       // of JSON
	csv  textCounter // nil for JSON
	rest []byte      // what csv asked to see again
}

// textCounter is a counter of rowcount for some dialect of CSV.
type textCounter interface {
	Feed(data []byte) (used int)
	End(rest []byte) (rows int64, missing int)
}

func newCounter(q *Request) *counter {
	c := &counter{q: q}
	switch {
	case q.json:
	case q.quoted():
		c.csv = rowcount.NewQuoted(rowcount.Dialect{Separator: q.separator, Delimiter: q.delimiter,
			Enclose: q.enclose, Escape: q.escape, Trim: q.trim, LiteralPair: !q.options.Release.AtLeastPatch(3, 1, 7)}, q.skip)
	default:
		c.csv = rowcount.NewCSV(q.delimiter, q.skip)
	}
	return c
}

// countPiece is how much is read at a time, in bytes: little enough that what the
// kernel has just copied is still near the processor when it is counted (larger
// pieces were slower), and enough that a read bypasses the HTTP server's buffer.
const countPiece = 64 << 10

func (c *counter) read(src io.Reader) error {
	if c.csv == nil {
		rows, err := countJSON(src, c.q)
		c.rows += rows
		return err
	}
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := (*pooled)[:countPiece]
	kept := copy(buf, c.rest)
	for {
		n, err := src.Read(buf[kept:])
		data := buf[:kept+n]
		kept = copy(buf, data[c.csv.Feed(data):])
		if err != nil {
			c.rest = append(c.rest[:0], buf[:kept]...)
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

func (c *counter) finish() (int64, error) {
	if c.csv == nil {
		return c.rows, nil
	}
	rows, missing := c.csv.End(c.rest)
	if missing > 0 {
		return 0, tooFewLines(c.q.skip, c.q.skip-missing)
	}
	return rows, nil
}
