package keep

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOneOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	f := open(t, dir)
	_, err := Open(dir)
	var used *InUse
	if !errors.As(err, &used) || used.PID != fmt.Sprint(os.Getpid()) || used.Dir != dir {
		t.Errorf("%v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil {
		t.Error("a file is no folder")
	}
}

func TestFiles(t *testing.T) {
	f := open(t, t.TempDir())
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	var got []int
	if there, err := f.Read("list.json", &got); there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
	for _, want := range [][]int{{1, 2, 3}, {4}} {
		if err := f.Write("list.json", want); err != nil {
			t.Fatal(err)
		}
		got = nil
		if there, err := f.Read("list.json", &got); !there || err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, %v, %v", got, there, err)
		}
	}
	if err := f.Write("bad.json", make(chan int)); err == nil {
		t.Error("a channel is no JSON")
	}
	if err := os.WriteFile(f.Path("torn.json"), []byte("[1,"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("torn.json", &got); err == nil {
		t.Error("a torn file was read")
	}
	left, err := filepath.Glob(f.Path(".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
