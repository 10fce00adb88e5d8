package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/spf13/cobra"
)

// moveFlags say where positions go.
type moveFlags struct {
	time       string
	offset     int64
	earliest   bool
	latest     bool
	partitions []string
	set        func(flag string) bool
	zone       func() string
}

func (m *moveFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&m.time, "to-timestamp", "", "to the first record of this `time` or later: 2026-01-01T00:00:00+08:00, \"2026-01-01 00:00:00\" (see --tz), 20260101000000, or Unix milliseconds")
	f.Int64Var(&m.offset, "to-offset", 0, "to this `offset`")
	f.BoolVar(&m.earliest, "to-earliest", false, "to the oldest record that is there")
	f.BoolVar(&m.latest, "to-latest", false, "behind the newest record")
	f.StringSliceVar(&m.partitions, "partition", nil, "only this `partition`: 3, or orders/3 (may be given again)")
	m.set = f.Changed
	m.zone = func() string { return f.Lookup("tz").Value.String() }
}

var placeOfFlag = map[string]v1.RepositionRequest_Place{
	"to-timestamp": v1.RepositionRequest_PLACE_TIME, "to-offset": v1.RepositionRequest_PLACE_OFFSET,
	"to-earliest": v1.RepositionRequest_PLACE_EARLIEST, "to-latest": v1.RepositionRequest_PLACE_LATEST,
}

// given are the flags that say where to.
func (m *moveFlags) given() (flags []string) {
	for flag := range placeOfFlag {
		if m.set(flag) && (m.earliest || flag != "to-earliest") && (m.latest || flag != "to-latest") {
			flags = append(flags, flag)
		}
	}
	slices.Sort(flags)
	return flags
}

// request is what the flags ask for.
func (m *moveFlags) request() (*v1.RepositionRequest, error) {
	given := m.given()
	if len(given) != 1 {
		return nil, protocol.Faultf(protocol.Config, "%d places to move to are given, and one is needed", len(given)).
			Hint("one of --to-timestamp, --to-offset, --to-earliest, --to-latest")
	}
	in := &v1.RepositionRequest{Shards: m.partitions, Place: placeOfFlag[given[0]]}
	switch in.Place {
	case v1.RepositionRequest_PLACE_OFFSET:
		if in.Value = m.offset; m.offset < 0 {
			return nil, protocol.Faultf(protocol.Config, "%d is no offset", m.offset).At("--to-offset").Hint("0 or more")
		}
	case v1.RepositionRequest_PLACE_TIME:
		t, err := momentOf(strings.TrimSpace(m.time), m.zone())
		if err != nil {
			return nil, err
		}
		in.Value = t.UnixMilli()
	}
	return in, nil
}

// momentOf reads a time of --to-timestamp; one that names no zone is of the given zone, or that of the process.
func momentOf(text, zone string) (time.Time, error) {
	const try = "2026-01-01T00:00:00+08:00, or Unix milliseconds"
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (len(text) == 12 || len(text) == 13) && n > 0 {
		return time.UnixMilli(n), nil
	}
	where := time.Local
	if zone != "" {
		var err error
		if where, err = time.LoadLocation(zone); err != nil {
			return time.Time{}, protocol.Faultf(protocol.Config, "%w", err).At("--tz").Hint("a name such as Asia/Shanghai or UTC")
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, "20060102150405"} {
		t, err := time.ParseInLocation(layout, text, where)
		if err != nil {
			continue
		}
		if layout != time.RFC3339Nano && t.Format(layout) != text {
			return t, protocol.Faultf(protocol.Config, "%q does not exist in the zone %s: its clocks skip it", text, where).At("--to-timestamp").Hint(try)
		}
		if t.UnixMilli() < 0 {
			break // brokers know no such time
		}
		return t, nil
	}
	return time.Time{}, protocol.Faultf(protocol.Config, "%q is no such time", text).At("--to-timestamp").Hint(try)
}

// showPositions prints where a job goes on, and how much there is to read.
func (a *app) showPositions(ctx context.Context, s *keptPositions) error {
	out, err := s.reader.Reader().Positions(ctx, &v1.PositionsRequest{Parameters: s.step.Parameters, Job: s.plan.Job,
		Mode: s.mode(), Lenient: s.plan.Lenient})
	if err != nil {
		return fault.Within(s.step.Path, err)
	}
	use := "not in use"
	if out.InUse != "" {
		use = "in use: " + out.InUse
	}
	w := masked{a, a.stdout}
	if _, err := fmt.Fprintf(w, "%s: %s, %s\n", s.job.Name, fault.Printable(out.Keeper), fault.Printable(use)); err != nil {
		return err
	}
	if len(out.Positions) == 0 {
		_, err := io.WriteString(w, "  no partitions yet\n")
		return err
	}
	rows := [][]string{{"partition", "position", "oldest", "newest", "to read"}}
	for _, k := range out.Positions {
		left := "-"
		if k.Offset >= 0 && k.Newest >= 0 {
			left = strconv.FormatInt(max(0, k.Newest-max(k.Offset, k.Oldest)), 10)
		}
		rows = append(rows, []string{k.Shard, number(k.Offset), number(k.Oldest), number(k.Newest), left})
	}
	return inColumns(w, rows)
}

// movePositions moves where a job goes on, and prints from where to where.
func (a *app) movePositions(ctx context.Context, s *keptPositions, to *moveFlags) error {
	in, err := to.request()
	if err != nil {
		return err
	}
	release, err := s.lock()
	if err != nil {
		return err
	}
	defer release()
	in.Parameters, in.Job, in.Mode, in.Lenient = s.step.Parameters, s.plan.Job, s.mode(), s.plan.Lenient
	out, err := s.reader.Reader().Reposition(ctx, in)
	if err != nil {
		return fault.Within(s.step.Path, err)
	}
	for _, n := range out.Notes {
		if _, err := fmt.Fprintf(a.stderr, "gx: warning: %s\n", a.mask(fault.Printable(n))); err != nil {
			return err
		}
	}
	w := masked{a, a.stdout}
	if _, err := fmt.Fprintf(w, "%s: %s, moved\n", s.job.Name, fault.Printable(out.Keeper)); err != nil {
		return err
	}
	rows := [][]string{{"partition", "before", "now", "newest"}}
	for i, k := range out.Positions {
		rows = append(rows, []string{k.Shard, number(out.Before[i]), number(k.Offset), number(k.Newest)})
	}
	return inColumns(w, rows)
}

func number(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

// inColumns prints a table: the first column to the left, the others to the right.
func inColumns(w io.Writer, rows [][]string) error {
	wide := 0
	for _, r := range rows {
		r[0] = fault.Printable(r[0])
		wide = max(wide, len(r[0]))
	}
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, r := range rows {
		if _, err := fmt.Fprintf(tw, "  %-*s\t%s\t\n", wide, r[0], strings.Join(r[1:], "\t")); err != nil {
			return err
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}
