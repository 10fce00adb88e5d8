// Command quick measures gx on this machine in about a minute: a real Apache Kafka, a sink that counts and discards, and
// sarama alone beside gx in the same run. README.md in the folder above says how to read the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gx-etl/gx/test/bench/alone"
	"github.com/gx-etl/gx/test/bench/rig"
)

type settings struct {
	messages    int64
	partitions  int
	seed        uint64
	repeat      int
	kafka       string
	gxPath      string
	sandboxPath string
	only        string
	settle      time.Duration
	check       bool
	perf        string
	results     string

	root, dir string
}

func main() { rig.Main(parent, child) }

func parent(ctx context.Context) error {
	var s settings
	flag.Int64Var(&s.messages, "messages", 5_000_000, "how many messages the topic holds")
	flag.IntVar(&s.partitions, "partitions", 4, "how many partitions")
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the messages")
	flag.IntVar(&s.repeat, "repeat", 3, "how many times each is measured")
	flag.StringVar(&s.kafka, "kafka", "", "`address` of a broker to use instead of one of our own")
	locate := rig.Programs(map[string]*string{"gx": &s.gxPath, "gx-sandbox": &s.sandboxPath})
	flag.StringVar(&s.only, "only", "", "`names` to measure, with commas: sarama-group, sarama-fetch, pass-through, projected")
	flag.DurationVar(&s.settle, "settle", 5*time.Second, "wait up to this long before each measurement until the machine is quiet")
	flag.BoolVar(&s.check, "check", false, "say whether the goals are met")
	flag.StringVar(&s.perf, "perf", "", "profile the gx runs with Linux perf into this `folder`")
	flag.StringVar(&s.results, "results", "", "write every single measurement as JSON to this `file`")
	if err := rig.Parse(); err != nil {
		return err
	}
	if s.messages < 1 || s.partitions < 1 || s.repeat < 1 {
		return errors.New("--messages, --partitions and --repeat must be at least 1")
	}
	var err error
	if s.root, err = rig.Root(); err != nil {
		return err
	}
	s.dir = filepath.Join(s.root, ".cache", "bench-kafka")
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

// child does one thing: args are what, address, the topic, and the name of a group.
func child(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("a child wants 4 arguments, got %d", len(args))
	}
	what, addr, group := args[0], args[1], args[3]
	topic, err := rig.ParseTopic(args[2])
	if err != nil {
		return err
	}
	var result any
	switch what {
	case "fill":
		result, err = topic.Ensure(ctx, addr)
	case "sarama-group":
		result, err = alone.Group(ctx, addr, topic.Name(), group)
	case "sarama-fetch":
		result, err = alone.Fetch(ctx, addr, topic.Name())
	default:
		err = fmt.Errorf("a child does not know %q", what)
	}
	if err != nil {
		return err
	}
	return rig.Answer(result)
}
