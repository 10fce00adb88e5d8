package file

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// charset is how a file's bytes stand for text.
type charset struct {
	reads  encoding.Encoding // nil: UTF-8
	writes encoding.Encoding
	mark   []byte // stands at the begin of a file that is written
}

var charsets = map[string]charset{
	"utf8":    {},
	"gbk":     {reads: simplifiedchinese.GBK, writes: simplifiedchinese.GBK},
	"gb18030": {reads: simplifiedchinese.GB18030, writes: simplifiedchinese.GB18030},
	"latin1":  {reads: charmap.ISO8859_1, writes: charmap.ISO8859_1},
	"utf16": {reads: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), writes: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
		mark: []byte{0xff, 0xfe}},
	"utf16le": {reads: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), writes: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	"utf16be": {reads: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), writes: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
}

const wantCharset = "UTF-8, GBK, GB18030, ISO-8859-1, UTF-16, UTF-16LE, UTF-16BE"

// charsetOf finds a charset under the names that people give it.
func charsetOf(name string) (charset, bool) {
	plain := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	switch plain {
	case "gb2312", "cp936":
		plain = "gbk" // which has all of it
	case "iso88591":
		plain = "latin1"
	}
	c, known := charsets[plain]
	return c, known
}

// decode turns what r gives into UTF-8. Bytes that stand for nothing become U+FFFD, which spoilt finds.
func (c charset) decode(r io.Reader) io.Reader {
	if c.reads == nil {
		return r
	}
	return transform.NewReader(r, c.reads.NewDecoder())
}

var replacement = []byte("\ufffd")

// spoilt tells that a record had bytes that stand for nothing in this charset.
func (c charset) spoilt(record []byte) bool {
	return c.reads != nil && bytes.Contains(record, replacement)
}

// recoder turns UTF-8 rows into a charset, one at a time.
type recoder struct {
	encoder *encoding.Encoder
	out     []byte
}

func newRecoder(c charset) *recoder {
	if c.writes == nil {
		return nil
	}
	return &recoder{encoder: c.writes.NewEncoder()}
}

// row gives the bytes of a row, valid until the next one; false: the charset lacks a letter of it.
func (r *recoder) row(src []byte) ([]byte, bool) {
	if r == nil {
		return src, true
	}
	for size := max(cap(r.out), 2*len(src)+16); ; size *= 2 {
		if cap(r.out) < size {
			r.out = make([]byte, size)
		}
		r.encoder.Reset()
		n, _, err := r.encoder.Transform(r.out[:cap(r.out)], src, true)
		if err == nil {
			return r.out[:n], true
		}
		if err != transform.ErrShortDst {
			return nil, false
		}
	}
}
