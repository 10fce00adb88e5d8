package starrocks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/jdbc"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// textAt is one address and where it stands.
type textAt struct{ text, path string }

// texts spreads a text with commas or semicolons, or an array of such texts.
func texts(v options.Value, path string) (out []textAt, problems []options.Problem) {
	items, at := []options.Value{v}, func(int) string { return path }
	switch v.Kind() {
	case options.Missing, options.Null:
		return nil, nil
	case options.Array:
		items, at = v.Items(), func(i int) string { return options.At(path, i) }
	}
	for i, item := range items {
		if item.Kind() != options.String {
			problems = append(problems, options.Problem{Code: options.CodeWrongType, Path: at(i), Seen: item.String() + " is not a text", Try: `"fe1:8030"`})
			continue
		}
		for part := range strings.FieldsFuncSeq(item.Text(), func(r rune) bool { return r == ',' || r == ';' }) {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, textAt{part, at(i)})
			}
		}
	}
	return out, problems
}

func parseLoadURL(v options.Value, path string) (out []streamload.Endpoint, problems []options.Problem) {
	parts, problems := texts(v, path)
	for _, p := range parts {
		e, err := streamload.ParseEndpoint(p.text, streamload.DefaultFrontendPort)
		switch {
		case err != nil:
			problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: p.path,
				Seen: fmt.Sprintf("%q %v", shown(p.text), err), Want: "host or host:port, optionally behind http:// or https://", Try: "fe1:8030"})
		case !slices.Contains(out, e):
			out = append(out, e)
		}
	}
	if len(out) == 0 && len(problems) == 0 {
		problems = append(problems, options.Problem{Code: options.CodeMissing, Path: path, Seen: "names no frontend", Try: "fe1:8030"})
	}
	return out, problems
}

const defaultQueryPort = "9030"

// mysqlServers are the query ports of the frontends.
type mysqlServers struct {
	addrs    []string
	tls      bool
	database string // that the URL names
}

func parseJdbcURL(v options.Value, path string) (mysqlServers, []options.Problem) {
	s, problems := jdbc.Read(v, path, defaultQueryPort)
	return mysqlServers{addrs: s.Addrs, tls: s.TLS, database: s.Database}, problems
}

func shown(s string) string { return jdbc.Shown(s) }
