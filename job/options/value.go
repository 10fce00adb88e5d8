// Package options reads the settings of jobs and plugins.
//
// It holds three things that the job document and every plugin share: a lenient JSON reader that keeps
// numbers as text, key order and positions (Parse, Value); problems that a user can act on (Problem); and
// a decoder that fills plain structs from tags and reports everything wrong at once (Decode, Describe).
// It imports the standard library only, so that a plugin pays nothing for it.
package options

import "strings"

// Kind says what a Value is.
type Kind uint8

// The kinds of a Value. Missing is the zero Value: nothing was there.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "a boolean"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "a list"
	case Object:
		return "an object"
	}
	return "nothing"
}

// Value is one node of a parsed document. It is immutable: every method that changes something returns a copy.
// The zero Value is Missing.
type Value struct {
	kind    Kind
	secret  bool
	line    int32
	col     int32
	text    string // decoded string, number as written, "true" or "false"
	items   []Value
	members []Member
}

// Member is one key of an object with its value, in the order of the document.
type Member struct {
	Key       string
	Value     Value
	line, col int32
}

// Text returns a string Value.
func Text(s string) Value { return Value{kind: String, text: s} }

// List returns an array Value.
func List(items ...Value) Value { return Value{kind: Array, items: items} }

// Map returns an object Value. Keys must differ from one another.
func Map(members ...Member) Value { return Value{kind: Object, members: members} }

// Kind says what v is.
func (v Value) Kind() Kind { return v.kind }

// Given reports whether v is there and is not null.
func (v Value) Given() bool { return v.kind > Null }

// Text returns the decoded string, the number exactly as written, or "true" and "false";
// for every other kind it is empty. It reveals secrets.
func (v Value) Text() string { return v.text }

// Items returns the elements of an array. The caller must not change the slice.
func (v Value) Items() []Value { return v.items }

// Members returns the keys of an object in document order. The caller must not change the slice.
func (v Value) Members() []Member { return v.members }

// Pos returns the place of v in the text it was parsed from, both from 1; zero if v was not parsed.
func (v Value) Pos() (line, col int) { return int(v.line), int(v.col) }

// Get returns the value of a key of an object, or Missing.
func (v Value) Get(key string) Value {
	for i := range v.members {
		if v.members[i].Key == key {
			return v.members[i].Value
		}
	}
	return Value{}
}

// WithText returns v as a string that holds text instead, in the same place.
func (v Value) WithText(text string) Value {
	v.kind, v.text = String, text
	return v
}

// With returns an object that has the key set to x, in its old place or at the end.
func (v Value) With(key string, x Value) Value {
	out := v
	out.kind = Object
	out.members = make([]Member, 0, len(v.members)+1)
	found := false
	for _, m := range v.members {
		if m.Key == key {
			m.Value, found = x, true
		}
		out.members = append(out.members, m)
	}
	if !found {
		out.members = append(out.members, Member{Key: key, Value: x, line: x.line, col: x.col})
	}
	return out
}

// Without returns an object that lacks the key.
func (v Value) Without(key string) Value {
	out := v
	out.members = nil
	for _, m := range v.members {
		if m.Key != key {
			out.members = append(out.members, m)
		}
	}
	return out
}

// Unplaced returns v without positions, for values that come from another text than the one reported on.
func (v Value) Unplaced() Value {
	v.line, v.col = 0, 0
	if v.items != nil {
		items := make([]Value, len(v.items))
		for i, x := range v.items {
			items[i] = x.Unplaced()
		}
		v.items = items
	}
	if v.members != nil {
		members := make([]Member, len(v.members))
		for i, m := range v.members {
			members[i] = Member{Key: m.Key, Value: m.Value.Unplaced()}
		}
		v.members = members
	}
	return v
}

// AsSecret marks v so that String, Format and MarshalJSON show *** in its place. JSON still reveals it.
func (v Value) AsSecret() Value {
	v.secret = true
	return v
}

// IsSecret reports whether v was marked by AsSecret.
func (v Value) IsSecret() bool { return v.secret }

// MapScalars returns v with every string, number and boolean inside it replaced by what f returns.
// f receives the path of the scalar, the nearest key above it, and the scalar itself.
func (v Value) MapScalars(path string, f func(path, key string, scalar Value) Value) Value {
	return v.mapScalars(path, "", f)
}

func (v Value) mapScalars(path, key string, f func(path, key string, s Value) Value) Value {
	switch v.kind {
	case String, Number, Bool:
		return f(path, key, v)
	case Array:
		items := make([]Value, len(v.items))
		for i, x := range v.items {
			items[i] = x.mapScalars(At(path, i), key, f)
		}
		v.items = items
	case Object:
		members := make([]Member, len(v.members))
		for i, m := range v.members {
			m.Value = m.Value.mapScalars(Join(path, m.Key), m.Key, f)
			members[i] = m
		}
		v.members = members
	}
	return v
}

// Equal reports whether two values hold the same, whatever their positions and marks.
// Numbers are equal when written alike; keys must come in the same order.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind || v.text != w.text || len(v.items) != len(w.items) || len(v.members) != len(w.members) {
		return false
	}
	for i := range v.items {
		if !v.items[i].Equal(w.items[i]) {
			return false
		}
	}
	for i := range v.members {
		if v.members[i].Key != w.members[i].Key || !v.members[i].Value.Equal(w.members[i].Value) {
			return false
		}
	}
	return true
}

// Secret is a text that never shows in logs, messages or JSON: all of them print ***.
type Secret string

const mask = "***"

// Reveal returns the text itself. Call it only where the text is handed to the other side.
func (s Secret) Reveal() string { return string(s) }

// Mask replaces the secrets found in text by ***. Secrets shorter than four bytes are replaced only when they
// are the whole text: they would tear ordinary words apart.
func Mask(text string, secrets []string) string {
	for _, s := range secrets {
		if s == text && s != "" {
			return mask
		}
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, mask)
		}
	}
	return text
}
