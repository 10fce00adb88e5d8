package ingest

import "io"

// counter counts the rows of the bodies of one load, for the discard mode.
type counter struct {
	q      *Request
	rows   int64
	csv    *csvCounter
	quoted *csvReader
	rest   []byte // what csv asked to see again
}

func newCounter(q *Request) *counter {
	c := &counter{q: q}
	switch {
	case q.json:
	case q.quoted():
		c.quoted = &csvReader{q: q, skip: q.skip}
	default:
		c.csv = &csvCounter{delimiter: q.delimiter, atStart: true, skip: q.skip}
	}
	return c
}

func (c *counter) read(src io.Reader) error {
	switch {
	case c.quoted != nil:
		return c.quoted.read(src)
	case c.csv == nil:
		rows, err := countJSON(src, c.q.stripArray)
		c.rows += rows
		return err
	}
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	kept := copy(*pooled, c.rest)
	for {
		n, err := src.Read((*pooled)[kept:])
		data := (*pooled)[:kept+n]
		kept = copy(*pooled, data[c.csv.feed(data):])
		if err != nil {
			c.rest = append(c.rest[:0], (*pooled)[:kept]...)
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

func (c *counter) finish() (int64, error) {
	switch {
	case c.quoted != nil:
		err := c.quoted.finish()
		return c.quoted.counted, err
	case c.csv == nil:
		return c.rows, nil
	}
	if len(c.rest) > 0 || !c.csv.atStart {
		c.csv.line(false)
	}
	if c.csv.skip > 0 {
		return 0, tooFewLines(c.q.skip, c.q.skip-c.csv.skip)
	}
	return c.csv.rows, nil
}
