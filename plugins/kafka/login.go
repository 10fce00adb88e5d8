package kafka

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/bearer"
	"github.com/gx-etl/gx/plugins/kafka/keystore"
	"github.com/gx-etl/gx/plugins/kafka/msk"
)

// The mechanisms that gx logs in by. AWS_MSK_IAM is a name of gx and of Amazon's Java library; its tokens travel by OAUTHBEARER.
const (
	mechanismBearer = "OAUTHBEARER"
	mechanismIAM    = "AWS_MSK_IAM"
	mechanismNames  = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM"
)

// login is how the client says who it is: what the sasl properties say.
type login struct {
	mechanism                  string
	user, password, jaasModule string
	jaasFailed                 bool // sasl.jaas.config is wrong, which has been said
	delegated                  bool // user and password are those of a delegation token

	token, tokenURL, oauthID, oauthSecret, scope    string
	caFile, caPEM                                   string // authorities of the token endpoint
	caType, caPassword                              string
	extensions                                      map[string]string
	urlEncode                                       bool
	connectMs, readMs, loginBackoffMs, backoffMaxMs int32
	bufferSec                                       int32
	factor                                          float64

	region, keyID, secretKey, session, profile, credentialsFile string
	named                                                       string // the region in the addresses of the brokers
}

func defaultLogin() login {
	return login{connectMs: 10_000, readMs: 10_000, loginBackoffMs: 100, backoffMaxMs: 10_000, bufferSec: 300, factor: 0.8}
}

// checkLogin looks at the sasl properties that belong together, given that the protocol logs in.
func (l *link) checkLogin(add func(code, key, seen, want, try string, warning bool)) {
	if l.jaasFailed {
		return
	}
	if l.mechanism == "" {
		l.mechanism = moduleMechanism[l.jaasModule]
	}
	if l.mechanism == "" {
		add(options.CodeMissing, "sasl.mechanism", "required with security.protocol "+l.protocol, mechanismNames, "", false)
	}
	if fit, ok := moduleFits[l.jaasModule]; ok && l.mechanism != "" && !strings.HasPrefix(l.mechanism, fit) {
		add(options.CodeConflict, "sasl.jaas.config", l.jaasModule+" does not fit sasl.mechanism "+l.mechanism, "", "", false)
		return
	}
	switch l.mechanism {
	case mechanismBearer:
		l.checkBearer(add)
	case mechanismIAM:
		l.checkIAM(add)
	default:
		if l.user == "" {
			add(options.CodeMissing, "sasl.username", "required with security.protocol "+l.protocol, "", "sasl.username and sasl.password", false)
		} else if l.password == "" {
			add(options.CodeMissing, "sasl.password", "required with sasl.username", "", "", false)
		}
	}
	for _, key := range sortedKeys(l.given) {
		owner := ""
		switch {
		case strings.HasPrefix(key, "aws."):
			owner = mechanismIAM
		case strings.HasPrefix(key, "sasl.oauthbearer."), strings.HasPrefix(key, "https.ca."), strings.HasPrefix(key, "sasl.login.") && !strings.HasSuffix(key, ".class"):
			owner = mechanismBearer
		case key == "sasl.username", key == "sasl.password":
			if l.mechanism == mechanismBearer || l.mechanism == mechanismIAM {
				owner = "PLAIN or SCRAM"
			}
		}
		if owner != "" && l.mechanism != "" && owner != l.mechanism {
			add(options.CodeIgnored, key, "has no effect with sasl.mechanism "+l.mechanism, "", "sasl.mechanism "+owner, true)
		}
	}
}

// moduleMechanism is the mechanism where the name of a login module says it all.
var moduleMechanism = map[string]string{"PlainLoginModule": sarama.SASLTypePlaintext, "OAuthBearerLoginModule": mechanismBearer, "IAMLoginModule": mechanismIAM}

// moduleFits is how the mechanisms of a login module begin.
var moduleFits = map[string]string{"PlainLoginModule": "PLAIN", "ScramLoginModule": "SCRAM-", "OAuthBearerLoginModule": mechanismBearer, "IAMLoginModule": mechanismIAM}

const endpointProperty = "sasl.oauthbearer.token.endpoint.url"

func (l *link) checkBearer(add func(code, key, seen, want, try string, warning bool)) {
	switch {
	case l.token == "" && l.tokenURL == "":
		add(options.CodeMissing, endpointProperty, "required with sasl.mechanism OAUTHBEARER", "",
			"https://host/path of the token endpoint, file:///path of a token, or the token itself as sasl.oauthbearer.token", false)
	case l.token != "" && l.tokenURL != "":
		add(options.CodeConflict, "sasl.oauthbearer.token", "is given beside "+endpointProperty, "", "keep one of them", false)
	case l.token != "":
		if t, err := bearer.Parse(l.token); err != nil {
			add(options.CodeNotAllowed, "sasl.oauthbearer.token", err.Error(), "", "the text of an access token alone", false)
		} else if !t.Expires.IsZero() && time.Now().After(t.Expires) {
			add(options.CodeNotAllowed, "sasl.oauthbearer.token", "the token ended at "+t.Expires.UTC().Format(time.RFC3339), "", "a new one, or "+endpointProperty, false)
		}
	case strings.HasPrefix(l.tokenURL, "file:"):
	case l.oauthID == "" || l.oauthSecret == "":
		add(options.CodeMissing, "sasl.oauthbearer.client.credentials.client.id", "the token endpoint needs the id and the secret of a client", "",
			"sasl.oauthbearer.client.credentials.client.id and sasl.oauthbearer.client.credentials.client.secret", false)
	}
	if u, err := url.Parse(l.tokenURL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		add(options.CodeNotAllowed, endpointProperty, "the secret of the client would travel unencrypted", "https", "https", false)
	}
	if l.caFile != "" && l.caPEM != "" {
		add(options.CodeConflict, "https.ca.pem", "certificates are given both here and in https.ca.location", "", "keep one of them", false)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *link) checkIAM(add func(code, key, seen, want, try string, warning bool)) {
	if !l.tls() {
		add(options.CodeConflict, "security.protocol", "AWS_MSK_IAM over "+l.protocol+" would show the login to everybody on the way", "SASL_SSL", "SASL_SSL", false)
	}
	if l.region == "" {
		l.region = l.named
	}
	if l.region == "" {
		add(options.CodeMissing, "aws.region", "the addresses of the brokers do not tell the region", "", "eu-central-1, or the one of the cluster", false)
	}
	if (l.keyID == "") != (l.secretKey == "") {
		add(options.CodeMissing, "aws.secret.access.key", "aws.access.key.id and aws.secret.access.key go together", "", `"${env:AWS_SECRET_ACCESS_KEY}"`, false)
	}
	if l.keyID != "" && (l.profile != "" || l.credentialsFile != "") {
		add(options.CodeConflict, "aws.access.key.id", "a key is given, and a profile or a file of credentials too", "", "keep one of them", false)
	}
	if l.session != "" && l.keyID == "" {
		add(options.CodeMissing, "aws.access.key.id", "required with aws.session.token", "", `"${env:AWS_ACCESS_KEY_ID}"`, false)
	}
}

// logIn sets how connections log in. It reads files, so it runs at Open, not at Check.
func (l *link) logIn(c *sarama.Config) error {
	s := &c.Net.SASL
	s.Enable, s.Mechanism = true, sarama.SASLMechanism(l.mechanism)
	switch l.mechanism {
	case mechanismBearer:
		source, err := l.tokenSource()
		if err != nil {
			return err
		}
		cache := &bearer.Cache{Source: source, Factor: l.factor, Buffer: time.Duration(l.bufferSec) * time.Second,
			Timeout: millis(l.connectMs) + millis(l.readMs)}
		s.TokenProvider = tokens(func() (*sarama.AccessToken, error) {
			t, err := cache.Get(time.Now())
			return &sarama.AccessToken{Token: t, Extensions: l.extensions}, err
		})
	case mechanismIAM:
		s.Mechanism = sarama.SASLTypeOAuth
		s.TokenProvider = tokens(l.iamToken)
	default:
		s.User, s.Password = l.user, l.password
		if l.mechanism != sarama.SASLTypePlaintext {
			s.SCRAMClientGeneratorFunc = newScram(l.mechanism, l.delegated)
		}
	}
	return nil
}

func (l *link) tokenSource() (bearer.Source, error) {
	if l.token != "" {
		return bearer.Static(l.token), nil
	}
	u, err := url.Parse(l.tokenURL)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read", endpointProperty)
	}
	if u.Scheme == "file" {
		return bearer.File(filepath.FromSlash(u.Path)), nil
	}
	e := bearer.Endpoint{URL: l.tokenURL, ID: l.oauthID, Secret: l.oauthSecret, Scope: l.scope, URLEncode: l.urlEncode,
		Connect: millis(l.connectMs), Read: millis(l.readMs), Backoff: millis(l.loginBackoffMs), BackoffMax: millis(l.backoffMaxMs)}
	switch {
	case l.caPEM != "":
		if e.Roots, err = keystore.Trusted([]byte(l.caPEM), "PEM", ""); err != nil {
			return nil, fmt.Errorf("https.ca.pem: %w", err)
		}
	case l.caFile != "":
		text, err := os.ReadFile(l.caFile)
		if err != nil {
			return nil, fmt.Errorf("https.ca.location: %w", err)
		}
		if e.Roots, err = keystore.Trusted(text, l.caType, l.caPassword); err != nil {
			return nil, fmt.Errorf("https.ca.location %s: %w", l.caFile, err)
		}
	}
	return e.Source(), nil
}

// iamToken signs a token for one login. Credentials in a file are read each time, as those of a role are renewed there.
func (l *link) iamToken() (*sarama.AccessToken, error) {
	c := msk.Credentials{AccessKeyID: l.keyID, SecretAccessKey: l.secretKey, SessionToken: l.session}
	if c.AccessKeyID == "" {
		file, profile := l.credentialsFile, l.profile
		if file == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return nil, &bearer.Error{Refused: true, Err: fmt.Errorf("credentials of AWS: %w", err), Try: "aws.credentials.file, or aws.access.key.id and aws.secret.access.key"}
			}
			file = filepath.Join(home, ".aws", "credentials")
		}
		if profile == "" {
			profile = "default"
		}
		var err error
		if c, err = msk.SharedCredentials(file, profile); err != nil {
			return nil, &bearer.Error{Refused: true, Err: fmt.Errorf("credentials of AWS: %w", err),
				Try: `"aws.access.key.id": "${env:AWS_ACCESS_KEY_ID}" and "aws.secret.access.key": "${env:AWS_SECRET_ACCESS_KEY}", or a file: aws.credentials.file and aws.profile`}
		}
	}
	token, _ := msk.Token(time.Now(), l.region, c)
	return &sarama.AccessToken{Token: token}, nil
}

// tokens serves sarama.AccessTokenProvider.
type tokens func() (*sarama.AccessToken, error)

// Token serves sarama.AccessTokenProvider.
func (t tokens) Token() (*sarama.AccessToken, error) { return t() }
