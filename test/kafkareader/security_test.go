package kafkareader

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fortress is an Apache Kafka with a listener for every way to come in.
type fortress struct {
	*cluster
	port          int
	home, strange *authority
	client, alien string // files of a key with its certificate, of home and of strange
	signer        *signer
}

// listeners are those of the fortress, by how far their port is from the first one; 0 to 2 are those of start.sh.
var listeners = []struct {
	name, protocol string
	offset         int
}{
	{"PLAINTEXT", "PLAINTEXT", 0}, {"CONTROLLER", "PLAINTEXT", 1}, {"SASL", "SASL_PLAINTEXT", 2}, {"TLS", "SSL", 3}, {"MUTUAL", "SSL", 4}, {"LOGIN", "SASL_SSL", 5},
	{"TOKENS", "SASL_SSL", 6}, {"OLD", "SSL", 7}, {"OTHER", "SSL", 8}, {"ANCIENT", "SSL", 9},
}

// newFortress starts it. Without the jars of Kafka there is none, and the test says so as loudly as it can.
func newFortress(t *testing.T) *fortress {
	t.Helper()
	if os.Getenv("GX_TEST_KAFKA_HOME") == "" {
		fmt.Fprintln(os.Stderr, "\nLEFT OUT: logins and certificates at an Apache Kafka, because GX_TEST_KAFKA_HOME is not set")
		return nil
	}
	dir := t.TempDir()
	f := &fortress{home: newAuthority(t, dir, "home"), strange: newAuthority(t, dir, "strange"), signer: newSigner(t), port: freePorts(t, len(listeners))}
	tomorrow := time.Now().Add(24 * time.Hour)
	f.client, f.alien = f.home.issue("etl", tomorrow), f.strange.issue("etl", tomorrow)
	var text strings.Builder
	var all, advertised, protocols []string
	for _, l := range listeners {
		at := fmt.Sprintf("%s://127.0.0.1:%d", l.name, f.port+l.offset)
		all, protocols = append(all, at), append(protocols, l.name+":"+l.protocol)
		if l.name != "CONTROLLER" {
			advertised = append(advertised, at)
		}
		if strings.HasSuffix(l.protocol, "SSL") {
			key := f.home.issue("127.0.0.1", tomorrow)
			switch l.name {
			case "OLD":
				key = f.home.issue("127.0.0.1", time.Now().Add(-time.Hour))
			case "OTHER":
				key = f.home.issue("broker.example.com", tomorrow)
			}
			prefix := "listener.name." + strings.ToLower(l.name) + ".ssl."
			fmt.Fprintf(&text, "%[1]skeystore.type=PEM\n%[1]skeystore.location=%[2]s\n%[1]struststore.type=PEM\n%[1]struststore.location=%[3]s\n", prefix, key, f.home.file())
		}
	}
	fmt.Fprintf(&text, "listeners=%s\nadvertised.listeners=%s\nlistener.security.protocol.map=%s\n", strings.Join(all, ","), strings.Join(advertised, ","), strings.Join(protocols, ","))
	jwks := write(t, dir, "keys.json", f.signer.keys())
	fmt.Fprintf(&text, `listener.name.mutual.ssl.client.auth=required
listener.name.ancient.ssl.enabled.protocols=TLSv1.2
listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_%[1]s="%[2]s";
listener.name.login.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tokens.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.tokens.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.tokens.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.tokens.oauthbearer.connections.max.reauth.ms=3600000
sasl.oauthbearer.jwks.endpoint.url=file://%[3]s
sasl.oauthbearer.expected.audience=gx-test
group.min.session.timeout.ms=500
`, saslUser, saslPassword, jwks)
	extra := write(t, dir, "extra.properties", []byte(text.String()))
	scripts, err := filepath.Abs("../../scripts/kafka")
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "broker")
	cmd := exec.Command(filepath.Join(scripts, "start.sh"), data, fmt.Sprint(f.port), extra)
	cmd.Env = append(os.Environ(), "KAFKA_SASL_USER="+saslUser+":"+saslPassword, fmt.Sprintf("KAFKA_OWNER_PID=%d", os.Getpid()),
		"JDK_JAVA_OPTIONS=-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://"+jwks+" -Dorg.apache.kafka.sasl.oauthbearer.allowed.files="+jwks)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the real Kafka did not start: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(filepath.Join(scripts, "stop.sh"), data, "--kill").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	f.cluster = &cluster{t: t, addr: f.at("PLAINTEXT"), topic: "gx-security"}
	if f.kgo, err = kgo.NewClient(kgo.SeedBrokers(f.addr), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.kgo.Close)
	f.adm = kadm.NewClient(f.kgo)
	if _, err := f.adm.CreateTopic(context.Background(), 1, 1, nil, f.topic); err != nil {
		t.Fatal(err)
	}
	f.produce(1, 0, 100)
	return f
}

func freePorts(t *testing.T, n int) int {
	t.Helper()
search:
	for port := 21000 + os.Getpid()%400*25; port < 32000; port += n {
		for i := range n {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+i))
			if err != nil {
				continue search
			}
			_ = l.Close()
		}
		return port
	}
	t.Fatal("no free ports")
	return 0
}

// at is the address of a listener.
func (f *fortress) at(name string) string {
	for _, l := range listeners {
		if l.name == name {
			return fmt.Sprintf("127.0.0.1:%d", f.port+l.offset)
		}
	}
	return ""
}

// properties is kafkaConfig of pairs of names and values.
func properties(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// enter opens the reader, or the writer, at a listener and closes it again.
func (f *fortress) enter(t *testing.T, writer bool, listener string, config map[string]string) *protocol.Fault {
	t.Helper()
	parameters := map[string]any{"server": f.at(listener), "topic": f.topic, "kafkaConfig": config}
	var plugin interface {
		Config() any
		Open(context.Context, sdk.OpenInfo) (sdk.Opened, error)
		Close(context.Context) error
	} = new(kafka.Reader)
	if writer {
		plugin = new(kafka.Writer)
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	v, problems := options.Parse(text)
	if problems = append(problems, options.Decode(v, "", plugin.Config())...); options.Failed(problems) {
		t.Fatal(problems)
	}
	_, err = plugin.Open(t.Context(), sdk.OpenInfo{Job: "j", Run: "r", Lanes: 1, Memory: 64 << 20})
	if err := plugin.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err == nil {
		return nil
	}
	fault := protocol.AsFault(err)
	if fault == nil {
		t.Fatalf("no fault but %v", err)
	}
	return fault
}

// Every way into a real Kafka, for the reader and the writer, and what is said at a closed door.
func TestSecurity(t *testing.T) {
	f := newFortress(t)
	if f == nil {
		return
	}
	var issued atomic.Int32
	life := func() time.Duration { return 8 * time.Second }
	endpoint := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "gx" || secret != saslPassword {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
			return
		}
		issued.Add(1)
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":%d}`, f.signer.token(t, time.Now().Add(life())), int(life().Seconds()))
	}))
	t.Cleanup(endpoint.Close)
	endpointCA := write(t, f.home.dir, "endpoint.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: endpoint.Certificate().Raw}))
	trust := []string{"ssl.truststore.location", f.home.file()}
	with := func(base []string, more ...string) map[string]string {
		return properties(append(append([]string{}, base...), more...)...)
	}
	bearerConfig := append([]string{"security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER"}, trust...)
	byEndpoint := append([]string{"sasl.oauthbearer.token.endpoint.url", endpoint.URL, "sasl.oauthbearer.client.credentials.client.id", "gx", "https.ca.location", endpointCA}, bearerConfig...)
	jaas := func(module, rest string) string {
		return "org.apache.kafka.common.security." + module + " required " + rest + ";"
	}
	user := fmt.Sprintf(`username="%s" password="%s"`, saslUser, saslPassword)
	token := write(t, f.home.dir, "token", []byte(f.signer.token(t, time.Now().Add(time.Hour))+"\n"))

	for name, c := range map[string]struct {
		listener string
		config   map[string]string
	}{
		"PLAINTEXT":               {"PLAINTEXT", nil},
		"SSL":                     {"TLS", with(trust, "security.protocol", "SSL")},
		"SSL, TLS 1.3 alone":      {"TLS", with(trust, "security.protocol", "SSL", "ssl.enabled.protocols", "TLSv1.3")},
		"SSL, TLS 1.2 alone":      {"ANCIENT", with(trust, "security.protocol", "SSL", "ssl.cipher.suites", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")},
		"SSL, any host":           {"OTHER", with(trust, "security.protocol", "SSL", "ssl.endpoint.identification.algorithm", "")},
		"SSL, client certificate": {"MUTUAL", with(trust, "security.protocol", "SSL", "ssl.keystore.location", f.client, "ssl.keystore.type", "PEM")},
		"SASL_PLAINTEXT, PLAIN":   {"SASL", properties("security.protocol", "SASL_PLAINTEXT", "sasl.jaas.config", jaas("plain.PlainLoginModule", user))},
		"SASL_SSL, PLAIN":         {"LOGIN", with(trust, "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN", "sasl.username", saslUser, "sasl.password", saslPassword)},
		"SASL_SSL, SCRAM":         {"LOGIN", with(trust, "security.protocol", "SASL_SSL", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", jaas("scram.ScramLoginModule", user))},
		"token":                   {"TOKENS", with(bearerConfig, "sasl.oauthbearer.token", f.signer.token(t, time.Now().Add(time.Hour)))},
		"token in a file":         {"TOKENS", with(bearerConfig, "sasl.oauthbearer.token.endpoint.url", "file://"+token)},
		"token endpoint":          {"TOKENS", with(byEndpoint, "sasl.oauthbearer.client.credentials.client.secret", saslPassword, "sasl.oauthbearer.extensions", "logicalCluster=lkc-1")},
		"token endpoint, JAAS": {"TOKENS", with(bearerConfig, "sasl.oauthbearer.token.endpoint.url", endpoint.URL,
			"sasl.jaas.config", jaas("oauthbearer.OAuthBearerLoginModule", `clientId="gx" clientSecret="`+saslPassword+`" ssl.truststore.location="`+endpointCA+`" ssl.truststore.type="PEM"`))},
	} {
		for _, writer := range []bool{false, true} {
			if fault := f.enter(t, writer, c.listener, c.config); fault != nil {
				t.Errorf("%s, writer %v: %+v", name, writer, fault)
			}
		}
	}

	for name, c := range map[string]struct {
		listener  string
		config    map[string]string
		what, try string
	}{
		"no TLS at a TLS port":         {"TLS", nil, "speaks TLS, and security.protocol is PLAINTEXT", `"security.protocol": "SSL"`},
		"no TLS at a login under TLS":  {"LOGIN", nil, "speaks TLS, and security.protocol is PLAINTEXT", `"security.protocol": "SASL_SSL", with sasl.mechanism of PLAIN, SCRAM-SHA-512`},
		"TLS at a port without":        {"PLAINTEXT", with(trust, "security.protocol", "SSL"), "speaks no TLS, and security.protocol is SSL", `"security.protocol": "PLAINTEXT"`},
		"no login where one is wanted": {"SASL", nil, "wants a login, and security.protocol is PLAINTEXT", `"security.protocol": "SASL_PLAINTEXT", with sasl.mechanism of`},
		"a login where none is wanted": {"TLS", with(trust, "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN", "sasl.username", "u", "sasl.password", "p"),
			"wants no login, and security.protocol is SASL_SSL", `"security.protocol": "SSL"`},
		"another mechanism": {"LOGIN", with(trust, "security.protocol", "SASL_SSL", "sasl.mechanism", "SCRAM-SHA-256", "sasl.username", "u", "sasl.password", "p"),
			"has no login by SCRAM-SHA-256", "it has sasl.mechanism PLAIN, SCRAM-SHA-512"},
		"wrong password": {"LOGIN", with(trust, "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN", "sasl.username", saslUser, "sasl.password", "hunter2"),
			"the broker refuses the login", "compare sasl.mechanism, sasl.username and sasl.password"},
		"wrong password, SCRAM": {"LOGIN", with(trust, "security.protocol", "SASL_SSL", "sasl.mechanism", "SCRAM-SHA-512", "sasl.username", saslUser, "sasl.password", "hunter2"),
			"the broker refuses the login", "compare sasl.mechanism, sasl.username and sasl.password"},
		"a strange authority":         {"TLS", properties("security.protocol", "SSL", "ssl.truststore.location", f.strange.file()), "is signed by CN=home, which is not trusted here", "ssl.truststore.location must name"},
		"another host":                {"OTHER", with(trust, "security.protocol", "SSL"), "shows a certificate for another name", "use a name of the certificate"},
		"a certificate that ended":    {"OLD", with(trust, "security.protocol", "SSL"), "has expired or is not valid yet (CN=127.0.0.1", "the broker needs a new certificate"},
		"no certificate":              {"MUTUAL", with(trust, "security.protocol", "SSL"), "refuses the TLS of this client", "the broker wants a certificate of the client"},
		"a certificate of a stranger": {"MUTUAL", with(trust, "security.protocol", "SSL", "ssl.keystore.location", f.alien), "refuses the TLS of this client", "the broker wants a certificate of the client"},
		"no version in common":        {"ANCIENT", with(trust, "security.protocol", "SSL", "ssl.enabled.protocols", "TLSv1.3"), "refuses the TLS of this client", "client and broker have no version"},
		"a token of a stranger":       {"TOKENS", with(bearerConfig, "sasl.oauthbearer.token", newSigner(t).token(t, time.Now().Add(time.Hour))), "the broker refuses the login", "compare"},
		"a secret that is wrong":      {"TOKENS", with(byEndpoint, "sasl.oauthbearer.client.credentials.client.secret", "hunter2"), "answers 401: invalid_client", "compare sasl.oauthbearer.client.credentials"},
	} {
		for _, writer := range []bool{false, true} {
			fault := f.enter(t, writer, c.listener, c.config)
			if fault == nil || fault.Code != protocol.Denied || fault.Place != "kafkaConfig" || !strings.Contains(fault.What, c.what) || !strings.HasPrefix(fault.Try, c.try) ||
				strings.Contains(fault.What+fault.Try, "hunter2") {
				t.Errorf("%s, writer %v: %+v", name, writer, fault)
			}
		}
	}

	// The connections of a reader outlive their tokens: the broker takes none longer than its token is good.
	f.addr = f.at("TOKENS")
	config, err := json.Marshal(with(byEndpoint, "sasl.oauthbearer.client.credentials.client.secret", saslPassword))
	if err != nil {
		t.Fatal(err)
	}
	r := f.run(t, 1, "tokens", `,"kafkaConfig":`+string(config))
	r.got.wait(t, 100)
	before := issued.Load()
	for n := 100; issued.Load() < before+4; n += 10 {
		f.produce(1, n, 10)
		r.got.wait(t, n+10)
		time.Sleep(200 * time.Millisecond)
	}
	r.stop(t, true)
}
