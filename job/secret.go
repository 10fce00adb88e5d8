package job

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// References to secrets are resolved after the document is parsed and inside its strings only, so that a
// password may hold quotes and braces.
var (
	reference   = regexp.MustCompile(`\$\{(env|file|exec):([^}"]*)\}`)
	passwordKey = regexp.MustCompile(`(?i)(password|passwd|secret)$`)
	// urlPassword finds a password inside a JDBC URL or a JAAS line.
	urlPassword = regexp.MustCompile(`(?i)\bpassword\s*=\s*(?:"([^"]*)"|([^&;\s"]+))`)
)

// resolve replaces the references below path, marks what is secret, and warns of passwords written out.
func (p *parser) resolve(path string, v options.Value) options.Value {
	return v.MapScalars(path, func(at, key string, scalar options.Value) options.Value {
		text := scalar.Text()
		if scalar.Kind() == options.String && reference.MatchString(text) {
			return scalar.WithText(reference.ReplaceAllStringFunc(text, func(ref string) string { return p.lookup(ref, at) })).AsSecret()
		}
		literal := ""
		switch m := urlPassword.FindStringSubmatch(text); {
		case passwordKey.MatchString(key) && scalar.Kind() != options.Bool:
			literal = text
		case m != nil && (strings.HasPrefix(text, "jdbc:") || strings.Contains(text, "LoginModule")):
			literal = m[1] + m[2]
		}
		if literal == "" || strings.Contains(literal, "${") {
			return scalar
		}
		p.secrets = append(p.secrets, literal)
		if strings.HasPrefix(key, "*") {
			return scalar.AsSecret() // reported by encrypted
		}
		p.add(options.Problem{Code: options.CodeLiteralSecret, Path: at, Seen: "a password in plain text", Try: "${env:NAME} or ${file:/path}", Warning: true})
		return scalar.AsSecret()
	})
}

// lookup returns what a reference stands for, or the reference itself after reporting why it cannot.
func (p *parser) lookup(ref, at string) string {
	m := reference.FindStringSubmatch(ref)
	kind, name := m[1], strings.TrimSpace(m[2])
	fail := func(code, seen, try string) string {
		p.add(options.Problem{Code: code, Path: at, Seen: seen, Try: try})
		return ref
	}
	var value string
	switch kind {
	case "env":
		ok := false
		if p.LookupEnv != nil {
			value, ok = p.LookupEnv(name)
		}
		if !ok {
			return fail(options.CodeUnresolvedSecret, fmt.Sprintf("the environment variable %q is not set", name), "set it, or correct the name")
		}
	case "file":
		if p.ReadFile == nil {
			return fail(options.CodeUnresolvedSecret, fmt.Sprintf("the file %q cannot be read here", name), "${env:NAME}")
		}
		content, err := p.ReadFile(name)
		if err != nil {
			return fail(options.CodeUnresolvedSecret, fmt.Sprintf("the file %q cannot be read: %v", name, err), "check its path and permissions")
		}
		value = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	default:
		return fail(options.CodeNotSupported, "${exec:…} is not supported", "${env:NAME} or ${file:/path}")
	}
	p.secrets = append(p.secrets, value)
	return value
}

// maskable returns the secrets in all forms in which they may turn up, longest first.
func maskable(secrets []string) []string {
	var out []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		out = append(out, s)
		if quoted, err := json.Marshal(s); err == nil {
			out = append(out, string(quoted[1:len(quoted)-1]))
		}
		if quoted := options.Text(s).JSON(); len(quoted) > 2 {
			out = append(out, string(quoted[1:len(quoted)-1]))
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(out)
}
