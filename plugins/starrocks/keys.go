package starrocks

import (
	"strings"

	"github.com/gx-etl/gx/plugins/starrocks/encode"
)

// keyForm says in which texts a value of a key column can come such that two of them are the same key only when they are the
// same text. Other texts may mean any key: 1.0 is 1 to StarRocks, and so is 01.
type keyForm uint8

const (
	noKey keyForm = iota
	keyOfNumber
	keyOfText
	keyOfDate
	keyOfTime
	keyOfTruth
)

// keyFormOf reads a type as information_schema names it.
func keyFormOf(typ string) keyForm {
	typ, _, _ = strings.Cut(typ, "(")
	switch strings.TrimSpace(typ) {
	case "char", "varchar", "string", "varbinary", "binary":
		return keyOfText
	case "date":
		return keyOfDate
	case "datetime":
		return keyOfTime
	case "boolean":
		return keyOfTruth
	}
	return keyOfNumber
}

// plain appends the text of a JSON value without its quotes, and tells whether that text alone stands for its key.
func (f keyForm) plain(dst, value []byte) (text []byte, plain bool) {
	quoted := len(value) > 1 && value[0] == '"'
	if quoted {
		if text, plain = encode.Unquote(dst, value); !plain {
			return text, false
		}
	} else {
		text = append(dst, value...)
	}
	switch f {
	case keyOfText:
		return text, quoted || wholeNumber(text)
	case keyOfDate:
		return text, quoted && like(text, "0000-00-00")
	case keyOfTime:
		return text, quoted && (like(text, "0000-00-00 00:00:00") ||
			(like(text, "0000-00-00 00:00:00.000000") && string(text[20:]) != "000000"))
	case keyOfTruth:
		return text, !quoted && (string(text) == "true" || string(text) == "false")
	}
	return text, wholeNumber(text)
}

// wholeNumber tells whether a text is the only one for a whole number, and short enough to keep all its digits anywhere.
func wholeNumber(s []byte) bool {
	if len(s) > 1 && s[0] == '-' {
		s = s[1:]
		if s[0] == '0' {
			return false
		}
	}
	if len(s) == 0 || len(s) > 18 || (s[0] == '0' && len(s) > 1) {
		return false
	}
	for _, b := range s {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// like tells whether a text has digits where the pattern has them, and is the pattern everywhere else.
func like(s []byte, pattern string) bool {
	if len(s) != len(pattern) {
		return false
	}
	for i, b := range s {
		if digit := pattern[i] == '0'; (digit && (b < '0' || b > '9')) || (!digit && b != pattern[i]) {
			return false
		}
	}
	return true
}
