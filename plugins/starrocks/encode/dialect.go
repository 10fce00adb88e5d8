package encode

import (
	"bytes"
	"fmt"
	"strings"
)

// Dialect is how the fields and rows of a CSV body are told apart.
type Dialect struct {
	column, row     []byte
	enclose, escape byte // 0: none
	encloses        bool
	escapes         bool

	single  bool      // both delimiters are one byte
	special [256]bool // those bytes
	numbers bool      // a delimiter may occur in numbers and dates: look into those too
}

// null is how CSV says NULL.
const null = `\N`

// plainBytes are those that numbers and dates are made of.
const plainBytes = "0123456789+-.:e "

// NewDialect checks that the parts can be told apart. enclose and escape are empty or one character. Errors name the
// header at fault as their first word.
func NewDialect(column, row Delimiter, enclose, escape string) (*Dialect, error) {
	d := &Dialect{column: column.Bytes, row: row.Bytes}
	if bytes.Contains(d.row, d.column) || bytes.Contains(d.column, d.row) {
		return nil, fmt.Errorf("column_separator and row_delimiter overlap: %q and %q", d.column, d.row)
	}
	for _, one := range []struct {
		name string
		s    []byte
	}{{"column_separator", d.column}, {"row_delimiter", d.row}} {
		if bytes.Contains([]byte(null), one.s) || one.s[0] == null[len(null)-1] || one.s[len(one.s)-1] == null[0] {
			return nil, fmt.Errorf(`%s %q cannot be told from \N, which stands for NULL`, one.name, one.s)
		}
		d.numbers = d.numbers || strings.IndexByte(plainBytes, one.s[0]) >= 0
	}
	if err := d.quotes(enclose, escape); err != nil {
		return nil, err
	}
	d.single = len(d.column) == 1 && len(d.row) == 1
	if d.single {
		d.special[d.column[0]], d.special[d.row[0]] = true, true
	}
	return d, nil
}

func (d *Dialect) quotes(enclose, escape string) error {
	for _, one := range []struct{ name, s string }{{"enclose", enclose}, {"escape", escape}} {
		if one.s == "" {
			continue
		}
		b := one.s[0]
		switch {
		case len(one.s) != 1 || b >= 0x80:
			return fmt.Errorf("%s must be one ASCII character, not %q", one.name, one.s)
		case bytes.IndexByte(d.column, b) >= 0 || bytes.IndexByte(d.row, b) >= 0:
			return fmt.Errorf("%s %q is part of a delimiter", one.name, one.s)
		case strings.IndexByte(null+plainBytes, b) >= 0:
			return fmt.Errorf(`%s %q cannot be told from \N, which stands for NULL, or from a number`, one.name, one.s)
		}
	}
	if enclose != "" {
		d.enclose, d.encloses = enclose[0], true
	}
	if escape != "" {
		d.escape, d.escapes = escape[0], true
	}
	if d.encloses && d.escapes && d.enclose == d.escape {
		return fmt.Errorf("escape and enclose are the same character %q", enclose)
	}
	if d.escapes && !d.encloses {
		return fmt.Errorf("escape without enclose is not supported: set enclose, which alone is enough for any text")
	}
	return nil
}

// Row is the row delimiter.
func (d *Dialect) Row() []byte { return d.row }
