package state

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fault"
)

func TestLockNamesTheHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	l, err := Acquire(dir, "nightly")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(dir, "nightly")
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || fault.Exit(err) != fault.ExitConfig {
		t.Fatalf("second lock: %v", err)
	}
	other, err := Acquire(dir, "hourly")
	if err != nil {
		t.Fatal(err)
	}
	other.Release()
	l.Release()
	l, err = Acquire(dir, "nightly")
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	l.Release()
}

func TestLockWithoutADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Acquire(filepath.Join(file, "below"), "j")
	if fault.Exit(err) != fault.ExitConfig || !strings.Contains(fault.Text(err), "--state-dir") {
		t.Fatalf("%v", fault.Text(err))
	}
}

func TestDirtyFileKeepsBytes(t *testing.T) {
	d := &DirtyFile{Path: filepath.Join(t.TempDir(), "j.dirty.jsonl"), Job: "j", Run: "r"}
	if d.Written() {
		t.Fatal("written before the first record")
	}
	for _, rec := range [][]byte{[]byte("{\"a\":"), {0xff, 0x00}} {
		if err := d.Add(t.Context(), engine.DirtyRecord{Side: "p", Place: "topic t, partition 0, offset 1", Reason: "no JSON", Record: rec}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	st, _ := os.Stat(d.Path)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	b, _ := os.ReadFile(d.Path)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	var one, two dirtyLine
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &one) != nil || json.Unmarshal([]byte(lines[1]), &two) != nil {
		t.Fatalf("%q", b)
	}
	if one.Record != "{\"a\":" || one.RecordB64 != "" || two.RecordB64 != "/wA=" || one.Place == "" || one.Reason != "no JSON" {
		t.Fatalf("%+v %+v", one, two)
	}
}
