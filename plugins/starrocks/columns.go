package starrocks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// opColumn carries the change operation of a row: 0 upsert, 1 delete.
const opColumn = protocol.OpColumn

// readColumns judges the column parameter. nil: all columns of the table.
func readColumns(given []string, path string) (columns []string, problems []options.Problem) {
	at := options.Join(path, "column")
	if len(given) == 1 && !strings.Contains(given[0], "`") {
		given = strings.Split(given[0], ",")
	}
	seen := map[string]int{}
	for i, c := range given {
		name := unquoteName(c)
		wrong := func(code, seen, try string) {
			problems = append(problems, options.Problem{Code: code, Path: options.At(at, i), Seen: seen, Try: try})
		}
		switch first, twice := seen[strings.ToLower(name)]; {
		case name == "":
			wrong(options.CodeMissing, "the name is empty", "")
		case hasControl(name):
			wrong(options.CodeNotAllowed, fmt.Sprintf("%q holds a control character", name), "")
		case twice:
			wrong(options.CodeDuplicateKey, fmt.Sprintf("%s is there twice, the first time as number %d", name, first+1), "keep one")
		case name == "*" && len(given) > 1:
			wrong(options.CodeConflict, "* stands for all columns and cannot be mixed with others", "keep only *")
		case name == opColumn && i != len(given)-1:
			wrong(options.CodeNotAllowed, "__op must be the last column", "move it to the end")
		case name == opColumn && len(given) == 1:
			wrong(options.CodeNotAllowed, "__op alone is no row", "name the key columns too")
		}
		seen[strings.ToLower(name)] = i
		columns = append(columns, name)
	}
	if slices.Equal(columns, []string{"*"}) {
		return nil, problems
	}
	return columns, problems
}

// unquoteName cuts spaces and the back-quotes around a name.
func unquoteName(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '`' && s[len(s)-1] == '`' {
		s = strings.ReplaceAll(s[1:len(s)-1], "``", "`")
	}
	return s
}

// quoteName makes an identifier of any name.
func quoteName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0
}

// columnsHeader lists names for the columns property.
func columnsHeader(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = n
		if n != opColumn {
			quoted[i] = quoteName(n)
		}
	}
	return strings.Join(quoted, ",")
}

// splitColumns finds the source names in a columns property: the items that are no assignment. op tells that __op is
// among the assigned.
func splitColumns(s string) (names []string, op bool, err error) {
	items, err := splitTop(s)
	if err != nil {
		return nil, false, err
	}
	names = []string{}
	for _, item := range items {
		target, assigned := assignment(item)
		name := unquoteName(target)
		switch {
		case name == "":
			return nil, false, errors.New("has an empty item")
		case assigned:
			op = op || name == opColumn
		default:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, false, errors.New("names no column that a row could fill")
	}
	return names, op, nil
}

// splitTop cuts at the commas outside quotes and parentheses.
func splitTop(s string) (items []string, err error) {
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '"', '`':
			end := closing(s, i)
			if end < 0 {
				return nil, fmt.Errorf("has a %c that is not closed", s[i])
			}
			i = end
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return nil, errors.New("closes a parenthesis that is not open")
			}
		case ',':
			if depth == 0 {
				items = append(items, s[from:i])
				from = i + 1
			}
		}
	}
	if depth > 0 {
		return nil, errors.New("has a parenthesis that is not closed")
	}
	return append(items, s[from:]), nil
}

// closing is the position of the quote that ends the quoted part beginning at i; -1: none.
func closing(s string, i int) int {
	q := s[i]
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && q != '`':
			j++
		case s[j] == q:
			return j
		}
	}
	return -1
}

// assignment cuts "target = expression".
func assignment(item string) (target string, assigned bool) {
	for i := 0; i < len(item); i++ {
		switch item[i] {
		case '\'', '"', '`':
			if end := closing(item, i); end >= 0 {
				i = end
			}
		case '=':
			return item[:i], true
		}
	}
	return item, false
}
