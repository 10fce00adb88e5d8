package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
)

// step is one move of a JSON path: into a key, or to an array element.
type step struct {
	key   string
	index int // used when key is empty
}

type path []step

// String spells the path the way the server's messages do.
func (p path) String() string {
	var sb strings.Builder
	sb.WriteByte('$')
	for _, s := range p {
		if s.key != "" {
			sb.WriteString("." + s.key)
		} else {
			fmt.Fprintf(&sb, "[%d]", s.index)
		}
	}
	return sb.String()
}

// parsePath reads the paths the server's loader knows: $, $.a.b, $.a[0], $."a b".
// It knows $.a[*] too, but finds nothing there.
func parsePath(text string) (path, error) {
	bad := func(why string) (path, error) { return nil, inWords("Invalid json path: %s: %s", text, why) }
	s := strings.TrimSpace(text)
	if !strings.HasPrefix(s, "$") {
		return bad("it must start with $")
	}
	p := path{}
	for s = s[1:]; s != ""; {
		switch s[0] {
		case '.':
			s = s[1:]
			end := strings.IndexAny(s, ".[")
			if strings.HasPrefix(s, `"`) {
				close := strings.IndexByte(s[1:], '"')
				if close < 0 {
					return bad("a quoted key is not closed")
				}
				p = append(p, step{key: s[1 : 1+close]})
				if close == 0 {
					return bad("empty key")
				}
				s = s[close+2:]
				continue
			}
			if end < 0 {
				end = len(s)
			}
			if end == 0 {
				return bad("empty key")
			}
			p = append(p, step{key: s[:end]})
			s = s[end:]
		case '[':
			close := strings.IndexByte(s, ']')
			if close < 0 {
				return bad("']' is missing")
			}
			n, err := strconv.Atoi(s[1:close])
			if s[1:close] == "*" {
				n, err = -1, nil
			} else if n < 0 {
				return bad("an array position or * is expected in brackets")
			}
			if err != nil {
				return bad("an array position or * is expected in brackets")
			}
			if s = s[close+1:]; s != "" && s[0] != '.' {
				return bad("one array position may follow a key")
			}
			p = append(p, step{index: n})
		default:
			return bad("'.' or '[' expected")
		}
	}
	return p, nil
}

func parsePaths(text string) ([]path, error) {
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) == 0 {
		return nil, inWords("Invalid json path: %s: a JSON array of path strings is expected", text)
	}
	paths := make([]path, len(list))
	for i, l := range list {
		var err error
		if paths[i], err = parsePath(l); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// find returns the value at the path inside a checked value, or nil.
func (p path) find(value []byte) []byte {
	for _, s := range p {
		if s.key != "" {
			value = member(value, s.key)
		} else {
			value = element(value, s.index)
		}
		if value == nil {
			return nil
		}
	}
	return value
}

func member(value []byte, key string) []byte {
	if value[0] != '{' {
		return nil
	}
	i := jsonscan.Space(value, 1)
	for done := value[i] == '}'; !done; {
		keyEnd, err := jsonscan.String(value, i)
		if err != nil {
			return nil
		}
		raw := value[i:keyEnd]
		at, err := jsonscan.Key(value, i)
		if err != nil {
			return nil
		}
		end, err := jsonscan.Value(value, at)
		if err != nil {
			return nil
		}
		if sameKey(raw, key) {
			return value[at:end]
		}
		if i, done, err = jsonscan.Next(value, end, '}'); err != nil {
			return nil
		}
	}
	return nil
}

// sameKey compares a key, given with its quotes, with a name.
func sameKey(quoted []byte, name string) bool {
	raw := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		return string(jsonscan.Unquote(nil, quoted)) == name
	}
	return string(raw) == name
}

func element(value []byte, index int) []byte {
	if value[0] != '[' {
		return nil
	}
	i := jsonscan.Space(value, 1)
	for done := value[i] == ']'; !done; index-- {
		end, err := jsonscan.Value(value, i)
		if err != nil {
			return nil
		}
		if index == 0 {
			return value[i:end]
		}
		if i, done, err = jsonscan.Next(value, end, ']'); err != nil {
			return nil
		}
	}
	return nil
}
