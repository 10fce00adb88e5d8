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

// jsonReader cuts JSON bodies into rows. A body that is not what the headers say
// fails as a whole; only values that do not fit their column filter a row.
type jsonReader struct {
	q     *Request
	sink  *rowSink
	names map[string]int // source by key
	key   []byte         // room for a key with escapes
	op    store.Op       // of rows that do not say theirs
	row   int            // counts rows, for the stamps
	stamp []int          // by source, the last row that had it
}

func newJSONReader(q *Request, sink *rowSink) *jsonReader {
	r := &jsonReader{q: q, sink: sink, names: make(map[string]int, len(sink.mapping.sources)), op: sink.mapping.op,
		stamp: make([]int, len(sink.mapping.sources))}
	for i, src := range sink.mapping.sources {
		r.names[src.name] = i
	}
	return r
}

var bodies = sync.Pool{New: func() any { return new([]byte) }}

// believed is how much room a body gets for its Content-Length alone, in bytes.
const believed = 128<<20 - 1

// readWhole reads src to its end into buf, which grows in powers of two.
func (q *Request) readWhole(src io.Reader, buf []byte, expect int64) ([]byte, error) {
	buf = buf[:0]
	if expect = min(expect, believed); expect > int64(cap(buf)) && q.checkMemory(expect) == nil {
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
		if err := q.checkMemory(int64(len(buf))); err != nil {
			return buf, err
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// read consumes a body; expect is its length if known, else -1.
func (r *jsonReader) read(src io.Reader, expect int64) error {
	pooled := bodies.Get().(*[]byte)
	defer bodies.Put(pooled)
	data, err := r.q.readWhole(src, *pooled, expect)
	*pooled = data
	if err != nil {
		return err
	}
	return r.documents(data)
}

// maxDocument is the largest body, in bytes, that the server's parser takes.
const maxDocument = 4<<30 - 1

func (r *jsonReader) documents(data []byte) error {
	i := jsonscan.Space(data, 0)
	if i == len(data) {
		return nil
	}
	first := data[i]
	if int64(len(data)) > maxDocument {
		return wording("illegal json: This parser can't support a document that big.")
	}
	if err := r.q.startsWrong(first); err != nil {
		if first == '{' {
			err = inWords("%s, value: %s", err, brief(data[i:]))
		}
		return err
	}
	if !utf8.Valid(data) {
		return errors.New("illegal json: The input is not valid UTF-8")
	}
	take := r.document
	if r.q.root != nil {
		take = r.rooted
	}
	for i < len(data) {
		var err error
		if first == '[' && (r.q.stripArray || r.q.root != nil) {
			i, err = r.array(data, i, take)
		} else {
			i, err = take(data, i)
		}
		if err != nil {
			var syntax *jsonscan.SyntaxError
			if errors.As(err, &syntax) {
				return fmt.Errorf("illegal json: %w", err)
			}
			return err
		}
		i = jsonscan.Space(data, i)
		if first == '[' {
			return afterArray(data[i:])
		}
	}
	return nil
}

// afterArray judges what follows the array of a body as the server does: its parser
// reads the first array and looks at the rest of the body no more than to see that it
// ends with a bracket. Rows of a second array are lost without a word.
func afterArray(rest []byte) error {
	rest = bytes.TrimRight(rest, " \t\r\n")
	if len(rest) == 0 || rest[len(rest)-1] == ']' {
		return nil
	}
	return inWords("illegal json: Failed to parse json as array. error: JSON document ended early in the middle of an object or array.")
}

// startsWrong says why a body whose first byte that is no blank is c cannot hold
// rows.
func (q *Request) startsWrong(c byte) error {
	switch {
	case c != '{' && c != '[':
		return fmt.Errorf("illegal json started with %c", c)
	case q.root != nil:
		return nil // under which arrays expand by themselves
	case q.stripArray && c == '{':
		return errors.New("the value should be array type with strip_outer_array=true")
	case !q.stripArray && c == '[':
		return wording("The value is array type in json document stream, you can set strip_outer_array=true to parse each element of the array as individual rows")
	}
	return nil
}

var errNotObjects = wording("Failed to iterate json array as object. error: The JSON element does not have the requested type, array elements must be objects")

// brief cuts a value to the length that the server shows of it.
func brief(value []byte) []byte {
	const most = 64
	return value[:min(len(value), most)]
}

// array gives the elements of the array at i to take.
func (r *jsonReader) array(data []byte, i int, take func([]byte, int) (int, error)) (int, error) {
	i = jsonscan.Space(data, i+1)
	if i < len(data) && data[i] == ']' {
		return i + 1, nil
	}
	for {
		if i < len(data) && data[i] != '{' {
			if end, err := jsonscan.Value(data, i); err != nil {
				return end, err
			}
			return i, errNotObjects
		}
		next, err := take(data, i)
		if err != nil {
			return next, err
		}
		done := false
		if i, done, err = jsonscan.Next(data, next, ']'); err != nil || done {
			return i, err
		}
	}
}

// document takes the row at i.
func (r *jsonReader) document(data []byte, i int) (int, error) {
	if i < len(data) && data[i] == '{' {
		if r.q.debezium {
			return r.event(data, i)
		}
		return r.object(data, i)
	}
	if end, err := jsonscan.Value(data, i); err != nil {
		return end, err
	}
	if data[i] == '[' {
		return i, r.q.startsWrong('[')
	}
	return i, wording("illegal json: The value should be object type in json document stream")
}

// rooted takes the rows that are under json_root of the object at i.
func (r *jsonReader) rooted(data []byte, i int) (int, error) {
	end, err := jsonscan.Value(data, i)
	if err != nil {
		return end, err
	}
	if data[i] != '{' {
		return r.document(data, i)
	}
	inner := r.q.root.find(data[i:end])
	switch {
	case inner == nil || inner[0] == 'n':
		return end, inWords("illegal json: unable to find key: %s", r.q.root)
	case r.q.stripArray && inner[0] != '[':
		return end, inWords("the value should be array type with strip_outer_array=true in json document stream with root, value: %s", brief(inner))
	case r.q.stripArray:
		_, err = r.array(inner, 0, r.object)
	case inner[0] != '{':
		return end, inWords("the value should be object type in json document stream with json root, value: %s", brief(inner))
	default:
		_, err = r.object(inner, 0)
	}
	return end, err
}

// event takes the Debezium change event at i: the row is its image after the
// change, or, to be deleted, the one before. With the schema sent along, the event
// is under payload.
func (r *jsonReader) event(data []byte, i int) (int, error) {
	end, err := jsonscan.Value(data, i)
	if err != nil {
		return end, err
	}
	event := data[i:end]
	if payload := member(event, "payload"); payload != nil && payload[0] == '{' {
		event = payload
	}
	var image []byte
	switch op := member(event, "op"); string(op) {
	case `"c"`, `"u"`, `"r"`:
		r.op, image = store.Upsert, member(event, "after")
	case `"d"`:
		r.op, image = store.Delete, member(event, "before")
	default:
		r.sink.unread(fmt.Sprintf("the debezium event has the unknown op %s", op), data[i:end])
		return end, nil
	}
	switch {
	case image == nil || image[0] != '{':
		r.sink.unread("the debezium event has no image of the row", data[i:end])
	case r.op == store.Delete && !r.sink.mapping.primary:
		r.sink.unread("a debezium event deletes from a table that is not a primary key table", data[i:end])
	default:
		_, err = r.object(image, 0)
	}
	return end, err
}

// object takes one row. Every byte is checked even after the row was refused.
func (r *jsonReader) object(data []byte, start int) (int, error) {
	if r.q.paths != nil {
		return r.pathRow(data, start)
	}
	op := r.begin()
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
	r.end(op, refused, data[start:i])
	return i, nil
}

// begin starts a row and gives the operation it has unless it says its own.
func (r *jsonReader) begin() store.Op {
	if c := r.sink.mapping.computed; c != nil {
		c.begin()
		r.row++
	}
	return r.op
}

func (r *jsonReader) end(op store.Op, refused error, row []byte) {
	switch s := r.sink; {
	case s.counting:
		s.total++
	case refused != nil:
		s.batch.CancelRow()
		s.unread(refused.Error(), row)
	case s.mapping.computed != nil:
		s.computedEnd(op, row)
	default:
		s.end(op, row)
	}
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
	c := r.sink.mapping.computed
	switch {
	case r.sink.counting:
		return nil
	case s.isOp:
		if token[0] == 'n' {
			return nil
		}
		var ok bool
		if *op, ok = opOf(string(bytes.Trim(token, `"`))); !ok {
			return opError(token)
		}
		return nil
	case c != nil:
		if r.stamp[src] == r.row {
			return nil // the first of two equal keys counts
		}
		r.stamp[src] = r.row
		return c.takeToken(s, token, r.sink.strict)
	case s.col < 0:
		return nil
	}
	return r.sink.batch.Token(s.col, token, r.sink.strict)
}

// pathRow takes one row through jsonpaths. Sources without a path of their own are
// NULL, paths without a source are not looked up.
func (r *jsonReader) pathRow(data []byte, start int) (int, error) {
	end, err := jsonscan.Value(data, start)
	if err != nil {
		return end, err
	}
	row := data[start:end]
	op := r.begin()
	var refused error
	for src := 0; src < min(len(r.q.paths), len(r.sink.mapping.sources)) && refused == nil; src++ {
		if token := r.q.paths[src].find(row); token != nil {
			refused = r.cell(src, token, &op)
		}
	}
	r.end(op, refused, row)
	return end, nil
}
