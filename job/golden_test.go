package job

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/job/options"
)

var update = flag.Bool("update", false, "write the expected files of testdata anew")

const testPassword = `p"w\}1 secret`

// surroundings are the same for all documents of testdata; parts of a file's name switch options on.
func surroundings(t testing.TB, file string) Options {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", "datasources.json"))
	if err != nil {
		t.Fatal(err)
	}
	sources, problems := ParseDatasources(src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	stem := strings.TrimSuffix(filepath.Base(file), ".json")
	return Options{
		Name: stem, Datasources: sources,
		Vars:         map[string]string{"table": "orders", "quoted": "O'Brien", "dt": "$[yyyy-mm-dd-1]", "count": "7", "blank": " "},
		ScheduleTime: time.Date(2026, 11, 21, 0, 5, 0, 0, time.UTC),
		TZ:           time.UTC,
		LookupEnv: func(name string) (string, bool) {
			switch name {
			case "GX_TEST_PASSWORD":
				return testPassword, true
			case "GX_TEST_USER":
				return "etl-user", true
			}
			return "", false
		},
		ReadFile: func(name string) ([]byte, error) {
			if name == "/run/secrets/starrocks" {
				return []byte("from-a-file\n"), nil
			}
			return nil, errors.New("no such file")
		},
		Lenient:         strings.Contains(stem, ".lenient"),
		Strict:          strings.Contains(stem, ".strict"),
		AllowUnresolved: strings.Contains(stem, ".unresolved"),
	}
}

func documents(t *testing.T, dir string, atLeast int) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range all {
		if !strings.HasSuffix(f, ".plan.json") {
			files = append(files, f)
		}
	}
	if len(files) < atLeast {
		t.Fatalf("testdata/%s holds %d documents, want %d or more", dir, len(files), atLeast)
	}
	return files
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	for _, secret := range []string{testPassword, "from-a-file", "plain-in-url", "hunter2", "12345678"} {
		if strings.Contains(string(got), secret) {
			t.Errorf("the output shows the secret %q", secret)
		}
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run go test -update", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs, got\n%s", file, got)
	}
}

func TestGoodDocuments(t *testing.T) {
	for _, file := range documents(t, "good", 12) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			jobs, problems := Parse(src, surroundings(t, file))
			if options.Failed(problems) {
				t.Fatalf("problems: %v", problems)
			}
			got, err := json.MarshalIndent(jobs, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			compare(t, strings.TrimSuffix(file, ".json")+".plan.json", append(got, '\n'))
		})
	}
}

func TestBadDocuments(t *testing.T) {
	for _, file := range documents(t, "bad", 25) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, problems := Parse(src, surroundings(t, file))
			if !options.Failed(problems) {
				t.Errorf("no problem found, only %v", problems)
			}
			var b strings.Builder
			for _, p := range problems {
				b.WriteString(p.Render("job.json") + "\n")
			}
			compare(t, strings.TrimSuffix(file, ".json")+".txt", []byte(b.String()))
		})
	}
}
