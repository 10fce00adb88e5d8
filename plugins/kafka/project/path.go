package project

import (
	"fmt"
	"strconv"
	"strings"
)

// Step is one step down into a document: into the member Key of an object or, when Index is not negative, into an
// element of an array.
type Step struct {
	Key   string
	Index int
}

// Path leads from the top of a document to one value. The empty path is the document itself.
type Path []Step

// PathError says why a text is no path, and at which byte of it.
type PathError struct {
	Text string
	At   int
	What string
}

func (e *PathError) Error() string {
	return fmt.Sprintf("%q is not a path to a JSON field: %s at byte %d", e.Text, e.What, e.At)
}

const maxIndex = 1 << 20

// ParsePath reads a path as users write it: tag.desc goes into objects, a[0].b into arrays, and a backslash takes the
// next character as it is, so that a\.b is the one key "a.b". Errors are *PathError.
func ParsePath(text string) (Path, error) {
	p := pathText{text: text}
	var path Path
	for {
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		path = append(path, Step{Key: key, Index: -1})
		for p.peek('[') {
			n, err := p.index()
			if err != nil {
				return nil, err
			}
			path = append(path, Step{Index: n})
		}
		if p.at == len(text) {
			return path, nil
		}
		if !p.peek('.') {
			return nil, p.wrong("a . or [ is missing")
		}
		p.at++
	}
}

type pathText struct {
	text string
	at   int
}

func (p *pathText) peek(c byte) bool { return p.at < len(p.text) && p.text[p.at] == c }

func (p *pathText) wrong(what string) error {
	return &PathError{Text: p.text, At: p.at, What: what}
}

func (p *pathText) key() (string, error) {
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch c {
		case '.', '[':
			if b.Len() == 0 {
				return "", p.wrong("a name is missing")
			}
			return b.String(), nil
		case ']':
			return "", p.wrong("a ] without [")
		case '\\':
			p.at++
			if p.at == len(p.text) {
				return "", p.wrong("a backslash with nothing behind it")
			}
			c = p.text[p.at]
		}
		b.WriteByte(c)
		p.at++
	}
	if b.Len() == 0 {
		return "", p.wrong("a name is missing")
	}
	return b.String(), nil
}

func (p *pathText) index() (int, error) {
	end := strings.IndexByte(p.text[p.at:], ']')
	if end < 0 {
		return 0, p.wrong("a [ without ]")
	}
	digits := p.text[p.at+1 : p.at+end]
	n, err := strconv.Atoi(digits)
	if err != nil || strconv.Itoa(n) != digits || n < 0 || n > maxIndex {
		p.at++
		return 0, p.wrong(fmt.Sprintf("an index must be 0 to %d, not %q", maxIndex, digits))
	}
	p.at += end + 1
	return n, nil
}

// String writes the path the way ParsePath reads it.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		if s.Index >= 0 {
			fmt.Fprintf(&b, "[%d]", s.Index)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		for j := range len(s.Key) {
			if strings.IndexByte(`.[]\`, s.Key[j]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(s.Key[j])
		}
	}
	return b.String()
}
