package stream_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/sdktest"
	"github.com/gx-etl/gx/plugins/stream"
)

const columns = `[
	{"name": "id", "type": "long", "incr": "0,1"},
	{"name": "n", "type": "long", "random": "-5,5"},
	{"name": "x", "type": "double", "random": "0,1"},
	{"name": "s", "type": "string", "random": "0,20", "nullEvery": 7},
	{"name": "d", "type": "date", "random": "2024-01-01 00:00:00,2024-12-31 23:59:59"},
	{"name": "b", "type": "bool", "random": "1,3"},
	{"name": "raw", "type": "bytes", "value": "test"}]`

// allIDs fails unless the ids count from 0 without a gap, whatever the lanes.
func allIDs(t *testing.T, all []sdktest.Row, id func(sdktest.Row) any) {
	t.Helper()
	seen := make(map[string]bool)
	for _, r := range all {
		seen[fmt.Sprint(id(r))] = true
	}
	for i := range all {
		if !seen[fmt.Sprint(i)] {
			t.Fatalf("%d rows, and none has the id %d", len(all), i)
		}
	}
}

func TestReaderConformance(t *testing.T) {
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     stream.ReaderPlugin("test"),
		Parameters: `{"column": ` + columns + `, "sliceRecordCount": 100, "batchRows": 8}`,
		Rows:       200,
		Resumes:    true,
		Want: func(t *testing.T, all []sdktest.Row) {
			allIDs(t, all, func(r sdktest.Row) any { return r.Get("id") })
			for _, r := range all {
				n, x, s, d := r.Get("n").(int64), r.Get("x").(float64), r.Get("s"), r.Get("d").(time.Time)
				if n < -5 || n > 5 || x < 0 || x > 1 || d.Year() != 2024 || string(r.Get("raw").([]byte)) != "test" {
					t.Fatalf("a row beyond its limits: %s", r)
				}
				if null := (r.Get("id").(int64)+1)%7 == 0; null != (s == nil) {
					t.Fatalf("NULL in the wrong row: %s", r)
				}
			}
		},
	})
}

func TestEndlessReaderConformance(t *testing.T) {
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     stream.ReaderPlugin("test"),
		Parameters: `{"column": ` + columns + `, "sliceRecordCount": 0, "batchRows": 5, "rowsPerSecond": 10000}`,
		Streaming:  true,
		Rows:       50,
		Skip: map[string]string{
			"reads everything":            "there is no last row",
			"resumes after half the acks": "lanes run on side by side, so which rows come first differs",
		},
	})
}

func TestDocumentReaderConformance(t *testing.T) {
	id := func(r sdktest.Row) any {
		var doc struct{ ID json.Number }
		if err := json.Unmarshal(r.Values[0].(json.RawMessage), &doc); err != nil {
			return err
		}
		return doc.ID
	}
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     stream.ReaderPlugin("test"),
		Parameters: `{"column": ` + columns + `, "sliceRecordCount": 40, "documents": true, "batchRows": 7}`,
		Rows:       120,
		Lanes:      3,
		Resumes:    true,
		Want:       func(t *testing.T, all []sdktest.Row) { allIDs(t, all, id) },
	})
}

func TestProjectedReaderConformance(t *testing.T) {
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     stream.ReaderPlugin("test"),
		Parameters: `{"column": ` + columns + `, "sliceRecordCount": 10, "documents": true}`,
		Peer:       sdk.Peer{Plugin: "some-writer", Columns: []string{"s", "unknown", "id"}, WantsColumns: true},
		Rows:       20,
		Resumes:    true,
		Want: func(t *testing.T, all []sdktest.Row) {
			allIDs(t, all, func(r sdktest.Row) any { return string(r.Get("id").(json.RawMessage)) })
			for _, r := range all {
				if r.Get("unknown") != nil {
					t.Fatalf("a value for a field that does not exist: %s", r)
				}
				if s, ok := r.Get("s").(json.RawMessage); ok && (s[0] != '"' || s[len(s)-1] != '"') {
					t.Fatalf("no JSON text: %s", s)
				}
			}
		},
	})
}

func TestWriterConformance(t *testing.T) {
	dir := t.TempDir()
	sdktest.Writer(t, sdktest.WriterCase{
		Plugin:     stream.WriterPlugin("test"),
		Parameters: `{"path": "` + dir + `", "fileName": "rows.txt", "fieldDelimiter": "|", "encoding": "utf-8"}`,
		Landed: func() ([][]string, error) {
			text, err := os.ReadFile(filepath.Join(dir, "rows.txt"))
			var out [][]string
			for line := range strings.Lines(string(text)) {
				out = append(out, strings.Split(strings.TrimSuffix(line, "\n"), "|"))
			}
			return out, err
		},
		Same: func(sent sdktest.Row, landed []string) error {
			if len(sent.Values) != len(landed) {
				return fmt.Errorf("%d values landed, %d were sent", len(landed), len(sent.Values))
			}
			for i, v := range sent.Values {
				want := fmt.Sprint(v)
				switch v := v.(type) {
				case nil:
					want = "null"
				case []byte:
					want = string(v)
				case time.Time:
					if want = v.Format("2006-01-02 15:04:05.999999999"); len(landed[i]) == len(time.DateOnly) {
						want = v.Format(time.DateOnly)
					}
				}
				if landed[i] != want && sent.Columns[i] != "v" {
					return fmt.Errorf("%s landed as %q, sent %q", sent.Columns[i], landed[i], want)
				}
			}
			return nil
		},
	})
}
