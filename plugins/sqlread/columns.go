package sqlread

import (
	"fmt"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sqlread/sqltext"
)

// readColumns judges the column parameter: the items of the SELECT list as written, and the hint before the first.
func readColumns(given []string, d *Dialect, j *judge) (columns []string, hint string) {
	at := j.at("column")
	wrong := func(i int, seen, want, try string) {
		j.wrong(options.CodeNotAllowed, options.At(at, i), seen, want, try)
	}
	if len(given) == 0 {
		j.wrong(options.CodeMissing, at, "required and empty: what to read", "", `["*"]`)
	}
	for i, text := range given {
		h, rest, found := sqltext.Hint(text)
		switch {
		case found && i > 0:
			wrong(i, "has a hint, which belongs before the first column", "", "move it there")
		case found && !d.Hints:
			wrong(i, d.Product+" has no hints that set variables", "", "session prepares connections")
		case found:
			hint = h
		}
		if err := sqltext.Whole(rest); err != nil {
			wrong(i, err.Error(), "a name, a constant or an expression", "")
			continue
		}
		for item := range sqltext.Items(rest) {
			switch {
			case item == "":
				wrong(i, "the name is empty", "a name, a constant or an expression", "")
			case sqltext.HasWord(item, "FROM", "SELECT", "WHERE", "LIMIT", "UNION") != "":
				wrong(i, fmt.Sprintf("%q is more than an expression", item), "a name, a constant or an expression", "querySql takes a whole query")
			default:
				columns = append(columns, item)
			}
		}
	}
	for _, c := range columns {
		if c == "*" && len(columns) > 1 {
			j.wrong(options.CodeConflict, at, "* stands for all columns and cannot be mixed with others", "", `["*"]`)
			break
		}
	}
	return columns, hint
}
