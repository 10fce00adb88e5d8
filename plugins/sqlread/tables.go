package sqlread

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/plugins/sqlread/sqltext"
)

// mostTables bounds what a pattern may stand for.
const mostTables = 10_000

var span = regexp.MustCompile(`\[(\d{1,9})-(\d{1,9})\]`)

// expand gives the names that a text stands for: a list with commas, each name perhaps with spans such as [0-9] or
// [00-31]. A span whose ends begin with a zero keeps its width.
func expand(text string) (names []string, err error) {
	for item := range sqltext.Items(text) {
		if item == "" {
			continue
		}
		more, err := spread(item, mostTables-len(names))
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

func spread(name string, room int) ([]string, error) {
	if room < 1 {
		return nil, fmt.Errorf("stands for more than %d tables", mostTables)
	}
	at := span.FindStringSubmatchIndex(name)
	if at == nil {
		if strings.ContainsAny(strings.Trim(name, "`"), "[]*?") {
			return nil, fmt.Errorf("holds a pattern that gx does not know; spans are such as [0-9] or [00-31]")
		}
		return []string{name}, nil
	}
	low, high := name[at[2]:at[3]], name[at[4]:at[5]]
	from, _ := strconv.Atoi(low) // nine digits at most
	to, _ := strconv.Atoi(high)
	if from > to {
		return nil, fmt.Errorf("has a span from %s down to %s", low, high)
	}
	width := 0
	if len(low) > 1 && low[0] == '0' {
		width = len(low)
	}
	var out []string
	for n := from; n <= to; n++ {
		more, err := spread(fmt.Sprintf("%s%0*d%s", name[:at[0]], width, n, name[at[1]:]), room-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}
