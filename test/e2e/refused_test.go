package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// refusal is a job that cannot run, the exit code that says so, and what the message must hold.
type refusal struct {
	name   string
	code   int
	change func(c *harness.Case, d *harness.Document)
	words  []string
	only   string // a broker's name; empty for all
}

// script makes a program of a few lines.
func script(c *harness.Case, body string) string {
	return c.Program("given-plugin", "#!/bin/sh\n"+body)
}

var refusals = []refusal{
	{name: "unknown key", code: 2, words: []string{"steps[1].parameter.maxBatchRow", "maxBatchRows"},
		change: func(_ *harness.Case, d *harness.Document) { d.Writer["maxBatchRow"] = 5 }},
	{name: "unknown key of the reader", code: 2, words: []string{"steps[0].parameter.topik", "topic"},
		change: func(_ *harness.Case, d *harness.Document) { d.Reader["topik"] = "x" }},
	{name: "unknown setting", code: 2, words: []string{"setting.speeed", "speed"},
		change: func(_ *harness.Case, d *harness.Document) { d.Setting["speeed"] = harness.Object{} }},
	{name: "wrong type", code: 2, words: []string{"steps[1].parameter.maxBatchRows", "many"},
		change: func(_ *harness.Case, d *harness.Document) { d.Writer["maxBatchRows"] = "many" }},
	{name: "out of range", code: 2, words: []string{"steps[1].parameter.maxBatchRows", "0"},
		change: func(_ *harness.Case, d *harness.Document) { d.Writer["maxBatchRows"] = 0 }},
	{name: "all problems at once", code: 2, words: []string{"steps[0].parameter.beginType", "steps[1].parameter.flushInterval", "setting.errorLimit.record", "3 problems"},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Reader["beginType"], d.Writer["flushInterval"] = "sometime", -1
			d.Setting["errorLimit"] = harness.Object{"record": -1}
		}},
	{name: "no topic given", code: 2, words: []string{"steps[0].parameter.topic"},
		change: func(_ *harness.Case, d *harness.Document) { delete(d.Reader, "topic") }},
	{name: "no table given, and none named like the topic", code: 1, words: []string{"steps[1].parameter.table", "does not exist"},
		change: func(_ *harness.Case, d *harness.Document) { delete(d.Writer, "table") }},
	{name: "columns of different number", code: 2, words: []string{"column"},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Reader["column"], d.Writer["column"] = []string{"id", "more"}, []string{"id"}
		}},
	{name: "unresolved variable", code: 2, words: []string{"${nobody_knows}", "-D"},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Writer["preSql"] = []string{"DELETE FROM x WHERE d = '${nobody_knows}'"}
		}},
	{name: "unresolved secret", code: 2, words: []string{"steps[1].parameter.password", "GX_E2E_NOT_SET"},
		change: func(_ *harness.Case, d *harness.Document) { d.Writer["password"] = "${env:GX_E2E_NOT_SET}" }},
	{name: "a reader named as a writer", code: 2, words: []string{"steps[1].stepType", "kafka"},
		change: func(_ *harness.Case, d *harness.Document) { d.WriterType = "kafkareader" }},
	{name: "a plugin that is not there", code: 2, words: []string{"steps[0].stepType", "kafak", `"kafka"`},
		change: func(_ *harness.Case, d *harness.Document) { d.ReaderType = "kafak" }},
	{name: "plugin.path names nothing", code: 2, words: []string{"steps[0]", "/nowhere/plugin"},
		change: func(_ *harness.Case, d *harness.Document) { d.ReaderPlugin = harness.Object{"path": "/nowhere/plugin"} }},
	{name: "plugin.path is no program", code: 2, words: []string{"steps[0]", "chmod"},
		change: func(c *harness.Case, d *harness.Document) {
			d.ReaderPlugin = harness.Object{"path": c.File("given-text", []byte("hello"))}
		}},
	{name: "plugin.path is /bin/true", code: 2, words: []string{"steps[0]", "/bin/true", "not a gx plugin"},
		change: func(_ *harness.Case, d *harness.Document) { d.ReaderPlugin = harness.Object{"path": "/bin/true"} }},
	{name: "plugin.path prints garbage", code: 2, words: []string{"steps[0]", "not a gx plugin"},
		change: func(c *harness.Case, d *harness.Document) {
			d.ReaderPlugin = harness.Object{"path": script(c, "head -c 100000 /dev/urandom; exec sleep 60\n")}
		}},
	{name: "plugin.path complains", code: 2, words: []string{"steps[0]", "not a gx plugin", "library is missing"},
		change: func(c *harness.Case, d *harness.Document) {
			d.ReaderPlugin = harness.Object{"path": script(c, "echo a library is missing >&2; exit 1\n")}
		}},
	{name: "plugin.path shakes hands for nobody", code: 2, words: []string{"steps[0]", "given-plugin", "shook hands"},
		change: func(c *harness.Case, d *harness.Document) {
			d.ReaderPlugin = harness.Object{"path": script(c, "echo '1|1|unix|/nowhere/at/all|grpc'; exec sleep 60\n")}
		}},

	{name: "missing topic", code: 1, words: []string{"steps[0].parameter.topic", "is_not_there"},
		change: func(_ *harness.Case, d *harness.Document) { d.Reader["topic"] = "is_not_there" }},
	{name: "missing partition", code: 1, words: []string{"steps[0].parameter.partition", "7"},
		change: func(_ *harness.Case, d *harness.Document) { d.Reader["partition"] = 7 }},
	{name: "missing table", code: 1, words: []string{"steps[1].parameter.table", "is_not_there"},
		change: func(_ *harness.Case, d *harness.Document) { d.Writer["table"] = "is_not_there" }},
	{name: "missing table, only HTTP", code: 1, words: []string{"steps[1].parameter.table", "is_not_there"},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Writer["table"] = "is_not_there"
			delete(d.Writer, "jdbcUrl")
		}},
	{name: "missing database", code: 1, words: []string{"steps[1].parameter", "is_not_there"},
		change: func(_ *harness.Case, d *harness.Document) { d.Writer["selectedDatabase"] = "is_not_there" }},
	{name: "missing column", code: 2, words: []string{"steps[1].parameter.column", "nope"},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Reader["column"], d.Writer["column"] = []string{"id"}, []string{"nope"}
		}},
	{name: "wrong password on StarRocks", code: 1, words: []string{"steps[1].parameter", harness.User},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Writer["username"], d.Writer["password"] = harness.User, harness.Password+"-not"
		}},
	{name: "wrong password on StarRocks, only HTTP", code: 1, words: []string{"steps[1].parameter", harness.User},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Writer["username"], d.Writer["password"] = harness.User, harness.Password+"-not"
			delete(d.Writer, "jdbcUrl")
		}},
	{name: "wrong password on Kafka, PLAIN", code: 1, only: "apache", words: []string{"steps[0].parameter.kafkaConfig", "sasl.password"},
		change: func(c *harness.Case, d *harness.Document) { sasl(c, d, "PLAIN", harness.Password+"-not") }},
	{name: "wrong password on Kafka, SCRAM", code: 1, only: "apache", words: []string{"steps[0].parameter.kafkaConfig", "sasl.password"},
		change: func(c *harness.Case, d *harness.Document) { sasl(c, d, "SCRAM-SHA-512", harness.Password+"-not") }},
	{name: "no login where Kafka wants one", code: 1, only: "apache", words: []string{"steps[0].parameter.kafkaConfig", "wants a login", "SASL_PLAINTEXT"},
		change: func(c *harness.Case, d *harness.Document) { d.Reader["server"] = c.Broker.SASL }},
	{name: "TLS at a Kafka without", code: 1, only: "apache", words: []string{"steps[0].parameter.kafkaConfig", "speaks no TLS"},
		change: func(_ *harness.Case, d *harness.Document) {
			d.Reader["kafkaConfig"] = harness.Object{"security.protocol": "SSL"}
		}},

	{name: "Avro without a registry", code: 2, words: []string{"steps[0].parameter.valueConverter.schemaRegistryUrl", "registry"},
		change: func(_ *harness.Case, d *harness.Document) { d.Reader["messageFormat"] = "avro" }},
	{name: "an address that is no registry", code: 2, words: []string{"steps[0].parameter.valueConverter.schemaRegistryUrl", "404"},
		change: func(c *harness.Case, d *harness.Document) { registryAt(d, "avro", answering(c, 404)) }},
	{name: "a registry that refuses the login", code: 1, words: []string{"steps[0].parameter.valueConverter.schemaRegistryAuth", "401"},
		change: func(c *harness.Case, d *harness.Document) {
			registryAt(d, "protobuf", strings.Replace(answering(c, 401), "//", "//"+harness.User+":"+harness.Password+"@", 1))
		}},
	{name: "dead registry", code: 6, words: []string{"steps[0].parameter.valueConverter.schemaRegistryUrl", "refused"},
		change: func(c *harness.Case, d *harness.Document) {
			registryAt(d, "jsonschema", "http://"+closedPort(c.T, "127.0.0.1"))
		}},

	{name: "dead broker", code: 6, words: []string{"steps[0].parameter.server"},
		change: func(c *harness.Case, d *harness.Document) { d.Reader["server"] = closedPort(c.T, "127.0.0.1") }},
	{name: "a name that no server has", code: 6, words: []string{"steps[0].parameter.server", "no-such-host.invalid"},
		change: func(_ *harness.Case, d *harness.Document) { d.Reader["server"] = "no-such-host.invalid:9092" }},
	{name: "dead FE", code: 6, words: []string{"steps[1].parameter"},
		change: func(c *harness.Case, d *harness.Document) {
			d.Writer["loadUrl"], d.Writer["jdbcUrl"] = closedPort(c.T, "127.0.0.1"), "jdbc:mysql://"+closedPort(c.T, "127.0.0.1")+"/"
			d.Writer["unreachableTimeoutSec"] = 1
		}},
	{name: "dead FE, only HTTP", code: 6, words: []string{"steps[1].parameter.loadUrl"},
		change: func(c *harness.Case, d *harness.Document) {
			d.Writer["loadUrl"], d.Writer["unreachableTimeoutSec"] = closedPort(c.T, "127.0.0.1"), 1
			delete(d.Writer, "jdbcUrl")
		}},
	{name: "FE redirects to a dead BE", code: 6, words: []string{"steps[1].parameter"},
		change: func(c *harness.Case, d *harness.Document) {
			world.Sandbox.Arm(c.T, harness.Fault{Kind: "redirectTo", To: closedPort(c.T, "127.0.0.2"), Times: -1, Table: c.Table})
			d.Writer["unreachableTimeoutSec"], d.Writer["allowedHosts"] = 1, "127.0.0.2"
		}},
	{name: "FE redirects to a host that is not its cluster's", code: 1, words: []string{"steps[1].parameter", "127.0.0.3", "allowedHosts"},
		change: func(c *harness.Case, d *harness.Document) {
			world.Sandbox.Arm(c.T, harness.Fault{Kind: "redirectTo", To: "127.0.0.3:8040", Times: -1, Table: c.Table})
		}},
}

func registryAt(d *harness.Document, format, url string) {
	d.Reader["messageFormat"], d.Reader["valueConverter"] = format, harness.Object{"schemaRegistryUrl": url}
}

// answering is the address of a server that says the same to everything.
func answering(c *harness.Case, status int) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	c.T.Cleanup(s.Close)
	return s.URL
}

func sasl(c *harness.Case, d *harness.Document, mechanism, password string) {
	d.Reader["server"] = c.Broker.SASL
	d.Reader["kafkaConfig"] = harness.Object{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism,
		"sasl.username": harness.User, "sasl.password": password}
}

// Every refusal has its exit code and one message that names the place and a way out; no row is loaded, no position moves.
func TestRefusals(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				if r.only != "" && r.only != c.Broker.Name {
					return // the embedded Kafka asks nobody for a password
				}
				c.CreateTopic(1)
				c.CreateTable("id INT", "")
				c.Values(`{"id":1}`)
				d := c.Document()
				r.change(c, d)
				got := c.Run(d)
				if got.Code != r.code {
					t.Errorf("exit code %d, want %d", got.Code, r.code)
				}
				for _, w := range r.words {
					if !strings.Contains(got.Said(), w) {
						t.Errorf("nowhere: %q", w)
					}
				}
				if !strings.Contains(got.Said(), "try:") && !strings.Contains(got.Said(), "allowed:") {
					t.Error("no way out is named")
				}
				if r.code == 2 && !strings.Contains(got.Said(), "nothing was touched") && got.Report == nil {
					t.Error("nowhere: nothing was touched")
				}
				c.WantNoLoads()
				if n := c.Count(); n != 0 {
					t.Errorf("%d rows are in the table", n)
				}
				if at := c.Broker.Committed(t, c.Group, c.Topic, 1); len(at) != 0 {
					t.Errorf("the group moved to %v", at)
				}
				if t.Failed() {
					t.Logf("it said:\n%s", got.Said())
				}
			})
		})
	}
}

func TestMalformedDocuments(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	for _, doc := range []struct{ name, text, words string }{
		{"empty", "", "empty"},
		{"no JSON", "job: yes", ":1:1:"},
		{"broken off", `{"type":"job","steps":[`, "close it with ]"},
		{"an array", `[]`, "steps"},
		{"neither shape", `{"type":"job"}`, "steps"},
		{"both shapes", `{"type":"job","steps":[],"job":{}}`, "job"},
		{"binary", "\x00\x01\x02\xff", ":1:1:"},
		{"a bomb of brackets", strings.Repeat("[", 1_000_000), "64 levels"},
	} {
		t.Run(doc.name, func(t *testing.T) {
			path := c.File("given-"+strings.ReplaceAll(doc.name, " ", "-")+".json", []byte(doc.text))
			r := c.StartFile(path).Wait()
			if r.Code != 2 || !strings.Contains(r.Said(), doc.words) || !strings.Contains(r.Said(), path) || len(r.Said()) > 10_000 {
				t.Errorf("exit code %d, want 2, the file and %q, in few words\n%.10000s", r.Code, doc.words, r.Said())
			}
		})
	}
}

// A good password works on every listener that wants one, and is not printed either.
func TestPasswordsOfBothSides(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT", "")
				c.Values(`{"id":1}`)
				d := c.Document()
				d.Writer["username"], d.Writer["password"] = harness.User, harness.Password
				if c.Broker.SASL != "" {
					sasl(c, d, mechanism, harness.Password)
				}
				c.Done(d, "--log-level", "debug")
				c.WantRows("SELECT id FROM @t", "1")
			})
		})
	}
}
