package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/bench/drain"
	"github.com/gx-etl/gx/test/sandbox"
)

func TestBodies(t *testing.T) {
	const rows = 1000
	for i := range forms {
		f := &forms[i]
		body := f.body(rows)
		if !bytes.Equal(body, f.body(rows)) {
			t.Errorf("%s: two bodies differ", f.name)
		}
		var lines [][]byte
		if f.name == "array" {
			var list []json.RawMessage
			if err := json.Unmarshal(body, &list); err != nil {
				t.Fatalf("array: %v", err)
			}
			for _, l := range list {
				lines = append(lines, l)
			}
		} else {
			lines = bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
		}
		if len(lines) != rows {
			t.Errorf("%s: %d rows", f.name, len(lines))
		}
		for _, l := range lines {
			if f.name == "csv" {
				if n := bytes.Count(l, []byte("\t")); n != 5 {
					t.Fatalf("csv: %q has %d separators", l, n)
				}
				continue
			}
			var row map[string]any
			if err := json.Unmarshal(l, &row); err != nil || len(row) != 6 {
				t.Fatalf("%s: %s: %v", f.name, l, err)
			}
		}
	}
}

func startSandbox(t *testing.T, discard bool) *sandbox.Sandbox {
	t.Helper()
	text, err := os.ReadFile("tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.Start(t.Context(), sandbox.Options{FEHTTP: "127.0.0.1:0", FEQuery: "127.0.0.1:0", BEHTTP: "127.0.0.2:0", Control: "127.0.0.1:0",
		Init: string(text), Discard: discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Every form is stored whole and comes back whole, through both clients.
func TestLoadAndRead(t *testing.T) {
	s := startSandbox(t, false)
	const rows = 500
	want := int64(0)
	for i := range forms {
		l := &loads{backend: s.BEAddr(), table: "orders", form: &forms[i], connections: 2, each: 3, rows: rows, chunk: 1000 * i}
		p, err := l.run(t.Context())
		if err != nil || p.Rows != 6*rows || p.Bytes != 6*int64(len(forms[i].body(rows))) || p.Seconds <= 0 {
			t.Fatalf("%s: %+v, %v", forms[i].name, p, err)
		}
		want += p.Rows
	}
	drained, err := drain.Packets(t.Context(), s.QueryAddr(), "SELECT * FROM bench.orders")
	if err != nil || drained.Rows != want {
		t.Errorf("drained %+v, %v; want %d rows", drained, err, want)
	}
	scanned, err := drain.Scan(t.Context(), s.QueryAddr(), "SELECT * FROM bench.orders")
	if err != nil || scanned.Rows != want || scanned.Bytes >= drained.Bytes {
		t.Errorf("scanned %+v, %v; want %d rows, and fewer bytes than with their frames", scanned, err, want)
	}
	values, err := drain.Values(t.Context(), s.QueryAddr(), "SELECT * FROM bench.orders")
	if err != nil || values.Rows != want {
		t.Errorf("values %+v, %v; want %d rows", values, err, want)
	}
	if _, err := drain.Packets(t.Context(), s.QueryAddr(), "SELECT * FROM bench.nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("drained from nowhere: %v", err)
	}
	if _, err := drain.Scan(t.Context(), s.QueryAddr(), "SELECT * FROM bench.nowhere"); err == nil {
		t.Error("scanned from nowhere")
	}
}

func TestLoadsAreChecked(t *testing.T) {
	s := startSandbox(t, true)
	short := forms[0]
	short.row = func(r *order, b []byte) []byte {
		if r.line == 3 {
			return b // a blank line is no row
		}
		return r.csv(b)
	}
	l := &loads{backend: s.BEAddr(), table: "orders", form: &short, connections: 1, each: 1, rows: 10}
	if _, err := l.run(t.Context()); err == nil || !strings.Contains(err.Error(), "10 rows were sent") {
		t.Errorf("a row too few: %v", err)
	}
	l.form, l.table = &forms[0], "nowhere"
	if _, err := l.run(t.Context()); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a load into nowhere: %v", err)
	}
}

func TestLoadsAsArguments(t *testing.T) {
	want := &loads{backend: "127.0.0.2:8040", table: "orders", form: &forms[1], connections: 4, each: 5, rows: 6, chunk: 7}
	got, err := parseLoads(want.arguments()[1:])
	if err != nil || got.form != want.form {
		t.Fatalf("%+v, %v", got, err)
	}
	got.form, want.form = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := parseLoads([]string{"a", "t", "xml", "1", "1", "1", "0"}); err == nil {
		t.Error("an unknown form was taken")
	}
	if err := child(t.Context(), []string{"load", "a"}); err == nil {
		t.Error("a child took too few arguments")
	}
}

func measured() *bench {
	b, err := newBench(settings{repeat: 2, check: true})
	if err != nil {
		panic(err)
	}
	for _, s := range subjects {
		b.figures[s.name] = []float64{s.target, 2 * s.target}
	}
	b.figures["ceiling"] = []float64{8, 6}
	b.figures["memory"] = []float64{150, 100}
	return b
}

func TestPrint(t *testing.T) {
	var out strings.Builder
	b := measured()
	b.figures["load-csv"] = []float64{200_000, 100_000}
	b.print(&out)
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"| 8.00 | 7.00 (6.00–8.00) |", "| 4.00 | 3.00 (2.00–4.00) | 50 % |", "| ≤ 1 | met |", "| 100 | 125 (100–150) |",
		"| 200000 | 150000 (100000–200000) | - | ≥ 300000 | not met |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestVerdict(t *testing.T) {
	b := measured()
	if err := b.verdict(); err != nil {
		t.Error(err)
	}
	b.figures["select"] = []float64{399_999}
	b.figures["start"] = []float64{1.5, 1.2}
	err := b.verdict()
	if err == nil || !strings.Contains(err.Error(), "399999 rows/s") || !strings.Contains(err.Error(), "1.20 s") {
		t.Errorf("%v", err)
	}
	b = measured()
	b.figures["ceiling"], b.figures["discard-csv"] = []float64{2.5}, []float64{1.76}
	if err := b.verdict(); err != nil {
		t.Errorf("under a low ceiling: %v", err)
	}
	b.figures["discard-csv"] = []float64{1.74}
	if err := b.verdict(); err == nil {
		t.Error("less than 70 % of a low ceiling will do")
	}
	b.check = false
	if err := b.verdict(); err != nil {
		t.Errorf("without --check: %v", err)
	}
}

func TestOnly(t *testing.T) {
	b, err := newBench(settings{only: "select,ceiling"})
	if err != nil || len(b.subjects) != 2 || b.subjects[1].name != "ceiling" {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := newBench(settings{only: "all"}); err == nil {
		t.Error("an unknown name was taken")
	}
}

// The whole command, with itself as the children and a program that cannot start as the stand-in.
func TestSandboxThatDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "gx-sandbox")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := &bench{settings: settings{sandbox: program, dir: dir, root: dir}}
	if _, err := b.startUp(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
}

func TestPour(t *testing.T) {
	address, stop, err := startSink(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if p, err := pour(t.Context(), address, make([]byte, 1<<20), 3); err != nil || p.Bytes != 3<<20 {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestMain lets the test program be its own child.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		if err := child(context.Background(), os.Args[2:]); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
