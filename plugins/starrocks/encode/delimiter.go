package encode

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Delimiter separates fields or rows of CSV.
type Delimiter struct {
	Bytes  []byte
	Header string // as StarRocks wants to be told
}

// MaxDelimiter is the longest delimiter that StarRocks takes, in bytes.
const MaxDelimiter = 50

// ParseDelimiter reads a delimiter in the forms people write: \x01, \\x01, 0x01, \x0D0A, \x0D\x0A, \t, \n, \r, a control
// character, or any other text as it is.
func ParseDelimiter(s string) (Delimiter, error) {
	if s == "" {
		return Delimiter{}, errors.New("is empty")
	}
	raw, err := delimiterBytes(s)
	switch {
	case err != nil:
		return Delimiter{}, err
	case len(raw) > MaxDelimiter:
		return Delimiter{}, fmt.Errorf("is %d bytes long, StarRocks takes 1 to %d", len(raw), MaxDelimiter)
	case !utf8.Valid(raw):
		return Delimiter{}, errors.New("is not valid UTF-8: StarRocks never finds bytes of 80 and above that stand alone")
	}
	d := Delimiter{Bytes: raw, Header: string(raw)}
	if needsHex(raw) {
		for _, b := range raw {
			if b >= 0x80 {
				return Delimiter{}, errors.New("mixes control characters or blanks with characters beyond ASCII, which StarRocks cannot be told")
			}
		}
		d.Header = `\x` + strings.ToUpper(hex.EncodeToString(raw))
	}
	return d, nil
}

func delimiterBytes(s string) ([]byte, error) {
	t := s
	if strings.HasPrefix(t, `\\`) && len(t) > 2 { // written with one escape too many
		t = t[1:]
	}
	switch t {
	case `\t`:
		return []byte{'\t'}, nil
	case `\n`:
		return []byte{'\n'}, nil
	case `\r`:
		return []byte{'\r'}, nil
	case `\r\n`:
		return []byte{'\r', '\n'}, nil
	}
	if len(t) < 2 || (t[0] != '\\' && t[0] != '0') || (t[1] != 'x' && t[1] != 'X') {
		return []byte(s), nil
	}
	prefix := t[:2]
	digits := t[2:]
	if prefix[0] == '\\' { // \x0D\x0A is \x0D0A
		digits = strings.NewReplacer(`\\x`, "", `\\X`, "", `\x`, "", `\X`, "").Replace(digits)
	}
	switch {
	case digits == "":
		return nil, fmt.Errorf("has no hexadecimal digits after %s", prefix)
	case len(digits)%2 != 0:
		return nil, fmt.Errorf("has %d hexadecimal digits, an even number is needed", len(digits))
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("has something other than hexadecimal digits after %s", prefix)
	}
	return raw, nil
}

// needsHex tells whether the bytes would not survive as a header value, or would be read as a code.
func needsHex(raw []byte) bool {
	for _, b := range raw {
		if b <= ' ' || b == 0x7f {
			return true
		}
	}
	code := strings.ToLower(string(raw))
	return strings.HasPrefix(code, `\x`) || strings.HasPrefix(code, "0x")
}
