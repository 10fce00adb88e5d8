package kafka

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// setJAAS reads the text that Java programs put into sasl.jaas.config, such as
//
//	org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";
//
// Messages never show the text itself, which holds a password.
func setJAAS(l *link, text string) error {
	err := readJAAS(l, text)
	l.jaasFailed = err != nil
	return err
}

func readJAAS(l *link, text string) error {
	words, err := jaasWords(text)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return &wrongValue{seen: "holds no login module and control flag", try: jaasExample}
	}
	module := words[0][strings.LastIndexByte(words[0], '.')+1:]
	set, ok := loginModules[module]
	if !ok {
		return &wrongValue{seen: fmt.Sprintf("gx is no Java program and cannot load %s", words[0]), want: strings.Join(sortedKeys(loginModules), ", "), try: "sasl.username and sasl.password"}
	}
	values := map[string]string{}
	for _, w := range words[2:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return &wrongValue{seen: "holds something that is not name=value", try: jaasExample}
		}
		values[name] = value
	}
	l.jaasModule = module
	return set(l, values)
}

const jaasExample = `org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`

// loginModules set what the options of a login module say.
var loginModules = map[string]func(l *link, values map[string]string) error{
	"PlainLoginModule":       passwordModule,
	"ScramLoginModule":       passwordModule,
	"OAuthBearerLoginModule": bearerModule,
	"IAMLoginModule":         iamModule,
}

func passwordModule(l *link, values map[string]string) error {
	if values["username"] == "" || values["password"] == "" {
		return &wrongValue{seen: "holds no username and password", try: jaasExample}
	}
	known := map[string]*string{"username": &l.user, "password": &l.password}
	if l.jaasModule == "ScramLoginModule" {
		l.delegated = strings.EqualFold(values["tokenauth"], "true")
		delete(values, "tokenauth")
	}
	return take(values, known)
}

// bearerModule reads the options that Kafka's own handler of OAUTHBEARER has.
func bearerModule(l *link, values map[string]string) error {
	for name, value := range values {
		if extension, ok := strings.CutPrefix(name, "extension_"); ok {
			if !l.extend(extension, value) {
				return &wrongValue{seen: "holds an extension that cannot be sent: a name must be of letters and a value of ASCII"}
			}
			delete(values, name)
		}
		if strings.HasPrefix(name, "unsecuredLogin") {
			return &wrongValue{code: options.CodeNotSupported, seen: "gx makes no unsecured tokens, which anybody could make", try: endpointProperty + ", or a token as sasl.oauthbearer.token"}
		}
	}
	return take(values, map[string]*string{"clientId": &l.oauthID, "clientSecret": &l.oauthSecret, "scope": &l.scope,
		"ssl.truststore.location": &l.caFile, "ssl.truststore.type": &l.caType, "ssl.truststore.password": &l.caPassword, "ssl.truststore.certificates": &l.caPEM})
}

// iamModule reads the options of Amazon's library.
func iamModule(l *link, values map[string]string) error {
	for name := range values {
		if strings.HasPrefix(name, "awsRole") || strings.HasPrefix(name, "awsSts") {
			return &wrongValue{code: options.CodeNotSupported, seen: "gx does not ask AWS for the credentials of a role",
				try: "aws.access.key.id, aws.secret.access.key and aws.session.token of the role, or a profile that holds them"}
		}
	}
	return take(values, map[string]*string{"awsProfileName": &l.profile})
}

// take sets what is known and refuses the rest, without its names: a password without quotes may fall apart into them.
func take(values map[string]string, known map[string]*string) error {
	for _, name := range sortedKeys(values) {
		at := known[name]
		if at == nil {
			return &wrongValue{seen: "holds an option for which gx has no use", want: strings.Join(sortedKeys(known), ", "), try: "leave it out"}
		}
		if *at != "" && *at != values[name] {
			return &wrongValue{code: options.CodeConflict, seen: fmt.Sprintf("holds %s, which another property gives differently", name), try: "keep one of them"}
		}
		*at = values[name]
	}
	return nil
}

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
