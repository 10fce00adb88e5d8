package file

import (
	"bytes"
	"io"
)

// scanner cuts a file into records. What it hands out points into its buffer and is valid until the next call.
type scanner struct {
	src   io.Reader
	limit int // bytes of a record
	parse func(data []byte, last bool) (length int, reason string)

	buf      []byte
	from, to int
	ended    bool
	skipping bool  // the rest of a line that was too long is still to come
	offset   int64 // of buf[from], in bytes of text
	lines    int64 // line breaks before it
}

// step is how much is read at once.
const step = 256 << 10

// record is one record with its line break, or a line that is none, with the reason.
type record struct {
	text   []byte
	line   int64 // its first one, from 1
	offset int64
	reason string
	cut    bool // text is only the begin of the line
}

const (
	tooLong = "longer than maxLineBytes"
	// keptOfLong is what is kept of a line that is too long.
	keptOfLong = 64 << 10
)

// next returns the next record; false at the end. An error is one of reading.
func (s *scanner) next() (rec record, ok bool, err error) {
	if s.skipping {
		if err := s.skip(); err != nil {
			return rec, false, err
		}
	}
	for {
		// Never more than this is looked at, so that what is found does not depend on how much was read at once.
		data := s.buf[s.from:min(s.to, s.from+s.limit+1)]
		n, reason := -1, ""
		if len(data) > 0 {
			n, reason = s.parse(data, s.ended && s.from+len(data) == s.to)
		}
		switch {
		case n > s.limit, n < 0 && len(data) > s.limit:
			n, reason = bytes.IndexByte(data, '\n')+1, tooLong
			if n == 0 || n > s.limit {
				return s.overlong(data), true, nil
			}
		case n < 0 && s.ended:
			return rec, false, nil
		case n < 0:
			if err := s.fill(); err != nil {
				return rec, false, err
			}
			continue
		}
		rec = record{text: data[:n], line: s.lines + 1, offset: s.offset, reason: reason}
		s.pass(n)
		return rec, true, nil
	}
}

// overlong hands out the begin of a line that is too long, and lets the next call skip the rest.
func (s *scanner) overlong(data []byte) record {
	rec := record{text: data[:min(s.limit, keptOfLong)], line: s.lines + 1, offset: s.offset, reason: tooLong, cut: true}
	s.skipping = true
	return rec
}

func (s *scanner) skip() error {
	for {
		if i := bytes.IndexByte(s.buf[s.from:s.to], '\n'); i >= 0 {
			s.pass(i + 1)
			break
		}
		s.pass(s.to - s.from)
		if s.ended {
			break
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
	s.skipping = false
	return nil
}

func (s *scanner) pass(n int) {
	s.lines += int64(bytes.Count(s.buf[s.from:s.from+n], newline))
	s.from += n
	s.offset += int64(n)
}

var newline = []byte{'\n'}

// fill reads more behind what is there.
func (s *scanner) fill() error {
	if s.from > 0 {
		s.to = copy(s.buf, s.buf[s.from:s.to])
		s.from = 0
	}
	if len(s.buf)-s.to < step {
		s.buf = append(s.buf[:s.to], make([]byte, max(step, s.to))...)
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.to:])
		s.to += n
		if err == io.EOF {
			s.ended = true
			return nil
		}
		if err != nil || n > 0 {
			return err
		}
	}
	return io.ErrNoProgress
}

// line is the parse of formats in which every line is a record.
func line(data []byte, last bool) (int, string) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, ""
	}
	if last {
		return len(data), ""
	}
	return -1, ""
}

// trimBreak cuts the line break off a record.
func trimBreak(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, newline), []byte{'\r'})
}
