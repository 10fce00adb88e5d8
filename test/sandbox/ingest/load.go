package ingest

import (
	"errors"
	"io"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// Load gathers the rows of one load, which may come in several bodies: CSV bodies
// are one stream of bytes cut anywhere, JSON bodies are complete documents each.
// Compressed bodies are complete streams each. It is for one goroutine.
type Load struct {
	q     *Request
	sink  *rowSink
	csv   *csvReader  // nil unless rows are CSV
	json  *jsonReader // nil unless rows are JSON
	count *counter    // in place of both in discard mode
	read  int64       // wire bytes of all bodies
}

// Open plans the load into the table: which field goes where. The error says what
// in the headers does not fit the table.
func (q *Request) Open(t *store.Table) (*Load, error) {
	sink, err := q.plan(t)
	if err != nil {
		return nil, err
	}
	l := &Load{q: q, sink: sink}
	switch {
	case q.options.Discard:
		l.count = newCounter(q)
	case q.json:
		l.json = newJSONReader(q, sink)
	default:
		l.csv = newCSVReader(q, sink)
	}
	return l, nil
}

// Read takes in a body to its end, of the given length in bytes or -1 when it is
// not known; seen gets every piece as it came over the wire. A last CSV row
// without its delimiter waits for the next body, or for Finish. An error fails the
// load as a whole; ErrBodyCut is in it when the body ended early.
func (l *Load) Read(src io.Reader, length int64, seen func(p []byte)) error {
	limits := &l.q.options.Limits
	before := l.read
	if l.q.MergeCommit { // merged bodies are judged one by one
		before = 0
	}
	body := &bodyReader{src: src, seen: seen, limit: limits.MaxBodyBytes - before,
		tooBig: func(n int64) error { return limits.bodyTooLarge(before + n) }}
	if l.q.json && !l.q.ignoreSize && limits.MaxJSONBytes < limits.MaxBodyBytes {
		body.limit = limits.MaxJSONBytes - before
		body.tooBig = func(n int64) error { return limits.jsonTooLarge(before + n) }
	}
	if l.q.codec == noCodec && l.sink.batch.Len() == 0 {
		l.sink.expected, l.sink.sampled = max(length, 0), 0
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

func (l *Load) consume(src io.Reader, length int64) error {
	switch {
	case l.count != nil:
		return l.count.read(src)
	case l.json != nil:
		if l.q.codec != noCodec {
			length = -1
		}
		return l.json.read(src, length)
	}
	return l.csv.read(src)
}

// Finish says that no body follows: a CSV row still open ends here. It comes
// before Judge, and an error fails the load.
func (l *Load) Finish() error {
	switch {
	case l.count != nil:
		rows, err := l.count.finish()
		l.sink.total += rows
		return err
	case l.csv != nil:
		return l.csv.finish()
	}
	return nil
}

// Judge decides at the end of the load: nil lets it commit.
func (l *Load) Judge() error {
	// Zero rows give a quotient that is not a number, and that passes.
	if float64(l.sink.filtered)/float64(l.sink.total-l.sink.unselected) > l.q.ratio {
		return errors.New("too many filtered rows")
	}
	if l.Loaded() == 0 {
		return l.q.empty()
	}
	return nil
}

// empty is the refusal of a load that wrote to no tablet.
func (q *Request) empty() error {
	// The paper calls the second the older text; 3.1 is the first release line
	// whose documentation has the newer one.
	if q.options.Release.AtLeast(3, 1) {
		return wording("No rows were imported from upstream")
	}
	return wording("all partitions have no load data")
}

// Batch returns the rows to commit; it is empty in discard mode.
func (l *Load) Batch() *store.Batch { return l.sink.batch }

// Loaded returns the number of rows to write.
func (l *Load) Loaded() int64 {
	if l.q.options.Discard {
		return l.sink.total - l.sink.filtered
	}
	return int64(l.sink.batch.Len())
}

// Total returns the number of rows read.
func (l *Load) Total() int64 { return l.sink.total }

// Filtered returns the number of rows refused.
func (l *Load) Filtered() int64 { return l.sink.filtered }

// Unselected returns the number of rows that the where header left out.
func (l *Load) Unselected() int64 { return l.sink.unselected }

// Bytes returns the number of body bytes received, as they came over the wire.
func (l *Load) Bytes() int64 { return l.read }

// Rejected returns the refused rows that log_rejected_record_num asked to keep;
// WriteRejected lays them out.
func (l *Load) Rejected() []Rejected { return l.sink.rejected }

// Log returns the lines of the error log, one for each of the first refused rows.
func (l *Load) Log() []string { return l.sink.log }
