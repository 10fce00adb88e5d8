// Command move moves a million messages from a real Apache Kafka into the stand-in, as JSON documents and as five columns
// of CSV, and compares what stands in the tables with what the topic holds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/bench/rig"
)

func main() { rig.Main(parent, child) }

type run struct {
	topic              rig.Topic
	kafka, gx, sandbox string
	root, dir          string
	broker             *rig.Kafka
	target             *rig.Sandbox
	source             survey
}

func parent(ctx context.Context) error {
	r := run{topic: rig.Topic{Partitions: 4}}
	flag.Int64Var(&r.topic.Messages, "messages", 1_000_000, "how many messages are moved")
	flag.Uint64Var(&r.topic.Seed, "seed", 1, "seed of the messages")
	flag.StringVar(&r.kafka, "kafka", "", "`address` of a broker to use instead of one of our own")
	locate := rig.Programs(map[string]*string{"gx": &r.gx, "gx-sandbox": &r.sandbox})
	if err := rig.Parse(); err != nil {
		return err
	}
	if r.topic.Messages < 3 {
		return errors.New("--messages must be at least 3")
	}
	var err error
	if r.root, err = rig.Root(); err != nil {
		return err
	}
	r.dir = filepath.Join(r.root, ".cache", "bench-kafka")
	locate(r.root)
	if err := os.MkdirAll(filepath.Join(r.dir, "runs"), 0o755); err != nil {
		return err
	}
	return r.all(ctx)
}

// child does one thing: args are what, address, and the topic.
func child(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("a child wants 3 arguments, got %d", len(args))
	}
	topic, err := rig.ParseTopic(args[2])
	if err != nil {
		return err
	}
	var result any
	switch args[0] {
	case "fill":
		result, err = topic.Ensure(ctx, args[1])
	case "survey":
		result, err = surveyTopic(ctx, args[1], topic)
	default:
		err = fmt.Errorf("a child does not know %q", args[0])
	}
	if err != nil {
		return err
	}
	return rig.Answer(result)
}

func (r *run) all(ctx context.Context) (err error) {
	if r.broker, err = rig.StartKafka(ctx, r.root, filepath.Join(r.dir, "broker"), r.kafka); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.broker.Stop()) }()
	var filled bool
	if _, _, err := rig.Child(ctx, &filled, "fill", r.broker.Addr, r.topic.String()); err != nil {
		return err
	}
	if _, _, err := rig.Child(ctx, &r.source, "survey", r.broker.Addr, r.topic.String()); err != nil {
		return err
	}
	here := filepath.Join(r.root, "test", "bench", "move")
	if r.target, err = rig.StartSandbox(ctx, r.sandbox, filepath.Join(r.dir, "runs"), rig.Tables(r.root)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.target.Stop()) }()

	fmt.Printf("%d messages in %d partitions of a real Kafka → stand-in with storage, batch mode\nMachine: %s; broker and stand-in share it.\n",
		r.source.Count, r.topic.Partitions, rig.Machine())
	return errors.Join(
		r.move(ctx, "JSON pass-through", filepath.Join(here, "pass-through.json"), documents),
		r.move(ctx, "CSV, 5 columns", filepath.Join(here, "projected.json"), projected))
}

// move runs a job, prints what it took, and compares.
func (r *run) move(ctx context.Context, title, job string, into table) error {
	gx := rig.GX{Program: r.gx, Dir: filepath.Join(r.dir, "runs")}
	sink := rig.CPUOf(r.target.Pid())
	rep, err := gx.Run(ctx, job, "kafka="+r.broker.Addr, "topic="+r.topic.Name(),
		fmt.Sprintf("group=move-%s-%d", into.name, time.Now().UnixNano()), "feHttp="+r.target.FEHTTP, "feQuery="+r.target.FEQuery)
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	fmt.Printf("\n%s: %.0f rows/s by gx's clock (%.2f s), %.0f rows/s over the whole command (%.2f s); %d loads\n", title,
		float64(rep.Landed)/rep.Seconds, rep.Seconds, float64(rep.Landed)/rep.Wall.Seconds(), rep.Wall.Seconds(), rep.Loads)
	var uses []string
	for _, p := range rep.Processes {
		uses = append(uses, fmt.Sprintf("%s %.2f CPU-s, %.0f MB", p.Name, p.CPUSeconds, float64(p.MaxRSS)/1e6))
	}
	fmt.Printf("  %s; stand-in %.2f CPU-s\n", strings.Join(uses, " · "), (rig.CPUOf(r.target.Pid()) - sink).Seconds())
	lines, differences, err := into.compare(ctx, r.target.FEQuery, r.source)
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	for _, l := range lines {
		fmt.Println("  equal to the source:", l)
	}
	if differences != nil {
		return fmt.Errorf("%s: FAIL, the table differs from the topic:\n  %s", title, strings.Join(differences, "\n  "))
	}
	return nil
}
