package host

import (
	"os"
	"testing"
)

func TestSweepKeepsWhatIsInUse(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	held, err := newSocketDir()
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := newSocketDir()
	if err != nil {
		t.Fatal(err)
	}
	_ = orphan.lock.Close() // as when its core was killed
	sweep()
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
