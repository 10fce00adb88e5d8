package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/keystore"
)

// secured is how the broker and the client show who they are by certificates: what the ssl properties say.
type secured struct {
	trustFile, trustType, trustPassword    string
	trustPEM, keyFile, keyFileType         string
	keyFilePassword, keyPassword           string
	certPEM, keyPEM                        string
	anyHost                                bool
	protocolMin, protocolMax, protocolOnly uint16 // versions of TLS; protocolOnly is ssl.protocol
	suites                                 []uint16
	suiteMin, suiteMax                     uint16 // versions to which the suites lead
}

// checkTLS looks at the ssl properties that belong together.
func (l *link) checkTLS(add func(code, key, seen, want, try string, warning bool)) {
	if !l.tls() {
		for _, key := range sortedKeys(l.given) {
			if strings.HasPrefix(key, "ssl.") && securityProperties[key].text != nil {
				add(options.CodeIgnored, key, "has no effect with security.protocol "+l.protocol, "", "SSL, SASL_SSL", true)
			}
		}
	}
	if l.trustFile != "" && l.trustPEM != "" {
		add(options.CodeConflict, "ssl.truststore.certificates", "certificates are given both here and in ssl.truststore.location", "", "keep one of them", false)
	}
	if l.keyFile != "" && l.keyPEM != "" {
		add(options.CodeConflict, "ssl.keystore.key", "a key is given both here and in ssl.keystore.location", "", "keep one of them", false)
	}
	if (l.certPEM == "") != (l.keyPEM == "") && l.keyFile == "" {
		add(options.CodeMissing, "ssl.keystore.certificate.chain", "ssl.keystore.key and ssl.keystore.certificate.chain go together", "", "both of them in PEM", false)
	}
	for of, file := range map[string]string{"trust": l.trustFile, "key": l.keyFile} {
		for _, key := range []string{"ssl." + of + "store.password", "ssl." + of + "store.type"} {
			if l.given[key] && file == "" && !(strings.HasSuffix(key, "type") && (l.trustPEM != "" || l.keyPEM != "")) {
				add(options.CodeIgnored, key, "has no effect without ssl."+of+"store.location", "", "", true)
			}
		}
	}
	if l.keyPassword != "" && l.keyFile == "" && l.keyPEM == "" {
		add(options.CodeIgnored, "ssl.key.password", "has no effect without ssl.keystore.location or ssl.keystore.key", "", "", true)
	}
	if low, high := l.versions(); low > high {
		add(options.CodeConflict, "ssl.cipher.suites", "belong to versions of TLS that are not enabled", "", "ssl.enabled.protocols TLSv1.2,TLSv1.3", false)
	}
}

// versions is which versions of TLS to speak; low is above high when ssl.cipher.suites leaves none of them.
func (s *secured) versions() (low, high uint16) {
	low, high = tls.VersionTLS12, tls.VersionTLS13
	switch {
	case s.protocolMin != 0:
		low, high = s.protocolMin, s.protocolMax
	case s.protocolOnly != 0:
		high = s.protocolOnly // as Java's clients: the newest version that ssl.protocol allows
	}
	if s.suiteMin != 0 {
		low, high = max(low, s.suiteMin), min(high, s.suiteMax)
	}
	return low, high
}

// tlsConfig builds what the ssl properties ask for. It reads files, so it runs at Open, not at Check.
func (s *secured) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{CipherSuites: s.suites}
	c.MinVersion, c.MaxVersion = s.versions()
	switch {
	case s.trustPEM != "":
		pool, err := keystore.Trusted([]byte(s.trustPEM), "PEM", "")
		if err != nil {
			return nil, fmt.Errorf("ssl.truststore.certificates: %w", err)
		}
		c.RootCAs = pool
	case s.trustFile != "":
		text, err := os.ReadFile(s.trustFile)
		if err != nil {
			return nil, fmt.Errorf("ssl.truststore.location: %w", err)
		}
		if c.RootCAs, err = keystore.Trusted(text, s.trustType, s.trustPassword); err != nil {
			return nil, storeError("ssl.truststore", s.trustFile, err)
		}
	}
	switch {
	case s.keyFile != "":
		text, err := os.ReadFile(s.keyFile)
		if err != nil {
			return nil, fmt.Errorf("ssl.keystore.location: %w", err)
		}
		if c.Certificates, err = keystore.Own(text, s.keyFileType, s.keyFilePassword, s.keyPassword); err != nil {
			return nil, storeError("ssl.keystore", s.keyFile, err)
		}
	case s.keyPEM != "":
		own, err := keystore.FromPEM([]byte(s.certPEM), []byte(s.keyPEM), s.keyPassword)
		if err != nil {
			return nil, fmt.Errorf("ssl.keystore.key and ssl.keystore.certificate.chain: %w", err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	if s.anyHost {
		acceptAnyHost(c)
	}
	return c, nil
}

func storeError(property, file string, err error) error {
	if errors.Is(err, keystore.ErrPassword) {
		return fmt.Errorf("%s.location %s: %s.password: %w", property, file, property, err)
	}
	return fmt.Errorf("%s.location %s: %w", property, file, err)
}

// acceptAnyHost verifies the chain of certificates and leaves out the name of the host, as an empty
// ssl.endpoint.identification.algorithm asks.
func acceptAnyHost(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true // VerifyConnection below does the rest
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the broker shows no certificate")
		}
		between := x509.NewCertPool()
		for _, cert := range state.PeerCertificates[1:] {
			between.AddCert(cert)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
}

var tlsVersions = map[string]uint16{"TLSV1.2": tls.VersionTLS12, "TLSV1.3": tls.VersionTLS13}

// setEnabled reads ssl.enabled.protocols.
func setEnabled(l *link, v string) error {
	l.protocolMin, l.protocolMax = 0, 0
	for part := range strings.SplitSeq(v, ",") {
		version, ok := tlsVersions[strings.ToUpper(strings.TrimSpace(part))]
		if !ok {
			return &wrongValue{seen: fmt.Sprintf("%q is not a version of TLS that gx speaks", strings.TrimSpace(part)), want: "TLSv1.2, TLSv1.3", try: "TLSv1.2,TLSv1.3"}
		}
		if l.protocolMin == 0 || version < l.protocolMin {
			l.protocolMin = version
		}
		l.protocolMax = max(l.protocolMax, version)
	}
	return nil
}

// setTLSProtocol reads ssl.protocol, the newest version to speak where ssl.enabled.protocols says nothing.
func setTLSProtocol(l *link, v string) error {
	if strings.EqualFold(v, "TLS") {
		return nil
	}
	version, ok := tlsVersions[strings.ToUpper(v)]
	if !ok {
		return &wrongValue{seen: fmt.Sprintf("%q is not a version of TLS that gx speaks", v), want: "TLSv1.2, TLSv1.3", try: "TLSv1.3"}
	}
	l.protocolOnly = version
	return nil
}

// setSuites reads ssl.cipher.suites. Which suites of TLS 1.3 are offered cannot be chosen, only whether that version is.
func setSuites(l *link, v string) error {
	var names []string
	old, modern := 0, 0
	for _, s := range tls.CipherSuites() {
		names = append(names, s.Name)
	}
	for part := range strings.SplitSeq(v, ",") {
		name := strings.ToUpper(strings.TrimSpace(part))
		i := slices.Index(names, name)
		if i < 0 {
			return &wrongValue{seen: fmt.Sprintf("%q is not a suite that gx has", strings.TrimSpace(part)), want: strings.Join(names, ", ")}
		}
		if suite := tls.CipherSuites()[i]; slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			l.suites = append(l.suites, suite.ID)
			old++
		} else {
			modern++
		}
	}
	l.suiteMin, l.suiteMax = tls.VersionTLS12, tls.VersionTLS13
	if modern == 0 {
		l.suiteMax = tls.VersionTLS12
	}
	if old == 0 {
		l.suiteMin = tls.VersionTLS13
	}
	if modern > 0 && modern < 3 {
		return needless("TLS 1.3 brings its own three suites, and all of them are offered")
	}
	return nil
}
