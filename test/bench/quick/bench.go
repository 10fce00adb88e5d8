package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/bench/alone"
	"github.com/gx-etl/gx/test/bench/rig"
)

// subject is something that is measured.
type subject struct {
	name  string
	about string
	job   string // of gx; empty for sarama alone
	table string // where the job's rows are counted
}

var subjects = []subject{
	{name: "sarama-group", about: "sarama alone, consumer group"},
	{name: "sarama-fetch", about: "sarama alone, Broker.Fetch"},
	{name: "pass-through", about: "gx, JSON pass-through", job: "pass-through.json", table: "documents"},
	{name: "projected", about: "gx, 5 columns to CSV", job: "projected.json", table: "projected"},
}

// sample is one measurement of a subject.
type sample struct {
	Subject   string        `json:"subject"`
	Messages  int64         `json:"messages"` // that should arrive
	Counted   int64         `json:"counted"`  // by the sink; by the subject itself for sarama alone
	Bytes     int64         `json:"bytes"`    // of the values read
	Seconds   float64       `json:"seconds"`  // by the subject's own clock
	Wall      float64       `json:"wallSeconds"`
	Loads     int64         `json:"loads,omitempty"`
	Processes []rig.Process `json:"processes"`
	Broker    float64       `json:"brokerCpuSeconds"` // 0 when the broker is not ours
	Sink      float64       `json:"sinkCpuSeconds"`
	Busy      float64       `json:"machineBusy"`      // share of the processor time of all cores
	Stolen    float64       `json:"machineStolen"`    // share that the machine's host gave to others
	Others    float64       `json:"othersCpuSeconds"` // of processes that have no part in this
}

type bench struct {
	settings
	topic    rig.Topic
	subjects []subject
	profiler *profiler // nil without --perf

	broker  *rig.Kafka
	sandbox *rig.Sandbox // nil when gx is not measured
	gx      rig.GX
	samples []sample
}

func newBench(s settings) (*bench, error) {
	b := &bench{settings: s, subjects: subjects, topic: rig.Topic{Messages: s.messages, Partitions: int32(s.partitions), Seed: s.seed}}
	if s.only != "" {
		b.subjects = nil
		for name := range strings.SplitSeq(s.only, ",") {
			i := slices.IndexFunc(subjects, func(s subject) bool { return s.name == name })
			if i < 0 {
				return nil, fmt.Errorf("--only: %q is not one of sarama-group, sarama-fetch, pass-through, projected", name)
			}
			b.subjects = append(b.subjects, subjects[i])
		}
	}
	b.gx = rig.GX{Program: s.gxPath, Dir: filepath.Join(s.dir, "runs")}
	if s.perf != "" {
		var err error
		if b.profiler, err = newProfiler(s.root, s.perf); err != nil {
			return nil, err
		}
		b.gx.Program = b.profiler.program
		b.gx.Watch = b.profiler.watch
	}
	return b, nil
}

// run starts everything, measures, and stops everything again.
func (b *bench) run(ctx context.Context) (err error) {
	if b.broker, err = rig.StartKafka(ctx, b.root, filepath.Join(b.dir, "broker"), b.kafka); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.broker.Stop()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if slices.ContainsFunc(b.subjects, func(s subject) bool { return s.job != "" }) {
		if b.sandbox, err = rig.StartSandbox(ctx, b.sandboxPath, filepath.Join(b.dir, "runs"), rig.Tables(b.root), "--discard"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.sandbox.Stop()) }()
	}
	for i := range b.repeat {
		for j := range b.subjects {
			s := b.subjects[(i+j)%len(b.subjects)] // no subject always follows the same other one
			if err := b.measure(ctx, s, i); err != nil {
				return err
			}
		}
	}
	if b.results != "" {
		text, err := json.MarshalIndent(b.samples, "", "  ")
		if err == nil {
			err = os.WriteFile(b.results, append(text, '\n'), 0o644)
		}
		if err != nil {
			return fmt.Errorf("--results: %w", err)
		}
	}
	b.print(os.Stdout)
	return b.verdict()
}

// prepare fills the topic and reads it once, so that the broker's code is compiled and the data is in the page cache.
func (b *bench) prepare(ctx context.Context) error {
	began := time.Now()
	var filled bool
	if _, _, err := rig.Child(ctx, &filled, "fill", b.broker.Addr, b.topic.String(), ""); err != nil {
		return err
	}
	if filled {
		fmt.Fprintf(os.Stderr, "filled %s in %.1f s\n", b.topic.Name(), time.Since(began).Seconds())
	} else {
		fmt.Fprintf(os.Stderr, "%s is still there from an earlier run\n", b.topic.Name())
	}
	var warm alone.Result
	if _, _, err := rig.Child(ctx, &warm, "sarama-fetch", b.broker.Addr, b.topic.String(), ""); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "warmed up in %.1f s (not counted)\n", warm.Seconds)
	return nil
}

func (b *bench) measure(ctx context.Context, s subject, round int) error {
	if err := rig.Settle(ctx, b.settle); err != nil {
		return err
	}
	broker, sink, clock := rig.CPUOf(b.broker.Pid), b.sinkCPU(), rig.ReadClock()
	out := sample{Subject: s.name, Messages: b.messages}
	group := fmt.Sprintf("bench-%s-%d", s.name, time.Now().UnixNano())
	var err error
	if s.job == "" {
		err = b.alone(ctx, s, group, &out)
	} else {
		err = b.moved(ctx, s, group, &out)
	}
	if err != nil {
		return err
	}
	spent := clock.Since()
	out.Busy, out.Stolen = spent.Busy, spent.Stolen
	out.Broker, out.Sink = (rig.CPUOf(b.broker.Pid) - broker).Seconds(), (b.sinkCPU() - sink).Seconds()
	out.Others = max(0, spent.Work.Seconds()-out.Broker-out.Sink-out.cpuSeconds())
	b.samples = append(b.samples, out)
	fmt.Fprintf(os.Stderr, "%d/%d %-28s %5.2f s  %5.2f M msg/s  %s\n", round+1, b.repeat, s.about, out.Wall, out.rate(), out.count())
	return nil
}

func (b *bench) sinkCPU() time.Duration {
	if b.sandbox == nil {
		return 0
	}
	return rig.CPUOf(b.sandbox.Pid())
}

func (b *bench) alone(ctx context.Context, s subject, group string, out *sample) error {
	var r alone.Result
	used, wall, err := rig.Child(ctx, &r, s.name, b.broker.Addr, b.topic.String(), group)
	if err != nil {
		return err
	}
	out.Counted, out.Bytes, out.Seconds, out.Wall = r.Messages, r.Bytes, r.Seconds, wall.Seconds()
	out.Processes = []rig.Process{{Name: s.name, CPUSeconds: used.CPU.Seconds(), MaxRSS: used.MaxRSS}}
	return nil
}

func (b *bench) moved(ctx context.Context, s subject, group string, out *sample) error {
	before, err := b.sandbox.Rows(ctx, "bench", s.table)
	if err != nil {
		return err
	}
	if b.profiler != nil {
		b.profiler.begin(s.name)
	}
	job := filepath.Join(b.root, "test", "bench", "quick", s.job)
	r, err := b.gx.Run(ctx, job, "kafka="+b.broker.Addr, "topic="+b.topic.Name(), "group="+group,
		"feHttp="+b.sandbox.FEHTTP, "feQuery="+b.sandbox.FEQuery)
	if err != nil {
		return err
	}
	after, err := b.sandbox.Rows(ctx, "bench", s.table)
	if err != nil {
		return err
	}
	out.Counted, out.Bytes, out.Seconds, out.Wall = after-before, r.ReadBytes, r.Seconds, r.Wall.Seconds()
	out.Loads, out.Processes = r.Loads, r.Processes
	if b.profiler != nil {
		return b.profiler.report()
	}
	return nil
}

// verdict fails when a subject brought other than every message once.
func (b *bench) verdict() error {
	var bad []string
	for _, s := range b.samples {
		if s.Counted != s.Messages {
			bad = append(bad, fmt.Sprintf("%s: %d of %d messages were counted", s.Subject, s.Counted, s.Messages))
		}
	}
	if bad != nil {
		return fmt.Errorf("FAIL\n%s", strings.Join(bad, "\n"))
	}
	return nil
}

// rate is in millions of messages a second, by the subject's own clock.
func (s *sample) rate() float64 { return float64(s.Counted) / s.Seconds / 1e6 }

func (s *sample) count() string {
	if s.Counted == s.Messages {
		return fmt.Sprintf("%d counted", s.Counted)
	}
	return fmt.Sprintf("FAIL: %d counted", s.Counted)
}
