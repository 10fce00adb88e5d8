package keystore

import (
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The stores were written by keytool and openssl.
func TestTrusted(t *testing.T) {
	block, _ := pem.Decode(file(t, "ca.pem"))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"ca.pem", "", ""}, {"ca.pem", "pem", "needless"}, {"trust.jks", "", ""}, {"trust.jks", "JKS", "changeit"},
		{"trust.p12", "", "changeit"}, {"trust.p12", "PKCS12", "changeit"}, {"trust.p12", "JKS", "changeit"}, {"client-openssl.p12", "PKCS12", "storepass"},
	} {
		pool, err := Trusted(file(t, c[0]), c[1], c[2])
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: pool}); (err != nil) != (c[0] == "client-openssl.p12") {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestTrustedRefuses(t *testing.T) {
	for _, c := range []struct{ name, typ, password, want string }{
		{"trust.jks", "", "wrong", "the password of the store does not fit"},
		{"trust.p12", "", "wrong", "the password of the store does not fit"},
		{"trust-openssl.p12", "", "changeit", "its certificates are not marked as trusted"},
		{"trust-openssl.p12", "", "", "the password of the store does not fit"},
		{"trust.jks", "PEM", "", "its type is given as PEM, and it is JKS"},
		{"ca.pem", "JKS", "", "its type is given as JKS, and it is PEM"},
		{"client-des3.pem", "", "", ""},
	} {
		_, err := Trusted(file(t, c.name), c.typ, c.password)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for text, want := range map[string]string{
		"":                         "neither of PEM, JKS, PKCS12",
		"nothing":                  "neither of PEM, JKS, PKCS12",
		"\xce\xce\xce\xce\x00":     "JCEKS",
		"0\x03\x02\x01\x03":        "the PKCS12 store cannot be read",
		"-----BEGIN KEY-----\n":    "no trusted certificate",
		"\xfe\xed\xfe\xed\x00\x00": "cut short",
	} {
		if _, err := Trusted([]byte(text), "", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOwn(t *testing.T) {
	for _, c := range [][4]string{
		{"client.pem", "PEM", "", ""}, {"client-aes128.pem", "", "", "keypass"}, {"client-aes192.pem", "", "keypass", ""}, {"client-aes256.pem", "PEM", "", "keypass"},
		{"client.jks", "JKS", "storepass", "keypass"}, {"client.jks", "", "", "keypass"}, {"client.p12", "PKCS12", "storepass", ""}, {"client-openssl.p12", "", "storepass", "storepass"},
	} {
		own, err := Own(file(t, c[0]), c[1], c[2], c[3])
		if err != nil || len(own) != 1 || len(own[0].Certificate) != 2 || own[0].Leaf.Subject.CommonName != "etl" {
			t.Errorf("%v: %d %v", c, len(own), err)
			continue
		}
		handshake(t, c[0], own[0])
	}
}

// handshake proves that the key signs for the certificate, to a server that asks for it.
func handshake(t *testing.T, name string, own tls.Certificate) {
	t.Helper()
	left, right := net.Pipe()
	t.Cleanup(func() { _, _ = left.Close(), right.Close() })
	server := tls.Server(left, &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert})
	client := tls.Client(right, &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true})
	done := make(chan error, 1)
	go func() { done <- client.HandshakeContext(t.Context()) }()
	if err := errors.Join(server.HandshakeContext(t.Context()), <-done); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestOwnRefuses(t *testing.T) {
	for _, c := range []struct{ name, typ, password, key, want string }{
		{"client.jks", "", "wrong", "keypass", "the password of the store does not fit"},
		{"client.jks", "", "storepass", "", "ssl.key.password does not fit"},
		{"client.p12", "", "wrong", "", "the password of the store does not fit"},
		{"client-aes256.pem", "", "", "", "is encrypted, and ssl.key.password is not given"},
		{"client-aes256.pem", "", "", "wrong", "ssl.key.password does not fit"},
		{"client-des3.pem", "", "", "keypass", "not AES in CBC mode; write it anew: openssl pkcs8"},
		{"client-old.pem", "", "", "keypass", "encrypted in an old way that protects little; write it anew"},
		{"ca.pem", "", "", "", "no private key in PEM"},
		{"trust.jks", "", "", "", "it holds no private key"},
	} {
		_, err := Own(file(t, c.name), c.typ, c.password, c.key)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "keypass") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := FromPEM(file(t, "ca.pem"), file(t, "client.pem"), ""); err == nil {
		t.Error("a key was joined with the certificate of another")
	}
}

// jksFile builds a JKS store with a private key, which nobody can open, before the certificate.
func jksFile(version uint32, der []byte, password string) []byte {
	var b bytes.Buffer
	u32 := func(n int) { _ = binary.Write(&b, binary.BigEndian, uint32(n)) }
	text := func(s string) { _ = binary.Write(&b, binary.BigEndian, uint16(len(s))); b.WriteString(s) }
	cert := func() {
		if version == 2 {
			text("X.509")
		}
		u32(len(der))
		b.Write(der)
	}
	b.Write(jksMagic)
	u32(int(version))
	u32(2)
	u32(1)
	text("key")
	b.Write(make([]byte, 8))
	u32(3)
	b.WriteString("abc")
	u32(1)
	cert()
	u32(2)
	text("authority")
	b.Write(make([]byte, 8))
	cert()
	h := sha1.New()
	h.Write(javaPassword(password))
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(b.Bytes())
	return h.Sum(b.Bytes())
}

func TestKeysInATruststoreAreNotTrusted(t *testing.T) {
	block, _ := pem.Decode(file(t, "ca.pem"))
	for _, version := range []uint32{1, 2} {
		got, err := parseJKS(jksFile(version, block.Bytes, "pässword"), "pässword")
		if err != nil || len(got.trusted) != 1 || !bytes.Equal(got.trusted[0], block.Bytes) || len(got.keys) != 1 {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
}

func FuzzJKS(f *testing.F) {
	block, _ := pem.Decode(file(f, "ca.pem"))
	f.Add(jksFile(1, block.Bytes[:20], ""))
	f.Add(jksFile(2, nil, ""))
	f.Add([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\xff\xff\xff\xff"))
	f.Add(file(f, "client.jks"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseJKS(b, "")
		if (err == nil) != (s != nil) {
			t.Error("neither a store nor an error")
		}
		if own, err := jksOwn(b, "", "keypass"); err == nil && len(own) == 0 {
			t.Error("neither a key nor an error")
		}
	})
}

func FuzzPKCS8(f *testing.F) {
	for _, name := range []string{"client-aes128.pem", "client-aes256.pem", "client-des3.pem"} {
		for rest := file(f, name); ; {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				break
			}
			f.Add(b.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		plain, err := decryptPKCS8(der, "keypass")
		if err == nil {
			if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
				t.Error(err)
			}
		}
	})
}
