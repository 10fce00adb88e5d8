package convert

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// rule says what becomes of one key.
type rule struct {
	key    string // a trailing * stands for any rest; "": the job needs it, whatever the document says
	to     string // place in the job, see draft.set
	as     form
	status Status // Mapped when empty
	absent string // what the tool does when the key is not given, which the job then says
	there  string // default of the tool, where gx has another and the job is silent
	here   string // that other default
	note   string
	try    string
	// put does what a plain place cannot say. It may change the line.
	put func(d *draft, l *Line)
	// unless keeps a rule silent about a key that is not given.
	unless func(d *draft) bool
}

// form is how a text of the tool stands in the job.
type form int

const (
	asText form = iota
	asWhole
	asFlag
	asList      // at commas
	asSemicolon // at semicolons and commas
)

// silentWith keeps a rule silent when another key says the same.
func silentWith(key string) func(*draft) bool {
	return func(d *draft) bool {
		_, given := d.config.get(key)
		return given
	}
}

// silentOn keeps a rule silent when the writer has a value already.
func silentOn(key string) func(*draft) bool {
	return func(d *draft) bool { return d.writer.Get(key).Given() }
}

// jsonLoads keeps rules about CSV silent.
func jsonLoads(d *draft) bool { return d.writer.Get("loadProps").Get("format").Text() == "json" }

// value brings a text into a form; why is empty when it fits.
func (f form) value(text string) (v options.Value, why string) {
	trimmed := strings.TrimSpace(text)
	switch f {
	case asWhole:
		n, err := strconv.ParseInt(trimmed, 10, 64)
		if err != nil {
			return v, strconv.Quote(text) + " is no whole number"
		}
		return whole(n), ""
	case asFlag:
		switch strings.ToLower(trimmed) {
		case "true", "false":
			return literal(strings.ToLower(trimmed)), ""
		}
		return v, strconv.Quote(text) + " is neither true nor false"
	case asList:
		return list(strings.Split(text, ",")), ""
	case asSemicolon:
		return list(strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == ',' })), ""
	}
	return options.Text(text), ""
}

func whole(n int64) options.Value { return literal(strconv.FormatInt(n, 10)) }

// literal is a number or boolean of a document.
func literal(text string) options.Value {
	v, _ := options.Parse([]byte(text))
	return v.Unplaced()
}

func list(words []string) options.Value {
	var items []options.Value
	for _, w := range words {
		if w = strings.TrimSpace(w); w != "" {
			items = append(items, options.Text(w))
		}
	}
	return options.List(items...)
}

// pair is a key of the document.
type pair struct {
	key, value string
	file       string
	line       int
	order      int
	claimed    bool
}

// config is what a document says, in its order.
type config struct {
	pairs     []pair
	streaming bool // the code around the keys says so
}

func (c *config) add(p pair) {
	p.order = len(c.pairs) + 1
	c.pairs = append(c.pairs, p)
}

// get returns the last value of a key: the later one counts, as in Java.
func (c *config) get(key string) (string, bool) {
	for i := len(c.pairs) - 1; i >= 0; i-- {
		if c.pairs[i].key == key {
			return c.pairs[i].value, true
		}
	}
	return "", false
}

// or is get with a default.
func (c *config) or(key, absent string) string {
	if v, ok := c.get(key); ok {
		return v
	}
	return absent
}

// fits tells whether a rule is about a key, and what the * stands for.
func (r *rule) fits(key string) (rest string, ok bool) {
	if prefix, wild := strings.CutSuffix(r.key, "*"); wild {
		return strings.CutPrefix(key, prefix)
	}
	return "", r.key != "" && r.key == key
}

// apply follows the rules in their order: each key goes to the first rule that is about it.
func (d *draft) apply(rules []rule, c *config) {
	d.config = c
	for i := range c.pairs {
		p := &c.pairs[i]
		if p.claimed {
			continue
		}
		for j := i + 1; j < len(c.pairs); j++ {
			if c.pairs[j].key == p.key {
				p.claimed = true
				d.lines = append(d.lines, Line{Key: p.key, File: p.file, Line: p.line, Value: p.value, Status: Needless, Note: "given again below, and the last one counts", order: p.order})
				break
			}
		}
	}
	for i := range rules {
		r := &rules[i]
		found := false
		for j := range c.pairs {
			p := &c.pairs[j]
			if _, ok := r.fits(p.key); !ok || p.claimed {
				continue
			}
			p.claimed, found = true, true
			d.follow(r, Line{Key: p.key, File: p.file, Line: p.line, Value: p.value, Status: Mapped, order: p.order})
		}
		switch {
		case found || r.unless != nil && r.unless(d):
		case r.absent != "":
			before := len(d.lines)
			d.follow(r, Line{Key: r.key, Value: r.absent, Status: Default})
			if last := len(d.lines) - 1; last >= before && d.lines[last].Status == Needless {
				d.lines = d.lines[:last] // neither given nor needed
			}
		case r.there != "":
			d.lines = append(d.lines, Line{Key: r.key, Status: Differs, There: r.there, Here: r.here, Note: r.note, Try: r.try})
		}
	}
	d.rest(rules, c)
}

// rest names the keys that no rule is about.
func (d *draft) rest(rules []rule, c *config) {
	var known []string
	for _, r := range rules {
		known = append(known, strings.TrimSuffix(r.key, "*"))
	}
	for _, p := range c.pairs {
		if p.claimed {
			continue
		}
		l := Line{Key: p.key, File: p.file, Line: p.line, Value: p.value, Status: Unknown, Note: "no such key", order: p.order}
		if near, ok := options.Nearest(p.key, known); ok {
			l.Try = near
		}
		d.lines = append(d.lines, l)
	}
}

func (d *draft) follow(r *rule, l Line) {
	if l.Status == Mapped && r.status != "" {
		l.Status = r.status
	}
	l.Note, l.Try = r.note, r.try
	if r.there != "" && l.Status == Mapped {
		l.Note, l.Try = "", "" // about the defaults, which are not asked
	}
	switch {
	case r.put != nil:
		r.put(d, &l)
	case r.to != "" && l.Status != Unsupported && l.Status != Needless:
		rest, _ := r.fits(l.Key)
		v, why := r.as.value(l.Value)
		if why != "" {
			l.fail(why, "")
			break
		}
		d.put(&l, strings.Replace(r.to, "*", rest, 1), v)
	}
	if l.Status != "" {
		d.lines = append(d.lines, l)
	}
}

// fail makes the line one that has no equivalent.
func (l *Line) fail(note, try string) { l.Status, l.To, l.Note, l.Try = Unsupported, "", note, try }

func (l *Line) failf(try, format string, args ...any) { l.fail(fmt.Sprintf(format, args...), try) }

// needless says that nothing comes of the key, and why.
func (l *Line) needless(note string) { l.Status, l.To, l.Note, l.Try = Needless, "", note, "" }
