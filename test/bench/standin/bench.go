package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/bench/rig"
)

// Rows of one body: about 50 MB each.
const (
	csvRows  = 600_000
	jsonRows = 360_000
)

// subject is something that is measured.
type subject struct {
	name, about string
	unit        string
	format      string
	target      float64 // 0: none
	atMost      bool    // the target is a limit, otherwise it must be reached
	measure     func(b *bench, ctx context.Context) (float64, error)
}

var subjects = []subject{
	{name: "start", about: "start of gx-sandbox, Kafka and all", unit: "s", format: "%.2f", target: 1, atMost: true, measure: (*bench).startUp},
	{name: "ceiling", about: "loopback alone, nobody looks", unit: "GB/s", format: "%.2f", measure: (*bench).ceiling},
	{name: "discard-csv", about: "--discard, CSV", unit: "GB/s", format: "%.2f", target: 2, measure: discard("csv", csvRows, 1, 0)},
	{name: "discard-ndjson", about: "--discard, JSON lines", unit: "GB/s", format: "%.2f", target: 2, measure: discard("ndjson", jsonRows, 1, 0)},
	{name: "discard-array", about: "--discard, JSON array", unit: "GB/s", format: "%.2f", target: 2, measure: discard("array", jsonRows, 1, 0)},
	{name: "discard-chunked", about: "--discard, CSV in chunks of 32 KiB", unit: "GB/s", format: "%.2f", target: 2, measure: discard("csv", csvRows, 1, 32<<10)},
	{name: "discard-csv-4", about: "--discard, CSV, 4 connections", unit: "GB/s", format: "%.2f", target: 2, measure: discard("csv", csvRows, 4, 0)},
	{name: "discard-ndjson-4", about: "--discard, JSON lines, 4 connections", unit: "GB/s", format: "%.2f", target: 2, measure: discard("ndjson", jsonRows, 4, 0)},
	{name: "load-csv", about: "loads of CSV, stored", unit: "rows/s", format: "%.0f", target: 300_000, measure: load("csv", csvRows)},
	{name: "load-json", about: "loads of JSON lines, stored", unit: "rows/s", format: "%.0f", target: 300_000, measure: load("ndjson", jsonRows)},
	{name: "select", about: "SELECT *, packets skipped", unit: "rows/s", format: "%.0f", target: 400_000, measure: query("drain")},
	{name: "select-driver", about: "SELECT * through go-sql-driver", unit: "rows/s", format: "%.0f", measure: query("scan")},
	{name: "memory", about: "memory of a stored row", unit: "bytes", format: "%.0f", measure: (*bench).memory},
}

func names(list []subject) string {
	var out []string
	for _, s := range list {
		out = append(out, s.name)
	}
	return strings.Join(out, ", ")
}

type bench struct {
	settings
	subjects []subject
	figures  map[string][]float64 // by name of the subject

	sink       string // address
	storing    *rig.Sandbox
	discarding *rig.Sandbox
	million    bool // the table of that name is full
}

func newBench(s settings) (*bench, error) {
	b := &bench{settings: s, subjects: subjects, figures: map[string][]float64{}}
	if s.only != "" {
		b.subjects = nil
		for name := range strings.SplitSeq(s.only, ",") {
			i := slices.IndexFunc(subjects, func(s subject) bool { return s.name == name })
			if i < 0 {
				return nil, fmt.Errorf("--only: %q is not one of %s", name, names(subjects))
			}
			b.subjects = append(b.subjects, subjects[i])
		}
	}
	return b, nil
}

// run starts everything, measures, and stops everything again.
func (b *bench) run(ctx context.Context) (err error) {
	address, stop, err := startSink(ctx)
	if err != nil {
		return err
	}
	b.sink = address
	defer func() { err = errors.Join(err, stop()) }()
	for name, s := range map[string]**rig.Sandbox{"storing": &b.storing, "discarding": &b.discarding} {
		var flags []string
		if name == "discarding" {
			flags = []string{"--discard"}
		}
		if *s, err = b.start(ctx, name, flags...); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, (*s).Stop()) }()
	}
	for i := range b.repeat {
		for _, s := range b.subjects {
			if err := rig.Settle(ctx, b.settle); err != nil {
				return err
			}
			v, err := s.measure(b, ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			b.figures[s.name] = append(b.figures[s.name], v)
			fmt.Fprintf(os.Stderr, "%d/%d %-40s "+s.format+" %s\n", i+1, b.repeat, s.about, v, s.unit)
		}
	}
	b.print(os.Stdout)
	return b.verdict()
}

func (b *bench) start(ctx context.Context, name string, flags ...string) (*rig.Sandbox, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return rig.StartSandbox(ctx, b.sandbox, dir, filepath.Join(b.root, "test", "bench", "standin", "tables.sql"), flags...)
}

// startUp is the time from the start of the program until all its servers listen and its tables are there, to 20 ms.
func (b *bench) startUp(ctx context.Context) (float64, error) {
	began := time.Now()
	s, err := b.start(ctx, "started")
	if err != nil {
		return 0, err
	}
	took := time.Since(began).Seconds()
	return took, s.Stop()
}

// passing runs a child and returns what went through.
func passing(ctx context.Context, args ...string) (passed, error) {
	var out passed
	_, _, err := rig.Child(ctx, &out, args...)
	return out, err
}

func (b *bench) ceiling(ctx context.Context) (float64, error) {
	p, err := passing(ctx, "ceiling", b.sink)
	return float64(p.Bytes) / p.Seconds / 1e9, err
}

func discard(form string, rows, connections, chunk int) func(b *bench, ctx context.Context) (float64, error) {
	return func(b *bench, ctx context.Context) (float64, error) {
		before, err := b.discarding.Rows(ctx, "bench", "orders")
		if err != nil {
			return 0, err
		}
		f, err := formOf(form)
		if err != nil {
			return 0, err
		}
		l := &loads{backend: b.discarding.BEHTTP, table: "orders", form: f, connections: connections, each: 20 / connections, rows: rows, chunk: chunk}
		p, err := passing(ctx, l.arguments()...)
		if err != nil {
			return 0, err
		}
		after, err := b.discarding.Rows(ctx, "bench", "orders")
		if err == nil && after-before != p.Rows {
			err = fmt.Errorf("%d of %d rows were counted", after-before, p.Rows)
		}
		return float64(p.Bytes) / p.Seconds / 1e9, err
	}
}

// store loads into an empty table and checks that all of it stands there.
func (b *bench) store(ctx context.Context, s *rig.Sandbox, table, form string, each, rows int) (passed, error) {
	f, err := formOf(form)
	if err != nil {
		return passed{}, err
	}
	if err := b.empty(ctx, s, table); err != nil {
		return passed{}, err
	}
	l := &loads{backend: s.BEHTTP, table: table, form: f, connections: 1, each: each, rows: rows}
	p, err := passing(ctx, l.arguments()...)
	if err != nil {
		return passed{}, err
	}
	stored, err := s.Rows(ctx, "bench", table)
	if err == nil && stored != p.Rows {
		err = fmt.Errorf("%d of %d rows are stored", stored, p.Rows)
	}
	return p, err
}

func (b *bench) empty(ctx context.Context, s *rig.Sandbox, table string) error {
	db, err := sql.Open("mysql", "root@tcp("+s.FEQuery+")/")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "TRUNCATE TABLE bench."+table)
	return errors.Join(err, db.Close())
}

func load(form string, rows int) func(b *bench, ctx context.Context) (float64, error) {
	return func(b *bench, ctx context.Context) (float64, error) {
		p, err := b.store(ctx, b.storing, "orders", form, 4, rows)
		if err != nil {
			return 0, err
		}
		return float64(p.Rows) / p.Seconds, b.empty(ctx, b.storing, "orders")
	}
}

func query(child string) func(b *bench, ctx context.Context) (float64, error) {
	return func(b *bench, ctx context.Context) (float64, error) {
		const rows = 1_000_000
		if !b.million {
			if _, err := b.store(ctx, b.storing, "million", "csv", 2, rows/2); err != nil {
				return 0, err
			}
			b.million = true
		}
		p, err := passing(ctx, child, b.storing.FEQuery, "SELECT * FROM bench.million")
		if err == nil && p.Rows != rows {
			err = fmt.Errorf("%d of %d rows came", p.Rows, rows)
		}
		return float64(p.Rows) / p.Seconds, err
	}
}

// memory is by how much a sandbox grew from its start until it stored 2,400,000 rows in four loads, for each row. The
// buffers of the loads and what the garbage collector has not given back are in it.
func (b *bench) memory(ctx context.Context) (_ float64, err error) {
	s, err := b.start(ctx, "started")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	before, err := resident(s.Pid())
	if err != nil {
		return 0, err
	}
	p, err := b.store(ctx, s, "orders", "csv", 4, csvRows)
	if err != nil {
		return 0, err
	}
	after, err := resident(s.Pid())
	return float64(after-before) / float64(p.Rows), err
}

// resident is the memory that a process holds now, in bytes.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("memory is measured on Linux only: %w", err)
	}
	var all, pages int64
	if _, err := fmt.Sscan(string(text), &all, &pages); err != nil {
		return 0, fmt.Errorf("/proc/%d/statm: %w", pid, err)
	}
	return pages * int64(os.Getpagesize()), nil
}
