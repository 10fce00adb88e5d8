package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"
	"unicode/utf8"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// jsonReader cuts a JSON body into rows. A body that is not what the headers say
// fails as a whole; only values that do not fit their column filter a row.
type jsonReader struct {
	q     *Request
	sink  *rowSink
	names map[string]int // source by key
	key   []byte         // room for a key with escapes
}

func newJSONReader(q *Request, sink *rowSink) *jsonReader {
	r := &jsonReader{q: q, sink: sink, names: make(map[string]int, len(sink.mapping.sources))}
	for i, src := range sink.mapping.sources {
		r.names[src.name] = i
	}
	return r
}

var bodies = sync.Pool{New: func() any { return new([]byte) }}

// readWhole reads src to its end into buf, which grows in powers of two.
func readWhole(src io.Reader, buf []byte, expect int64) ([]byte, error) {
	buf = buf[:0]
	if expect > int64(cap(buf)) {
		buf = make([]byte, 0, 1<<bits.Len64(uint64(expect)))
	}
	for {
		if len(buf) == cap(buf) {
			bigger := make([]byte, len(buf), max(2*cap(buf), bufferSize))
			copy(bigger, buf)
			buf = bigger
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// read consumes the whole stream; expect is its length if known, else -1.
func (r *jsonReader) read(src io.Reader, expect int64) error {
	pooled := bodies.Get().(*[]byte)
	defer bodies.Put(pooled)
	data, err := readWhole(src, *pooled, expect)
	*pooled = data
	if err != nil {
		return err
	}
	return r.documents(data)
}

func (r *jsonReader) documents(data []byte) error {
	i := jsonscan.Space(data, 0)
	if i == len(data) {
		return nil
	}
	if data[i] != '{' && data[i] != '[' {
		return fmt.Errorf("illegal json started with %c", data[i])
	}
	if !utf8.Valid(data) {
		return errors.New("illegal json: the body is not valid UTF-8")
	}
	for i < len(data) {
		var err error
		if r.q.root == nil {
			i, err = r.document(data, i)
		} else {
			i, err = r.rooted(data, i)
		}
		if err != nil {
			var syntax *jsonscan.SyntaxError
			if errors.As(err, &syntax) {
				return fmt.Errorf("illegal json: %w", err)
			}
			return err
		}
		i = jsonscan.Space(data, i)
	}
	return nil
}

// rooted handles a document whose rows are under json_root.
func (r *jsonReader) rooted(data []byte, i int) (int, error) {
	end, err := jsonscan.Value(data, i)
	if err != nil {
		return end, err
	}
	inner := r.q.root.find(data[i:end])
	if inner == nil {
		return end, errors.New("illegal json: no value under json_root")
	}
	_, err = r.document(inner, 0)
	return end, err
}

func (r *jsonReader) document(data []byte, i int) (int, error) {
	switch c := data[i]; {
	case r.q.stripArray && c != '[':
		return i, errors.New("the value should be array type with strip_outer_array=true")
	case !r.q.stripArray && c == '[':
		return i, errors.New("the value is array type in json document stream, set strip_outer_array=true to load its elements as rows")
	case c != '[' && c != '{':
		return i, fmt.Errorf("illegal json: a row must be an object, got a value started with %c", c)
	case c == '{':
		return r.object(data, i)
	}
	i = jsonscan.Space(data, i+1)
	if i < len(data) && data[i] == ']' {
		return i + 1, nil
	}
	for {
		if i >= len(data) || data[i] != '{' {
			if end, err := jsonscan.Value(data, i); err != nil {
				return end, err
			}
			return i, errors.New("illegal json: with strip_outer_array=true the array elements must be objects")
		}
		next, err := r.object(data, i)
		if err != nil {
			return next, err
		}
		done := false
		if i, done, err = jsonscan.Next(data, next, ']'); err != nil || done {
			return i, err
		}
	}
}

// object takes one row. Every byte is checked even after the row was refused.
func (r *jsonReader) object(data []byte, start int) (int, error) {
	if r.q.paths != nil {
		return r.pathRow(data, start)
	}
	op := r.sink.mapping.op
	var refused error
	i := jsonscan.Space(data, start+1)
	done := i < len(data) && data[i] == '}'
	if done {
		i++
	}
	// Rows of one body mostly list their keys in the same order: try the
	// source after the last hit before asking the map.
	guess := 0
	for !done {
		keyEnd, err := jsonscan.String(data, i)
		if err != nil {
			return keyEnd, err
		}
		at := keyEnd
		if at < len(data) && data[at] == ':' {
			at = jsonscan.Space(data, at+1)
		} else if at = jsonscan.Space(data, at); at < len(data) && data[at] == ':' {
			at = jsonscan.Space(data, at+1)
		} else {
			return at, &jsonscan.SyntaxError{Offset: at, Want: "':' was expected after an object key"}
		}
		end, err := jsonscan.Value(data, at)
		if err != nil {
			return end, err
		}
		if src := r.source(data[i+1:keyEnd-1], guess); src >= 0 {
			guess = src + 1
			if refused == nil {
				refused = r.cell(src, data[at:end], &op)
			}
		}
		if i, done, err = jsonscan.Next(data, end, '}'); err != nil {
			return i, err
		}
	}
	row := data[start:i]
	if refused != nil {
		r.sink.batch.CancelRow()
		r.sink.filter(refused.Error(), row)
		return i, nil
	}
	r.sink.end(op, row)
	return i, nil
}

// source finds the source a raw key feeds, or -1.
func (r *jsonReader) source(key []byte, guess int) int {
	sources := r.sink.mapping.sources
	if guess < len(sources) && string(key) == sources[guess].name {
		return guess
	}
	if bytes.IndexByte(key, '\\') >= 0 {
		r.key = append(r.key[:0], '"')
		r.key = append(append(r.key, key...), '"')
		key = jsonscan.Unquote(nil, r.key)
	}
	if src, ok := r.names[string(key)]; ok {
		return src
	}
	return -1
}

func (r *jsonReader) cell(src int, token []byte, op *store.Op) error {
	s := &r.sink.mapping.sources[src]
	switch {
	case s.isOp:
		if string(token) == "null" {
			return nil
		}
		var ok bool
		if *op, ok = opOf(string(token)); !ok {
			return &store.RowError{Column: "__op", Reason: fmt.Sprintf("Value '%s' is out of range. The type of '__op' is TINYINT", token)}
		}
		return nil
	case s.col < 0:
		return nil
	}
	return r.sink.batch.Token(s.col, token, r.sink.strict)
}

// pathRow takes one row through jsonpaths.
func (r *jsonReader) pathRow(data []byte, start int) (int, error) {
	end, err := jsonscan.Value(data, start)
	if err != nil {
		return end, err
	}
	row := data[start:end]
	op := r.sink.mapping.op
	for src, p := range r.q.paths {
		token := p.find(row)
		if token == nil {
			continue
		}
		if err := r.cell(src, token, &op); err != nil {
			r.sink.batch.CancelRow()
			r.sink.filter(err.Error(), row)
			return end, nil
		}
	}
	r.sink.end(op, row)
	return end, nil
}
