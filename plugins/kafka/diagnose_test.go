package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// serverCertificate is a certificate that signs itself, and a file with it.
func serverCertificate(t *testing.T, host string, ends time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: ends,
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{host}}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// door is a listener that answers a SaslHandshake with a code and mechanisms, and hangs up at anything else.
func door(t *testing.T, config *tls.Config, code sarama.KError, mechanisms ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { answer(conn, code, mechanisms) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

func answer(conn net.Conn, code sarama.KError, mechanisms []string) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	var head [12]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil || binary.BigEndian.Uint16(head[4:]) != 17 {
		return
	}
	if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[:]))-8); err != nil {
		return
	}
	_, _ = conn.Write(handshake(head[8:12], code, mechanisms))
}

func handshake(correlation []byte, code sarama.KError, mechanisms []string) []byte {
	body := binary.BigEndian.AppendUint16(slices.Clone(correlation), uint16(code))
	body = binary.BigEndian.AppendUint32(body, uint32(len(mechanisms)))
	for _, m := range mechanisms {
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(m))), m...)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestAListenerSaysWhatItIs(t *testing.T) {
	own, _ := serverCertificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	under := &tls.Config{Certificates: []tls.Certificate{own}}
	plain, secret := door(t, nil, sarama.ErrIllegalSASLState), door(t, under, sarama.ErrIllegalSASLState)
	login, both := door(t, nil, sarama.ErrNoError, "PLAIN", "SCRAM-SHA-512"), door(t, under, sarama.ErrUnsupportedSASLMechanism, "OAUTHBEARER")
	for _, c := range []struct{ addr, protocol, mechanism, what, try string }{
		{plain, "PLAINTEXT", "", "", ""},
		{plain, "SSL", "", "speaks no TLS, and security.protocol is SSL", `"security.protocol": "PLAINTEXT", or another port`},
		{plain, "SASL_PLAINTEXT", "PLAIN", "wants no login, and security.protocol is SASL_PLAINTEXT", `"security.protocol": "PLAINTEXT"`},
		{secret, "SSL", "", "", ""},
		{secret, "PLAINTEXT", "", "speaks TLS, and security.protocol is PLAINTEXT", `"security.protocol": "SSL"`},
		{login, "SASL_PLAINTEXT", "PLAIN", "", ""},
		{login, "PLAINTEXT", "", "wants a login, and security.protocol is PLAINTEXT", `"security.protocol": "SASL_PLAINTEXT", with sasl.mechanism of PLAIN, SCRAM-SHA-512`},
		{login, "SASL_PLAINTEXT", "SCRAM-SHA-256", "has no login by SCRAM-SHA-256", "it has sasl.mechanism PLAIN, SCRAM-SHA-512"},
		{both, "SASL_SSL", "AWS_MSK_IAM", "", ""},
		{both, "SASL_PLAINTEXT", "OAUTHBEARER", "speaks TLS", `"security.protocol": "SASL_SSL"`},
		{closedPort(t), "SSL", "", "", ""},
	} {
		l := defaultLink()
		l.login.mechanism, l.login.user = c.mechanism, "u"
		l.protocol = c.protocol
		err := l.diagnose(t.Context(), c.addr, "connect")
		f := protocol.AsFault(err)
		if (c.what == "") != (err == nil) || f != nil && (f.Code != protocol.Denied || !strings.Contains(f.What, c.addr+" "+c.what) || !strings.HasPrefix(f.Try, c.try)) {
			t.Errorf("%+v: %+v", c, err)
		}
	}
}

// A job that takes the wrong door is told so when it opens.
func TestOpenAtTheWrongDoor(t *testing.T) {
	own, _ := serverCertificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	addr := door(t, &tls.Config{Certificates: []tls.Certificate{own}}, sarama.ErrIllegalSASLState)
	_, f := opened(t, `{"server":"`+addr+`","topic":"t","kafkaConfig":{"retry.backoff.ms":1}}`, sdk.OpenInfo{Lanes: 1})
	if f == nil || f.Code != protocol.Denied || f.Place != "kafkaConfig" || !strings.Contains(f.What, addr+" speaks TLS") {
		t.Errorf("%+v", f)
	}
}

func TestCertificatesThatAreNotTaken(t *testing.T) {
	for _, c := range []struct {
		host      string
		ends      time.Time
		trust     bool
		what, try string
	}{
		{"127.0.0.1", time.Now().Add(time.Hour), false, "signed by CN=broker, which is not trusted here", "ssl.truststore.location must name"},
		{"broker.example.com", time.Now().Add(time.Hour), true, "a certificate for another name", "use a name of the certificate"},
		{"127.0.0.1", time.Now().Add(-time.Hour), true, "has expired or is not valid yet (CN=broker, ", "the broker needs a new certificate"},
	} {
		own, file := serverCertificate(t, c.host, c.ends)
		if !c.trust {
			_, file = serverCertificate(t, c.host, c.ends)
		}
		addr := door(t, &tls.Config{Certificates: []tls.Certificate{own}}, sarama.ErrIllegalSASLState)
		_, f := opened(t, `{"server":"`+addr+`","topic":"t","kafkaConfig":{"retry.backoff.ms":1,"security.protocol":"SSL","ssl.truststore.location":"`+file+`"}}`, sdk.OpenInfo{Lanes: 1})
		if f == nil || f.Code != protocol.Denied || f.Place != "kafkaConfig" || !strings.Contains(f.What, c.what) || !strings.HasPrefix(f.Try, c.try) {
			t.Errorf("%s: %+v", c.what, f)
		}
	}
}

func FuzzHandshakeAnswer(f *testing.F) {
	f.Add(handshake(nil, sarama.ErrNoError, []string{"PLAIN", "SCRAM-SHA-256"})[4:])
	f.Add(handshake(nil, sarama.ErrIllegalSASLState, nil)[4:])
	f.Add([]byte("\x00\x21\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := handshakeAnswer(b)
		if !ok && got.login {
			t.Error("half an answer")
		}
		for _, m := range got.mechanisms {
			if strings.ContainsAny(m, "\n\x1b ") {
				t.Errorf("%q is shown", m)
			}
		}
	})
}

// Each security property means the same to the reader and the writer.
func TestBothSidesTakeTheSameLogins(t *testing.T) {
	for name := range securityProperties {
		if _, ok := javaProperties[name]; !ok {
			t.Errorf("the reader does not know %s", name)
		}
		if _, ok := producerProperties[name]; !ok {
			t.Errorf("the writer does not know %s", name)
		}
	}
}

// A check names each address that leads nowhere: those of the job, and those that brokers give out.
func TestCheckNamesListeners(t *testing.T) {
	deadServer, deadBroker := closedPort(t), closedPort(t)
	metadata := sarama.NewMockMetadataResponse(t).SetLeader("orders", 0, 1).SetBroker(deadBroker, 7)
	old := sarama.NewMockApiVersionsResponse(t).SetApiKeys([]sarama.ApiVersionsResponseKey{ // such as do not tell what a user may do
		{ApiKey: 1, MinVersion: 4, MaxVersion: 11}, {ApiKey: 2, MinVersion: 1, MaxVersion: 5}, {ApiKey: 3, MaxVersion: 7}, {ApiKey: 18, MaxVersion: 3}})
	b := mock(t, metadata, map[string]sarama.MockResponse{"ApiVersionsRequest": old})
	for _, writer := range []bool{false, true} {
		text := `{"server":"` + b.Addr() + `,` + deadServer + `","topic":"orders","kafkaConfig":{"retry.backoff.ms":1}}`
		var problems []options.Problem
		if writer {
			v, _ := options.Parse([]byte(text))
			w := new(Writer)
			problems = append(options.Decode(v, "", w.Config()), w.CheckLive(t.Context())...)
		} else {
			o, _ := optionsOf(t, text)
			problems = (&Reader{options: o}).CheckLive(t.Context())
		}
		var seen []string
		for _, p := range problems {
			seen = append(seen, p.Path+": "+p.Seen)
		}
		all := strings.Join(seen, "\n")
		if len(seen) != 2 || !strings.Contains(all, "server: "+deadServer+" takes no connection (") || !strings.Contains(all, "server: broker 7 gives out the address "+deadBroker+", which does not lead to it from here: ") {
			t.Errorf("writer %v:\n%s", writer, all)
		}
	}
}
