package kafka

import (
	"fmt"
	"strings"
)

// setJAAS reads the text that Java programs put into sasl.jaas.config, such as
//
//	org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";
//
// Messages never show the text itself, which holds a password.
func setJAAS(l *link, text string) error {
	words, err := jaasWords(text)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return &wrongValue{seen: "holds no login module and control flag", try: jaasExample}
	}
	module := words[0][strings.LastIndexByte(words[0], '.')+1:]
	if module != "PlainLoginModule" && module != "ScramLoginModule" {
		return &wrongValue{seen: fmt.Sprintf("gx is no Java program and cannot load %s", words[0]), want: "PlainLoginModule, ScramLoginModule", try: "sasl.username and sasl.password"}
	}
	values := map[string]string{}
	for _, w := range words[2:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return &wrongValue{seen: "holds something that is not name=value", try: jaasExample}
		}
		values[name] = value
	}
	if values["username"] == "" || values["password"] == "" {
		return &wrongValue{seen: "holds no username and password", try: jaasExample}
	}
	l.user, l.password, l.jaasModule = values["username"], values["password"], module
	return nil
}

const jaasExample = `org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`

// jaasWords cuts the one entry of a JAAS text into words; quotes hold blanks together, a backslash takes the next
// character as it is, and a semicolon ends the entry.
func jaasWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	begun, quoted := false, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '\\' && i+1 < len(text):
			i++
			word.WriteByte(text[i])
		case c == '"':
			quoted, begun = !quoted, true
		case quoted:
			word.WriteByte(c)
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
			if c == ';' {
				if strings.TrimSpace(text[i+1:]) != "" {
					return nil, &wrongValue{seen: "holds more than one login module", try: jaasExample}
				}
				return words, nil
			}
		default:
			begun = true
			word.WriteByte(c)
		}
	}
	if quoted {
		return nil, &wrongValue{seen: "a closing quote is missing", try: jaasExample}
	}
	return nil, &wrongValue{seen: "the semicolon at the end is missing", try: jaasExample}
}
