package convert

import (
	"cmp"
	"regexp"
	"slices"
)

// Status says what became of a key. The words are part of the contract with scripts: never change one, only add.
type Status string

// What can become of a key.
const (
	Mapped      Status = "mapped"      // the job says the same
	Default     Status = "default"     // not given; the job sets what the tool does then
	Differs     Status = "differs"     // not given or given, and gx does something else; Note says what
	Needless    Status = "needless"    // gx has no need of it; Note says why
	Give        Status = "give"        // the document does not hold what the job needs
	Unknown     Status = "unknown"     // the tool has no such key either, and did nothing with it
	Unsupported Status = "unsupported" // needed, and without an equivalent
)

// Line is what became of one key.
type Line struct {
	Key    string `json:"key,omitempty"`  // empty: the job needs or sets something that no key of the tool speaks of
	File   string `json:"file,omitempty"` // where the key stands
	Line   int    `json:"line,omitempty"` // from 1; 0: not given, or unknown
	Value  string `json:"value,omitempty"`
	Status Status `json:"status"`
	To     string `json:"to,omitempty"`    // place in the job
	There  string `json:"there,omitempty"` // default of the tool
	Here   string `json:"here,omitempty"`  // default of gx
	Note   string `json:"note,omitempty"`
	Try    string `json:"try,omitempty"`

	order int // of the key in the document
}

const hidden = "***"

var secretKey = regexp.MustCompile(`(?i)password|secret|jaas|token|user\.info|credential|access\.?key`)

// Passwords in an address: in its query, and before its host.
var (
	passwordQuery = regexp.MustCompile(`(?i)(password=)[^&\s]+`)
	passwordHost  = regexp.MustCompile(`(//[^/@\s:]*:)[^@\s/]+@`)
)

// secret tells whether a key holds something that no report may show.
func secret(key string) bool { return secretKey.MatchString(key) }

// sorted brings lines into the order of the document; what stands nowhere in it comes last, in the order of the rules.
func sorted(lines []Line) []Line {
	slices.SortStableFunc(lines, func(a, b Line) int {
		given := func(l Line) int {
			if l.order == 0 {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(given(a), given(b)), cmp.Compare(a.order, b.order))
	})
	for i := range lines {
		switch v := &lines[i].Value; {
		case *v == "":
		case secret(lines[i].Key):
			*v = hidden
		default:
			*v = passwordHost.ReplaceAllString(passwordQuery.ReplaceAllString(*v, "${1}"+hidden), "${1}"+hidden+"@")
		}
	}
	return lines
}
