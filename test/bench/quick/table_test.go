package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/test/bench/rig"
)

// measured is a bench as it stands after its measurements.
func measured() *bench {
	b := &bench{settings: settings{messages: 1_000_000, partitions: 4, repeat: 1, check: true}, subjects: subjects}
	for _, s := range subjects {
		out := sample{Subject: s.name, Messages: 1_000_000, Counted: 1_000_000, Bytes: 190e6, Seconds: 0.5, Wall: 1,
			Processes: []rig.Process{{CPUSeconds: 0.4, MaxRSS: 40e6}}}
		if s.job != "" {
			out.Seconds = 0.8
			out.Processes = append(out.Processes, rig.Process{CPUSeconds: 0.6, MaxRSS: 80e6}, rig.Process{CPUSeconds: 0.3, MaxRSS: 60e6})
		}
		b.samples = append(b.samples, out)
	}
	return b
}

func TestPrint(t *testing.T) {
	var out strings.Builder
	measured().print(&out)
	for _, want := range []string{
		"| sarama alone, consumer group | 2.00 ", "| gx, JSON pass-through        | 1.25 ",
		" 0.40 + 0.60 + 0.30 ", " 40 + 80 + 60 ", "| 62 % ", "at least 1.0 M msg/s: 1.25, met", "at most 1.4 CPU-s/M: 1.30, met",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestVerdict(t *testing.T) {
	b := measured()
	if err := b.verdict(); err != nil {
		t.Error(err)
	}
	b.samples[2].Counted++
	if err := b.verdict(); err == nil || !strings.Contains(err.Error(), "pass-through: 1000001 of 1000000") {
		t.Errorf("one row too many: %v", err)
	}
}

func TestOnly(t *testing.T) {
	b, err := newBench(settings{only: "projected,sarama-group"})
	if err != nil || len(b.subjects) != 2 || b.subjects[0].name != "projected" {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := newBench(settings{only: "all"}); err == nil {
		t.Error("an unknown name was taken")
	}
}

func TestJobsAreGood(t *testing.T) {
	for _, s := range subjects {
		if s.job == "" {
			continue
		}
		src, err := os.ReadFile(s.job)
		if err != nil {
			t.Fatal(err)
		}
		vars := map[string]string{"kafka": "k:9092", "topic": "t", "group": "g", "feHttp": "fe:8030", "feQuery": "fe:9030"}
		jobs, problems := job.Parse(src, job.Options{Name: s.name, Vars: vars})
		if len(jobs) != 1 || options.Failed(problems) {
			t.Errorf("%s: %v", s.job, problems)
		}
	}
}
