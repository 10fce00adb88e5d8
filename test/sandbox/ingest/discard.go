package ingest

import (
	"errors"
	"fmt"
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

// startsWrong says why a document that starts with c cannot hold rows.
func (q *Request) startsWrong(c byte) error {
	switch {
	case c != '{' && c != '[':
		return fmt.Errorf("illegal json started with %c", c)
	case q.stripArray && c == '{':
		return errors.New("the value should be array type with strip_outer_array=true")
	case !q.stripArray && c == '[':
		return errors.New("the value is array type in json document stream, set strip_outer_array=true to load its elements as rows")
	}
	return nil
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
		return 0, errors.New("illegal json: with strip_outer_array=true the array elements must be objects")
	case array:
		return 0, q.startsWrong('[')
	}
	return rows, nil
}

// countRooted counts under json_root. To find that, the documents must be parsed.
func countRooted(src io.Reader, q *Request) (rows int64, err error) {
	pooled := bodies.Get().(*[]byte)
	defer bodies.Put(pooled)
	data, err := readWhole(src, *pooled, -1)
	*pooled = data
	if err != nil {
		return 0, err
	}
	for i := jsonscan.Space(data, 0); i < len(data); i = jsonscan.Space(data, i) {
		end, err := jsonscan.Value(data, i)
		if err != nil {
			return 0, fmt.Errorf("illegal json: %w", err)
		}
		inner := q.root.find(data[i:end])
		if inner == nil {
			return 0, errors.New("illegal json: no value under json_root")
		}
		if err := q.startsWrong(inner[0]); err != nil {
			return 0, err
		}
		c := rowcount.NewJSON(q.stripArray)
		c.Feed(inner)
		n, err := q.verdict(c)
		if err != nil {
			return 0, err
		}
		rows += n
		i = end
	}
	return rows, nil
}
