// Package cut cuts a table into parts by the values of one column. It is pure: it is told the least and the greatest value
// and answers with the conditions of the parts.
//
// Whatever values the column holds, also ones that came after the bounds were asked for, every row is in exactly one part:
// the first part has no lower end, the last no upper one, and NULL has a part of its own.
package cut

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/plugins/sqlread/sqltext"
)

// Kind says what the values of a column are.
type Kind uint8

// The kinds that can be cut. None is every other one.
const (
	None Kind = iota
	Integer
	Decimal
	Date
	DateTime
	Text
	NarrowText // in a character set that lacks most characters
)

// Part is one part of a table. A row belongs to it when its value is at least every one of From and less than Below.
// For numbers and times the last of From would be enough; texts are compared by the collation of the server, which may put
// two points the other way round, and then only all of them keep the parts apart.
type Part struct {
	From  []string // literals
	Below string   // literal; "": no upper end
	Null  bool     // the part of the rows that have no value
}

// Parts cuts low … high into at most n parts of about equal width, and one more for NULL when the column can be NULL. It
// gives nil when there is nothing to cut: n is 1, or the values leave no room.
func Parts(kind Kind, low, high string, n int, nullable bool) ([]Part, error) {
	if n < 2 {
		return nil, nil
	}
	points, err := points(kind, low, high, n)
	if err != nil {
		return nil, fmt.Errorf("the bounds %q and %q: %w", low, high, err)
	}
	points = slices.Compact(points)
	if len(points) == 0 {
		return nil, nil
	}
	var parts []Part
	for i := range len(points) + 1 {
		var p Part
		switch {
		case kind == Text || kind == NarrowText:
			p.From = points[:i:i]
		case i > 0:
			p.From = points[i-1 : i : i]
		}
		if i < len(points) {
			p.Below = points[i]
		}
		parts = append(parts, p)
	}
	if nullable {
		parts = append(parts, Part{Null: true})
	}
	return parts, nil
}

// Condition is the part in SQL; column is the quoted name.
func (p Part) Condition(column string) string {
	if p.Null {
		return column + " IS NULL"
	}
	var all []string
	for _, f := range p.From {
		all = append(all, column+" >= "+f)
	}
	if p.Below != "" {
		all = append(all, column+" < "+p.Below)
	}
	return strings.Join(all, " AND ")
}

func points(kind Kind, low, high string, n int) ([]string, error) {
	if kind == Text || kind == NarrowText {
		most := rune(lastBasic)
		if kind == NarrowText {
			most = lastASCII
		}
		var out []string
		for _, p := range texts(low, high, n, most) {
			out = append(out, sqltext.Literal(p))
		}
		return out, nil
	}
	scale := kind.scale(low, high)
	lo, err := kind.number(low, scale)
	if err != nil {
		return nil, err
	}
	hi, err := kind.number(high, scale)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range evenly(lo, hi, n) {
		out = append(out, kind.literal(p, scale))
	}
	return out, nil
}
