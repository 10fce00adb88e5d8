package ingest

import (
	"fmt"
	"io"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// rowSink gathers the rows of one load and counts what became of them.
type rowSink struct {
	q          *Request
	batch      *store.Batch
	mapping    *mapping
	strict     bool
	counting   bool // rows are read but not converted nor kept
	total      int64
	filtered   int64
	unselected int64
	log        []string
	logged     int // bytes of the rows in log
	rejected   []Rejected
	expected   int64 // bytes of the body; 0 when not known, or already made use of
	sampled    int64 // bytes of the rows kept so far, while expected is there
}

// Rejected is one refused row, kept when log_rejected_record_num asks for it.
type Rejected struct {
	Record string // the raw row
	Reason string
	Source string // what the row was read from, empty when it was refused after reading
}

// WriteRejected writes records the way the server lays out its file, one line
// each: record, reason and source, tabs between them.
func WriteRejected(w io.Writer, records []Rejected) error {
	for _, r := range records {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", r.Record, r.Reason, r.Source); err != nil {
			return err
		}
	}
	return nil
}

const (
	// errorLogRows is how many refused rows the error log shows, and errorLogBytes
	// how long they may be together: the stand-in keeps logs in memory.
	errorLogRows  = 50
	errorLogBytes = 16 << 20
	pipeName      = "stream-load-pipe"
)

// filter refuses a row after it was read.
func (s *rowSink) filter(reason string, row []byte) { s.refuse(reason, row, "") }

// unread refuses a row that could not be read.
func (s *rowSink) unread(reason string, row []byte) { s.refuse(reason, row, pipeName) }

func (s *rowSink) refuse(reason string, row []byte, from string) {
	s.total++
	s.filtered++
	keep := s.q.rejected == -1 || int64(len(s.rejected)) < s.q.rejected
	if len(s.log) >= errorLogRows && !keep {
		return
	}
	text := strings.ToValidUTF8(string(row), "?")
	if len(s.log) < errorLogRows {
		shown := strings.ToValidUTF8(text[:min(len(text), max(0, errorLogBytes-s.logged))], "")
		s.logged += len(shown)
		s.log = append(s.log, fmt.Sprintf("Error: %s. Row: %s", reason, shown))
	}
	if keep {
		s.rejected = append(s.rejected, Rejected{Record: text, Reason: reason, Source: from})
	}
}

// textRow takes the fields of one CSV row. A nil field is NULL; row is the raw
// text for the error log.
func (s *rowSink) textRow(fields [][]byte, row []byte) {
	if s.mapping.computed != nil {
		s.computedText(fields, row)
		return
	}
	op := s.mapping.op
	for i := range s.mapping.sources {
		src := &s.mapping.sources[i]
		var err error
		switch {
		case src.isOp:
			var ok bool
			if op, ok = opOf(string(fields[i])); !ok || fields[i] == nil {
				err = opError(fields[i])
			}
		case src.col < 0:
		case fields[i] == nil:
			err = s.batch.Null(src.col)
		default:
			err = s.batch.Text(src.col, fields[i], s.strict)
		}
		if err != nil {
			s.batch.CancelRow()
			s.filter(err.Error(), row)
			return
		}
	}
	s.end(op, row)
}

func (s *rowSink) end(op store.Op, row []byte) {
	if err := s.batch.EndRow(op); err != nil {
		s.filter(err.Error(), row)
		return
	}
	s.total++
	if s.expected > 0 {
		s.reserve(len(row))
	}
}

// sampleRows is how many rows tell the size of the others.
const sampleRows = 1000

// reserve makes room for the rows of the body that is being read, once there is a
// sample: vectors that grow on their own are copied over and over.
func (s *rowSink) reserve(bytes int) {
	s.sampled += int64(bytes) + 1 // and a delimiter
	if n := s.batch.Len(); n >= sampleRows {
		s.batch.Reserve(int(min(1.02*float64(n)*float64(s.expected)/float64(s.sampled), 1<<30)))
		s.expected = 0
	}
}

// computedText is textRow for a load with expressions.
func (s *rowSink) computedText(fields [][]byte, row []byte) {
	c, op := s.mapping.computed, s.mapping.op
	c.begin()
	for i := range s.mapping.sources {
		src := &s.mapping.sources[i]
		if src.isOp {
			var ok bool
			if op, ok = opOf(string(fields[i])); !ok || fields[i] == nil {
				s.filter(opError(fields[i]).Error(), row)
				return
			}
			continue
		}
		if err := c.take(i, src, fields[i], s.strict); err != nil {
			s.unread(err.Error(), row)
			return
		}
	}
	s.computedEnd(op, row)
}

// computedEnd closes a row whose fields have all been taken.
func (s *rowSink) computedEnd(op store.Op, row []byte) {
	c := s.mapping.computed
	keep, err := c.finish(s.mapping, &op)
	if err == nil && keep {
		err = s.batch.Add(c.values, op)
	}
	if err != nil {
		s.filter(err.Error(), row)
		return
	}
	s.total++
	if !keep {
		s.unselected++
	} else if s.expected > 0 {
		s.reserve(len(row))
	}
}
