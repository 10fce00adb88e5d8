package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/bench/rig"
)

// Goals of the pass-through on a machine of two cores that broker and sink share.
const (
	goalRate = 1.0 // M msg/s, at least
	goalCPU  = 1.4 // CPU seconds per million messages over all processes of gx, at most
)

// over takes one number out of every measurement of a subject.
func (b *bench) over(subject string, take func(*sample) float64) rig.Spread {
	var values []float64
	for i := range b.samples {
		if s := &b.samples[i]; s.Subject == subject {
			values = append(values, take(s))
		}
	}
	return rig.SpreadOf(values)
}

func perMillion(cpuSeconds float64, messages int64) float64 {
	return cpuSeconds / float64(messages) * 1e6
}

func (s *sample) cpuSeconds() float64 {
	var sum float64
	for _, p := range s.Processes {
		sum += p.CPUSeconds
	}
	return sum
}

func (s *sample) cpu() float64 { return perMillion(s.cpuSeconds(), s.Messages) }

func (s *sample) resident() float64 {
	var sum float64
	for _, p := range s.Processes {
		sum += float64(p.MaxRSS) / 1e6
	}
	return sum
}

// each lists one number of every process as its median.
func (b *bench) each(subject, format string, take func(*sample, rig.Process) float64) string {
	first := slices.IndexFunc(b.samples, func(s sample) bool { return s.Subject == subject })
	var out []string
	for i := range b.samples[first].Processes {
		out = append(out, fmt.Sprintf(format, b.over(subject, func(s *sample) float64 { return take(s, s.Processes[i]) }).Median))
	}
	return strings.Join(out, " + ")
}

func (b *bench) print(w io.Writer) {
	rows := [][]string{{"What", "M msg/s, own clock", "M msg/s, whole process", "MB/s", "CPU-s/M", "of them core + reader + writer",
		"Resident MB", "of them c + r + w", "of sarama group", "broker, sink CPU-s/M", "counted"}}
	for _, s := range b.subjects {
		row := []string{s.about,
			b.over(s.name, (*sample).rate).String(),
			b.over(s.name, func(s *sample) float64 { return float64(s.Counted) / s.Wall / 1e6 }).String(),
			fmt.Sprintf("%.0f", b.over(s.name, func(s *sample) float64 { return float64(s.Bytes) / s.Seconds / 1e6 }).Median),
			b.over(s.name, (*sample).cpu).String(),
			b.each(s.name, "%.2f", func(s *sample, p rig.Process) float64 { return perMillion(p.CPUSeconds, s.Messages) }),
			fmt.Sprintf("%.0f", b.over(s.name, (*sample).resident).Median),
			b.each(s.name, "%.0f", func(_ *sample, p rig.Process) float64 { return float64(p.MaxRSS) / 1e6 }),
			b.ratio(s.name),
			fmt.Sprintf("%.2f, %.2f", b.over(s.name, func(s *sample) float64 { return perMillion(s.Broker, s.Messages) }).Median,
				b.over(s.name, func(s *sample) float64 { return perMillion(s.Sink, s.Messages) }).Median),
			b.counted(s.name),
		}
		rows = append(rows, row)
	}
	b.head(w)
	rig.Table(w, rows)
	if b.check {
		b.goals(w)
	}
}

func (b *bench) head(w io.Writer) {
	var bytes float64
	for _, s := range b.subjects {
		bytes = max(bytes, b.over(s.name, func(s *sample) float64 { return float64(s.Bytes) / float64(s.Messages) }).Median)
	}
	var busy, stolen, others, widest float64
	for _, s := range b.samples {
		busy, stolen, others = max(busy, s.Busy), max(stolen, s.Stolen), max(others, s.Others/s.Wall)
	}
	for _, s := range b.subjects {
		if r := b.over(s.name, (*sample).rate); r.Median > 0 {
			widest = max(widest, (r.High-r.Low)/r.Median)
		}
	}
	_, _ = fmt.Fprintf(w, "\n%d messages of %.0f bytes in %d partitions of a real Kafka, %d times each, interleaved; median (lowest–highest).\n",
		b.messages, bytes, b.partitions, b.repeat)
	_, _ = fmt.Fprintf(w, "Machine: %s; broker and sink share it.\n", rig.Machine())
	_, _ = fmt.Fprintf(w, "Noise: the rates of one subject lay up to %.0f %% apart; processors up to %.0f %% busy, up to %.1f %% taken by the host;\n"+
		"processes that have no part in this used up to %.2f of a core.\n\n", widest*100, busy*100, stolen*100, others)
}

func (b *bench) ratio(subject string) string {
	base := b.over("sarama-group", (*sample).rate).Median
	if base == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", b.over(subject, (*sample).rate).Median/base*100)
}

func (b *bench) counted(subject string) string {
	for i := range b.samples {
		if s := &b.samples[i]; s.Subject == subject && s.Counted != s.Messages {
			return s.count()
		}
	}
	return "all"
}

// goals says whether the medians of the pass-through reach what gx promises.
func (b *bench) goals(w io.Writer) {
	const name = "pass-through"
	if !slices.ContainsFunc(b.samples, func(s sample) bool { return s.Subject == name }) {
		_, _ = fmt.Fprintf(w, "\nGoals: %s was not measured.\n", name)
		return
	}
	rate, cpu := b.over(name, (*sample).rate).Median, b.over(name, (*sample).cpu).Median
	word := map[bool]string{true: "met", false: "not met"}
	_, _ = fmt.Fprintf(w, "\nGoals of the JSON pass-through, stated for 2 cores:\n  at least %.1f M msg/s: %.2f, %s\n  at most %.1f CPU-s/M: %.2f, %s\n",
		goalRate, rate, word[rate >= goalRate], goalCPU, cpu, word[cpu <= goalCPU])
}
