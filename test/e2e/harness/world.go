// Package harness runs gx as a user would: the real programs, real plugin processes, a sandbox with a StarRocks stand-in
// and an embedded Kafka, and beside it a real Apache Kafka when GX_TEST_KAFKA_HOME names its jars. A World is shared by
// all tests of a test binary; every Case has a topic, a database and a table of its own.
package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gx-etl/gx/test/e2e/built"
)

// The user with a password that the StarRocks stand-in and the SASL listener of the real Kafka know besides the open
// ones. No output of gx may hold the password.
const (
	User     = "etl"
	Password = "Canary-4711.pass"
)

// World is what all cases of a test binary share.
type World struct {
	Sandbox *Sandbox
	Brokers []*Broker // the embedded one, and the real one when it is here
	gx      string
	dir     string
}

// Main is the body of a TestMain: it starts the world, runs the tests and stops the world.
func Main(m *testing.M, w *World) int {
	if err := w.start(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		w.stop()
		return 1
	}
	code := m.Run()
	w.stop()
	return code
}

func (w *World) start() (err error) {
	if w.dir, err = os.MkdirTemp("", "gx-e2e-"); err != nil {
		return err
	}
	if w.gx, err = built.Path("gx", w.dir); err != nil {
		return err
	}
	sandbox, err := built.Path("gx-sandbox", w.dir)
	if err != nil {
		return err
	}
	// The two start side by side: a JVM takes a while.
	type started struct {
		broker *Broker
		err    error
	}
	apache := make(chan started, 1)
	go func() {
		b, err := startApache(filepath.Join(w.dir, "kafka"))
		apache <- started{b, err}
	}()
	w.Sandbox, err = startSandbox(sandbox, w.dir)
	real := <-apache
	if real.broker != nil {
		defer func() { w.Brokers = append(w.Brokers, real.broker) }()
	}
	if err != nil {
		return err
	}
	fake, err := embedded(w.Sandbox.Kafka)
	w.Brokers = append(w.Brokers, fake)
	return errors.Join(err, real.err)
}

func (w *World) stop() {
	stopRegistry()
	for _, b := range w.Brokers {
		b.stop()
	}
	if w.Sandbox != nil {
		w.Sandbox.stop()
	}
	_ = os.RemoveAll(w.dir)
}

// Beside starts another StarRocks stand-in with the flags given, for one test, and gives the world in which it stands in
// the place of the usual one.
func (w *World) Beside(t *testing.T, flags ...string) *World {
	t.Helper()
	program, err := built.Path("gx-sandbox", w.dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := startSandbox(program, t.TempDir(), append([]string{"--kafka", "off"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return &World{Sandbox: s, Brokers: w.Brokers, gx: w.gx, dir: w.dir}
}

// Each runs a test once per broker, side by side.
func (w *World) Each(t *testing.T, f func(t *testing.T, c *Case)) {
	t.Parallel()
	for _, b := range w.Brokers {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			f(t, w.Case(t, b))
		})
	}
}
