package project

import (
	"strconv"
	"unicode/utf8"
)

// unescape resolves the escapes of a string that the scanner has accepted; raw has no quotes around it.
func unescape(raw []byte) []byte { return AppendText(make([]byte, 0, len(raw)), raw) }

// AppendText adds the text of a string with its escapes resolved. raw is what stands between the quotes of a valid one.
func AppendText(out, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, n := runeAt(raw[i-1:])
			out = utf8.AppendRune(out, r)
			i += n - 2
		default:
			out = append(out, raw[i])
		}
	}
	return out
}

// runeAt reads the \u escape that b begins with, or two that make one character, and how many bytes that took.
func runeAt(b []byte) (rune, int) {
	hex := func(b []byte) rune {
		n, _ := strconv.ParseUint(string(b), 16, 32) // the scanner has seen that these are four digits
		return rune(n)
	}
	r := hex(b[2:6])
	if r < 0xd800 || r > 0xdfff {
		return r, 6
	}
	if r < 0xdc00 && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low := hex(b[8:12]); low >= 0xdc00 && low <= 0xdfff {
			return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), 12
		}
	}
	return utf8.RuneError, 6
}
