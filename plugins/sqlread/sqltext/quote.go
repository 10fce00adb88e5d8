// Package sqltext holds the little that gx must know of the words of SQL to put parts of a job into a statement: quoting,
// and finding where strings, comments and parentheses begin and end. It knows the common ground of MySQL and StarRocks.
package sqltext

import "strings"

// Name makes an identifier of any text.
func Name(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// Table is the name of a table with its database.
func Table(database, table string) string { return Name(database) + "." + Name(table) }

// Literal makes a string of any text. It stays one string whether or not the server takes a backslash for an escape.
func Literal(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
}

// Bare cuts spaces and the back-quotes around a name.
func Bare(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '`' && s[len(s)-1] == '`' {
		s = strings.ReplaceAll(s[1:len(s)-1], "``", "`")
	}
	return s
}

// Qualified cuts db.table, each part perhaps in back-quotes; the database is empty when there is none.
func Qualified(s string) (database, table string) {
	s = strings.TrimSpace(s)
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '`':
			if end := closing(s, i); end > 0 {
				i = end
			}
		case '.':
			return Bare(s[:i]), Bare(s[i+1:])
		}
	}
	return "", Bare(s)
}

// Plain tells whether s can only be the name of a column: a word that begins with a letter, or anything in back-quotes.
func Plain(s string) bool {
	if len(s) > 2 && s[0] == '`' {
		return closing(s, 0) == len(s)-1
	}
	for i := 0; i < len(s); i++ {
		if !wordByte(s[i]) || i == 0 && s[i] >= '0' && s[i] <= '9' {
			return false
		}
	}
	return s != ""
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
