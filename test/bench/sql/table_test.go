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
	b := &bench{settings: settings{rows: 1_000_000, repeat: 1, check: true}, subjects: subjects}
	for _, s := range subjects {
		out := sample{subject: s.name, rows: 1_000_000, due: 1_000_000, counted: 1_000_000, seconds: 0.8, wall: 1, server: 0.7, sink: 0.05,
			processes: []rig.Process{{CPUSeconds: 0.4, MaxRSS: 40e6}}}
		if s.few {
			out.rows, out.due, out.counted, out.wall = few, few, few, 0.2
		}
		if s.job != "" {
			out.seconds = 1
			out.processes = append(out.processes, rig.Process{CPUSeconds: 0.6, MaxRSS: 80e6}, rig.Process{CPUSeconds: 0.3, MaxRSS: 60e6})
		}
		b.samples = append(b.samples, out)
	}
	return b
}

func TestPrint(t *testing.T) {
	var out strings.Builder
	b := measured()
	b.print(&out)
	for _, want := range []string{
		"| go-sql-driver alone              | 1.25 ", "| gx, CSV, 1 lane                  | 1.00 ", " 1.30    | 0.40 + 0.60 + 0.30 ", " 40 + 80 + 60 ", "| 0.70, 0.05 ",
		"| gx, CSV, 100 rows                | -                   | 0.20 ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Count(out.String(), "| met ") != 5 || strings.Contains(out.String(), "missed") {
		t.Errorf("all targets are met in\n%s", out.String())
	}
}

func TestVerdict(t *testing.T) {
	if err := measured().verdict(); err != nil {
		t.Error(err)
	}
	b := measured()
	for i, spoil := range []func(s *sample){
		2: func(s *sample) { s.counted++ },
		3: func(s *sample) { s.seconds = 2 },
		4: func(s *sample) { s.processes[1].CPUSeconds = 3 },
		5: func(s *sample) { s.processes[1].MaxRSS = 400e6 },
		9: func(s *sample) { s.wall = 0.4 },
	} {
		if spoil != nil {
			spoil(&b.samples[i])
		}
	}
	err := b.verdict()
	for _, want := range []string{"csv-1: 1000001 rows were counted, 1000000 are due", "csv-4: 0.50 M rows/s", "json-1: 3.70 CPU-s/M", "json-4: 500 MB", "few: 0.40 s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	b.check = false
	if err := b.verdict(); err == nil || strings.Contains(err.Error(), "csv-4") {
		t.Errorf("without --check: %v", err)
	}
}

func TestOnly(t *testing.T) {
	b, err := newBench(settings{only: "few,driver"})
	if err != nil || len(b.subjects) != 2 || b.subjects[0].name != "few" {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := newBench(settings{only: "all"}); err == nil {
		t.Error("an unknown name was taken")
	}
}

func TestJobsAreGood(t *testing.T) {
	for _, name := range []string{"csv.json", "json.json", "filtered.json"} {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		vars := map[string]string{"mariadb": "m:3306", "table": "t", "lanes": "4", "drops": "50", "feHttp": "fe:8030", "feQuery": "fe:9030"}
		jobs, problems := job.Parse(src, job.Options{Name: name, Vars: vars})
		if len(jobs) != 1 || options.Failed(problems) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
