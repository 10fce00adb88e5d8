package ingest

import (
	"errors"
	"io"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
	"github.com/gx-etl/gx/test/sandbox/rowcount"
)

// countJSON counts the rows of a body without parsing it. It fails only for what
// the first byte and the brackets say, in the words of the reader as far as it
// knows as much.
func countJSON(src io.Reader, q *Request) (int64, error) {
	if q.root != nil {
		return countRooted(src, q)
	}
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := (*pooled)[:countPiece]
	c := rowcount.NewJSON(q.stripArray)
	started := false
	for {
		n, err := src.Read(buf)
		if !started {
			if i := jsonscan.Space(buf[:n], 0); i < n {
				started = true
				if err := q.startsWrong(buf[i]); err != nil {
					return 0, err
				}
			}
		}
		c.Feed(buf[:n])
		if err == io.EOF {
			return q.verdict(c)
		}
		if err != nil {
			return 0, err
		}
	}
}

// verdict ends a count.
func (q *Request) verdict(c *rowcount.JSON) (int64, error) {
	rows := c.End()
	object, array := c.Strays()
	switch {
	case c.Broken():
		return 0, errors.New("illegal json: brackets or quotes that do not close")
	case object:
		return 0, q.startsWrong('{')
	case array && q.stripArray:
		return 0, errNotObjects
	case array:
		return 0, q.startsWrong('[')
	}
	return rows, nil
}

// countRooted counts under json_root. To find that, the documents must be parsed.
func countRooted(src io.Reader, q *Request) (int64, error) {
	sink := &rowSink{q: q, mapping: &mapping{}, counting: true}
	err := newJSONReader(q, sink).read(src, -1)
	if err != nil {
		return 0, err
	}
	return sink.total, nil
}
