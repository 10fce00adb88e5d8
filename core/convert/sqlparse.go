package convert

import (
	"fmt"
	"strings"
)

// sqlField is a column of a table.
type sqlField struct {
	name     string
	metadata string // of the connector, such as timestamp; "": physical
	computed bool   // name AS expression
	typ      string // as written, in capitals
	line     int
}

// sqlCreate is CREATE TABLE.
type sqlCreate struct {
	name    string
	fields  []sqlField
	primary []string
	options []pair
	line    int
	extra   []string // what else the statement says, such as WATERMARK
}

// sqlItem is one element of a SELECT list.
type sqlItem struct {
	path   []string // a.b
	text   *string  // 'constant'
	star   bool
	source string // as written, for messages
}

// sqlInsert is INSERT INTO … SELECT … FROM ….
type sqlInsert struct {
	into, from string
	columns    []string
	items      []sqlItem
	rest       string // what follows the source's name, such as WHERE …
	line       int
}

// script is what a file of Flink SQL says.
type script struct {
	tables  []*sqlCreate
	inserts []*sqlInsert
	sets    []pair
	other   []pair // statements that are not read, the first words as key
}

// sqlReader walks over words.
type sqlReader struct {
	words []word
	at    int
}

func (r *sqlReader) peek() word {
	if r.at < len(r.words) {
		return r.words[r.at]
	}
	line := 1
	if len(r.words) > 0 {
		line = r.words[len(r.words)-1].line
	}
	return word{line: line, symbol: true}
}

func (r *sqlReader) next() word {
	w := r.peek()
	r.at++
	return w
}

// accept takes the words when all of them come next.
func (r *sqlReader) accept(texts ...string) bool {
	for i, t := range texts {
		if r.at+i >= len(r.words) || !r.words[r.at+i].is(t) {
			return false
		}
	}
	r.at += len(texts)
	return true
}

func (r *sqlReader) wrong(want string) error {
	w := r.peek()
	seen := w.text
	if seen == "" {
		seen = "the end"
	}
	return fmt.Errorf("line %d: %s is expected, and %q stands there", w.line, want, seen)
}

// name reads a.b.c and returns its last part.
func (r *sqlReader) name() (string, error) {
	for {
		if !r.peek().name() {
			return "", r.wrong("a name")
		}
		last := r.next().text
		if !r.accept(".") {
			return last, nil
		}
	}
}

func parseSQL(src string) (*script, error) {
	words, err := lex(src)
	if err != nil {
		return nil, err
	}
	out := &script{}
	var statement []word
	for _, w := range append(words, word{text: ";", symbol: true}) {
		if !w.is(";") || !w.symbol {
			statement = append(statement, w)
			continue
		}
		if err := out.statement(statement); err != nil {
			return nil, err
		}
		statement = nil
	}
	return out, nil
}

func (s *script) statement(words []word) error {
	r := &sqlReader{words: words}
	if r.accept("EXECUTE", "STATEMENT", "SET") || r.accept("BEGIN", "STATEMENT", "SET") {
		r.accept("BEGIN")
	}
	r.accept("EXECUTE")
	start := r.peek()
	switch {
	case r.at >= len(words) || r.accept("END"):
		return nil
	case r.accept("CREATE", "TABLE") || r.accept("CREATE", "TEMPORARY", "TABLE"):
		t, err := r.create()
		if err != nil {
			return err
		}
		t.line = start.line
		s.tables = append(s.tables, t)
		return nil
	case r.accept("INSERT", "INTO") || r.accept("INSERT", "OVERWRITE"):
		i, err := r.insert()
		if err != nil {
			return err
		}
		i.line = start.line
		s.inserts = append(s.inserts, i)
		return nil
	case r.accept("SET"):
		p, err := r.assignment()
		if err == nil {
			s.sets = append(s.sets, p)
		}
		return err
	}
	var first []string
	for _, w := range words[r.at:min(len(words), r.at+3)] {
		first = append(first, w.text)
	}
	s.other = append(s.other, pair{key: strings.Join(first, " "), line: start.line})
	return nil
}

// assignment reads 'k' = 'v', or a.b = v.
func (r *sqlReader) assignment() (pair, error) {
	p := pair{line: r.peek().line}
	for !r.peek().is("=") || r.peek().quote != 0 {
		if r.at >= len(r.words) {
			return p, r.wrong("=")
		}
		p.key += r.next().text
	}
	r.next()
	for r.at < len(r.words) {
		p.value += r.next().text
	}
	return p, nil
}

// insert reads what follows INSERT INTO.
func (r *sqlReader) insert() (*sqlInsert, error) {
	i := &sqlInsert{}
	var err error
	if i.into, err = r.name(); err != nil {
		return nil, err
	}
	if r.accept("(") {
		for {
			n, err := r.name()
			if err != nil {
				return nil, err
			}
			i.columns = append(i.columns, n)
			if r.accept(")") {
				break
			}
			if !r.accept(",") {
				return nil, r.wrong(", or )")
			}
		}
	}
	if !r.accept("SELECT") {
		i.rest = text(r.words[min(r.at, len(r.words)):])
		return i, nil
	}
	var item []word
	depth := 0
	for r.at < len(r.words) {
		w := r.peek()
		if depth == 0 && (w.is("FROM") || w.is(",") && w.symbol) {
			i.items = append(i.items, selected(item))
			item = nil
			if w.is("FROM") {
				break
			}
			r.next()
			continue
		}
		switch {
		case w.symbol && w.text == "(":
			depth++
		case w.symbol && w.text == ")":
			depth--
		}
		item = append(item, r.next())
	}
	if !r.accept("FROM") {
		return nil, r.wrong("FROM")
	}
	if !r.peek().name() {
		i.rest = text(r.words[r.at:])
		return i, nil
	}
	if i.from, err = r.name(); err != nil {
		return nil, err
	}
	i.rest = text(r.words[r.at:])
	return i, nil
}

// selected reads one element of a SELECT list.
func selected(words []word) sqlItem {
	item := sqlItem{source: text(words)}
	n := len(words)
	if n >= 3 && words[n-2].is("AS") && words[n-1].name() { // the name of the result, which counts for nothing in INSERT
		words = words[:n-2]
	}
	switch {
	case len(words) == 1 && words[0].is("*"):
		item.star = true
	case len(words) == 1 && words[0].quote == '\'':
		item.text = &words[0].text
	case len(words)%2 == 1:
		for i, w := range words {
			if i%2 == 0 && !w.name() || i%2 == 1 && !w.is(".") {
				item.path = nil
				return item
			}
			if i%2 == 0 {
				item.path = append(item.path, w.text)
			}
		}
		if len(item.path) == 1 && words[0].quote == 0 && strings.Trim(words[0].text, "0123456789") == "" {
			item.path, item.text = nil, &words[0].text // a number
		}
	}
	return item
}

// text puts words together again, for messages.
func text(words []word) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && !w.symbol && !words[i-1].symbol {
			b.WriteByte(' ')
		}
		if w.quote != 0 {
			b.WriteString(string(w.quote) + w.text + string(w.quote))
			continue
		}
		b.WriteString(w.text)
	}
	return b.String()
}
