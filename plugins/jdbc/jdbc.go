// Package jdbc reads where MySQL ports are, in the forms in which jobs of Java tools write it.
package jdbc

import (
	"errors"
	"fmt"
	"iter"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// Servers are what a jdbcUrl says.
type Servers struct {
	Addrs    []string // host:port, in the order in which they are to be tried, none twice
	TLS      bool
	Database string // "": none is named
	// ZeroNulls is zeroDateTimeBehavior=convertToNull: dates that are none become NULL.
	ZeroNulls bool
}

// Read takes jdbc:mysql://h1:9030,h2:9030/db?useSSL=true, host or host:port, several of either separated by commas or
// semicolons, and arrays of such texts. Blank texts name nothing. Problems stand at path; settings of the Java driver that
// have no effect are a note. port is the one of a host without.
func Read(v options.Value, path, port string) (s Servers, problems []options.Problem) {
	items, at := []options.Value{v}, func(int) string { return path }
	switch v.Kind() {
	case options.Missing, options.Null:
		return s, nil
	case options.Array:
		items, at = v.Items(), func(i int) string { return options.At(path, i) }
	}
	wrong := func(i int, seen string) {
		problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: at(i), Seen: seen,
			Want: "jdbc:mysql://host:port/database or host:port", Try: "jdbc:mysql://host:" + port + "/"})
	}
	var ignored []string
	for i, item := range items {
		found := strings.TrimSpace(item.Text()) == ""
		for part := range parts(item.Text()) {
			host, query, _ := strings.Cut(part, "?")
			host, database, _ := strings.Cut(strings.TrimSpace(host), "/")
			if scheme, _, ok := strings.Cut(part, "://"); ok {
				found = true
				wrong(i, fmt.Sprintf("%q is an address of %s, the MySQL port is needed", Shown(part), scheme))
				continue
			}
			if database != "" {
				s.Database = database
			}
			ignored = append(ignored, s.settings(query)...)
			if host = strings.TrimSpace(host); host == "" {
				continue
			}
			found = true
			addr, err := address(host, port)
			switch {
			case err != nil:
				wrong(i, fmt.Sprintf("%q %v", Shown(host), err))
			case !slices.Contains(s.Addrs, addr):
				s.Addrs = append(s.Addrs, addr)
			}
		}
		if !found {
			wrong(i, "names no host")
		}
	}
	if len(ignored) > 0 {
		slices.Sort(ignored)
		problems = append(problems, options.Problem{Code: options.CodeIgnored, Path: path,
			Seen: "settings of the Java driver have no effect: " + strings.Join(slices.Compact(ignored), ", "), Warning: true})
	}
	return s, problems
}

// schemes are cut off; what stands behind one is hosts, perhaps a database, perhaps settings.
var schemes = []string{"jdbc:mysql://", "jdbc:mysql:loadbalance://", "jdbc:mysql:replication://", "jdbc:starrocks://", "jdbc:mariadb://", "mysql://"}

// parts cuts a list of addresses, each without its scheme. Commas behind a question mark belong to the settings there, until
// another scheme begins.
func parts(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		part, begun := "", false
		for piece := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' }) {
			piece = strings.TrimSpace(piece)
			bare := piece
			for _, scheme := range schemes {
				if len(piece) >= len(scheme) && strings.EqualFold(piece[:len(scheme)], scheme) {
					bare = piece[len(scheme):]
				}
			}
			if strings.Contains(part, "?") && bare == piece {
				part += "," + piece
				continue
			}
			if begun && !yield(part) {
				return
			}
			part, begun = bare, true
		}
		if begun {
			yield(part)
		}
	}
}

func address(host, port string) (string, error) {
	switch {
	case strings.Contains(host, "@"):
		return "", errors.New("holds a user name; use username and password")
	case strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"'<>()\^{}|%`+"`", r) }):
		return "", errors.New("is no address of a MySQL port")
	}
	h, p, err := net.SplitHostPort(host)
	if err != nil {
		if h, p = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), port; strings.Contains(h, ":") && net.ParseIP(h) == nil {
			return "", errors.New("is no host:port")
		}
	}
	if strings.ContainsAny(h, "[]") {
		return "", errors.New("is no host:port")
	}
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 || h == "" {
		return "", errors.New("is no host:port: the port is not between 1 and 65535")
	}
	return net.JoinHostPort(strings.ToLower(h), p), nil
}

// settings takes what gx honours of a JDBC URL's settings and returns the names of the others. What only says what gx does
// anyway is not worth a word.
func (s *Servers) settings(q string) (ignored []string) {
	values, err := url.ParseQuery(q)
	if err != nil {
		return []string{"all of them, since they cannot be read"}
	}
	for name, v := range values {
		switch last := v[len(v)-1]; strings.ToLower(name) {
		case "usessl", "requiressl":
			s.TLS = s.TLS || strings.EqualFold(last, "true")
		case "sslmode":
			s.TLS = s.TLS || strings.EqualFold(last, "REQUIRED") || strings.HasPrefix(strings.ToUpper(last), "VERIFY_")
		case "zerodatetimebehavior":
			s.ZeroNulls = strings.EqualFold(strings.ReplaceAll(last, "_", ""), "convertToNull")
		case "useunicode", "characterencoding", "yearisdatetype":
		default:
			ignored = append(ignored, name)
		}
	}
	return ignored
}

// Shown cuts what may be a user and password off an address, for messages.
func Shown(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "***" + s[i:]
	}
	return s
}
