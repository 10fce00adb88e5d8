package decode

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// charsets are the encodings that texts of messages may have, by their plain names. UTF-16 goes by its byte order mark,
// and is big end first without one, as Java reads it.
var charsets = map[string]encoding.Encoding{
	"utf8":    nil,
	"gbk":     simplifiedchinese.GBK,
	"gb18030": simplifiedchinese.GB18030,
	"latin1":  charmap.ISO8859_1,
	"utf16":   unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"utf16le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf16be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

// Charsets names the encodings that CharsetOf knows.
const Charsets = "UTF-8, GBK, GB18030, UTF-16, UTF-16LE, UTF-16BE, ISO-8859-1"

// Charset is an encoding of texts. The zero value is UTF-8.
type Charset struct {
	name string
	enc  encoding.Encoding
}

// CharsetOf finds an encoding under the names that people give it.
func CharsetOf(name string) (c Charset, known bool) {
	plain := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	switch plain {
	case "gb2312", "cp936":
		plain = "gbk" // which has all of it
	case "iso88591":
		plain = "latin1"
	}
	enc, known := charsets[plain]
	return Charset{name: name, enc: enc}, known
}

// Plain tells that texts are UTF-8 already.
func (c Charset) Plain() bool { return c.enc == nil }

// Text turns texts of a Charset into UTF-8, one at a time. It is for one goroutine.
type Text struct {
	charset Charset
	decoder *encoding.Decoder
	out     []byte
}

// Text makes a Text, nil for UTF-8.
func (c Charset) Text() *Text {
	if c.Plain() {
		return nil
	}
	return &Text{charset: c, decoder: c.enc.NewDecoder()}
}

// UTF8 gives src as UTF-8, valid until the next call. A reason says that some bytes of it stand for no letter. Nil stays
// nil, and without a Text everything stays as it is.
func (t *Text) UTF8(src []byte) (out []byte, reason string) {
	if t == nil || src == nil {
		return src, ""
	}
	for size := max(cap(t.out), 3*len(src)+16); ; size *= 2 {
		if cap(t.out) < size {
			t.out = make([]byte, size)
		}
		t.decoder.Reset()
		n, _, err := t.decoder.Transform(t.out[:cap(t.out)], src, true)
		if err == transform.ErrShortDst {
			continue
		}
		if err == nil && !bytes.Contains(t.out[:n], replacement) {
			return t.out[:n], ""
		}
		if err == nil && t.meant(t.out[:n], src) {
			return t.out[:n], ""
		}
		return nil, fmt.Sprintf("is not valid %s", t.charset.name)
	}
}

var replacement = []byte("\ufffd")

// meant tells that the replacement characters in text stood in src already: then src comes back from text.
func (t *Text) meant(text, src []byte) bool {
	enc := t.charset.enc
	if enc == charsets["utf16"] {
		enc = charsets["utf16be"]
		if rest, little := bytes.CutPrefix(src, []byte{0xff, 0xfe}); little {
			enc, src = charsets["utf16le"], rest
		} else {
			src = bytes.TrimPrefix(src, []byte{0xfe, 0xff})
		}
	}
	back, err := enc.NewEncoder().Bytes(text)
	return err == nil && bytes.Equal(back, src)
}
