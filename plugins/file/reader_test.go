package file_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/file"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/sdktest"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// put writes a file into dir and returns its path.
func put(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gz(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	return string(w.EncodeAll([]byte(text), nil))
}

// ids makes lines from what line makes of each number.
func ids(from, to int, line func(i int) string) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

func TestReaderConformance(t *testing.T) {
	dir := t.TempDir()
	csv := func(i int) string { return fmt.Sprintf(`%d,"n%d, ""x""",\N,%d.5,true,2024-02-29 12:00:00`, i, i, i) }
	put(t, dir, "a.csv", "id,name,gone,x,flag,at\n"+ids(0, 50, csv))
	put(t, dir, "b.csv.gz", gz(t, "id,name,gone,x,flag,at\n"+ids(50, 100, csv)))
	put(t, dir, "c.csv.zst", zst(t, "at,flag,x,gone,name,id\n2024-02-29,1,100.5,\\N,n100,100\n"))
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin: file.ReaderPlugin("test"),
		Parameters: `{"path": "` + dir + `", "pattern": "*.csv*", "skipHeader": true, "batchRows": 7, "column": [
			{"name": "id", "type": "long"}, "name", "gone", {"name": "x", "type": "double"}, {"name": "flag", "type": "bool"},
			{"name": "at", "type": "date"}, {"value": "7", "type": "long", "name": "fixed"}]}`,
		Rows: 101,
		Want: func(t *testing.T, all []sdktest.Row) {
			seen := make(map[int64]bool)
			for _, r := range all {
				id := r.Get("id").(int64)
				seen[id] = true
				if r.Get("x") != float64(id)+0.5 || r.Get("gone") != nil || r.Get("flag") != true || r.Get("fixed") != int64(7) ||
					r.Get("at").(time.Time).Day() != 29 || !strings.HasPrefix(r.Get("name").(string), fmt.Sprintf("n%d", id)) {
					t.Fatalf("a row that was not written: %s", r)
				}
			}
			if len(seen) != 101 {
				t.Errorf("%d different ids", len(seen))
			}
		},
	})
}

// Pieces of a file give each of its lines once, wherever they are cut.
func TestPiecesConformance(t *testing.T) {
	path := put(t, t.TempDir(), "lines.txt", ids(0, 300, func(i int) string { return fmt.Sprintf("%d|%s", i, strings.Repeat("x", i%23)) }))
	for _, size := range []int{64, 100, 101, 1000} {
		sdktest.Reader(t, sdktest.ReaderCase{
			Plugin:     file.ReaderPlugin("test"),
			Parameters: fmt.Sprintf(`{"path": %q, "format": "text", "fieldDelimiter": "|", "splitBytes": %d, "column": [{"index": 0, "type": "long", "name": "id"}, 1]}`, path, size),
			Rows:       300,
			Want: func(t *testing.T, all []sdktest.Row) {
				seen := make(map[int64]bool)
				for _, r := range all {
					id := r.Get("id").(int64)
					seen[id] = true
					if len(r.Get("c2").(string)) != int(id)%23 {
						t.Fatalf("a row that was not written: %s", r)
					}
				}
				if len(seen) != 300 {
					t.Errorf("%d different ids", len(seen))
				}
			},
		})
	}
}

func TestDocumentsConformance(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.jsonl", ids(0, 40, func(i int) string { return fmt.Sprintf(`{"id":%d,"n":{"a":[1.10]},"t":"é\u0041"}`, i) }))
	put(t, dir, "in/b.jsonl", "\r\n"+`  {"id": 40, "n": null}`+"\r\n\n")
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     file.ReaderPlugin("test"),
		Parameters: `{"path": ["` + dir + `"], "recursive": true, "format": "jsonl", "splitBytes": 200}`,
		Rows:       41,
		Want: func(t *testing.T, all []sdktest.Row) {
			if got := string(all[0].Values[0].(json.RawMessage)); got != `{"id":0,"n":{"a":[1.10]},"t":"é\u0041"}` {
				t.Errorf("the document is %s", got)
			}
		},
	})
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     file.ReaderPlugin("test"),
		Parameters: `{"path": ["` + dir + `/*.jsonl"], "format": "jsonl"}`,
		Peer:       sdk.Peer{Plugin: "some-writer", Columns: []string{"n", "id", "none"}, WantsColumns: true},
		Rows:       40,
		Want: func(t *testing.T, all []sdktest.Row) {
			if got := fmt.Sprintf("%s %s %v", all[3].Get("n"), all[3].Get("id"), all[3].Get("none")); got != `{"a":[1.10]} 3 <nil>` {
				t.Errorf("the row is %s", got)
			}
		},
	})
}
