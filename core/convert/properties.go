package convert

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gx-etl/gx/job/options"
)

// readProperties reads a Java properties file into c.
func readProperties(in Input, c *config) []options.Problem {
	if !utf8.Valid(in.Text) {
		return []options.Problem{{Code: options.CodeSyntax, Seen: in.Name + " is not UTF-8"}}
	}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(in.Text)), "\n")
	for i := 0; i < len(lines); i++ {
		text := strings.TrimLeft(lines[i], " \t\f")
		if text == "" || text[0] == '#' || text[0] == '!' {
			continue
		}
		first := i + 1
		for continued(text) {
			text = text[:len(text)-1]
			if i+1 == len(lines) {
				break
			}
			i++
			text += strings.TrimLeft(lines[i], " \t\f")
		}
		key, value := cutProperty(text)
		p := pair{file: in.Name, line: first}
		var err error
		if p.key, err = unescape(key); err == nil {
			p.value, err = unescape(value)
		}
		if err != nil {
			return []options.Problem{{Code: options.CodeSyntax, Line: first, Col: 1, Seen: err.Error()}}
		}
		if p.key != "" {
			c.add(p)
		}
	}
	return nil
}

// continued tells whether the line goes on in the next one: an odd number of backslashes ends it.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// cutProperty parts a line at the first = or :, or at blanks.
func cutProperty(line string) (key, value string) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '=', ':':
			return line[:i], strings.TrimLeft(line[i+1:], " \t\f")
		case ' ', '\t', '\f':
			value = strings.TrimLeft(line[i:], " \t\f")
			if value != "" && (value[0] == '=' || value[0] == ':') {
				value = strings.TrimLeft(value[1:], " \t\f")
			}
			return line[:i], value
		}
	}
	return line, ""
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+5 > len(s) {
				return "", fmt.Errorf(`\u needs four digits`)
			}
			n, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", fmt.Errorf(`\u%s is no character`, s[i+1:i+5])
			}
			b.WriteRune(rune(n))
			i += 4
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

// readObject reads the members of a JSON object into c.
func readObject(name string, object options.Value, c *config) []options.Problem {
	for _, m := range object.Members() {
		line, _ := m.Value.Pos()
		switch m.Value.Kind() {
		case options.Null:
		case options.Array, options.Object:
			return []options.Problem{{Code: options.CodeWrongType, Path: m.Key, Line: line, Seen: m.Value.Kind().String() + " is no text"}}
		default:
			c.add(pair{key: m.Key, value: m.Value.Text(), file: name, line: line})
		}
	}
	return nil
}
