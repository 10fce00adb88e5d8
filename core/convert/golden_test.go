package convert

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka"
	"github.com/gx-etl/gx/plugins/starrocks"
)

var update = flag.Bool("update", false, "write the expected files of testdata anew")

// TestGolden converts every folder of testdata/golden. want.json is the job, want.txt the report, and the file args holds
// options.
func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join("testdata", "golden", "*"))
	if err != nil || len(dirs) < 10 {
		t.Fatalf("%d cases: %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			inputs, o := golden(t, dir)
			r, problems := Convert(inputs, o)
			if options.Failed(problems) {
				t.Fatal(problems)
			}
			var report strings.Builder
			if err := WriteText(&report, r.Lines); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(report.String(), "hunter2") {
				t.Errorf("the report shows a password:\n%s", report.String())
			}
			same(t, filepath.Join(dir, "want.json"), string(r.Document()))
			same(t, filepath.Join(dir, "want.txt"), report.String())
			jobs, problems := job.Parse(r.Document(), job.Options{Name: "golden", Vars: map[string]string{
				"server": "b:9092", "topic": "t", "loadUrl": "fe:8030", "table": "t", "database": "d", "username": "u", "expression_1": "e", "expression_2": "f"},
				LookupEnv: func(string) (string, bool) { return "secret", true },
				Datasources: job.Datasources{"warehouse": options.Map(member("type", options.Text("starrocks")),
					member("loadUrl", options.Text("fe:8030")), member("username", options.Text("u")))}})
			if options.Failed(problems) || len(jobs) != 1 {
				t.Errorf("what came out is no job: %v", problems)
			}
			refused := ""
			for _, p := range judge(jobs) {
				refused += p.String() + "\n"
			}
			if (refused != "") != needsMore[filepath.Base(dir)] {
				t.Errorf("gx check would say: %q", refused)
			}
		})
	}
}

// needsMore are the cases whose inputs ask for what gx does not have.
var needsMore = map[string]bool{"connect-odd": true, "flink-odd": true}

// judge asks the plugins what they think of their parameters, as gx check does.
func judge(jobs []*job.Job) (out []options.Problem) {
	for _, j := range jobs {
		for _, s := range j.Steps {
			var problems []options.Problem
			switch s.Type + string(s.Category) {
			case "kafkareader":
				problems = options.Decode(s.Parameter, s.Path, new(kafka.Options))
			case "starrockswriter":
				problems = options.Decode(s.Parameter, s.Path, new(starrocks.Params))
			case "streamreader": // the test of the writer is enough
			default:
				out = append(out, options.Problem{Path: s.Path, Seen: "nobody judges " + s.Type})
			}
			for _, p := range problems {
				if !p.Warning {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

func golden(t *testing.T, dir string) (inputs []Input, o Options) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Name() == "args":
			var args struct{ To Shape }
			if err := json.Unmarshal(text, &args); err != nil {
				t.Fatal(err)
			}
			o.To = args.To
		case !strings.HasPrefix(f.Name(), "want."):
			inputs = append(inputs, Input{Name: f.Name(), Text: text})
		}
	}
	return inputs, o
}

func same(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v; run go test -update", err)
	}
	if string(want) != got {
		t.Errorf("%s is\n%s\nwant\n%s", file, got, want)
	}
}
