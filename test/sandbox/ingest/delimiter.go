package ingest

import (
	"encoding/hex"
	"fmt"
	"strings"
)

const maxDelimiter = 50 // bytes

// parseDelimiter reads the text of a column_separator or row_delimiter header:
// the bytes themselves, or one \x or 0x prefix followed by the hex digits of all
// bytes. what names the header in errors.
func parseDelimiter(text, what string) ([]byte, error) {
	lengthError := inWords("The valid bytes length for '%s' is [1, %d]", what, maxDelimiter)
	if text == "" {
		return nil, lengthError
	}
	prefix := strings.ToLower(text[:min(2, len(text))])
	if prefix != `\x` && prefix != "0x" {
		if len(text) > maxDelimiter {
			return nil, lengthError
		}
		return []byte(text), nil
	}
	digits := text[2:]
	bad := func(why string) error { return inWords("Invalid delimiter '%s': %s", text, why) }
	if digits == "" {
		return nil, bad("empty hex string")
	}
	if len(digits)%2 != 0 {
		return nil, bad("hex length must be a even number")
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return nil, bad("invalid hex format")
	}
	// The server widens each byte to a character and writes it as UTF-8. A byte
	// of 0x80 or more is sign-extended on the way and matches no valid text; 0xff
	// in front of it has that effect here.
	out := make([]byte, 0, len(raw))
	for _, c := range raw {
		if c < 0x80 {
			out = append(out, c)
		} else {
			out = append(out, 0xff, c)
		}
	}
	if len(out) > maxDelimiter {
		return nil, lengthError
	}
	return out, nil
}

// show spells a delimiter for a message, the way the server does: bytes that do
// not print in hex.
func show(delimiter []byte) string {
	var sb strings.Builder
	for _, c := range delimiter {
		switch {
		case c == '\t':
			sb.WriteString(`\t`)
		case c == '\n':
			sb.WriteString(`\n`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&sb, "0x%x", c)
		default:
			sb.WriteByte(c)
		}
	}
	return sb.String()
}
