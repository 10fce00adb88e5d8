package ingest

import (
	"errors"
	"io"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// Limits are the sizes a server accepts, in bytes. A zero field takes the
// server's default.
type Limits struct {
	MaxBodyBytes int64 // streaming_load_max_mb, default 100 GiB
	MaxJSONBytes int64 // streaming_load_max_batch_size_mb, default 100 MiB
}

// SetDefaults fills the fields that are zero.
func (l *Limits) SetDefaults() {
	if l.MaxBodyBytes == 0 {
		l.MaxBodyBytes = 100 << 30
	}
	if l.MaxJSONBytes == 0 {
		l.MaxJSONBytes = 100 << 20
	}
}

// Load gathers the rows of one load. It is for one goroutine.
type Load struct {
	q       *Request
	limits  Limits
	discard bool
	sink    *rowSink
	read    int64 // wire bytes of all bodies
}

// Open plans the load into the table: which field goes where. The error says what
// in the headers does not fit the table.
func (q *Request) Open(t *store.Table, limits Limits, discard bool) (*Load, error) {
	m, batch, err := q.plan(t)
	if err != nil {
		return nil, err
	}
	return &Load{q: q, limits: limits, discard: discard, sink: &rowSink{batch: batch, mapping: m, strict: q.strict}}, nil
}

// Read takes in a body to its end, of the given length in bytes or -1 when it is
// not known; seen gets every piece as it came over the wire. An error fails the load
// as a whole; ErrBodyCut is in it when the body ended early.
func (l *Load) Read(src io.Reader, length int64, seen func(p []byte)) error {
	body := &bodyReader{src: src, seen: seen, limit: l.limits.MaxBodyBytes - l.read,
		tooBig: func(n int64) error { return bodyTooLarge(l.read+n, &l.limits) }}
	if l.q.json && !l.q.ignoreSize && l.limits.MaxJSONBytes < l.limits.MaxBodyBytes {
		body.limit = l.limits.MaxJSONBytes - l.read
		body.tooBig = func(n int64) error { return jsonTooLarge(l.read+n, &l.limits) }
	}
	decoded, closeDecoder, err := decode(l.q.codec, body)
	if err == nil {
		err = l.consume(decoded, length)
		closeDecoder()
	}
	// The server takes in the rest of a body it has given up on.
	if drainErr := body.drain(); drainErr != nil {
		err = drainErr
	}
	l.read += body.read
	return err
}

func (l *Load) consume(src io.Reader, length int64) (err error) {
	q, sink := l.q, l.sink
	quoted := q.enclose != 0 || q.escape != 0
	counted := int64(0)
	switch {
	case l.discard && q.json:
		counted, err = countJSON(src, q.stripArray)
	case l.discard && quoted:
		counted, err = countQuoted(src, q)
	case l.discard:
		counted, err = countCSV(src, q.delimiter, q.skip)
	case q.json:
		if q.codec != noCodec {
			length = -1
		}
		err = newJSONReader(q, sink).read(src, length)
	default:
		err = newCSVReader(q, sink).read(src)
	}
	sink.total += counted
	return err
}

// Judge decides at the end of the load: nil lets it commit.
func (l *Load) Judge() error {
	switch {
	case l.sink.filtered > 0 && float64(l.sink.filtered)/float64(l.sink.total) > l.q.ratio:
		return errors.New("too many filtered rows")
	case l.Loaded() == 0:
		return wording("No rows were imported from upstream")
	}
	return nil
}

// Batch returns the rows to commit; it is empty in discard mode.
func (l *Load) Batch() *store.Batch { return l.sink.batch }

// Loaded returns the number of rows to write.
func (l *Load) Loaded() int64 {
	if l.discard {
		return l.sink.total
	}
	return int64(l.sink.batch.Len())
}

// Total returns the number of rows read.
func (l *Load) Total() int64 { return l.sink.total }

// Filtered returns the number of rows refused.
func (l *Load) Filtered() int64 { return l.sink.filtered }

// Bytes returns the number of body bytes received, as they came over the wire.
func (l *Load) Bytes() int64 { return l.read }

// Log returns the lines of the error log, one for each of the first refused rows.
func (l *Load) Log() []string { return l.sink.log }
