package sqltext

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Token is a word, or one character, outside strings and comments.
type Token struct {
	Text  string
	At    int // where it begins, in bytes
	Depth int // parentheses around it
}

// errDone ends a walk early.
var errDone = errors.New("done")

// walk gives f the tokens of s. The error says what is not closed, or what closes too much.
func walk(s string, f func(Token) error) error {
	depth := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\'' || c == '"' || c == '`':
			end := closing(s, i)
			if end < 0 {
				return fmt.Errorf("has a %c that is not closed", c)
			}
			if err := f(Token{s[i : end+1], i, depth}); err != nil {
				return err
			}
			i = end
			continue
		case strings.HasPrefix(s[i:], "/*!"), strings.HasPrefix(s[i:], "/*M!"):
			return errors.New("has a comment whose text is run")
		case strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				return errors.New("has a comment that is not closed")
			}
			i += end + 3
			continue
		case c == '#', strings.HasPrefix(s[i:], "--") && (i+2 == len(s) || s[i+2] <= ' '):
			end := strings.IndexByte(s[i:], '\n')
			if end < 0 {
				end = len(s)
			}
			i += end
			continue
		case c <= ' ':
			continue
		case c == ')':
			if depth--; depth < 0 {
				return errors.New("closes a parenthesis that is not open")
			}
		}
		end := i + 1
		if wordByte(c) {
			for end < len(s) && wordByte(s[end]) {
				end++
			}
		}
		if err := f(Token{s[i:end], i, depth}); err != nil {
			return err
		}
		if c == '(' {
			depth++
		}
		i = end - 1
	}
	if depth > 0 {
		return errors.New("has a parenthesis that is not closed")
	}
	return nil
}

// closing is the position of the quote that ends the quoted part beginning at i; -1: none.
func closing(s string, i int) int {
	q := s[i]
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && q != '`':
			j++
		case s[j] == q && j+1 < len(s) && s[j+1] == q:
			j++
		case s[j] == q:
			return j
		}
	}
	return -1
}

// Whole says why s cannot stand as a part of a statement on its own: something in it is not closed, or it goes on after a
// semicolon.
func Whole(s string) error {
	return walk(s, func(t Token) error {
		if t.Text == ";" {
			return errors.New("has a semicolon in it")
		}
		return nil
	})
}

// HasWord tells whether s has one of the words outside strings, comments and parentheses; words are in capitals.
func HasWord(s string, words ...string) (found string) {
	_ = walk(s, func(t Token) error {
		if t.Depth == 0 && slices.Contains(words, strings.ToUpper(t.Text)) {
			found = t.Text
			return errDone
		}
		return nil
	})
	return found
}

// Items cuts a list at the commas outside strings and parentheses.
func Items(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		from := 0
		err := walk(s, func(t Token) error {
			if t.Text != "," || t.Depth > 0 {
				return nil
			}
			item := s[from:t.At]
			if from = t.At + 1; !yield(strings.TrimSpace(item)) {
				return errDone
			}
			return nil
		})
		if !errors.Is(err, errDone) {
			yield(strings.TrimSpace(s[from:]))
		}
	}
}

// Alias gives the name that an expression gets with AS; "" when it has none.
func Alias(s string) (alias string) {
	last, before := Token{}, Token{}
	if walk(s, func(t Token) error { before, last = last, t; return nil }) != nil {
		return ""
	}
	if strings.EqualFold(before.Text, "AS") && before.Depth == 0 && before.At > 0 {
		return strings.Trim(Bare(last.Text), `'"`)
	}
	return ""
}

// Hint cuts an optimizer hint off the front: "/*+ … */ rest".
func Hint(s string) (hint, rest string, found bool) {
	s = strings.TrimSpace(s)
	inner, ok := strings.CutPrefix(s, "/*+")
	if !ok {
		return "", s, false
	}
	hint, rest, ok = strings.Cut(inner, "*/")
	if !ok {
		return "", s, false
	}
	return strings.TrimSpace(hint), strings.TrimSpace(rest), true
}

// Trim cuts spaces and the semicolons at the end, also those of a Chinese keyboard.
func Trim(s string) string {
	for {
		t := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(s), ";"), "；")
		if t == s {
			return s
		}
		s = t
	}
}
