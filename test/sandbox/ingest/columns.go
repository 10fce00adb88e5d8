package ingest

import (
	"fmt"
	"strings"
)

// item is one entry of the columns header.
type item struct {
	name string
	expr string // what follows '=', empty for a plain name
}

func syntaxError(at int, detail string, args ...any) error {
	return inWords("Getting syntax error at line 1, column %d. Detail message: %s", at, fmt.Sprintf(detail, args...))
}

// splitColumns reads the columns header: names, then names with '=' and an
// expression. Positions in errors count from 1.
func splitColumns(text string) ([]item, error) {
	var items []item
	for at := 0; ; at++ {
		it, end, err := readItem(text, at)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
		if at = end; at >= len(text) {
			return items, nil
		}
	}
}

// readItem reads the entry at i and returns the position of the comma behind it.
func readItem(text string, i int) (item, int, error) {
	i = blanks(text, i)
	name, next, err := readName(text, i)
	if err != nil {
		return item{}, next, err
	}
	i = blanks(text, next)
	if i == len(text) || text[i] == ',' {
		return item{name: name}, i, nil
	}
	if text[i] != '=' {
		return item{}, i, syntaxError(i+1, "Unexpected input '%c' after the column name %s", text[i], name)
	}
	start := i + 1
	end, err := expressionEnd(text, start)
	if err != nil {
		return item{}, end, err
	}
	expr := strings.TrimSpace(text[start:end])
	if expr == "" {
		return item{}, end, syntaxError(end+1, "nothing follows '=' of the column %s", name)
	}
	return item{name: name, expr: expr}, end, nil
}

func blanks(text string, i int) int {
	for i < len(text) && strings.IndexByte(" \t\r\n", text[i]) >= 0 {
		i++
	}
	return i
}

// readName reads a plain or back-ticked name at i.
func readName(text string, i int) (string, int, error) {
	if i < len(text) && text[i] == '`' {
		end := strings.IndexByte(text[i+1:], '`')
		if end < 1 {
			return "", i, syntaxError(i+1, "back-tick not closed, or nothing inside")
		}
		return text[i+1 : i+1+end], i + end + 2, nil
	}
	start := i
	for i < len(text) && nameByte(text[i]) {
		i++
	}
	if i == start {
		return "", i, syntaxError(i+1, "a column name is expected")
	}
	return text[start:i], i, nil
}

// nameByte tells the bytes of names that need no back-ticks. Bytes of non-ASCII
// letters are among them.
func nameByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// expressionEnd finds the comma that ends the expression at i, or the end.
func expressionEnd(text string, i int) (int, error) {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '\'', '"', '`':
			end := quoteEnd(text, i)
			if end < 0 {
				return i, syntaxError(i+1, "a quote is not closed")
			}
			i = end
			continue
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i, syntaxError(i+1, "Unexpected input '%c'", text[i])
			}
		case ',':
			if depth == 0 {
				return i, nil
			}
		}
		i++
	}
	if depth > 0 {
		return i, syntaxError(i+1, "a bracket is not closed")
	}
	return i, nil
}

// quoteEnd returns the position after the quoted text that opens at i, or -1.
func quoteEnd(text string, i int) int {
	q := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\' && q != '`':
			i++
		case text[i] == q && i+1 < len(text) && text[i+1] == q:
			i++
		case text[i] == q:
			return i + 1
		}
	}
	return -1
}

// references lists the names in an expression that may stand for columns: what is
// neither quoted text, nor a number, nor a function. Key words come along; they
// are no columns' names unless someone back-ticks them.
func references(expr string) []string {
	var names []string
	for i := 0; i < len(expr); {
		switch c := expr[i]; {
		case c == '\'' || c == '"' || c == '`':
			end := quoteEnd(expr, i)
			if end < 0 {
				return names
			}
			if c == '`' {
				names = append(names, strings.ReplaceAll(expr[i+1:end-1], "``", "`"))
			}
			i = end
		case nameByte(c):
			start := i
			for i < len(expr) && nameByte(expr[i]) {
				i++
			}
			next := blanks(expr, i)
			if (next == len(expr) || expr[next] != '(') && (c < '0' || c > '9') {
				names = append(names, expr[start:i])
			}
		default:
			i++
		}
	}
	return names
}
