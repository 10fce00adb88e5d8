// Command standin measures the stand-in for StarRocks itself: what gx-sandbox takes in and gives out on this machine,
// so that a benchmark against it measures the client. README.md in the folder above says how to read the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gx-etl/gx/test/bench/drain"
	"github.com/gx-etl/gx/test/bench/rig"
)

type settings struct {
	repeat  int
	sandbox string
	only    string
	settle  time.Duration
	check   bool

	root, dir string
}

func main() { rig.Main(parent, child) }

func parent(ctx context.Context) error {
	var s settings
	flag.IntVar(&s.repeat, "repeat", 3, "how many times each is measured")
	locate := rig.Programs(map[string]*string{"gx-sandbox": &s.sandbox})
	flag.StringVar(&s.only, "only", "", "`names` to measure, with commas: "+names(subjects))
	flag.DurationVar(&s.settle, "settle", time.Second, "wait up to this long before each measurement until the machine is quiet")
	flag.BoolVar(&s.check, "check", false, "end with exit code 1 when a target is not met")
	if err := rig.Parse(); err != nil {
		return err
	}
	if s.repeat < 1 {
		return errors.New("--repeat must be at least 1")
	}
	var err error
	if s.root, err = rig.Root(); err != nil {
		return err
	}
	s.dir = filepath.Join(s.root, ".cache", "bench-standin")
	locate(s.root)
	b, err := newBench(s)
	if err != nil {
		return err
	}
	return b.run(ctx)
}

// child does one thing; args are its name and what it needs.
func child(ctx context.Context, args []string) error {
	what, args := args[0], args[1:]
	wanted, ok := map[string]int{"sink": 0, "ceiling": 1, "load": 7, "drain": 2, "scan": 2}[what]
	if !ok || len(args) != wanted {
		return fmt.Errorf("a child does not know %q with %d arguments", what, len(args))
	}
	var out passed
	var err error
	switch what {
	case "sink":
		return sink()
	case "ceiling":
		out, err = ceiling(ctx, args[0])
	case "drain":
		out, err = counted(drain.Packets(ctx, args[0], args[1]))
	case "scan":
		out, err = counted(drain.Scan(ctx, args[0], args[1]))
	case "load":
		var l *loads
		if l, err = parseLoads(args); err == nil {
			out, err = l.run(ctx)
		}
	}
	if err != nil {
		return err
	}
	return rig.Answer(out)
}

func counted(r drain.Result, err error) (passed, error) { return passed(r), err }

// arguments is what parseLoads reads.
func (l *loads) arguments() []string {
	return []string{"load", l.backend, l.table, l.form.name, strconv.Itoa(l.connections), strconv.Itoa(l.each), strconv.Itoa(l.rows), strconv.Itoa(l.chunk)}
}

func parseLoads(args []string) (*loads, error) {
	l := &loads{backend: args[0], table: args[1]}
	var err error
	if l.form, err = formOf(args[2]); err != nil {
		return nil, err
	}
	for i, n := range []*int{&l.connections, &l.each, &l.rows, &l.chunk} {
		if *n, err = strconv.Atoi(args[3+i]); err != nil {
			return nil, err
		}
	}
	return l, nil
}
