// Package project takes wanted fields out of JSON documents. One pass over a document finds all of them and validates
// everything else on the way; values stay the text that they arrived as.
package project

import (
	"fmt"
	"unicode/utf8"
)

// Projector finds the values of a fixed list of paths. It allocates nothing per document. Not safe for concurrent use;
// Clone makes another one.
type Projector struct {
	plan    *plan
	scan    scanner
	out     [][]byte
	scratch []byte
	exact   []bool // with folding: columns that an exactly spelled key of this document filled
	members int
	nulls   bool
}

// plan is shared by clones and never changes.
type plan struct {
	root  *node
	width int
	fold  bool
}

// node is a place in documents where paths go through or end.
type node struct {
	cols  []int // paths that end here
	under []int // paths that end here or below
	keys  []edge
	items []edge
	index map[string]int // of keys, when there are many
	lower map[string]int // of keys in lower case, at the top when folding
}

type edge struct {
	key  string
	item int
	to   *node
}

// manyKeys is the number of wanted keys of one object from which a hash is faster than comparing one by one.
const manyKeys = 8

// New makes a Projector. With fold, keys at the top of a document also match when they differ in the case of ASCII
// letters; a key spelled exactly wins over one that is not. The empty path stands for the whole document.
func New(paths []Path, fold bool) *Projector {
	pl := &plan{root: new(node), width: len(paths), fold: fold}
	for col, path := range paths {
		n := pl.root
		n.under = append(n.under, col)
		for _, step := range path {
			n = n.child(step)
			n.under = append(n.under, col)
		}
		n.cols = append(n.cols, col)
	}
	pl.root.prepare(fold)
	return (&Projector{plan: pl}).Clone()
}

// KeepNulls makes Project tell a null, which then is the text null, from what is missing.
func (p *Projector) KeepNulls() *Projector {
	p.nulls = true
	return p
}

// Clone returns a Projector of the same paths, for another goroutine.
func (p *Projector) Clone() *Projector {
	c := &Projector{plan: p.plan, nulls: p.nulls}
	if p.plan.fold {
		c.exact = make([]bool, p.plan.width)
	}
	return c
}

func (n *node) child(s Step) *node {
	edges := &n.keys
	if s.Index >= 0 {
		edges = &n.items
	}
	for _, e := range *edges {
		if e.key == s.Key && e.item == s.Index {
			return e.to
		}
	}
	e := edge{key: s.Key, item: s.Index, to: new(node)}
	*edges = append(*edges, e)
	return e.to
}

func (n *node) prepare(fold bool) {
	if len(n.keys) > manyKeys {
		n.index = make(map[string]int, len(n.keys))
		for i := range n.keys {
			n.index[n.keys[i].key] = i
		}
	}
	if fold {
		n.lower = make(map[string]int, len(n.keys))
		for i := range n.keys {
			n.lower[string(appendLower(nil, []byte(n.keys[i].key)))] = i
		}
	}
	for _, edges := range [][]edge{n.keys, n.items} {
		for _, e := range edges {
			e.to.prepare(false)
		}
	}
}

// Project sets out[i] to the value of the i-th path in doc, as it is written there, or to nil where it is null or
// missing. Of a key that an object holds twice the last one counts. out must be as long as the list of paths; its
// elements are parts of doc. The error is an *Error when doc is not exactly one JSON object in UTF-8.
func (p *Projector) Project(doc []byte, out [][]byte) error {
	clear(out)
	clear(p.exact)
	p.scan.doc, p.out, p.members = doc, out, 0
	i, err := open(&p.scan)
	if err != nil {
		return err
	}
	end := p.object(i, p.plan.root, 1)
	if err := closeDocument(&p.scan, end); err != nil {
		clear(out)
		return err
	}
	for _, col := range p.plan.root.cols {
		out[col] = doc[i:end]
	}
	return nil
}

// Members is how many members the object at the top of the last document had.
func (p *Projector) Members() int { return p.members }

// Check tells whether doc is exactly one JSON object in UTF-8; the error is an *Error.
func Check(doc []byte) error {
	s := scanner{doc: doc}
	i, err := open(&s)
	if err != nil {
		return err
	}
	return closeDocument(&s, s.skipObject(i, 1))
}

func open(s *scanner) (int, error) {
	i := s.space(0)
	if i == len(s.doc) {
		return 0, &Error{At: i, What: "invalid JSON: nothing but white space"}
	}
	if s.doc[i] == '{' {
		return i, nil
	}
	if end := s.value(i, 0); end < 0 {
		return 0, s.err()
	}
	return 0, &Error{At: i, What: "not a JSON object but " + nameOf(s.doc[i])}
}

func closeDocument(s *scanner, end int) error {
	if end < 0 {
		return s.err()
	}
	if end < len(s.doc) {
		if i := s.space(end); i < len(s.doc) {
			return &Error{At: i, What: "invalid JSON: more text behind the " + whole(s.doc[s.space(0)])}
		}
	}
	if !utf8.Valid(s.doc) {
		return &Error{At: invalidAt(s.doc), What: "invalid UTF-8"}
	}
	return nil
}

// whole is what a document that begins with c is called.
func whole(c byte) string {
	switch c {
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "value"
}

func nameOf(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// object reads the object at i, from which n wants something.
func (p *Projector) object(i int, n *node, depth int) int {
	s := &p.scan
	if depth > MaxDepth {
		return s.fail(i, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	}
	i = s.space(i + 1)
	if i < len(s.doc) && s.doc[i] == '}' {
		return i + 1
	}
	guess := 0 // documents of one kind mostly hold their keys in one order
	for {
		if i >= len(s.doc) || s.doc[i] != '"' {
			return s.fail(i, "a key in quotes is missing")
		}
		from := i
		if i = s.text(i); i < 0 {
			return -1
		}
		key := s.doc[from+1 : i-1]
		if i = s.colon(i); i < 0 {
			return -1
		}
		found := -1
		if guess < len(n.keys) && n.keys[guess].key == string(key) {
			found = guess
		} else {
			found = p.find(n, key)
		}
		if found >= 0 {
			guess = found + 1
			if n.lower != nil && !p.settle(n, found, key) {
				found = -1
			}
		}
		if found >= 0 {
			i = p.take(i, n.keys[found].to, depth)
		} else {
			i = s.value(i, depth)
		}
		if i < 0 {
			return -1
		}
		if depth == 1 {
			p.members++
		}
		more, next := s.next(i, '}')
		if !more {
			return next
		}
		i = next
	}
}

// settle decides, when folding, whether a key that matches may fill its columns.
func (p *Projector) settle(n *node, found int, key []byte) bool {
	e := &n.keys[found]
	exact := e.key == string(p.plain(key))
	if !exact && len(e.to.under) > 0 && p.exact[e.to.under[0]] {
		return false
	}
	for _, col := range e.to.under {
		p.exact[col] = p.exact[col] || exact
	}
	return true
}

// find returns the wanted key that a raw key is, or -1.
func (p *Projector) find(n *node, raw []byte) int {
	if len(n.keys) == 0 {
		return -1
	}
	key := p.plain(raw)
	if n.index != nil {
		if i, ok := n.index[string(key)]; ok {
			return i
		}
	} else {
		for i := range n.keys {
			if n.keys[i].key == string(key) {
				return i
			}
		}
	}
	if n.lower != nil {
		p.scratch = appendLower(p.scratch[:0], key)
		if i, ok := n.lower[string(p.scratch)]; ok {
			return i
		}
	}
	return -1
}

// plain resolves the escapes of a key, which is rarely needed.
func (p *Projector) plain(raw []byte) []byte {
	for _, c := range raw {
		if c == '\\' {
			return unescape(raw)
		}
	}
	return raw
}

// take reads the value at i, which n or something below it wants.
func (p *Projector) take(i int, n *node, depth int) int {
	for _, col := range n.under {
		p.out[col] = nil
	}
	s, from := &p.scan, i
	switch {
	case len(n.keys) > 0 && i < len(s.doc) && s.doc[i] == '{':
		i = p.object(i, n, depth+1)
	case len(n.items) > 0 && i < len(s.doc) && s.doc[i] == '[':
		i = p.array(i, n, depth+1)
	default:
		i = s.value(i, depth)
	}
	if i >= 0 && (p.nulls || s.doc[from] != 'n') {
		for _, col := range n.cols {
			p.out[col] = s.doc[from:i:i]
		}
	}
	return i
}

func (p *Projector) array(i int, n *node, depth int) int {
	s := &p.scan
	if depth > MaxDepth {
		return s.fail(i, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	}
	i = s.space(i + 1)
	if i < len(s.doc) && s.doc[i] == ']' {
		return i + 1
	}
	for item := 0; ; item++ {
		var to *node
		for k := range n.items {
			if n.items[k].item == item {
				to = n.items[k].to
			}
		}
		if to != nil {
			i = p.take(i, to, depth)
		} else {
			i = s.value(i, depth)
		}
		if i < 0 {
			return -1
		}
		more, next := s.next(i, ']')
		if !more {
			return next
		}
		i = next
	}
}

func appendLower(dst, key []byte) []byte {
	for _, c := range key {
		if c-'A' <= 'Z'-'A' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
