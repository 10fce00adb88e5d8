package sandbox

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/keep"
)

func TestDataOutlivesTheSandbox(t *testing.T) {
	dir := t.TempDir()
	s, err := Start(t.Context(), Options{Init: initSQL, Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{s, t}
	c.want(c.load("first", "5\ta\t5\n"), `"Status": "Success"`)
	c.want(c.txn("begin", "open", ""), `"Status": "OK"`)
	c.want(c.txn("load", "open", "6\ta\t5\n"), `"Status": "OK"`)
	c.want(c.txn("prepare", "open", ""), `"Status": "OK"`)
	if _, err := Start(t.Context(), Options{Data: dir}); !errors.As(err, new(*keep.InUse)) {
		t.Errorf("two sandboxes in one folder: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	c = lend(t, Options{Init: "CREATE DATABASE never", Data: dir})
	c.count("2")
	c.want(c.load("first", "5\ta\t5\n"), "Label Already Exists", "FINISHED")
	if got := c.state("open"); got != "ABORTED" {
		t.Errorf("prepared before the end: %s", got)
	}
	if c.Store.HasDatabase("never") {
		t.Error("--init ran over tables that were kept")
	}
	c.want(c.load("second", "7\ta\t5\n"), `"Status": "Success"`)
	c.control("POST", "/save", "")
	if left, err := os.ReadFile(dir + "/" + labelsFile); err != nil || !strings.Contains(string(left), "second") {
		t.Errorf("%s, %v", left, err)
	}
}

func TestSavesByItself(t *testing.T) {
	dir := t.TempDir()
	c := lend(t, Options{Data: dir, SaveEvery: 5 * time.Millisecond})
	c.want(c.load("first", "5\ta\t5\n"), `"Status": "Success"`)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile(dir + "/" + labelsFile); err == nil && strings.Contains(string(text), "first") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nothing was saved")
		}
	}
}

func TestDamagedData(t *testing.T) {
	for _, name := range []string{labelsFile, tablesFile + "/store.gxs"} {
		dir := t.TempDir()
		s, err := Start(t.Context(), Options{Init: initSQL, Data: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), Options{Data: dir}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(dir + "/" + name); err != nil || string(text) != "nonsense" {
			t.Errorf("%s was written over: %s, %v", name, text, err)
		}
	}
	if s, err := Start(t.Context(), Options{}); err != nil || s.Save() == nil || s.Close() != nil {
		t.Errorf("saved without a folder, %v", err)
	}
}
