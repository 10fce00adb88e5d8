package options

import (
	"strconv"
	"strings"
)

// Join returns the path of a key below path: steps, then steps.name; keys that are not plain words are
// quoted in brackets, such as parameter["sink.properties.format"].
func Join(path, key string) string {
	if !plainKey(key) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// At returns the path of element i of the list at path.
func At(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func plainKey(key string) bool {
	if key == "" || (key[0] >= '0' && key[0] <= '9') {
		return false
	}
	for _, r := range key {
		if r < 0x80 && r != '_' && r != '-' && !(r >= '0' && r <= '9') && !(r >= 'a' && r <= 'z') && !(r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return true
}

// Lookup returns the value at a path built by Join and At, or Missing.
func (v Value) Lookup(path string) Value {
	for path != "" && v.kind != Missing {
		var key string
		var index int
		if key, index, path = nextStep(path); index >= 0 {
			if index >= len(v.items) {
				return Value{}
			}
			v = v.items[index]
			continue
		}
		v = v.Get(key)
	}
	return v
}

// Locate returns the position of the deepest part of path that is really there. For a key that is there
// it is the position of the key's value; for one that is not, the position of the object that lacks it.
func (v Value) Locate(path string) (line, col int) {
	line, col = v.Pos()
	for path != "" {
		var key string
		var index int
		if key, index, path = nextStep(path); index >= 0 {
			if index >= len(v.items) {
				return line, col
			}
			v = v.items[index]
		} else if v = v.Get(key); v.kind == Missing {
			return line, col
		}
		if v.line > 0 {
			line, col = v.Pos()
		}
	}
	return line, col
}

// nextStep cuts the first step off a path; index is -1 for a key.
func nextStep(path string) (key string, index int, rest string) {
	path = strings.TrimPrefix(path, ".")
	if strings.HasPrefix(path, "[") {
		if q, err := strconv.QuotedPrefix(path[1:]); err == nil {
			key, _ = strconv.Unquote(q)
			return key, -1, strings.TrimPrefix(path[1+len(q):], "]")
		}
		end := strings.IndexByte(path, ']')
		if end < 0 {
			return path, -1, ""
		}
		n, err := strconv.Atoi(path[1:end])
		if err != nil || n < 0 {
			return path[1:end], -1, path[end+1:]
		}
		return "", n, path[end+1:]
	}
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end], -1, path[end:]
	}
	return path, -1, ""
}
