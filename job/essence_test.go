package job

import (
	"os"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
)

const essential = `{"type": "job", "version": "2.0", "steps": [
  {"stepType": "mysql", "name": "R", "category": "reader", "parameter": {"table": "a", "where": "id > 5", "username": "u", "password": "one-secret", "column": ["id", "v"]}},
  {"stepType": "starrocks", "name": "W", "category": "writer", "parameter": {"table": "t", "password": "${env:GX_PASS}", "preSql": "SET x = '${env:GX_PASS}'"}}],
  "setting": {"speed": {"concurrent": 2}, "errorLimit": {"record": 3}, "transformer": [{"name": "dx_filter", "parameter": {"columnIndex": 1, "paras": ["=", "x"]}}]}}`

func essenceJob(t *testing.T, doc, pass string) *Job {
	t.Helper()
	jobs, problems := Parse([]byte(doc), Options{Name: "j", LookupEnv: func(string) (string, bool) { return pass, true }, ReadFile: os.ReadFile})
	if options.Failed(problems) || len(jobs) != 1 {
		t.Fatalf("%v", problems)
	}
	return jobs[0]
}

// What decides which rows go where is told apart from what does not.
func TestDifferences(t *testing.T) {
	was := essenceJob(t, essential, "first-password").Essence()
	if s := string(was); strings.Contains(s, "one-secret") || strings.Contains(s, "first-password") {
		t.Fatalf("a secret: %s", s)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"nothing":          {"", "", ""},
		"speed":            {`"concurrent": 2`, `"concurrent": 7, "record": 10`, ""},
		"errorLimit":       {`"record": 3`, `"record": 9`, ""},
		"password":         {`one-secret`, `another-secret`, ""},
		"order of keys":    {`"table": "a", "where": "id > 5"`, `"where": "id > 5", "table": "a"`, ""},
		"where":            {`id > 5`, `id > 7`, `steps[0].parameter.where: was "id > 5", is "id > 7"`},
		"a key more":       {`"table": "t"`, `"table": "t", "maxBatchRows": 5`, `steps[1].parameter.maxBatchRows: was not given, is 5`},
		"a key less":       {`"where": "id > 5",`, ``, `steps[0].parameter.where: was "id > 5", is not given`},
		"an item":          {`["id", "v"]`, `["id", "w"]`, `steps[0].parameter.column[1]: was "v", is "w"`},
		"items":            {`["id", "v"]`, `["id"]`, `steps[0].parameter.column: was ["id","v"], is ["id"]`},
		"plugin":           {`"mysql"`, `"starrocks"`, `steps[0].type: was "mysql", is "starrocks"`},
		"transformer":      {`"x"`, `"y"`, `setting.transformer[0].parameter.paras[1]: was "x", is "y"`},
		"guarantee":        {`"speed"`, `"deliveryGuarantee": "at-least-once", "speed"`, `setting.deliveryGuarantee: was not given, is "at-least-once"`},
		"text with secret": {`SET x = `, `SET y = `, `steps[1].parameter.preSql: was "SET x = '***'", is "SET y = '***'"`},
	} {
		t.Run(name, func(t *testing.T) {
			is := essenceJob(t, strings.Replace(essential, c.old, c.new, 1), "second-password").Essence()
			if got := strings.Join(Differences(was, is), "\n"); got != c.want {
				t.Errorf("%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// The part of one step is found again in the whole, unless that step has changed.
func TestEssenceOfAStep(t *testing.T) {
	whole := essenceJob(t, essential, "p-p-p-p").Essence()
	for doc, want := range map[string]bool{
		essential: true,
		strings.Replace(essential, "id > 5", "id > 7", 1):             true,
		strings.Replace(essential, `"table": "t"`, `"table": "s"`, 1): false,
	} {
		if got := Contains(whole, essenceJob(t, doc, "p-p-p-p").EssenceOf(Writer)); got != want {
			t.Errorf("%v, want %v: %s", got, want, doc)
		}
	}
	if Contains(whole, []byte(`{}`)) {
		t.Error("nothing was found")
	}
}

// How transformers see dates decides which rows they let pass.
func TestEssenceHoldsCommonColumn(t *testing.T) {
	doc := `{"common": {"column": {"dateFormat": "yyyyMMdd"}}, "job": {"content": [
	  {"reader": {"name": "mysqlreader", "parameter": {}}, "writer": {"name": "starrockswriter", "parameter": {}},
	   "transformer": [{"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["=", "x"]}}]}]}}`
	was, is := essenceJob(t, doc, "").Essence(), essenceJob(t, strings.Replace(doc, "yyyyMMdd", "yyyy", 1), "").Essence()
	if got := strings.Join(Differences(was, is), "\n"); got != `common.column.dateFormat: was "yyyyMMdd", is "yyyy"` {
		t.Error(got)
	}
}
