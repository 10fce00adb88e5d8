package convert

import "strings"

// create reads what follows CREATE TABLE.
func (r *sqlReader) create() (*sqlCreate, error) {
	t := &sqlCreate{}
	r.accept("IF", "NOT", "EXISTS")
	var err error
	if t.name, err = r.name(); err != nil {
		return nil, err
	}
	if r.accept("(") {
		for {
			item, more, err := r.item()
			if err != nil {
				return nil, err
			}
			if err := t.column(item); err != nil {
				return nil, err
			}
			if !more {
				break
			}
		}
	}
	for r.at < len(r.words) && !r.accept("WITH") {
		switch w := r.next(); {
		case w.is("COMMENT"):
			r.next()
		case w.is("PARTITIONED"), w.is("LIKE"), w.is("AS"), w.is("DISTRIBUTED"):
			t.extra = append(t.extra, strings.ToUpper(w.text))
		}
	}
	if !r.accept("(") {
		return t, nil
	}
	for !r.accept(")") {
		key := r.next()
		if key.quote != '\'' {
			r.at--
			return nil, r.wrong("a key in quotes")
		}
		if !r.accept("=") {
			return nil, r.wrong("=")
		}
		value := r.next()
		if value.quote != '\'' {
			r.at--
			return nil, r.wrong("a value in quotes")
		}
		t.options = append(t.options, pair{key: key.text, value: value.text, line: key.line})
		if !r.accept(",") && !r.peek().is(")") {
			return nil, r.wrong(", or )")
		}
	}
	return t, nil
}

// item reads up to the comma or the parenthesis that ends an element of a list.
func (r *sqlReader) item() (item []word, more bool, err error) {
	round, angle := 0, 0
	for {
		if r.at >= len(r.words) {
			return nil, false, r.wrong(")")
		}
		w := r.next()
		if w.symbol {
			switch w.text {
			case "(":
				round++
			case ")":
				if round == 0 {
					return item, false, nil
				}
				round--
			case "<":
				angle++
			case ">":
				angle = max(0, angle-1)
			case ",":
				if round == 0 && angle == 0 {
					return item, true, nil
				}
			}
		}
		item = append(item, w)
	}
}

// column reads one element of the column list.
func (t *sqlCreate) column(words []word) error {
	r := &sqlReader{words: words}
	start := r.peek()
	switch {
	case len(words) == 0:
		return nil
	case r.accept("WATERMARK"):
		t.extra = append(t.extra, "WATERMARK")
		return nil
	case r.accept("CONSTRAINT"):
		if _, err := r.name(); err != nil {
			return err
		}
		fallthrough
	case start.is("PRIMARY"):
		if !r.accept("PRIMARY", "KEY", "(") {
			return r.wrong("PRIMARY KEY (")
		}
		for {
			n, err := r.name()
			if err != nil {
				return err
			}
			t.primary = append(t.primary, n)
			if !r.accept(",") {
				return nil
			}
		}
	}
	if !start.name() {
		return r.wrong("a column")
	}
	f := sqlField{name: r.next().text, line: start.line}
	if r.accept("AS") {
		f.computed = true
	}
	for r.at < len(words) && !f.computed {
		if r.accept("METADATA") {
			f.metadata = f.name
			if r.accept("FROM") {
				f.metadata = r.next().text
			}
			break
		}
		if w := r.next(); w.is("PRIMARY") {
			t.primary = append(t.primary, f.name)
		} else if !w.is("COMMENT") && w.quote == 0 {
			f.typ += strings.ToUpper(w.text)
		}
	}
	t.fields = append(t.fields, f)
	return nil
}
