// Package javadate reads the date patterns of DataX jobs, which are those of Java's SimpleDateFormat.
package javadate

import (
	"fmt"
	"strings"
	"time"
)

// units maps the letters of SimpleDateFormat, by their number, to what time.Format calls them.
var units = map[string]string{
	"yyyy": "2006", "yy": "06", "MM": "01", "M": "1", "MMM": "Jan", "MMMM": "January", "dd": "02", "d": "2",
	"HH": "15", "hh": "03", "h": "3", "mm": "04", "m": "4", "ss": "05", "s": "5", "SSS": "000", "a": "PM",
}

// Layout translates a pattern of Java's SimpleDateFormat. Texts in it may hold nothing that time.Format or JSON would
// take for something else.
func Layout(java string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(java); {
		ch := java[i]
		switch {
		case ch == '\'':
			end := strings.IndexByte(java[i+1:], '\'')
			if end < 0 {
				return "", fmt.Errorf("%q has a text that does not end", java)
			}
			text := java[i+1 : i+1+end]
			if time.Unix(0, 0).UTC().Format(text) != text || strings.ContainsAny(text, "0123456789\"\\") {
				return "", fmt.Errorf("the text %q cannot stand in a date", text)
			}
			out.WriteString(text)
			i += end + 2
		case ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z':
			n := i
			for n < len(java) && java[n] == ch {
				n++
			}
			unit, known := units[java[i:n]]
			if !known {
				return "", fmt.Errorf("%q in %q is not known", java[i:n], java)
			}
			if unit == "000" && !strings.HasSuffix(out.String(), ".") && !strings.HasSuffix(out.String(), ",") {
				return "", fmt.Errorf("%q in %q must follow a point or a comma", java[i:n], java)
			}
			out.WriteString(unit)
			i = n
		case strings.IndexByte(" -/:.,_", ch) >= 0:
			out.WriteByte(ch)
			i++
		default:
			return "", fmt.Errorf("%q in %q stands for nothing", string(rune(ch)), java)
		}
	}
	return out.String(), nil
}
