package kafka

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf16"
)

// tlsConfig builds what the ssl properties ask for. It reads files, so it runs at Open, not at Check.
func (l *link) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case l.trustPEM != "":
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(l.trustPEM)) {
			return nil, errors.New("ssl.truststore.certificates holds no certificate in PEM")
		}
	case l.trustFile != "":
		pool, err := readTruststore(l.trustFile, l.trustType, l.trustPassword)
		if err != nil {
			return nil, fmt.Errorf("ssl.truststore.location: %w", err)
		}
		c.RootCAs = pool
	}
	cert, key := []byte(l.certPEM), []byte(l.keyPEM)
	if l.keyFile != "" {
		text, err := os.ReadFile(l.keyFile)
		if err != nil {
			return nil, fmt.Errorf("ssl.keystore.location: %w", err)
		}
		cert, key = text, text
	}
	if len(cert) > 0 || len(key) > 0 {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("the client's certificate and key (ssl.keystore): %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if l.anyHost {
		acceptAnyHost(c)
	}
	return c, nil
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
		return err
	}
}

func readTruststore(file, typ, password string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	switch {
	case bytes.HasPrefix(text, jksMagic):
		certs, err := parseJKS(text, password)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, der := range certs {
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			pool.AddCert(cert)
		}
		return pool, nil
	case pool.AppendCertsFromPEM(text):
		return pool, nil
	case strings.EqualFold(typ, "PKCS12") || bytes.HasPrefix(text, []byte{0x30, 0x82}):
		return nil, fmt.Errorf("%s is a PKCS12 store, which gx does not read yet; convert it: openssl pkcs12 -in %s -nokeys -out ca.pem", file, file)
	}
	return nil, fmt.Errorf("%s holds no certificate in PEM and is no JKS store", file)
}

var jksMagic = []byte{0xfe, 0xed, 0xfe, 0xed}

// parseJKS takes the trusted certificates out of a Java key store; private keys are skipped. With a password the
// digest at the end is verified. The layout is the one in sun.security.provider.JavaKeyStore.
func parseJKS(b []byte, password string) ([][]byte, error) {
	const digestLen = sha1.Size
	if len(b) < 12+digestLen {
		return nil, errors.New("the store is cut short")
	}
	if password != "" {
		h := sha1.New()
		for _, u := range utf16.Encode([]rune(password)) {
			h.Write([]byte{byte(u >> 8), byte(u)})
		}
		h.Write([]byte("Mighty Aphrodite"))
		h.Write(b[:len(b)-digestLen])
		if subtle.ConstantTimeCompare(h.Sum(nil), b[len(b)-digestLen:]) != 1 {
			return nil, errors.New("ssl.truststore.password does not fit, or the store was changed")
		}
	}
	r := jksReader{b: b[4 : len(b)-digestLen]}
	version, count := r.u32(), r.u32()
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("version %d of the store is not known", version)
	}
	var certs [][]byte
	certificate := func() []byte {
		if version == 2 {
			r.take(int(r.u16())) // its type, X.509
		}
		return r.take(int(r.u32()))
	}
	for range count {
		tag := r.u32()
		r.take(int(r.u16())) // alias
		r.take(8)            // time
		switch tag {
		case 1:
			r.take(int(r.u32())) // the protected key
			for range r.u32() {
				if certificate(); r.bad {
					break
				}
			}
		case 2:
			if der := certificate(); !r.bad {
				certs = append(certs, der)
			}
		default:
			r.bad = true
		}
		if r.bad {
			return nil, errors.New("the store is damaged")
		}
	}
	if len(certs) == 0 {
		return nil, errors.New("the store holds no trusted certificate")
	}
	return certs, nil
}

// jksReader reads big-endian fields; after the first that is not there, bad is set and everything is empty.
type jksReader struct {
	b   []byte
	bad bool
}

func (r *jksReader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *jksReader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *jksReader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}
