package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "gx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// The kernel's limit for a socket's address must not depend on where temporary files go.
func TestLongTemporaryFolder(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("deep/", 20))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	p := launch(t, Options{})
	if _, err := p.Describe(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Cores that start at the same time sweep while others make their folders.
func TestSweepersAndMakersTogether(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				sweep(socketBase())
				d, err := newSocketDir()
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := os.Stat(filepath.Join(d.path, "lock")); err != nil {
					t.Errorf("swept while in use: %v", err)
				}
				d.remove()
			}
		})
	}
	wg.Wait()
}

func TestSweepKeepsWhatIsInUse(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	held, err := newSocketDir()
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := newSocketDir()
	if err != nil {
		t.Fatal(err)
	}
	_ = orphan.lock.Close() // as when its core was killed
	sweep(socketBase())
	if _, err := os.Stat(held.path); err != nil {
		t.Errorf("a folder in use is gone: %v", err)
	}
	if _, err := os.Stat(orphan.path); !os.IsNotExist(err) {
		t.Errorf("a folder that nobody uses stayed: %v", err)
	}
	held.remove()
	if _, err := os.Stat(held.path); !os.IsNotExist(err) {
		t.Errorf("remove left the folder: %v", err)
	}
}
