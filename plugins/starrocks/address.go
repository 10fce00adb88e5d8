package starrocks

import (
	"errors"
	"fmt"
	"iter"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
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

// mysqlServers are the query ports of the frontends.
type mysqlServers struct {
	addrs    []string
	tls      bool
	database string // that the URL names
}

const defaultQueryPort = "9030"

// parseJdbcURL reads jdbc:mysql://h1:9030,h2:9030/db?useSSL=true, h:port, and lists of either.
func parseJdbcURL(v options.Value, path string) (m mysqlServers, problems []options.Problem) {
	var ignored []string
	var items []textAt
	switch v.Kind() {
	case options.Missing, options.Null:
		return m, nil
	case options.Array:
		for i, item := range v.Items() {
			items = append(items, textAt{item.Text(), options.At(path, i)})
		}
	default:
		items = []textAt{{v.Text(), path}}
	}
	for _, item := range items {
		for part := range jdbcParts(item.text) {
			host, query, _ := strings.Cut(part, "?")
			host, db, _ := strings.Cut(strings.TrimSpace(host), "/")
			if db != "" {
				m.database = db
			}
			ignored = append(ignored, m.query(query)...)
			e, err := streamload.ParseEndpoint(host, defaultQueryPort)
			if strings.HasPrefix(part, "http") && strings.Contains(part, "://") {
				err = errors.New("is an HTTP address, the MySQL port is needed")
			}
			if err != nil {
				problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: item.path,
					Seen: fmt.Sprintf("%q %v", shown(host), err), Want: "jdbc:mysql://host:port/ or host:port", Try: "jdbc:mysql://fe1:9030/"})
				continue
			}
			if addr := net.JoinHostPort(e.Host, e.Port); !slices.Contains(m.addrs, addr) {
				m.addrs = append(m.addrs, addr)
			}
		}
	}
	if len(m.addrs) == 0 && len(problems) == 0 && slices.ContainsFunc(items, func(i textAt) bool { return strings.TrimSpace(i.text) != "" }) {
		problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: path, Seen: "names no host",
			Want: "jdbc:mysql://host:port/ or host:port", Try: "jdbc:mysql://fe1:9030/"})
	}
	if len(ignored) > 0 {
		problems = append(problems, options.Problem{Code: options.CodeIgnored, Path: path,
			Seen: "settings of the Java driver have no effect: " + strings.Join(ignored, ", "), Warning: true})
	}
	return m, problems
}

// jdbcParts cuts a list of addresses, each without its jdbc: scheme. Commas behind a question mark belong to the settings
// there, until another scheme begins.
func jdbcParts(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		part := ""
		for piece := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' }) {
			piece = strings.TrimSpace(piece)
			bare := piece
			for _, scheme := range []string{"jdbc:mysql://", "jdbc:starrocks://", "mysql://"} {
				if len(piece) >= len(scheme) && strings.EqualFold(piece[:len(scheme)], scheme) {
					bare = piece[len(scheme):]
				}
			}
			if strings.Contains(part, "?") && bare == piece {
				part += "," + piece
				continue
			}
			if part != "" && !yield(part) {
				return
			}
			part = bare
		}
		if part != "" {
			yield(part)
		}
	}
}

// query takes what gx honours of a JDBC URL's settings and returns the names of the others.
func (m *mysqlServers) query(q string) (ignored []string) {
	values, err := url.ParseQuery(q)
	if err != nil {
		return []string{"all of them, since they cannot be read"}
	}
	for name, v := range values {
		switch strings.ToLower(name) {
		case "usessl", "requiressl":
			m.tls = m.tls || strings.EqualFold(v[0], "true")
		case "sslmode":
			m.tls = m.tls || strings.EqualFold(v[0], "REQUIRED") || strings.HasPrefix(strings.ToUpper(v[0]), "VERIFY_")
		default:
			ignored = append(ignored, name)
		}
	}
	slices.Sort(ignored)
	return ignored
}

// shown cuts what may be a user and password off an address.
func shown(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "***" + s[i:]
	}
	return s
}
