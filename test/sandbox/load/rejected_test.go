package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The path of an answer leads to a file with the refused rows, for failed loads
// too; it ends with the server.
func TestRejectedRecordFiles(t *testing.T) {
	b := start(t)
	for _, c := range []struct{ header, ratio, status, want string }{
		{"log_rejected_record_num: -1", "max_filter_ratio: 1", "Success", "x\ta\t1\tNULL value in non-nullable column 'k'\t\ny\tb\t1\tNULL value in non-nullable column 'k'\t\n"},
		{"log_rejected_record_num: 1", "max_filter_ratio: 0", "Fail", "x\ta\t1\tNULL value in non-nullable column 'k'\t\n"},
		{"log_rejected_record_num: 0", "max_filter_ratio: 1", "Success", ""},
	} {
		r := b.want(b.load("t", "x\ta\t1\ny\tb\t1\n3\tc\t1\n", c.header, c.ratio), c.status, "")
		at := r.answer.RejectedRecordPath
		if c.want == "" {
			if at != "" {
				t.Errorf("%s: %s", c.header, at)
			}
			continue
		}
		host, path, ok := strings.Cut(at, ":")
		if !ok || !strings.HasPrefix(b.BEAddr(), host+":") || !strings.Contains(path, "/d/"+r.answer.Label+"/") {
			t.Fatalf("%s: path %q", c.header, at)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.header, got, err, c.want)
		}
		t.Cleanup(func() {
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("%s outlives its server: %v", path, err)
			}
		})
	}
	// Cleanups run last first: this one before those above.
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Whatever a database is called, its files stay in their folder.
func TestRejectedRecordFolder(t *testing.T) {
	var r rejectedRecords
	dir, err := r.folder()
	if err != nil {
		t.Fatal(err)
	}
	for _, db := range []string{"..", ".", "a/../../b", "名"} {
		path, err := r.write(db, "l", 1, nil)
		if err != nil || filepath.Clean(path) != path || filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(path)))) != dir {
			t.Errorf("%q: %s, %v", db, path, err)
		}
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
}
