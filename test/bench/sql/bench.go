package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/bench/drain"
	"github.com/gx-etl/gx/test/bench/rig"
	"github.com/gx-etl/gx/test/mariadb"
)

// few is how many rows a job has whose time is all start and end.
const few = 100

// subject is something that is measured.
type subject struct {
	name  string
	about string
	child string // what a child does; empty for gx
	job   string // of gx
	lanes int
	few   bool   // few rows rather than all
	drops string // how many of a hundred rows a transformer takes out; empty without one
}

var subjects = []subject{
	{name: "packets", about: "the query's packets, skipped", child: "packets"},
	{name: "driver", about: "go-sql-driver alone", child: "driver"},
	{name: "csv-1", about: "gx, CSV, 1 lane", job: "csv.json", lanes: 1},
	{name: "csv-4", about: "gx, CSV, 4 lanes", job: "csv.json", lanes: 4},
	{name: "json-1", about: "gx, JSON, 1 lane", job: "json.json", lanes: 1},
	{name: "json-4", about: "gx, JSON, 4 lanes", job: "json.json", lanes: 4},
	{name: "filter-0", about: "gx, CSV, 1 lane, no row filtered", job: "filtered.json", lanes: 1, drops: "0"},
	{name: "filter-50", about: "gx, CSV, 1 lane, 50 % filtered", job: "filtered.json", lanes: 1, drops: "50"},
	{name: "filter-99", about: "gx, CSV, 1 lane, 99 % filtered", job: "filtered.json", lanes: 1, drops: "99"},
	{name: "few", about: fmt.Sprintf("gx, CSV, %d rows", few), job: "csv.json", lanes: 1, few: true},
}

func names() string {
	var out []string
	for _, s := range subjects {
		out = append(out, s.name)
	}
	return strings.Join(out, ", ")
}

// sample is one measurement of a subject.
type sample struct {
	subject   string
	rows      int64 // that are read
	due       int64 // that should arrive
	counted   int64 // by the stand-in; by the subject itself without gx
	seconds   float64
	wall      float64
	processes []rig.Process
	server    float64 // CPU seconds of MariaDB, 0 when it is not ours
	sink      float64
	others    float64 // CPU seconds of processes that have no part in this
}

type bench struct {
	settings
	subjects []subject
	server   *mariadb.Server // nil when one that was there is used
	addr     string
	sandbox  *rig.Sandbox
	gx       rig.GX
	samples  []sample
}

func newBench(s settings) (*bench, error) {
	b := &bench{settings: s, subjects: subjects, gx: rig.GX{Program: s.gxPath, Dir: filepath.Join(s.dir, "runs")}}
	if s.only != "" {
		b.subjects = nil
		for name := range strings.SplitSeq(s.only, ",") {
			i := slices.IndexFunc(subjects, func(s subject) bool { return s.name == name })
			if i < 0 {
				return nil, fmt.Errorf("--only: %q is not one of %s", name, names())
			}
			b.subjects = append(b.subjects, subjects[i])
		}
	}
	return b, nil
}

// run starts everything, measures, and stops everything again.
func (b *bench) run(ctx context.Context) (err error) {
	if b.addr = b.mariadb; b.addr == "" {
		if b.server, err = mariadb.Start(ctx, b.root, filepath.Join(b.dir, "server")); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.server.Stop()) }()
		b.addr = b.server.Addr
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	tables := filepath.Join(b.root, "test", "bench", "sql", "tables.sql")
	if b.sandbox, err = rig.StartSandbox(ctx, b.sandboxPath, filepath.Join(b.dir, "runs"), tables, "--discard"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.sandbox.Stop()) }()
	for i := range b.repeat {
		for j := range b.subjects {
			s := b.subjects[(i+j)%len(b.subjects)] // no subject always follows the same other one
			if err := b.measure(ctx, s, i); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	b.print(os.Stdout)
	return b.verdict()
}

func query(table string) string {
	return "SELECT id, line, price, name, made, ratio FROM bench." + table
}

// prepare fills the tables and reads the large one once, so that it lies in the server's memory.
func (b *bench) prepare(ctx context.Context) error {
	db, err := sql.Open("mysql", "root@tcp("+b.addr+")/")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, rows := range []int64{few, b.rows} {
		if err := ensure(ctx, db, rows); err != nil {
			return err
		}
	}
	var warm drain.Result
	_, _, err = rig.Child(ctx, &warm, "packets", b.addr, query(tableOf(b.rows)))
	return err
}

func (b *bench) measure(ctx context.Context, s subject, round int) error {
	if err := rig.Settle(ctx, b.settle); err != nil {
		return err
	}
	server, sink, clock := b.serverCPU(), rig.CPUOf(b.sandbox.Pid()), rig.ReadClock()
	out := sample{subject: s.name, rows: b.rows}
	if s.few {
		out.rows = few
	}
	drops, _ := strconv.ParseInt(s.drops, 10, 64)
	out.due = out.rows / 100 * (100 - drops)
	var err error
	if s.child != "" {
		err = b.alone(ctx, s, &out)
	} else {
		err = b.moved(ctx, s, &out)
	}
	if err != nil {
		return err
	}
	out.server, out.sink = (b.serverCPU() - server).Seconds(), (rig.CPUOf(b.sandbox.Pid()) - sink).Seconds()
	out.others = max(0, clock.Since().Work.Seconds()-out.server-out.sink-out.cpuSeconds())
	b.samples = append(b.samples, out)
	fmt.Fprintf(os.Stderr, "%d/%d %-28s %5.2f s  %5.2f M rows/s  %d counted  others %.2f of a core\n",
		round+1, b.repeat, s.about, out.wall, out.rate(), out.counted, out.others/out.wall)
	return nil
}

// serverCPU is 0 for a server that is not ours.
func (b *bench) serverCPU() time.Duration {
	if b.server == nil {
		return 0
	}
	return rig.CPUOf(b.server.Pid)
}

func (b *bench) alone(ctx context.Context, s subject, out *sample) error {
	var r drain.Result
	used, wall, err := rig.Child(ctx, &r, s.child, b.addr, query(tableOf(out.rows)))
	if err != nil {
		return err
	}
	out.counted, out.seconds, out.wall = r.Rows, r.Seconds, wall.Seconds()
	out.processes = []rig.Process{{Name: s.name, CPUSeconds: used.CPU.Seconds(), MaxRSS: used.MaxRSS}}
	return nil
}

func (b *bench) moved(ctx context.Context, s subject, out *sample) error {
	before, err := b.sandbox.Rows(ctx, "bench", "orders")
	if err != nil {
		return err
	}
	r, err := b.gx.Run(ctx, filepath.Join(b.root, "test", "bench", "sql", s.job), "mariadb="+b.addr, "table="+tableOf(out.rows),
		"lanes="+strconv.Itoa(s.lanes), "drops="+s.drops, "feHttp="+b.sandbox.FEHTTP, "feQuery="+b.sandbox.FEQuery)
	if err != nil {
		return err
	}
	after, err := b.sandbox.Rows(ctx, "bench", "orders")
	if err != nil {
		return err
	}
	out.counted, out.seconds, out.wall, out.processes = after-before, r.Seconds, r.Wall.Seconds(), r.Processes
	return nil
}

// rate is in millions of rows read a second, by the subject's own clock.
func (s *sample) rate() float64 { return float64(s.rows) / s.seconds / 1e6 }

func (s *sample) cpuSeconds() (sum float64) {
	for _, p := range s.processes {
		sum += p.CPUSeconds
	}
	return sum
}

func (s *sample) cpu() float64 { return perMillion(s.cpuSeconds(), s.rows) }

func (s *sample) resident() (sum float64) {
	for _, p := range s.processes {
		sum += float64(p.MaxRSS) / 1e6
	}
	return sum
}

func perMillion(cpuSeconds float64, rows int64) float64 { return cpuSeconds / float64(rows) * 1e6 }
