package kafka

import (
	"crypto/sha256"
	"crypto/tls"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// The conversation of RFC 7677, section 3.
func TestScramSpeaksTheProtocol(t *testing.T) {
	s := &scram{hash: sha256.New, nonce: "rOprNGfwEbeRWgbNEkqO"}
	if err := s.Begin("user", "pencil", ""); err != nil {
		t.Fatal(err)
	}
	const server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	for i, step := range [][2]string{
		{"", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"},
		{server, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="},
		{"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ""},
	} {
		if s.Done() {
			t.Fatalf("done before step %d", i)
		}
		got, err := s.Step(step[0])
		if err != nil || got != step[1] {
			t.Fatalf("step %d: %q, %v", i, got, err)
		}
	}
	if !s.Done() {
		t.Error("not done")
	}
}

func TestScramRefusesAFalseServer(t *testing.T) {
	const good = "r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	for challenge, final := range map[string]string{
		"r=othermore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096":      "",
		"r=NONCE,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096":          "",
		"r=NONCEmore,s=?,i=4096":                             "",
		"r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0":         "",
		"r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=999999999": "",
		"nonsense":    "",
		good:          "v=AAAA",
		good + ",x=1": "e=invalid-proof",
		good + ",x=2": "",
	} {
		s := &scram{hash: sha256.New, nonce: "NONCE"}
		if err := s.Begin("a=b,c", "pw", ""); err != nil {
			t.Fatal(err)
		}
		first, err := s.Step("")
		if err != nil || first != "n,,n=a=3Db=2Cc,r=NONCE" {
			t.Fatalf("%q %v", first, err)
		}
		if _, err = s.Step(challenge); err == nil {
			_, err = s.Step(final)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "SCRAM: ") || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s, %s: %v", challenge, final, err)
		}
	}
}

// A delegation token says in the first message that it is one (KIP-48).
func TestScramWithADelegationToken(t *testing.T) {
	s := newScram(sarama.SASLTypeSCRAMSHA512, true)()
	if err := s.Begin("id", "mac", ""); err != nil {
		t.Fatal(err)
	}
	if first, err := s.Step(""); err != nil || !strings.HasPrefix(first, "n,,n=id,r=") || !strings.HasSuffix(first, ",tokenauth=true") {
		t.Errorf("%q %v", first, err)
	}
}

func TestJAAS(t *testing.T) {
	for text, want := range map[string]login{
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="a b;c\"d";`: {jaasModule: "PlainLoginModule", user: "alice", password: `a b;c"d`},
		"ScramLoginModule required\n\tusername=u password=p tokenauth=true ;\n":                                  {jaasModule: "ScramLoginModule", user: "u", password: "p", delegated: true},
		"ScramLoginModule required username=u password=p;":                                                       {jaasModule: "ScramLoginModule", user: "u", password: "p"},
		`org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="c" clientSecret='s' scope="a b" extension_logicalCluster="lkc-1" ssl.truststore.location=ca.jks ssl.truststore.type=JKS ssl.truststore.password=p;`: {
			jaasModule: "OAuthBearerLoginModule", oauthID: "c", oauthSecret: "'s'", scope: "a b", caFile: "ca.jks", caType: "JKS", caPassword: "p", extensions: map[string]string{"logicalCluster": "lkc-1"}},
		`software.amazon.msk.auth.iam.IAMLoginModule required awsProfileName="etl";`: {jaasModule: "IAMLoginModule", profile: "etl"},
		`software.amazon.msk.auth.iam.IAMLoginModule required;`:                      {jaasModule: "IAMLoginModule"},
	} {
		var l link
		err := setJAAS(&l, text)
		extensions := l.extensions
		l.login.extensions, l.login.factor = nil, 0
		same := maps.Equal(extensions, want.extensions)
		want.extensions = nil
		if err != nil || !same || sameLogin(l.login, want) != "" {
			t.Errorf("%s: %v, extensions %v, %s", text, err, extensions, sameLogin(l.login, want))
		}
	}
}

// sameLogin names the first difference.
func sameLogin(a, b login) string {
	for name, pair := range map[string][2]string{
		"jaasModule": {a.jaasModule, b.jaasModule}, "user": {a.user, b.user}, "password": {a.password, b.password}, "oauthID": {a.oauthID, b.oauthID},
		"oauthSecret": {a.oauthSecret, b.oauthSecret}, "scope": {a.scope, b.scope}, "caFile": {a.caFile, b.caFile}, "caType": {a.caType, b.caType},
		"caPassword": {a.caPassword, b.caPassword}, "profile": {a.profile, b.profile},
	} {
		if pair[0] != pair[1] {
			return name + ": " + pair[0] + ", not " + pair[1]
		}
	}
	if a.delegated != b.delegated {
		return "delegated"
	}
	return ""
}

func FuzzJAAS(f *testing.F) {
	f.Add(`PlainLoginModule required username="alice" password="a\"b";`)
	f.Add("ScramLoginModule required username=u password=p")
	f.Add(`OAuthBearerLoginModule required clientId=c clientSecret=s extension_a=b;`)
	f.Add(`"";;`)
	f.Fuzz(func(t *testing.T, text string) {
		var l link
		err := setJAAS(&l, text)
		if passwords := l.jaasModule == "PlainLoginModule" || l.jaasModule == "ScramLoginModule"; err == nil && passwords && (l.user == "" || l.password == "") {
			t.Errorf("%q gives %q", text, l.user)
		}
	})
}

func TestTLSConfiguration(t *testing.T) {
	chain, err := os.ReadFile("keystore/testdata/client.pem")
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile("keystore/testdata/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	trusts := func(c *tls.Config) bool { return c.RootCAs != nil && len(c.Certificates) == 0 }
	shows := func(c *tls.Config) bool { return len(c.Certificates) == 1 }
	between := func(low, high uint16) func(*tls.Config) bool {
		return func(c *tls.Config) bool { return c.MinVersion == low && c.MaxVersion == high }
	}
	for _, c := range []struct {
		properties map[string]string
		holds      func(*tls.Config) bool
	}{
		{nil, func(c *tls.Config) bool {
			return c.RootCAs == nil && !c.InsecureSkipVerify && c.MinVersion == tls.VersionTLS12
		}},
		{map[string]string{"ssl.truststore.location": "keystore/testdata/trust.p12", "ssl.truststore.password": "changeit", "ssl.truststore.type": "pkcs12"}, trusts},
		{map[string]string{"ssl.truststore.location": "keystore/testdata/trust.jks"}, trusts},
		{map[string]string{"ssl.truststore.certificates": string(ca), "ssl.truststore.type": "PEM"}, trusts},
		{map[string]string{"ssl.keystore.location": "keystore/testdata/client.jks", "ssl.keystore.password": "storepass", "ssl.key.password": "keypass"}, shows},
		{map[string]string{"ssl.keystore.location": "keystore/testdata/client.p12", "ssl.keystore.password": "storepass", "ssl.keystore.type": "PKCS12"}, shows},
		{map[string]string{"ssl.keystore.location": "keystore/testdata/client-aes256.pem", "ssl.key.password": "keypass", "ssl.keystore.type": "PEM"}, shows},
		{map[string]string{"ssl.keystore.key": string(chain), "ssl.keystore.certificate.chain": string(chain)}, shows},
		{map[string]string{"ssl.endpoint.identification.algorithm": ""}, func(c *tls.Config) bool { return c.InsecureSkipVerify && c.VerifyConnection != nil }},
		{map[string]string{"ssl.enabled.protocols": "TLSv1.2"}, between(tls.VersionTLS12, tls.VersionTLS12)},
		{map[string]string{"ssl.enabled.protocols": "TLSv1.3"}, between(tls.VersionTLS13, tls.VersionTLS13)},
		{map[string]string{"ssl.enabled.protocols": "TLSv1.3, TLSv1.2", "ssl.protocol": "TLSv1.2"}, between(tls.VersionTLS12, tls.VersionTLS13)},
		{map[string]string{"ssl.protocol": "TLSv1.2"}, between(tls.VersionTLS12, tls.VersionTLS12)},
		{map[string]string{"ssl.protocol": "TLS"}, between(tls.VersionTLS12, tls.VersionTLS13)},
		{map[string]string{"ssl.cipher.suites": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}, func(c *tls.Config) bool {
			return len(c.CipherSuites) == 1 && c.CipherSuites[0] == tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 && c.MaxVersion == tls.VersionTLS12
		}},
		{map[string]string{"ssl.cipher.suites": "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256"}, between(tls.VersionTLS13, tls.VersionTLS13)},
	} {
		l := defaultLink()
		l.protocol = "SSL"
		for _, key := range sortedKeys(c.properties) {
			if err := securityProperties[key].text(&l, c.properties[key]); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		if problems := l.check(); len(problems) > 0 {
			t.Errorf("%v: %v", c.properties, problems)
		}
		if got, err := l.tlsConfig(); err != nil || !c.holds(got) {
			t.Errorf("%v: %+v %v", c.properties, got, err)
		}
	}
}

// The page for users names every property.
func TestPropertiesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/kafka-logins.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## All properties")
	for _, name := range sortedKeys(securityProperties) {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestStoresThatCannotBeUsed(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]secured{
		"ssl.truststore.location keystore/testdata/trust.jks: ssl.truststore.password: the password of the store does not fit": {trustFile: "keystore/testdata/trust.jks", trustPassword: "wrong"},
		"ssl.truststore.location: open " + empty + "x":                                                   {trustFile: empty + "x"},
		"ssl.truststore.location " + empty + ": it is neither of PEM, JKS, PKCS12":                       {trustFile: empty},
		"ssl.truststore.certificates: it is neither":                                                     {trustPEM: "x"},
		"ssl.keystore.location " + empty + ": it is neither":                                             {keyFile: empty},
		"ssl.keystore.location keystore/testdata/client.p12: ssl.keystore.password: the password of the": {keyFile: "keystore/testdata/client.p12", keyFilePassword: "wrong"},
		"ssl.keystore.location: open":                                                                    {keyFile: empty + "x"},
		"ssl.keystore.key and ssl.keystore.certificate.chain: it holds no private key":                   {keyPEM: "x", certPEM: "x"},
	} {
		if _, err := s.tlsConfig(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", s, err, want)
		}
	}
}

// The shared file of credentials is read for every login; a key in the job needs no file.
func TestIAMLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	l := defaultLink()
	l.mechanism, l.region, l.credentialsFile, l.profile = mechanismIAM, "eu-central-1", file, "etl"
	c := sarama.NewConfig()
	if err := l.logIn(c); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Net.SASL.TokenProvider.Token(); err == nil || !strings.Contains(err.Error(), "credentials of AWS: open "+file) {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(file, []byte("[etl]\naws_access_key_id = A\naws_secret_access_key = very-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := c.Net.SASL.TokenProvider.Token()
	if err != nil || token.Token == "" || strings.Contains(token.Token, "very-secret") || c.Net.SASL.Mechanism != sarama.SASLTypeOAuth {
		t.Errorf("%+v %v", token, err)
	}
	l.credentialsFile, l.profile, l.keyID, l.secretKey = "", "", "A", "S"
	if token, err = l.iamToken(); err != nil || token.Token == "" {
		t.Errorf("%+v %v", token, err)
	}
}

func TestTokenFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	l := defaultLink()
	l.mechanism, l.tokenURL, l.extensions = mechanismBearer, "file://"+file, map[string]string{"logicalCluster": "lkc-1"}
	c := sarama.NewConfig()
	if err := l.logIn(c); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} { // without an end in it, a token is read anew each time
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := c.Net.SASL.TokenProvider.Token()
		if err != nil || token.Token != text || token.Extensions["logicalCluster"] != "lkc-1" {
			t.Errorf("%+v %v", token, err)
		}
	}
	if l.factor != 0.8 || millis(l.bufferSec) != 300*time.Millisecond {
		t.Error("the defaults are not those of Java")
	}
}
