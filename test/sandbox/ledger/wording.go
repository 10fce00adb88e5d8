package ledger

import "fmt"

// wording is an error in the words of the real server, whose capitals and full
// stops clients match on.
type wording string

func (w wording) Error() string { return string(w) }

func inWords(format string, args ...any) error { return wording(fmt.Sprintf(format, args...)) }
