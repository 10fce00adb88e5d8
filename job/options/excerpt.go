package options

import (
	"bytes"
	"regexp"
	"strings"
)

// passwordText finds the value of a password-like key, closed or not.
var passwordText = regexp.MustCompile(`(?i)(?:password|passwd|secret)["']?\s*[:=]\s*["']?([^"',}&]+)`)

// excerpt returns the line around src[at] with a caret below that byte. Long lines are cut on both sides;
// passwords on the line are starred out. A blank line has no excerpt.
func excerpt(src []byte, at int) string {
	const before, after = 60, 30
	start := bytes.LastIndexByte(src[:at], '\n') + 1
	end := len(src)
	if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
		end = at + i
	}
	line := bytes.Clone(src[start:end])
	if len(bytes.TrimSpace(line)) == 0 {
		return ""
	}
	for _, m := range passwordText.FindAllSubmatchIndex(line, -1) {
		for i := m[2]; i < m[3]; i++ {
			line[i] = '*'
		}
	}
	left := clean(line[:at-start])
	right := clean(line[at-start:])
	if len(left) > before {
		left = append([]rune("…"), left[len(left)-before:]...)
	}
	if len(right) > after {
		right = append(right[:after:after], '…')
	}
	blank := make([]rune, len(left))
	for i, c := range left {
		blank[i] = ' '
		if c >= 0x1100 && c != '…' { // a wide character of an East Asian script needs a wide blank below it
			blank[i] = '\u3000'
		}
	}
	return "  " + string(left) + string(right) + "\n  " + string(blank) + "^"
}

// clean turns bytes into characters without control characters.
func clean(b []byte) []rune {
	out := []rune(strings.ToValidUTF8(string(b), "?"))
	for i, c := range out {
		if c < ' ' || c == 0x7f {
			out[i] = ' '
		}
	}
	return out
}
