package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/gx-etl/gx/test/bench/rig"
)

// best is the figure that others on the machine disturbed least, and the one that is judged.
func (b *bench) best(s *subject) float64 {
	spread := rig.SpreadOf(b.figures[s.name])
	if s.lowIsGood() {
		return spread.Low
	}
	return spread.High
}

func (s *subject) lowIsGood() bool { return s.atMost || s.unit == "bytes" }

// ofCeilingEnough is the share of the ceiling that will do where the machine cannot carry the target.
const ofCeilingEnough = 0.7

// target is what a subject must reach, 0 when nothing.
func (b *bench) target(s *subject) float64 {
	ceiling := rig.SpreadOf(b.figures["ceiling"]).High
	if s.unit == "GB/s" && ceiling > 0 {
		return min(s.target, ofCeilingEnough*ceiling)
	}
	return s.target
}

func (b *bench) met(s *subject) bool {
	if s.atMost {
		return b.best(s) <= b.target(s)
	}
	return b.best(s) >= b.target(s)
}

func (b *bench) print(w io.Writer) {
	rows := [][]string{{"What", "Unit", "Best", "Median (lowest–highest)", "Of the ceiling", "Target", "Met"}}
	for i := range b.subjects {
		s := &b.subjects[i]
		spread, best := rig.SpreadOf(b.figures[s.name]), b.best(s)
		target, met := "-", "-"
		if s.target != 0 {
			sign := map[bool]string{true: "≤", false: "≥"}[s.atMost]
			target = fmt.Sprint(sign, " ", math.Round(100*b.target(s))/100)
			met = map[bool]string{true: "met", false: "not met"}[b.met(s)]
		}
		rows = append(rows, []string{s.about, s.unit, fmt.Sprintf(s.format, best),
			fmt.Sprintf(s.format+" ("+s.format+"–"+s.format+")", spread.Median, spread.Low, spread.High), b.ofCeiling(s), target, met})
	}
	_, _ = fmt.Fprintf(w, "\nThe stand-in and its client on one machine, each in a process of its own; rounds: %d, interleaved.\n", b.repeat)
	_, _ = fmt.Fprintf(w, "The best is judged: whatever else the machine does only makes a figure worse. Where %.0f %% of the ceiling are less than the\n"+
		"target, those are the target.\nMachine: %s.\n\n", 100*ofCeilingEnough, rig.Machine())
	rig.Table(w, rows)
}

func (b *bench) ofCeiling(s *subject) string {
	ceiling := rig.SpreadOf(b.figures["ceiling"]).High
	if ceiling == 0 || s.unit != "GB/s" {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*b.best(s)/ceiling)
}

// verdict fails, when that is asked for, if a target is not met.
func (b *bench) verdict() error {
	var bad []string
	for i := range b.subjects {
		s := &b.subjects[i]
		if s.target != 0 && !b.met(s) {
			bad = append(bad, fmt.Sprintf("%s: "+s.format+" %s", s.about, b.best(s), s.unit))
		}
	}
	if bad == nil || !b.check {
		return nil
	}
	return fmt.Errorf("targets not met:\n%s", strings.Join(bad, "\n"))
}
