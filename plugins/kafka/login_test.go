package kafka

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
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

func TestJAAS(t *testing.T) {
	for text, want := range map[string][3]string{
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="a b;c\"d";`: {"alice", `a b;c"d`, "PlainLoginModule"},
		"ScramLoginModule required\n\tusername=u password=p tokenauth=true ;\n":                                  {"u", "p", "ScramLoginModule"},
	} {
		var l link
		if err := setJAAS(&l, text); err != nil || l.user != want[0] || l.password != want[1] || l.jaasModule != want[2] {
			t.Errorf("%s: %q %q %q %v", text, l.user, l.password, l.jaasModule, err)
		}
	}
}

func FuzzJAAS(f *testing.F) {
	f.Add(`PlainLoginModule required username="alice" password="a\"b";`)
	f.Add("ScramLoginModule required username=u password=p")
	f.Add(`"";;`)
	f.Fuzz(func(t *testing.T, text string) {
		var l link
		if err := setJAAS(&l, text); err == nil && (l.user == "" || l.password == "") {
			t.Errorf("%q gives %q", text, l.user)
		}
	})
}

func certificate(t testing.TB) (pemText, der []byte) {
	t.Helper()
	text, err := os.ReadFile("testdata/trust/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return text, block.Bytes
}

func TestTruststores(t *testing.T) {
	pemText, der := certificate(t)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []link{
		{trustFile: "testdata/trust/ca.pem"},
		{trustFile: "testdata/trust/trust.jks"},
		{trustFile: "testdata/trust/trust.jks", trustType: "JKS", trustPassword: "changeit"},
		{trustPEM: string(pemText)},
		{trustPEM: string(pemText), anyHost: true},
	} {
		c, err := l.tlsConfig()
		if err != nil {
			t.Errorf("%+v: %v", l, err)
			continue
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: c.RootCAs}); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
		if c.InsecureSkipVerify && c.VerifyConnection == nil {
			t.Error("nothing is verified")
		}
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]link{
		"does not fit":                         {trustFile: "testdata/trust/trust.jks", trustPassword: "wrong"},
		"PKCS12 store":                         {trustFile: "testdata/trust/trust.p12"},
		"no such file":                         {trustFile: empty + "x"},
		"no certificate in PEM and is no JKS":  {trustFile: empty},
		"ssl.truststore.certificates holds no": {trustPEM: "x"},
		"the client's certificate and key":     {keyFile: empty},
		"ssl.keystore.location":                {keyFile: empty + "x"},
	} {
		if _, err := l.tlsConfig(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", l, err, want)
		}
	}
}

// store builds a JKS store with a private key before the certificate.
func store(version uint32, der []byte, password string) []byte {
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
	for _, u := range utf16.Encode([]rune(password)) {
		h.Write([]byte{byte(u >> 8), byte(u)})
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(b.Bytes())
	return h.Sum(b.Bytes())
}

func TestKeysInATruststoreAreSkipped(t *testing.T) {
	_, der := certificate(t)
	for _, version := range []uint32{1, 2} {
		got, err := parseJKS(store(version, der, "pässword"), "pässword")
		if err != nil || len(got) != 1 || !bytes.Equal(got[0], der) {
			t.Errorf("version %d: %d certificates, %v", version, len(got), err)
		}
	}
}

func FuzzJKS(f *testing.F) {
	_, der := certificate(f)
	f.Add(store(1, der[:20], ""))
	f.Add(store(2, nil, ""))
	f.Add([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		certs, err := parseJKS(b, "")
		if err == nil && len(certs) == 0 {
			t.Error("neither certificates nor an error")
		}
	})
}
