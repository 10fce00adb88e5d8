// Package keystore reads the files in which clients of Kafka keep certificates and keys: PEM, and Java's JKS and PKCS12.
// What a file is, is seen from its first bytes; the type that a job names must only not contradict them.
package keystore

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// Types are the values of ssl.truststore.type and ssl.keystore.type.
const Types = "PEM, JKS, PKCS12"

// ErrPassword says that the password of a store does not fit.
var ErrPassword = errors.New("the password of the store does not fit, or the store was changed")

type kind int

const (
	unknown kind = iota
	pemText
	jks
	pkcs
)

// identify looks what text is and whether typ, which may be empty, says something else. Java's own JKS type reads PKCS12 too.
func identify(text []byte, typ string) (kind, error) {
	k, name := unknown, ""
	switch {
	case bytes.HasPrefix(text, jksMagic):
		k, name = jks, "JKS"
	case bytes.HasPrefix(text, []byte{0xce, 0xce, 0xce, 0xce}):
		return unknown, errors.New("it is a JCEKS store; turn it into PKCS12: keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12")
	case bytes.Contains(text, []byte("-----BEGIN ")):
		k, name = pemText, "PEM"
	case bytes.HasPrefix(text, []byte{0x30}):
		k, name = pkcs, "PKCS12"
	default:
		return unknown, fmt.Errorf("it is neither of %s", Types)
	}
	if typ = strings.ToUpper(typ); typ != "" && (typ == "PEM") != (k == pemText) {
		return unknown, fmt.Errorf("its type is given as %s, and it is %s", typ, name)
	}
	return k, nil
}

// Trusted takes the certificates of authorities out of a trust store.
func Trusted(text []byte, typ, password string) (*x509.CertPool, error) {
	k, err := identify(text, typ)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	switch k {
	case pemText:
		certs, err = pemCertificates(text)
	case jks:
		var s *store
		if s, err = parseJKS(text, password); err == nil {
			certs, err = parseAll(s.trusted)
		}
	default:
		certs, err = pkcs12Certificates(text, password)
	}
	if err != nil {
		return nil, err
	}
	if len(certs) == 0 {
		return nil, errors.New("it holds no trusted certificate")
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// Own takes the keys of a client with their chains out of a key store. keyPassword opens the keys; when it is empty,
// password does.
func Own(text []byte, typ, password, keyPassword string) ([]tls.Certificate, error) {
	k, err := identify(text, typ)
	if err != nil {
		return nil, err
	}
	if keyPassword == "" {
		keyPassword = password
	}
	switch k {
	case pemText:
		own, err := FromPEM(text, text, keyPassword)
		return []tls.Certificate{own}, err
	case jks:
		return jksOwn(text, password, keyPassword)
	}
	return pkcs12Own(text, password)
}

// FromPEM joins a chain of certificates and a key, which may be encrypted in the way of PKCS #8.
func FromPEM(chain, key []byte, password string) (tls.Certificate, error) {
	plain, err := plainKey(key, password)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(chain, plain)
}

func jksOwn(text []byte, password, keyPassword string) ([]tls.Certificate, error) {
	s, err := parseJKS(text, password)
	if err != nil {
		return nil, err
	}
	if len(s.keys) == 0 {
		return nil, errors.New("it holds no private key")
	}
	var out []tls.Certificate
	for _, k := range s.keys {
		der, err := unprotect(k.protected, keyPassword)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.alias, err)
		}
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.alias, err)
		}
		certs, err := parseAll(k.chain)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.alias, err)
		}
		own, err := join(key, certs)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.alias, err)
		}
		out = append(out, own)
	}
	return out, nil
}

func pkcs12Own(text []byte, password string) ([]tls.Certificate, error) {
	key, leaf, others, err := pkcs12.DecodeChain(text, password)
	if err != nil {
		return nil, pkcs12Error(err)
	}
	own, err := join(key, append([]*x509.Certificate{leaf}, others...))
	return []tls.Certificate{own}, err
}

// join makes what crypto/tls needs of a key and the chain that begins with its certificate.
func join(key any, chain []*x509.Certificate) (tls.Certificate, error) {
	signer, ok := key.(crypto.Signer)
	if !ok || len(chain) == 0 {
		return tls.Certificate{}, errors.New("a certificate is missing, or the key cannot sign")
	}
	public, ok := chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(signer.Public()) {
		return tls.Certificate{}, errors.New("the key does not belong to the certificate")
	}
	own := tls.Certificate{PrivateKey: signer, Leaf: chain[0]}
	for _, c := range chain {
		own.Certificate = append(own.Certificate, c.Raw)
	}
	return own, nil
}

// pkcs12Certificates takes the certificates that are marked as trusted, as keytool marks them, or else those of a chain
// that stands beside a key.
func pkcs12Certificates(text []byte, password string) ([]*x509.Certificate, error) {
	certs, err := pkcs12.DecodeTrustStore(text, password)
	if err == nil {
		return certs, nil
	}
	if _, leaf, others, err := pkcs12.DecodeChain(text, password); err == nil {
		return append(others, leaf), nil
	}
	return nil, pkcs12Error(err)
}

func pkcs12Error(err error) error {
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return ErrPassword
	}
	if strings.Contains(err.Error(), "not marked as trusted") {
		return errors.New("its certificates are not marked as trusted, so Java would not trust them either; make the store with keytool -importcert, or take the certificates in PEM")
	}
	return fmt.Errorf("the PKCS12 store cannot be read: %w", err)
}

func pemCertificates(text []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return certs, nil
		}
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
}

func parseAll(ders [][]byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
