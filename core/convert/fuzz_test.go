package convert

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gx-etl/gx/job/options"
)

// seeds adds the golden inputs of a tool.
func seeds(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// holds converts whatever comes and judges the result: either problems, or a document that is JSON and says what became of
// every key.
func holds(t *testing.T, text []byte, from Tool) {
	for _, to := range Shapes() {
		r, problems := Convert([]Input{{Name: "in", Text: append([]byte(nil), text...)}}, Options{From: from, To: to})
		switch {
		case options.Failed(problems) != (r == nil):
			t.Fatalf("a result %v beside %v", r, problems)
		case r == nil:
			continue
		}
		if _, problems := options.Parse(r.Document()); options.Failed(problems) {
			t.Fatalf("%v\n%s", problems, r.Document())
		}
		for _, l := range r.Lines {
			if l.Status == "" || l.Status == Unsupported && l.Note == "" {
				t.Fatalf("%+v says nothing", l)
			}
		}
	}
}

func FuzzConnectProperties(f *testing.F) {
	seeds(f, "connect-*/*.properties")
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, text, KafkaConnect) })
}

func FuzzConnectJSON(f *testing.F) {
	seeds(f, "connect-*/[bs]*.json")
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, text, KafkaConnect) })
}

func FuzzFlinkSQL(f *testing.F) {
	seeds(f, "flink-*/*.sql")
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, text, FlinkSQL) })
}

func FuzzSpark(f *testing.F) {
	seeds(f, "spark-*/[ojt]*")
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, text, Spark) })
}

func FuzzShapes(f *testing.F) {
	seeds(f, "data*/job.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		holds(t, text, DataX)
		holds(t, text, DataWorks)
	})
}
