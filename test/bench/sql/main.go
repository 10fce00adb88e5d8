// Command sql measures how gx moves a table of a real MariaDB into the stand-in, which counts and discards, and beside it what
// the driver and a client that looks at nothing need for the same query. README.md in the folder above says how to read
// the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gx-etl/gx/test/bench/drain"
	"github.com/gx-etl/gx/test/bench/rig"
)

type settings struct {
	rows        int64
	repeat      int
	mariadb     string
	gxPath      string
	sandboxPath string
	only        string
	settle      time.Duration
	check       bool

	root, dir string
}

func main() { rig.Main(parent, child) }

func parent(ctx context.Context) error {
	var s settings
	flag.Int64Var(&s.rows, "rows", 2_000_000, "how many rows the table holds")
	flag.IntVar(&s.repeat, "repeat", 3, "how many times each is measured")
	flag.StringVar(&s.mariadb, "mariadb", "", "`address` of a server to use instead of one of our own, user root without a password")
	locate := rig.Programs(map[string]*string{"gx": &s.gxPath, "gx-sandbox": &s.sandboxPath})
	flag.StringVar(&s.only, "only", "", "`names` to measure, with commas: "+names())
	flag.DurationVar(&s.settle, "settle", 5*time.Second, "wait up to this long before each measurement until the machine is quiet")
	flag.BoolVar(&s.check, "check", false, "end with exit code 1 when a target is not met")
	if err := rig.Parse(); err != nil {
		return err
	}
	if s.rows < few || s.rows%100 != 0 || s.repeat < 1 {
		return fmt.Errorf("--rows must be at least %d and end with two zeros, --repeat at least 1", few)
	}
	var err error
	if s.root, err = rig.Root(); err != nil {
		return err
	}
	s.dir = filepath.Join(s.root, ".cache", "bench-mariadb")
	locate(s.root)
	if err := os.MkdirAll(filepath.Join(s.dir, "runs"), 0o755); err != nil {
		return err
	}
	b, err := newBench(s)
	if err != nil {
		return err
	}
	return b.run(ctx)
}

// child drains a query; args are how, address and the query.
func child(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("a child wants 3 arguments")
	}
	var out drain.Result
	var err error
	switch args[0] {
	case "packets":
		out, err = drain.Packets(ctx, args[1], args[2])
	case "driver":
		out, err = drain.Values(ctx, args[1], args[2])
	default:
		err = fmt.Errorf("a child does not know %q", args[0])
	}
	if err != nil {
		return err
	}
	return rig.Answer(out)
}
