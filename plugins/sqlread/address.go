package sqlread

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// servers are what a jdbcUrl says.
type servers struct {
	addrs     []string // host:port, in the order in which they are tried
	tls       bool
	database  string
	zeroNulls bool // zeroDateTimeBehavior=convertToNull
}

// readServers takes jdbc:mysql://h1:9030,h2:9030/db?useSSL=true, host:port, and lists of either.
func readServers(v options.Value, path, port string) (s servers, problems []options.Problem) {
	items, at := []options.Value{v}, func(int) string { return path }
	switch v.Kind() {
	case options.Missing, options.Null:
		return s, nil
	case options.Array:
		items, at = v.Items(), func(i int) string { return options.At(path, i) }
	}
	var ignored []string
	for i, item := range items {
		text := strings.TrimSpace(item.Text())
		rest := text
		for _, scheme := range []string{"jdbc:mysql://", "jdbc:mysql:loadbalance://", "jdbc:starrocks://", "jdbc:mariadb://", "mysql://"} {
			if len(rest) >= len(scheme) && strings.EqualFold(rest[:len(scheme)], scheme) {
				rest = rest[len(scheme):]
				break
			}
		}
		hosts, query, _ := strings.Cut(rest, "?")
		hosts, database, _ := strings.Cut(hosts, "/")
		if database != "" {
			s.database = database
		}
		ignored = append(ignored, s.properties(query)...)
		found := false
		for host := range strings.FieldsFuncSeq(hosts, func(r rune) bool { return r == ',' || r == ';' }) {
			addr, err := address(strings.TrimSpace(host), port)
			if err != nil {
				problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: at(i), Seen: fmt.Sprintf("%q %v", shown(host), err),
					Want: "jdbc:mysql://host:port/database or host:port", Try: "jdbc:mysql://host:" + port + "/"})
			} else if !slices.Contains(s.addrs, addr) {
				s.addrs = append(s.addrs, addr)
			}
			found = true
		}
		if !found {
			problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: at(i), Seen: "names no host",
				Want: "jdbc:mysql://host:port/database or host:port", Try: "jdbc:mysql://host:" + port + "/"})
		}
	}
	if len(ignored) > 0 {
		problems = append(problems, options.Problem{Code: options.CodeIgnored, Path: path,
			Seen: "settings of the Java driver have no effect: " + strings.Join(ignored, ", "), Warning: true})
	}
	return s, problems
}

func address(host, port string) (string, error) {
	if strings.Contains(host, "://") || strings.ContainsAny(host, "@ ()") {
		return "", fmt.Errorf("is no address of a MySQL port")
	}
	h, p, err := net.SplitHostPort(host)
	if err != nil {
		h, p = strings.Trim(host, "[]"), port
	}
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 || h == "" {
		return "", fmt.Errorf("is no host:port")
	}
	return net.JoinHostPort(h, p), nil
}

// properties takes what gx honours of a JDBC URL's settings and returns the names of the others. What only says what gx
// does anyway is not worth a word.
func (s *servers) properties(q string) (ignored []string) {
	values, err := url.ParseQuery(q)
	if err != nil {
		return []string{"all of them, since they cannot be read"}
	}
	for name, v := range values {
		switch last := v[len(v)-1]; strings.ToLower(name) {
		case "usessl", "requiressl":
			s.tls = s.tls || strings.EqualFold(last, "true")
		case "sslmode":
			s.tls = s.tls || strings.EqualFold(last, "REQUIRED") || strings.HasPrefix(strings.ToUpper(last), "VERIFY_")
		case "zerodatetimebehavior":
			s.zeroNulls = strings.EqualFold(strings.ReplaceAll(last, "_", ""), "convertToNull")
		case "useunicode", "characterencoding", "yearisdatetype":
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
