package job

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
)

func withDirty(dirty string) string {
	return `{"type":"job","version":"2.0","steps":[{"stepType":"a","name":"r","category":"reader"},{"stepType":"b","name":"w","category":"writer"}],
 "setting":{"dirty":` + dirty + `}}`
}

func TestDirtySettings(t *testing.T) {
	sources, _ := ParseDatasources([]byte(`{"ops": {"type": "starrocks", "loadUrl": ["fe:8030"], "password": "${env:PW}"}}`))
	surroundings := Options{Datasources: sources, LookupEnv: func(string) (string, bool) { return "hunter22", true }}
	for doc, want := range map[string]string{
		`{}`:                             `{"type":"file"}`,
		`{"type":"file","path":"x"}`:     `{"type":"file","path":"x"}`,
		`{"type":"stdout"}`:              `{"type":"stdout"}`,
		`{"type":"kafka","topic":"t"}`:   `{"type":"kafka","parameter":{"topic":"t"}}`,
		`{"type":"kafka","path":"x"}`:    `{"type":"kafka","parameter":{"path":"x"}}`, // for the writer to refuse
		`"{\"type\":\"kafka\",\"a\":1}"`: `{"type":"kafka","parameter":{"a":1}}`,
		`{"type":"starrocks","datasource":"ops","table":"t"}`: `{"type":"starrocks","parameter":{"datasource":{"loadUrl":["fe:8030"],"password":"***"},"table":"t"}}`,
	} {
		j, _ := parseOne(t, withDirty(doc), surroundings)
		if !strings.Contains(j.String(), `"dirty":`+want) {
			t.Errorf("%s: %s, want %s", doc, j, want)
		}
		if d := j.Setting.Dirty; d.Plugin() != strings.Contains(want, "parameter") {
			t.Errorf("%s: plugin is %v", doc, d.Plugin())
		}
		if strings.Contains(doc, "ops") && !strings.Contains(string(j.Setting.Dirty.Parameter.JSON()), "hunter22") {
			t.Error("the writer does not get the password")
		}
	}
	var none *Dirty
	if none.Plugin() {
		t.Error("no setting is no plugin")
	}
}

func TestUnknownDirtyKeys(t *testing.T) {
	for doc, want := range map[string]string{
		`{"type":"file","topic":"t"}`:                  `setting.dirty.topic: no such key for type file`,
		`{"pathh":"x"}`:                                `setting.dirty.pathh: no such key for type file`,
		`{"type":"stdout","table":"t"}`:                `setting.dirty.table: no such key for type stdout`,
		`{"type":"kafka","datasource":"gone"}`:         `setting.dirty.datasource: no data source is named "gone"`,
		`{"type":"topic"}`:                             `setting.dirty.type: "topic" is not allowed`,
		`{"type":"starrocks","password":"${env:NOT}"}`: `setting.dirty.password: the environment variable "NOT" is not set`,
	} {
		_, problems := Parse([]byte(withDirty(doc)), Options{LookupEnv: func(string) (string, bool) { return "", false }})
		if !options.Failed(problems) || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: %v, want %s", doc, problems, want)
		}
		if _, problems := Parse([]byte(withDirty(doc)), Options{Lenient: true}); strings.Contains(want, "no such key") && options.Failed(problems) {
			t.Errorf("%s: lenient, %v", doc, problems)
		}
	}
}
