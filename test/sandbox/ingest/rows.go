package ingest

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// rowSink gathers the rows of one load and counts what became of them.
type rowSink struct {
	batch      *store.Batch
	mapping    *mapping
	strict     bool
	total      int64
	filtered   int64
	unselected int64
	log        []string
}

// errorLogRows is how many refused rows the error log shows.
const errorLogRows = 50

func (s *rowSink) filter(reason string, row []byte) {
	s.total++
	s.filtered++
	if len(s.log) < errorLogRows {
		s.log = append(s.log, fmt.Sprintf("Error: %s. Row: %s", reason, strings.ToValidUTF8(string(row), "?")))
	}
}

// textRow takes the fields of one CSV row. A nil field is NULL; row is the raw
// text for the error log.
func (s *rowSink) textRow(fields [][]byte, row []byte) {
	op := s.mapping.op
	for i := range s.mapping.sources {
		src := &s.mapping.sources[i]
		var err error
		switch {
		case src.isOp:
			var ok bool
			if op, ok = opOf(string(fields[i])); !ok || fields[i] == nil {
				err = &store.RowError{Column: "__op", Reason: fmt.Sprintf("Value '%s' is out of range. The type of '__op' is TINYINT", fields[i])}
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
}
