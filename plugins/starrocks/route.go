package starrocks

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// route sends the rows of a source, such as a topic, to a table.
type route struct {
	source string
	match  *regexp.Regexp // in place of source
	table  string         // table or db.table; may hold $1 with match
}

// readRoutes reads topic2table: an object, or "t1:table1,t2:table2". Every mistake is a problem, since a lost pair would
// send rows to the wrong table.
func readRoutes(v options.Value, path string) (routes []route, problems []options.Problem) {
	wrong := func(at, seen string) {
		problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: at, Seen: seen,
			Want: `{"topic":"table"} or topic:table,topic:table`})
	}
	add := func(at, source, table string) {
		r := route{source: strings.TrimSpace(source), table: strings.TrimSpace(table)}
		if len(r.source) > 2 && strings.HasPrefix(r.source, "/") && strings.HasSuffix(r.source, "/") {
			re, err := regexp.Compile("^(?:" + r.source[1:len(r.source)-1] + ")$")
			if err != nil {
				wrong(at, fmt.Sprintf("%s is no regular expression: %v", r.source, err))
				return
			}
			r.match = re
		}
		if r.source == "" || r.table == "" || hasControl(r.table) {
			wrong(at, fmt.Sprintf("the pair %q to %q is not complete", source, table))
			return
		}
		if strings.ContainsAny(r.table, `/\`) {
			wrong(at, fmt.Sprintf("%q holds a character that no table has", r.table))
			return
		}
		for _, old := range routes {
			if old.source == r.source {
				wrong(at, r.source+" is there twice")
				return
			}
		}
		routes = append(routes, r)
	}
	switch v.Kind() {
	case options.Missing, options.Null:
	case options.Object:
		for _, m := range v.Members() {
			if m.Value.Kind() != options.String {
				wrong(options.Join(path, m.Key), m.Value.String()+" is not a text")
				continue
			}
			add(options.Join(path, m.Key), m.Key, m.Value.Text())
		}
	case options.String:
		for pair := range strings.SplitSeq(v.Text(), ",") {
			source, table, ok := strings.Cut(pair, ":")
			if !ok {
				wrong(path, fmt.Sprintf("%q has no colon", pair))
				continue
			}
			add(path, source, table)
		}
	default:
		wrong(path, "is neither a text nor an object")
	}
	return routes, problems
}

// tableFor is where rows of a source go: exact names first, then the expressions in their order, then the table of the
// same name.
func tableFor(routes []route, source string) string {
	for _, r := range routes {
		if r.match == nil && r.source == source {
			return r.table
		}
	}
	for _, r := range routes {
		if r.match != nil {
			if m := r.match.FindStringSubmatchIndex(source); m != nil {
				return string(r.match.ExpandString(nil, r.table, source, m))
			}
		}
	}
	return source
}

// splitTable cuts db.table; db is "" for a plain name. Back-quotes around either part are cut.
func splitTable(s string) (db, table string) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "`") {
		if end := closing(s, 0); end > 0 && end+1 < len(s) && s[end+1] == '.' {
			return unquoteName(s[:end+1]), unquoteName(s[end+2:])
		}
		return "", unquoteName(s)
	}
	if a, b, ok := strings.Cut(s, "."); ok {
		return unquoteName(a), unquoteName(b)
	}
	return "", s
}
