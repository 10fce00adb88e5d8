package rig

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Spread is what several measurements of one thing came to.
type Spread struct{ Median, Low, High float64 }

// SpreadOf returns zeros when there is nothing to look at.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (v[len(v)/2-1] + mid) / 2
	}
	return Spread{mid, v[0], v[len(v)-1]}
}

// String shows two digits of a fraction, and the range when there is one.
func (s Spread) String() string {
	if s.Low == s.High {
		return fmt.Sprintf("%.2f", s.Median)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Low, s.High)
}

// Table prints rows, the first of which is the head, as Markdown with aligned columns.
func Table(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		line := "|"
		for i, cell := range row {
			line += " " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + " |"
		}
		_, _ = fmt.Fprintln(w, line)
		if n == 0 {
			line = "|"
			for _, width := range widths {
				line += strings.Repeat("-", width+2) + "|"
			}
			_, _ = fmt.Fprintln(w, line)
		}
	}
}
