package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gx-etl/gx/test/bench/rig"
)

// Targets on a machine of two cores that MariaDB and the stand-in share.
const (
	leastRate    = 0.8 // M rows/s
	mostCPU      = 1.8 // CPU seconds per million rows over all processes of gx
	mostResident = 300 // MB, all processes of gx together
	mostWallFew  = 0.3 // seconds of the whole command for few rows
)

// over takes one number out of every measurement of a subject.
func (b *bench) over(name string, take func(*sample) float64) rig.Spread {
	var values []float64
	for i := range b.samples {
		if s := &b.samples[i]; s.subject == name {
			values = append(values, take(s))
		}
	}
	return rig.SpreadOf(values)
}

// each lists one number of every process as its median.
func (b *bench) each(name, format string, take func(*sample, rig.Process) float64) string {
	var out []string
	for i := range b.samples {
		if b.samples[i].subject == name {
			for p := range b.samples[i].processes {
				out = append(out, fmt.Sprintf(format, b.over(name, func(s *sample) float64 { return take(s, s.processes[p]) }).Median))
			}
			break
		}
	}
	return strings.Join(out, " + ")
}

func (b *bench) print(w io.Writer) {
	table := [][]string{{"What", "M rows/s, own clock", "s, whole command", "CPU-s/M", "of them core + reader + writer", "Resident MB",
		"of them c + r + w", "MariaDB, stand-in CPU-s/M", "Targets"}}
	others := 0.0
	for i := range b.samples {
		others = max(others, b.samples[i].others/b.samples[i].wall)
	}
	for _, s := range b.subjects {
		rate, cpu := b.over(s.name, (*sample).rate).String(), b.over(s.name, (*sample).cpu).String()
		each := b.each(s.name, "%.2f", func(s *sample, p rig.Process) float64 { return perMillion(p.CPUSeconds, s.rows) })
		beside := fmt.Sprintf("%.2f, %.2f", b.over(s.name, func(s *sample) float64 { return perMillion(s.server, s.rows) }).Median,
			b.over(s.name, func(s *sample) float64 { return perMillion(s.sink, s.rows) }).Median)
		if s.few { // a rate of so few says nothing
			rate, cpu, each, beside = "-", "-", "-", "-"
		}
		judged := "-"
		if missed := b.missed(s); s.judged() && missed == nil {
			judged = "met"
		} else if missed != nil {
			judged = "missed: " + strings.Join(missed, ", ")
		}
		table = append(table, []string{s.about, rate, b.over(s.name, func(s *sample) float64 { return s.wall }).String(), cpu, each,
			fmt.Sprintf("%.0f", b.over(s.name, (*sample).resident).Median),
			b.each(s.name, "%.0f", func(_ *sample, p rig.Process) float64 { return float64(p.MaxRSS) / 1e6 }), beside, judged})
	}
	_, _ = fmt.Fprintf(w, "\n%d rows of six columns from MariaDB into a stand-in that discards, %d times each, interleaved; median (lowest–highest).\n", b.rows, b.repeat)
	_, _ = fmt.Fprintf(w, "Machine: %s; all share it. Processes that have no part in this used up to %.2f of a core.\n", rig.Machine(), others)
	_, _ = fmt.Fprintf(w, "Targets: ≥ %.1f M rows/s, ≤ %.1f CPU-s/M, ≤ %d MB; %d rows within %.1f s. They are judged by the medians.\n\n",
		leastRate, mostCPU, mostResident, few, mostWallFew)
	rig.Table(w, table)
}

// judged tells whether targets hold for a subject.
func (s *subject) judged() bool { return s.child == "" && s.drops == "" }

// missed says which targets a subject did not reach.
func (b *bench) missed(s subject) (out []string) {
	if !s.judged() {
		return nil
	}
	if mb := b.over(s.name, (*sample).resident).Median; mb > mostResident {
		out = append(out, fmt.Sprintf("%.0f MB", mb))
	}
	if s.few {
		if wall := b.over(s.name, func(s *sample) float64 { return s.wall }).Median; wall > mostWallFew {
			out = append(out, fmt.Sprintf("%.2f s", wall))
		}
		return out
	}
	if rate := b.over(s.name, (*sample).rate).Median; rate < leastRate {
		out = append(out, fmt.Sprintf("%.2f M rows/s", rate))
	}
	if cpu := b.over(s.name, (*sample).cpu).Median; cpu > mostCPU {
		out = append(out, fmt.Sprintf("%.2f CPU-s/M", cpu))
	}
	return out
}

// verdict fails when a subject brought other than every row once, and with --check when it missed a target.
func (b *bench) verdict() error {
	var bad []error
	for _, s := range b.samples {
		if s.counted != s.due {
			bad = append(bad, fmt.Errorf("FAIL: %s: %d rows were counted, %d are due", s.subject, s.counted, s.due))
		}
	}
	for _, s := range b.subjects {
		if missed := b.missed(s); b.check && missed != nil {
			bad = append(bad, fmt.Errorf("FAIL: %s: %s", s.name, strings.Join(missed, ", ")))
		}
	}
	return errors.Join(bad...)
}
