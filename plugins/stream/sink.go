package stream

import (
	"encoding/base64"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// sink is where lines go: the log, a file, both or neither. Lanes share it; the lines of a batch stay together.
type sink struct {
	mu   sync.Mutex // guards the following
	log  io.Writer
	file *os.File
}

// open empties the file that the options name.
func (s *sink) open(o *writerOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Print {
		s.log = os.Stderr // standard output belongs to the handshake
	}
	if o.file() == "" {
		return nil
	}
	if err := os.MkdirAll(o.Path, 0o755); err != nil {
		return fileFault("path", err)
	}
	f, err := os.OpenFile(o.file(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fileFault("fileName", err)
	}
	s.file = f
	return nil
}

func (s *sink) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log != nil || s.file != nil
}

func (s *sink) write(lines []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log != nil {
		if _, err := s.log.Write(lines); err != nil {
			return fileFault("print", err)
		}
	}
	if s.file != nil {
		if _, err := s.file.Write(lines); err != nil {
			return fileFault("fileName", err)
		}
	}
	return nil
}

// sync returns when the file is on the disk.
func (s *sink) sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	if err := s.file.Sync(); err != nil {
		return fileFault("fileName", err)
	}
	return nil
}

func (s *sink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	if err != nil {
		return fileFault("fileName", err)
	}
	return nil
}

// appendLines writes rows as DataX prints them: values as text, null as the word, nothing escaped.
func appendLines(dst []byte, rec arrow.RecordBatch, delimiter string) []byte {
	cols := rec.Columns()
	for row := range int(rec.NumRows()) {
		for i, c := range cols {
			if i > 0 {
				dst = append(dst, delimiter...)
			}
			dst = appendValue(dst, c, row)
		}
		dst = append(dst, '\n')
	}
	return dst
}

func appendValue(dst []byte, col arrow.Array, row int) []byte {
	if col.IsNull(row) {
		return append(dst, "null"...)
	}
	switch c := col.(type) {
	case *array.String:
		return append(dst, c.Value(row)...)
	case *array.Binary:
		return append(dst, c.Value(row)...)
	case *array.LargeBinary:
		return append(dst, c.Value(row)...)
	case *array.BinaryView:
		return append(dst, c.Value(row)...)
	case *array.FixedSizeBinary:
		return base64.StdEncoding.AppendEncode(dst, c.Value(row))
	case *array.Int64:
		return strconv.AppendInt(dst, c.Value(row), 10)
	case *array.Int32:
		return strconv.AppendInt(dst, int64(c.Value(row)), 10)
	case *array.Float64:
		return strconv.AppendFloat(dst, c.Value(row), 'g', -1, 64)
	case *array.Boolean:
		return strconv.AppendBool(dst, c.Value(row))
	case *array.Timestamp:
		t := c.Value(row).ToTime(c.DataType().(*arrow.TimestampType).Unit)
		return t.UTC().AppendFormat(dst, "2006-01-02 15:04:05.999999999")
	case *array.Date32:
		return c.Value(row).ToTime().UTC().AppendFormat(dst, time.DateOnly)
	}
	return append(dst, col.ValueStr(row)...)
}
