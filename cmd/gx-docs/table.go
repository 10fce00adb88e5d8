package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gx-etl/gx/job/options"
)

// optionTable is the Markdown table of options, followed by those that are accepted without effect. Keys of an object
// stand below it with their whole path; prefix is cut from nothing and only leads in the text about ignored keys.
func optionTable(params []options.Param, prefix string) string {
	var b strings.Builder
	b.WriteString("| Option | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|\n")
	var ignored []string
	var rows func(at string, params []options.Param)
	rows = func(at string, params []options.Param) {
		for _, p := range params {
			name := at + p.Name
			if p.Ignored {
				ignored = append(ignored, fmt.Sprintf("- %s: %s\n", code(prefix+name), prose(p.Doc)))
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(name), p.Type, byDefault(p), allowed(p), meaning(p))
			rows(name+below(p.Type), p.Children)
		}
	}
	rows("", params)
	if len(ignored) > 0 {
		b.WriteString("\nAccepted for the sake of old jobs, without effect and with a note:\n\n")
		b.WriteString(strings.Join(ignored, ""))
	}
	return b.String()
}

// below is what stands between the name of an option and that of a key within it.
func below(typ string) string {
	switch {
	case strings.HasPrefix(typ, "list of "):
		return "[]."
	case strings.HasPrefix(typ, "map of "):
		return ".*."
	}
	return "."
}

func byDefault(p options.Param) string {
	switch {
	case p.Required:
		return "*required*"
	case p.Default == "":
		return ""
	}
	return code(visible.Replace(p.Default))
}

// visible shows characters that a table cell would swallow.
var visible = strings.NewReplacer("\t", `\t`, "\n", `\n`, "\r", `\r`)

func allowed(p options.Param) string {
	if len(p.Enum) == 0 {
		return prose(p.Allowed)
	}
	words := make([]string, len(p.Enum))
	for i, w := range p.Enum {
		words[i] = code(w)
	}
	return strings.Join(words, ", ")
}

func meaning(p options.Param) string {
	text := sentence(p.Doc, p.Enum)
	if p.Secret {
		text += " Never shown."
	}
	if len(p.Aliases) > 0 {
		names := make([]string, len(p.Aliases))
		for i, a := range p.Aliases {
			names[i] = code(a)
		}
		text += " Also " + strings.Join(names, ", ") + "."
	}
	return strings.TrimSpace(text)
}

// sentence makes a doc tag a sentence of Markdown. A first word that is a value rather than a word stays as it is: one of
// those allowed, or one with a comma or semicolon behind it.
func sentence(doc string, values []string) string {
	if doc == "" {
		return ""
	}
	first, rest := doc[:word(doc)], doc[word(doc):]
	_, core, trail := bare(first)
	lower := strings.ToLower(first) == first && unicode.IsLower(rune(first[0]))
	var text string
	switch {
	case lower && (slices.Contains(values, core) || strings.HasPrefix(trail, ",") || strings.HasPrefix(trail, ";")):
		text = code(core) + trail + " " + prose(rest)
	case lower:
		text = strings.ToUpper(first[:1]) + prose(doc)[1:]
	default:
		text = prose(doc)
	}
	if last, _ := utf8.DecodeLastRuneInString(text); !strings.ContainsRune(".!?…", last) {
		text += "."
	}
	return text
}

// code is a code span in a table cell.
func code(text string) string {
	text = strings.ReplaceAll(text, "|", `\|`)
	if strings.Contains(text, "`") {
		return "`` " + text + " ``"
	}
	return "`" + text + "`"
}

// special are characters that Markdown would act upon.
const special = "_*\\[]{}<>|`$"

// name is what options are called: camelCase, or words with points between.
var name = regexp.MustCompile(`^(?:[a-z]+[A-Z][A-Za-z0-9]*|[a-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+)$`)

// prose makes a doc tag fit for Markdown: names of options and words that hold special characters become code, and so
// does what stands in braces or brackets.
func prose(doc string) string {
	var b strings.Builder
	for i := 0; i < len(doc); {
		if doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' {
			b.WriteByte(' ')
			i++
			continue
		}
		n := word(doc[i:])
		lead, core, trail := bare(doc[i : i+n])
		if strings.ContainsAny(core, special) || name.MatchString(core) {
			core = code(core)
		}
		b.WriteString(lead + core + trail)
		i += n
	}
	return strings.TrimSpace(b.String())
}

// word is the length of what text begins with, up to a blank outside of braces, brackets and double quotes.
func word(text string) int {
	depth, quoted, blank := 0, false, 0
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted && c != ' ':
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ' ':
			if depth <= 0 && !quoted {
				return i
			}
			if blank == 0 {
				blank = i
			}
		}
	}
	if (depth > 0 || quoted) && blank > 0 {
		return blank // something is never closed
	}
	return len(text)
}

// bare parts a word from the punctuation around it.
func bare(word string) (lead, core, trail string) {
	core = strings.TrimLeft(word, "(")
	lead = word[:len(word)-len(core)]
	for core != "" {
		last := core[len(core)-1]
		if !strings.ContainsRune(",;:.)", rune(last)) || (last == ')' && strings.Contains(core, "(")) {
			break
		}
		core = core[:len(core)-1]
	}
	return lead, core, word[len(lead)+len(core):]
}
