package main

import (
	"encoding/csv"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	sdktest.Writer(t, sdktest.WriterCase{
		Plugin:     csvPlugin(),
		Parameters: `{"path": "` + path + `"}`,
		Landed: func() ([][]string, error) {
			file, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			return csv.NewReader(file).ReadAll()
		},
	})
}

// The example builds as it stands, and says what it is when somebody starts it by hand.
func TestBuilds(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "gx-plugin-csv-writer")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	out, err := exec.Command(binary).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "gx plugin info csv-writer") {
		t.Errorf("started by hand: %v, %q", err, out)
	}
}

// The code that plugins/README.md shows is this code.
func TestReadmeShowsThisPlugin(t *testing.T) {
	readme, err := os.ReadFile("../../plugins/README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "<!-- from examples/plugin/main.go -->\n```go\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("no block of code is marked")
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "\n```")
		if !strings.Contains(string(source), code) {
			t.Errorf("main.go does not hold this part of the README:\n%s", code)
		}
	}
}
