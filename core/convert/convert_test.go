package convert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"pgregory.net/rapid"
)

func TestWhatCannotBeRead(t *testing.T) {
	const connector = "connector.class=com.starrocks.connector.kafka.StarRocksSinkConnector\n"
	for _, c := range []struct {
		name   string
		inputs []string
		o      Options
		code   string
		want   string
	}{
		{name: "nothing", code: options.CodeMissing, want: "nothing to convert"},
		{name: "prose", inputs: []string{"Dear Sir or Madam"}, code: options.CodeNotAllowed, want: "no document of a tool"},
		{name: "another connector", inputs: []string{"connector.class=io.confluent.Jdbc\n"}, code: options.CodeUnknownPlugin, want: "io.confluent.Jdbc"},
		{name: "two connectors", inputs: []string{connector, connector}, code: options.CodeConflict, want: "2 connectors"},
		{name: "two SQL files", inputs: []string{"a", "b"}, o: Options{From: FlinkSQL}, code: options.CodeConflict, want: "2 files"},
		{name: "a bad escape", inputs: []string{connector + `topics=\u00g0`}, code: options.CodeSyntax, want: `\u00g0`},
		{name: "not UTF-8", inputs: []string{connector + "topics=\xff"}, code: options.CodeSyntax, want: "UTF-8"},
		{name: "a nested value", inputs: []string{`{"connector.class":"StarRocksSinkConnector","topics":["a"]}`}, code: options.CodeWrongType, want: "a list"},
		{name: "broken JSON", inputs: []string{`{"job": {`}, o: Options{From: DataX}, code: options.CodeSyntax},
		{name: "an open comment", inputs: []string{"/* "}, o: Options{From: FlinkSQL}, code: options.CodeSyntax, want: "not closed"},
		{name: "an open text", inputs: []string{"SET 'a"}, o: Options{From: FlinkSQL}, code: options.CodeSyntax, want: "not closed"},
		{name: "no sink", inputs: []string{"CREATE TABLE t (a INT) WITH ('connector'='kafka')"}, code: options.CodeMissing, want: "'connector' = 'starrocks'"},
		{name: "half a table", inputs: []string{"CREATE TABLE t (a INT"}, o: Options{From: FlinkSQL}, code: options.CodeSyntax, want: "line 1: ) is expected"},
		{name: "no writer", inputs: []string{`{"job":{"content":[{"reader":{"name":"x"}}]}}`}, code: options.CodeMissing, want: "no writer"},
		{name: "no steps", inputs: []string{`{"type":"job","steps":[]}`}, code: options.CodeMissing, want: "no reader"},
		{name: "an unknown tool", inputs: []string{"a"}, o: Options{From: "sqoop"}, code: options.CodeNotAllowed, want: "sqoop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var inputs []Input
			for i, text := range c.inputs {
				inputs = append(inputs, Input{Name: fmt.Sprintf("file%d", i), Text: []byte(text)})
			}
			r, problems := Convert(inputs, c.o)
			if r != nil || len(problems) != 1 || problems[0].Code != c.code || !strings.Contains(problems[0].String(), c.want) {
				t.Errorf("got %v, %v, want [%s] %s", r, problems, c.code, c.want)
			}
		})
	}
}

// What Java writes into a properties file is read back, whatever it is.
func TestPropertiesAreJavas(t *testing.T) {
	escape := func(s string, key bool) string {
		var b strings.Builder
		for i, r := range s {
			switch {
			case r == '\n':
				b.WriteString(`\n`)
			case r == '\r':
				b.WriteString(`\r`)
			case r == '\t':
				b.WriteString(`\t`)
			case r == '\f':
				b.WriteString(`\f`)
			case r == '\\' || r == '=' || r == ':' || r == '#' || r == '!':
				b.WriteString(`\` + string(r))
			case r == ' ' && (key || i == 0):
				b.WriteString(`\ `)
			case r > 126 && r < 0x10000:
				fmt.Fprintf(&b, `\u%04X`, r)
			default:
				b.WriteRune(r)
			}
		}
		return b.String()
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab=:#!\\ \t\n\rü語.")))
		key := rapid.StringOfN(rapid.RuneFrom([]rune("ab=:#!\\ \tü.")), 1, 8, -1).Draw(t, "key")
		value := text.Draw(t, "value")
		separator := rapid.SampledFrom([]string{"=", ":", " = ", "\t:", " "}).Draw(t, "separator")
		line := rapid.SampledFrom([]string{"", "# c\n\n  ", "! c\r\n"}).Draw(t, "before") + escape(key, true) + separator + escape(value, false)
		c := &config{}
		problems := readProperties(Input{Name: "x", Text: []byte(line)}, c)
		if len(problems) > 0 || len(c.pairs) != 1 || c.pairs[0].key != key || c.pairs[0].value != value {
			t.Fatalf("%q gives %+v, %v; want %q and %q", line, c.pairs, problems, key, value)
		}
	})
}

func TestFlinkDurations(t *testing.T) {
	for text, want := range map[string]int64{"10000": 10000, "10s": 10000, "10 s": 10000, "1 min": 60000, "2h": 7200000, "5 MINUTES": 300000, "1d": 86400000, "0": 0,
		"": -1, "x": -1, "10 parsecs": -1, "-1": -1, "99999999999999999999": -1} {
		got, ok := flinkDuration(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d ms, want %d", text, got, want)
		}
	}
}

func TestNoReportShowsASecret(t *testing.T) {
	for _, l := range sorted([]Line{
		{Key: "starrocks.password", Value: "hunter2"}, {Key: "consumer.sasl.jaas.config", Value: "hunter2"},
		{Key: "jdbc-url", Value: "jdbc:mysql://fe:9030/db?user=x&password=hunter2&y=1"}, {Key: "load-url", Value: "http://user:hunter2@fe:8030,fe2:8030"},
		{Key: "value.converter.basic.auth.user.info", Value: "a:hunter2"}, {Key: "ssl.keystore.password", Value: "hunter2"},
	}) {
		if text := l.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, hidden) {
			t.Errorf("%s", text)
		}
	}
	if l := sorted([]Line{{Key: "jdbc-url", Value: "jdbc:mysql://fe1:9030,fe2:9030"}})[0]; l.Value != "jdbc:mysql://fe1:9030,fe2:9030" {
		t.Errorf("an address without a password became %s", l.Value)
	}
}

// Whatever a file holds, every key in it has its line, and the job comes out as a document.
func TestEveryKeyOfAFileHasALine(t *testing.T) {
	values := rapid.OneOf(rapid.SampledFrom([]string{"true", "false", "1", "-1", "a,b", "a:b", "10s", "json", "csv", "all", "none", "${file:/x:y}", "{}", ""}),
		rapid.StringMatching(`[a-z0-9.:,-]{1,12}`))
	for tool, rules := range map[Tool][]rule{KafkaConnect: connectRules, Spark: sparkRules, FlinkSQL: append(flinkSinkRules[1:len(flinkSinkRules):len(flinkSinkRules)], flinkSetRules[0])} {
		rapid.Check(t, func(t *rapid.T) {
			var file strings.Builder
			var keys []string
			for i := range rapid.IntRange(0, 25).Draw(t, "keys") {
				r := rapid.SampledFrom(rules).Draw(t, "rule")
				key := strings.ReplaceAll(r.key, "*", "x")
				if rapid.IntRange(0, 9).Draw(t, "slip") == 0 {
					key += "s"
				}
				if key == "" || key == "connector.class" {
					continue
				}
				value := values.Draw(t, "value")
				keys = append(keys, key)
				if tool == FlinkSQL {
					if i > 0 && file.Len() > 0 {
						file.WriteString(", ")
					}
					fmt.Fprintf(&file, "'%s' = '%s'", key, value)
					continue
				}
				fmt.Fprintf(&file, "%s=%s\n", key, value)
			}
			text := file.String()
			if tool == FlinkSQL {
				if text != "" {
					text = ", " + text
				}
				text = "CREATE TABLE t (a INT) WITH ('connector' = 'starrocks'" + text + ");"
			}
			r, problems := Convert([]Input{{Name: "in", Text: []byte(text)}}, Options{From: tool})
			if r == nil {
				t.Fatalf("%v\n%s", problems, text)
			}
			if _, problems := options.Parse(r.Document()); options.Failed(problems) {
				t.Fatalf("%v\n%s", problems, r.Document())
			}
			lines := map[string]int{}
			for _, l := range r.Lines {
				if l.Line > 0 {
					lines[l.Key]++
				}
			}
			for _, key := range keys {
				if lines[key] == 0 {
					t.Fatalf("nothing is said of %s\n%s\n%v", key, text, r.Lines)
				}
			}
		})
	}
}
