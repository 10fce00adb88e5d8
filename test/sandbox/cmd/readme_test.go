package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

// TestReadme plays the dialogues of the README one after the other against a sandbox
// of two BEs and a follower, and holds what is printed to what is shown; "..."
// stands for anything. Its Go code must be that of the example.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := server(t, "--kafka", "off", "--backends", "2", "--followers", "1")
	here := strings.NewReplacer("127.0.0.1:8031", a.Control, "127.0.0.1:8030", a.FEHTTP, "-h 127.0.0.1 -P 9030", "-h "+a.FEQuery)
	dialogues, programs := 0, 0
	for _, block := range fences(string(text)) {
		switch block.info {
		case "go":
			programs++
			if !strings.Contains(string(example), block.text) {
				t.Errorf("this is not in example_test.go:\n%s", block.text)
			}
		case "console":
			dialogues++
			for _, step := range strings.Split("\n"+block.text, "\n$ ")[1:] {
				command, want, _ := strings.Cut(step, "\n")
				got, err := play(t, here.Replace(command))
				if err != nil || !matches(want, got) {
					t.Errorf("$ %s\n%s%v\nis shown as\n%s", command, got, err, want)
				}
			}
		}
	}
	if dialogues < 2 || programs < 1 {
		t.Errorf("%d dialogues and %d programs were found", dialogues, programs)
	}
}

type block struct{ info, text string }

func fences(page string) (out []block) {
	for i, part := range strings.Split("\n"+page, "\n```") {
		if i%2 == 1 {
			info, text, _ := strings.Cut(part, "\n")
			out = append(out, block{info, text + "\n"})
		}
	}
	return out
}

func matches(want, got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), `\.\.\.`, `(?s:.*)`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(got))
}

// play does what bash, curl and mysql would do with the commands of the README.
func play(t *testing.T, line string) (string, error) {
	t.Helper()
	var in string
	for _, part := range pipeline(line) {
		var err error
		switch words := part; words[0] {
		case "printf":
			in = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(words[1])
		case "curl":
			in, err = curl(t, words[1:], in)
		case "mysql":
			in, err = mysqlTable(t, words[1:])
		default:
			err = fmt.Errorf("nobody knows the command %s", words[0])
		}
		if err != nil {
			return in, err
		}
	}
	return in, nil
}

// pipeline cuts a line into its commands and their words.
func pipeline(line string) [][]string {
	out := [][]string{nil}
	var word strings.Builder
	quote, open := rune(0), false
	for _, c := range line + " " {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case c == ' ' && (open || word.Len() > 0):
			if w := word.String(); w == "|" && !open {
				out = append(out, nil)
			} else {
				out[len(out)-1] = append(out[len(out)-1], w)
			}
			word.Reset()
			open = false
		case c != ' ':
			word.WriteRune(c)
		}
	}
	return out
}

// curl knows the options that the README uses.
func curl(t *testing.T, words []string, in string) (string, error) {
	t.Helper()
	method, url, user, silent := http.MethodGet, "", "", false
	var body []byte
	header := http.Header{}
	for i := 0; i < len(words); i++ {
		value := func() string { i++; return words[i] }
		switch w := words[i]; w {
		case "-s", "--location-trusted":
		case "-u":
			user = value()
		case "-X":
			method = value()
		case "-H":
			name, v, _ := strings.Cut(value(), ": ")
			header.Set(name, v)
		case "-d":
			method, body = http.MethodPost, []byte(value())
		case "-o":
			silent = value() == "/dev/null"
		case "-T":
			if method, body = http.MethodPut, []byte(in); value() != "-" {
				return "", errors.New("only - can be sent")
			}
		default:
			if strings.HasPrefix(w, "-") {
				return "", fmt.Errorf("nobody knows curl's %s", w)
			}
			url = w
		}
	}
	tr := &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 10 * time.Second}
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		req.Header = header
		if name, password, ok := strings.Cut(user, ":"); ok {
			req.SetBasicAuth(name, password)
		}
		res, err := tr.RoundTrip(req)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return "", err
		}
		if res.StatusCode == http.StatusTemporaryRedirect {
			url = res.Header.Get("Location")
			continue
		}
		if res.StatusCode != http.StatusOK {
			return "", fmt.Errorf("HTTP %d %s", res.StatusCode, text)
		}
		if silent {
			return "", nil
		}
		return string(text), nil
	}
	return "", errors.New("too many redirects")
}

// mysqlTable prints a result as the client does with --table: numbers to the right.
func mysqlTable(t *testing.T, words []string) (string, error) {
	t.Helper()
	addr, user, statement := "", "", ""
	for i := 0; i < len(words); i++ {
		value := func() string { i++; return words[i] }
		switch words[i] {
		case "-h":
			addr = value()
		case "-u":
			user = value()
		case "-e":
			statement = value()
		case "--table":
		default:
			return "", fmt.Errorf("nobody knows mysql's %s", words[i])
		}
	}
	db, err := sql.Open("mysql", user+"@tcp("+addr+")/")
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return "", err
	}
	table := [][]string{make([]string, len(types))}
	targets := make([]any, len(types))
	cells := make([]string, len(types))
	for i, typ := range types {
		table[0][i], targets[i] = typ.Name(), &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return "", err
		}
		table = append(table, append([]string(nil), cells...))
	}
	var sb strings.Builder
	border := "+"
	widths := make([]int, len(types))
	for i := range types {
		widths[i] = len("NULL") // room for one, in columns that are not said to have none
		for _, line := range table {
			widths[i] = max(widths[i], len(line[i]))
		}
		border += strings.Repeat("-", widths[i]+2) + "+"
	}
	for n, line := range table {
		if n < 2 {
			sb.WriteString(border + "\n")
		}
		for i, cell := range line {
			pad := strings.Repeat(" ", widths[i]-len(cell))
			if n > 0 && strings.HasSuffix(types[i].DatabaseTypeName(), "INT") {
				cell, pad = pad+cell, ""
			}
			sb.WriteString("| " + cell + pad + " ")
		}
		sb.WriteString("|\n")
	}
	return sb.String() + border + "\n", rows.Err()
}
