package job

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"pgregory.net/rapid"
)

func parseOne(t *testing.T, src string, o Options) (*Job, []options.Problem) {
	t.Helper()
	jobs, problems := Parse([]byte(src), o)
	if options.Failed(problems) || len(jobs) != 1 {
		t.Fatalf("%d jobs, %v", len(jobs), problems)
	}
	return jobs[0], problems
}

func TestPluginsGetTheRealSecrets(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("testdata", "good", "secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	j, _ := parseOne(t, string(src), surroundings(t, "secrets.json"))
	var in, out struct {
		Username    string            `json:"username"`
		Password    options.Secret    `json:"password"`
		JdbcURL     string            `json:"jdbcUrl"`
		Table       string            `json:"table"`
		KafkaConfig map[string]string `json:"kafkaConfig"`
	}
	for i, dst := range []any{&in, &out} {
		v, problems := options.Parse(j.Steps[i].Parameter.JSON())
		if problems = append(problems, options.Decode(v, "", dst)...); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	if in.Username != "etl-user" || in.Password.Reveal() != testPassword || out.Password.Reveal() != "from-a-file" || out.KafkaConfig["sasl.password"] != "12345678" || !strings.HasSuffix(out.JdbcURL, "plain-in-url") {
		t.Errorf("got %+v and %+v, passwords %q and %q", in, out, in.Password.Reveal(), out.Password.Reveal())
	}
	marshalled, err := json.Marshal(testPassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"login failed for " + testPassword + "!", "body " + string(marshalled), j.String(), fmt.Sprintf("%+v", j.Steps)} {
		if masked := j.Mask(text); strings.Contains(masked, "1 secret") || strings.Contains(masked, "from-a-file") || strings.Contains(masked, "12345678") {
			t.Errorf("%s", masked)
		}
	}
}

func TestPluginProblemsGetTheirPlace(t *testing.T) {
	j, _ := parseOne(t, `{"type":"job","version":"2.0","steps":[
  {"stepType":"kafka","name":"in","category":"reader","parameter":{
     "topic":"t", "password": "hunter2-long"}},
  {"stepType":"stream","name":"out","category":"writer"}]}`, Options{})
	p := j.Place(options.Problem{Path: "steps[0].parameter.topic", Seen: "no topic beside hunter2-long", Line: 1, Col: 77})
	if p.Line != 3 || p.Col != 14 || strings.Contains(p.Seen, "hunter2") {
		t.Errorf("%d:%d %s", p.Line, p.Col, p)
	}
	if s, ok := j.Step("in"); !ok || s.Type != "kafka" {
		t.Errorf("got %+v", s)
	}
	if _, ok := j.Step("nobody"); ok {
		t.Error("found a step that is not there")
	}
}

func TestJobName(t *testing.T) {
	const steps = `"steps":[{"stepType":"a","name":"i","category":"reader"},{"stepType":"b","name":"o","category":"writer"}]`
	for _, c := range []struct{ doc, file, want string }{{`"name":"x",`, "y", "x"}, {"", "y", "y"}, {"", "", "job"}} {
		j, _ := parseOne(t, `{"type":"job",`+c.doc+steps+`}`, Options{Name: c.file})
		if j.Name != c.want {
			t.Errorf("%+v: got %q", c, j.Name)
		}
	}
}

func TestErrorLimit(t *testing.T) {
	for _, c := range []struct {
		limit, want string
		warned      bool
	}{
		{``, `{"record":0,"percentage":null}`, false},
		{`"errorLimit":{}`, `{"record":0,"percentage":null}`, false},
		{`"errorLimit":{"record":null}`, `{"record":0,"percentage":null}`, false},
		{`"errorLimit":{"record":"5"}`, `{"record":5,"percentage":null}`, false},
		{`"errorLimit":{"record":""}`, `{"record":null,"percentage":null}`, true},
		{`"errorLimit":{"percentage":0.1}`, `{"record":null,"percentage":0.1}`, false},
		{`"errorLimit":{"record":"","percentage":""}`, `{"record":null,"percentage":null}`, true},
		{`"errorLimit":{"record":3,"percentage":"0.1"}`, `{"record":3,"percentage":0.1}`, true},
	} {
		j, problems := parseOne(t, `{"type":"job","steps":[{"stepType":"a","name":"i","category":"reader"},{"stepType":"b","name":"o","category":"writer"}],"setting":{`+c.limit+`}}`, Options{})
		got, err := json.Marshal(j.Setting.ErrorLimit)
		if err != nil || string(got) != c.want || (len(problems) > 0) != c.warned {
			t.Errorf("%s: got %s, %v", c.limit, got, problems)
		}
	}
}

func TestDataWorksSpeed(t *testing.T) {
	for _, c := range []struct {
		speed string
		want  Speed
		notes int
	}{
		{``, Speed{Concurrent: 1}, 0},
		{`"throttle":true,"mbps":"12","concurrent":"3"`, Speed{Concurrent: 3, BytesPerSec: 12 << 20}, 0},
		{`"throttle":"true","mbps":0.5`, Speed{Concurrent: 1, BytesPerSec: 512 << 10}, 0},
		{`"mbps":1`, Speed{Concurrent: 1, BytesPerSec: 1 << 20}, 1},
		{`"throttle":false,"mbps":1`, Speed{Concurrent: 1}, 1},
		{`"throttle":false,"concurrent":2`, Speed{Concurrent: 2}, 0},
		{`"throttle":true,"record":"500"`, Speed{Concurrent: 1, RecordsPerSec: 500}, 0},
		{`"throttle":true,"mbps":"","byte":"1k"`, Speed{Concurrent: 1, BytesPerSec: 1024}, 0},
		{`"throttle":false,"byte":1000,"record":5,"mbps":1`, Speed{Concurrent: 1}, 3},
		{`"byte":1000,"record":5`, Speed{Concurrent: 1, BytesPerSec: 1000, RecordsPerSec: 5}, 0},
		{`"channel":4,"dmu":1`, Speed{Concurrent: 4}, 1},
	} {
		j, problems := parseOne(t, `{"type":"job","steps":[{"stepType":"a","name":"i","category":"reader"},{"stepType":"b","name":"o","category":"writer"}],"setting":{"speed":{`+c.speed+`}}}`, Options{})
		if j.Setting.Speed != c.want || len(problems) != c.notes {
			t.Errorf("%s: got %+v, %v", c.speed, j.Setting.Speed, problems)
		}
	}
}

func TestDataXSpeed(t *testing.T) {
	for _, c := range []struct {
		speed, core string
		want        Speed
		notes       int
	}{
		{`"channel":3`, ``, Speed{Concurrent: 3}, 0},
		{``, ``, Speed{Concurrent: 1}, 1},
		{`"channel":"","byte":"","record":""`, ``, Speed{Concurrent: 1}, 1},
		{`"byte":1000`, ``, Speed{Concurrent: 1, BytesPerSec: 1000}, 0},
		{`"byte":-1,"record":0,"channel":2`, ``, Speed{Concurrent: 2}, 0},
		{`"byte":1000,"channel":2`, ``, Speed{Concurrent: 2, BytesPerSec: 1000}, 0},
		{`"byte":1000,"channel":2`, `"byte":100`, Speed{Concurrent: 10, BytesPerSec: 1000}, 1},
		{`"byte":1000,"record":60`, `"byte":100,"record":20`, Speed{Concurrent: 3, BytesPerSec: 1000, RecordsPerSec: 60}, 0},
		{`"byte":10`, `"byte":100`, Speed{Concurrent: 1, BytesPerSec: 10}, 0},
		{`"channel":4`, `"record":100`, Speed{Concurrent: 4, RecordsPerSec: 400}, 1},
		{`"channel":4,"throttle":false`, `"record":100`, Speed{Concurrent: 4}, 0},
	} {
		src := `{"job":{"setting":{"errorLimit":{"record":0},"speed":{` + c.speed + `}},"content":[{"reader":{"name":"a"},"writer":{"name":"b"}}]},"core":{"transport":{"channel":{"speed":{` + c.core + `}}}}}`
		j, problems := parseOne(t, src, Options{})
		if j.Setting.Speed != c.want || len(problems) != c.notes {
			t.Errorf("%s with core %s: got %+v, %v", c.speed, c.core, j.Setting.Speed, problems)
		}
	}
}

func TestParseDatasourcesProblems(t *testing.T) {
	sources, problems := ParseDatasources([]byte("{\"a\":7,\n\"b\":{\"jdbcUrl\":\"x\"},\n\"c\":{\"type\":\"kafka\"},}"))
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprint(p.Line, p.Code, p.Path))
	}
	if want := []string{"1wrong-typedatasources.a", "2missingdatasources.b.type"}; len(sources) != 1 || !slices.Equal(got, want) {
		t.Errorf("got %v %v", sources, got)
	}
	for _, bad := range []string{"", "[]", "{"} {
		if _, problems := ParseDatasources([]byte(bad)); len(problems) != 1 {
			t.Errorf("%q: %v", bad, problems)
		}
	}
}

func TestDatasourceSecretsAreReported(t *testing.T) {
	const src = `{"type":"job","steps":[{"stepType":"kafka","name":"i","category":"reader","parameter":{"datasource":"k"}},{"stepType":"b","name":"o","category":"writer"}]}`
	sources, _ := ParseDatasources([]byte(`{"k":{"type":"kafkareader","password":"hunter2","other":"${env:NOWHERE}"}}`))
	if text := fmt.Sprintf("%+v", sources); strings.Contains(text, "hunter2") {
		t.Errorf("the data sources show %s", text)
	}
	_, problems := Parse([]byte(src), Options{Datasources: sources})
	var got []string
	for _, p := range problems {
		got = append(got, p.Code+" "+p.Path)
	}
	if want := []string{"literal-secret datasources.k.password", "unresolved-secret datasources.k.other"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestReferenceListsEverySetting(t *testing.T) {
	var names []string
	for _, p := range Reference() {
		names = append(names, p.Name)
		if p.Doc == "" {
			t.Errorf("setting.%s has no sentence about it", p.Name)
		}
		for _, c := range p.Children {
			if c.Doc == "" && c.Name != "path" {
				t.Errorf("setting.%s.%s has no sentence about it", p.Name, c.Name)
			}
		}
	}
	for _, want := range []string{"mode", "deliveryGuarantee", "errorLimit", "speed", "checkpoint", "dirty", "stallTimeoutSec", "maxRunSec", "memory", "dryRun", "transformer"} {
		if !slices.Contains(names, want) {
			t.Errorf("setting.%s is not listed", want)
		}
	}
}

// Whatever the graph: if it is accepted, every reader reaches a writer and every writer is reached.
func TestAcceptedGraphsLoseNoRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"reader", "writer", "transformer", "processor"}), 2, 6).Draw(t, "kinds")
		var steps, hops []string
		for i, k := range kinds {
			steps = append(steps, fmt.Sprintf(`{"stepType":"x","name":"s%d","category":%q}`, i, k))
		}
		for range rapid.IntRange(1, 8).Draw(t, "hops") {
			hops = append(hops, fmt.Sprintf(`{"from":"s%d","to":"s%d"}`, rapid.IntRange(0, len(kinds)).Draw(t, "from"), rapid.IntRange(0, len(kinds)-1).Draw(t, "to")))
		}
		jobs, problems := Parse([]byte(`{"type":"job","steps":[`+strings.Join(steps, ",")+`],"order":{"hops":[`+strings.Join(hops, ",")+`]}}`), Options{})
		if options.Failed(problems) {
			return
		}
		j := jobs[0]
		next, back := map[string][]string{}, map[string][]string{}
		for _, h := range j.Hops {
			for _, end := range []string{h.From, h.To} {
				if _, ok := j.Step(end); !ok {
					t.Fatalf("the hop %v leads to a step that is not run", h)
				}
			}
			next[h.From], back[h.To] = append(next[h.From], h.To), append(back[h.To], h.From)
		}
		var readers, writers []string
		for _, s := range j.Steps {
			switch s.Category {
			case Reader:
				readers = append(readers, s.Name)
			case Writer:
				writers = append(writers, s.Name)
			}
		}
		fed, drained := reach(readers, next), reach(writers, back)
		for _, s := range j.Steps {
			if !fed[s.Name] || !drained[s.Name] {
				t.Fatalf("rows get lost at %s: %v", s.Name, j.Hops)
			}
		}
		if loop := cycle(readers, next); loop != nil {
			t.Fatalf("accepted the circle %v", loop)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		files, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src, strings.Contains(file, "lenient"))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, lenient bool) {
		o := surroundings(t, "fuzz.json")
		o.Lenient = lenient
		jobs, problems := Parse(src, o)
		if len(jobs) == 0 && !options.Failed(problems) {
			t.Fatal("neither a job nor a problem")
		}
		for _, p := range problems {
			if p.Code == "" || p.Seen == "" {
				t.Fatalf("an empty problem: %+v", p)
			}
		}
		for _, j := range jobs {
			if _, err := json.Marshal(j); err != nil {
				t.Fatal(err)
			}
			if !options.Failed(problems) && (len(j.Steps) < 2 || len(j.Hops) == 0 || j.Setting.Speed.Concurrent < 1 || j.Name == "") {
				t.Fatalf("accepted a job that cannot run: %s", j)
			}
		}
	})
}

// DataX calls the plugins for files txtfile.
func TestTextFilesAreFiles(t *testing.T) {
	j, problems := Parse([]byte(`{"job": {"content": [{"reader": {"name": "txtfilereader", "parameter": {}}, "writer": {"name": "TxtFileWriter", "parameter": {}}}],
		"setting": {"speed": {"channel": 1}}}}`), Options{})
	if options.Failed(problems) {
		t.Fatal(problems)
	}
	for _, s := range j[0].Steps {
		if s.Type != "file" || !strings.HasPrefix(strings.ToLower(s.Spelled), "txtfile") {
			t.Errorf("step %q has the type %q", s.Spelled, s.Type)
		}
	}
}
