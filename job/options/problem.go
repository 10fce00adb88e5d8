package options

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The codes of problems. They are part of the contract with users and scripts: never change one, only add.
const (
	CodeSyntax             = "json-syntax"         // the text is not the JSON that gx reads
	CodeDuplicateKey       = "duplicate-key"       // one object holds a key twice
	CodeUnknownKey         = "unknown-key"         // nothing by this name exists here
	CodeWrongType          = "wrong-type"          // a text where a number belongs, and so on
	CodeMissing            = "missing"             // a required key is not there
	CodeOutOfRange         = "out-of-range"        // a number or length beyond its limits
	CodeNotAllowed         = "not-allowed"         // the value is none of those that exist
	CodeConflict           = "conflict"            // two settings contradict each other
	CodeNotSupported       = "not-supported"       // known elsewhere, refused by gx
	CodeUnresolvedVariable = "unresolved-variable" // a ${variable} without a value
	CodeUnresolvedSecret   = "unresolved-secret"   // a ${env:…} or ${file:…} that leads nowhere
	CodeUnknownDatasource  = "unknown-datasource"  // no data source has this name
	CodeUnknownPlugin      = "unknown-plugin"      // no plugin has this name
	CodeUntrustedPlugin    = "untrusted-plugin"    // the plugin's program has another checksum
	CodeIgnored            = "ignored"             // note: accepted and without effect
	CodeMapped             = "mapped"              // note: an alias was read as its key
	CodeAssumed            = "assumed"             // note: gx chose a value where the document is silent
	CodeLiteralSecret      = "literal-secret"      // note: a password in plain text
	CodeQuoteInVariable    = "quote-in-variable"   // note: a variable's value may break the text around it
)

// Problem is one thing wrong with a job, or one note about it when Warning is set. All fields are for people
// except Code and Path; none ever holds the value of a secret option.
type Problem struct {
	Code    string `json:"code"`
	Path    string `json:"path,omitempty"`    // steps[1].parameter.maxBatchRows; empty: the text as a whole
	Seen    string `json:"seen"`              // what is there and what is wrong with it
	Want    string `json:"want,omitempty"`    // what is allowed
	Try     string `json:"try,omitempty"`     // what to do about it
	Line    int    `json:"line,omitempty"`    // from 1; 0: unknown
	Col     int    `json:"col,omitempty"`     // from 1, in characters
	Excerpt string `json:"excerpt,omitempty"` // the line with a caret below it, for syntax errors
	Warning bool   `json:"warning,omitempty"`
}

// String returns the problem on one line, such as
//
//	steps[1].parameter.maxBatchRows: "abc" is not an integer (allowed: 1 or more); try: 500000
//
// A problem without a path begins with its line and column. An excerpt follows on lines of its own.
func (p Problem) String() string {
	if p.Path == "" && p.Line > 0 {
		return fmt.Sprintf("line %d, column %d: ", p.Line, p.Col) + p.text()
	}
	return p.text()
}

// text is String without a line and column.
func (p Problem) text() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Seen)
	if p.Want != "" {
		b.WriteString(" (allowed: " + p.Want + ")")
	}
	if p.Try != "" {
		b.WriteString("; try: " + p.Try)
	}
	if p.Excerpt != "" {
		b.WriteString("\n" + p.Excerpt)
	}
	return b.String()
}

// Error makes a Problem usable as an error.
func (p Problem) Error() string { return p.String() }

// Render returns the problem as compilers print theirs: file:line:column: error [code] and the text.
func (p Problem) Render(file string) string {
	kind := "error"
	if p.Warning {
		kind = "warning"
	}
	place := file
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", file, p.Line, p.Col)
	}
	return fmt.Sprintf("%s: %s [%s] %s", place, kind, p.Code, p.text())
}

// Masked returns the problem with the secrets taken out of its texts.
func (p Problem) Masked(secrets []string) Problem {
	for _, s := range []*string{&p.Seen, &p.Want, &p.Try, &p.Excerpt} {
		*s = Mask(*s, secrets)
	}
	return p
}

// Failed reports whether any of the problems is more than a warning.
func Failed(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

// Sort orders problems by their place in the text; those without a place keep their order and come first.
func Sort(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}
