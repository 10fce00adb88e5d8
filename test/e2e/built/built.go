// Package built gives tests the programs they are about: those in the folder that GX_TEST_BIN names, or, when it names
// none, programs built from this tree for this test binary alone.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Root is the top folder of the tree that this test binary was compiled from.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// program is what go build needs to know about one of the two.
type program struct {
	module string // folder of its module below Root
	pkg    string
	flags  []string
}

var programs = map[string]program{
	"gx":         {module: ".", pkg: "./cmd/gx"},
	"gx-sandbox": {module: "test", pkg: "./sandbox/cmd", flags: []string{"-tags", "gms_pure_go"}},
}

// Path gives the program of that name. dir takes it when it must be built.
func Path(name, dir string) (string, error) {
	if bin := os.Getenv("GX_TEST_BIN"); bin != "" {
		path, err := filepath.Abs(filepath.Join(bin, name))
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("GX_TEST_BIN is %s: %w; make build puts %s into bin", bin, err, name)
		}
		return path, nil
	}
	p, ok := programs[name]
	if !ok {
		return "", fmt.Errorf("no program %s in this tree", name)
	}
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", append(append([]string{"build", "-buildvcs=false", "-o", path}, p.flags...), p.pkg)...)
	cmd.Dir = filepath.Join(Root(), p.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return path, nil
}
