package encode

// Members calls f with the name and the value of each member of the object that a document is, in their order. It answers false
// when the document cannot be read as an object. Name and value point into the document, or are valid until the next call.
func (d *Documents) Members(row int, f func(name, value []byte)) bool {
	t := nestedText{s: trim(d.col.bytes(row))}
	if !t.next('{') {
		return false
	}
	if t.next('}') {
		return t.at == len(t.s)
	}
	for {
		t.space()
		from := t.at
		if !t.skipText() {
			return false
		}
		name := t.s[from+1 : t.at-1]
		if hasEscape(name) {
			var reason string
			if d.name, reason = appendUnquoted(d.name[:0], t.s[from:t.at]); reason != "" {
				return false
			}
			name = d.name
		}
		if !t.next(':') {
			return false
		}
		t.space()
		from = t.at
		if !t.skip() {
			return false
		}
		f(name, t.s[from:t.at])
		switch {
		case t.next('}'):
			return t.at == len(t.s)
		case !t.next(','):
			return false
		}
	}
}

// Unquote appends what a JSON text in quotes stands for. It answers false when that is no text.
func Unquote(dst, text []byte) ([]byte, bool) {
	out, reason := appendUnquoted(dst, text)
	return out, reason == ""
}

func hasEscape(s []byte) bool {
	for _, b := range s {
		if b == '\\' {
			return true
		}
	}
	return false
}

// skipText passes a text in quotes.
func (t *nestedText) skipText() bool {
	if t.at >= len(t.s) || t.s[t.at] != '"' {
		return false
	}
	for t.at++; t.at < len(t.s); t.at++ {
		switch t.s[t.at] {
		case '\\':
			t.at++
		case '"':
			t.at++
			return true
		}
	}
	return false
}

// skip passes any value. Of a nested one it sees the brackets and texts only.
func (t *nestedText) skip() bool {
	depth := 0
	for t.at < len(t.s) {
		switch b := t.s[t.at]; b {
		case '"':
			if !t.skipText() {
				return false
			}
		case '[', '{':
			depth++
			t.at++
			continue
		case ']', '}':
			depth--
			t.at++
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return false
			}
			t.at++
			continue
		default:
			if len(t.word()) == 0 {
				return false
			}
		}
		if depth == 0 {
			return true
		}
		if depth < 0 {
			return false
		}
	}
	return false
}
