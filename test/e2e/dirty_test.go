package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dirtyLine is one line of a dirty file.
type dirtyLine struct {
	Job, Run, Plugin, Place, Reason, Record, RecordBase64, Key, Refused, Topic string
	Offset                                                                     int64
	Headers                                                                    any
}

func (l dirtyLine) bytes(t *testing.T) []byte {
	t.Helper()
	if l.RecordBase64 == "" {
		return []byte(l.Record)
	}
	raw, err := base64.StdEncoding.DecodeString(l.RecordBase64)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func dirtyLines(t *testing.T, path string) (out []dirtyLine) {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(src))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l dirtyLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%v\n%s", err, lines.Text())
		}
		out = append(out, l)
	}
	return out
}

// A message that is not exactly one JSON object would fail the load it is in, so it never gets there.
var notDocuments = []string{
	`{"id":1`, `[{"id":1}]`, `17`, `"text"`, `{"id":1}{"id":2}`, `{"id":01}`, `{'id':1}`, "{\"id\":\"\xff\xfe\"}", `null`, "\x00\x00\x00\x00\x07payload",
	`{"a":"` + "\n" + `"}`, `{"id":1,}`, `<xml/>`, `   `,
}

func TestWhatIsNoDocumentIsKeptWithItsBytes(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(2)
				c.CreateTable("id INT", "")
				var records []*kgo.Record
				offset := map[string]string{} // place of each bad value
				for i, bad := range notDocuments {
					records = append(records, &kgo.Record{Topic: c.Topic, Partition: 1, Value: fmt.Appendf(nil, `{"id":%d}`, i)},
						&kgo.Record{Topic: c.Topic, Partition: 1, Key: []byte("the key"), Value: []byte(bad)})
					offset[bad] = fmt.Sprintf("topic %s, partition 1, offset %d", c.Topic, 2*i+1)
				}
				c.Broker.Produce(t, records...)
				d := c.Document()
				inFormat(d, format, "id")
				d.Setting["errorLimit"] = harness.Object{"record": len(notDocuments)}
				r := c.Done(d)
				if n := len(notDocuments); r.Report.Dirty != int64(n) || r.Report.Landed != int64(n) {
					t.Errorf("dirty %d and landed %d, want %d each", r.Report.Dirty, r.Report.Landed, n)
				}
				lines := dirtyLines(t, r.Report.DirtyFile)
				if len(lines) != len(notDocuments) {
					t.Fatalf("%d lines in the dirty file, want %d", len(lines), len(notDocuments))
				}
				for _, l := range lines {
					bad := string(l.bytes(t))
					if want, ok := offset[bad]; !ok || l.Place != want {
						t.Errorf("record %q at %q, want %q", bad, l.Place, want)
					}
					delete(offset, bad)
					if l.Reason == "" || l.Plugin != "kafka-reader" || l.Key != "the key" || l.Job != r.Report.Job || l.Run != r.Report.Run {
						t.Errorf("line %+v", l)
					}
				}
				if len(offset) > 0 {
					t.Errorf("not in the dirty file: %q", offset)
				}
				if len(r.Report.DirtyRecords) == 0 || !strings.Contains(r.Stdout, r.Report.DirtyRecords[0].Place) {
					t.Errorf("the report does not show the first dirty records\n%s", r.Stdout)
				}
				if st, err := os.Stat(r.Report.DirtyFile); err != nil || st.Mode().Perm() != 0o600 {
					t.Errorf("the dirty file holds data and has mode %v (%v)", st.Mode(), err)
				}
			})
		})
	}
}

func TestErrorLimit(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`, `bad`, `{"id":2}`, `worse`, `{"id":3}`, `{"id":4}`)
		for _, l := range []struct {
			limit any
			code  int
		}{
			{harness.Object{"record": "2"}, 0}, {harness.Object{"record": 1}, 3}, {harness.Object{"record": 0}, 3}, {harness.Object{}, 3},
			{harness.Object{"record": ""}, 0}, {harness.Object{"percentage": 0.34}, 0}, {harness.Object{"percentage": 0.33}, 3},
			{harness.Object{"record": 2, "percentage": 0}, 0},
		} {
			d := c.Document()
			d.Setting["errorLimit"] = l.limit
			r := c.Run(d)
			if r.Code != l.code {
				t.Errorf("errorLimit %v: exit code %d, want %d\n%s", l.limit, r.Code, l.code, r.Said())
			}
			if l.code == 3 && (!strings.Contains(r.Said(), "setting.errorLimit") || !strings.Contains(r.Said(), "offset 1")) {
				t.Errorf("errorLimit %v: the message names neither the limit nor the first record\n%s", l.limit, r.Said())
			}
		}
	})
}

func TestDirtyFileGoesWhereTheJobSays(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`bad`)
		d := c.Document()
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		path := filepath.Join(c.Dir, "elsewhere.jsonl")
		d.Setting["dirty"] = harness.Object{"type": "file", "path": path}
		c.Done(d)
		if lines := dirtyLines(t, path); len(lines) != 1 || lines[0].Record != "bad" {
			t.Errorf("lines %+v", lines)
		}
		d.Setting["dirty"] = harness.Object{"type": "stdout"}
		if r := c.Done(d); !strings.Contains(r.Stdout, `"record":"bad"`) {
			t.Errorf("standard output does not hold the record\n%s", r.Stdout)
		}
	})
}

// Rows that StarRocks itself refuses: the load fails as a whole, and strategyOnError decides what that means.
func TestRowsThatTheTargetRefuses(t *testing.T) {
	values := []string{`{"id":1}`, `{"id":"no number"}`, `{"id":3}`}
	strict := harness.Object{"format": "json", "strict_mode": true}
	t.Run("exit", func(t *testing.T) {
		world.Each(t, func(t *testing.T, c *harness.Case) {
			c.CreateTopic(1)
			c.CreateTable("id INT", "")
			c.Values(values...)
			d := c.Document()
			d.Writer["loadProps"] = strict
			r := c.Run(d)
			if r.Code != 1 || !strings.Contains(r.Said(), "too many filtered rows") || !strings.Contains(r.Said(), "strategyOnError") {
				t.Errorf("exit code %d, want 1 and what StarRocks said and what to try\n%s", r.Code, r.Said())
			}
			if n := c.Count(); n != 0 {
				t.Errorf("%d rows are in the table", n)
			}
			if got := c.Broker.Committed(t, c.Group, c.Topic, 1); len(got) != 0 {
				t.Errorf("the group moved to %v past rows that are nowhere", got)
			}
		})
	})
	t.Run("batchDirtyData", func(t *testing.T) {
		world.Each(t, func(t *testing.T, c *harness.Case) {
			c.CreateTopic(1)
			c.CreateTable("id INT", "")
			c.Values(values...)
			d := c.Document()
			d.Writer["loadProps"] = strict
			d.Writer["strategyOnError"] = "batchDirtyData"
			d.Writer["maxBatchRows"] = 1
			d.Setting["errorLimit"] = harness.Object{"record": 1}
			r := c.Done(d)
			c.WantRows("SELECT id FROM @t ORDER BY id", "1", "3")
			if r.Report.Dirty != 1 || r.Report.Landed != 2 {
				t.Errorf("dirty %d, landed %d; want 1 and 2", r.Report.Dirty, r.Report.Landed)
			}
			lines := dirtyLines(t, r.Report.DirtyFile)
			if len(lines) != 1 || !strings.Contains(string(lines[0].bytes(t)), "no number") || lines[0].Plugin != "starrocks-writer" {
				t.Errorf("dirty file: %+v", lines)
			}
			// In one load all rows share its fate, and the limit is kept.
			d.Writer["maxBatchRows"] = 500000
			d.Reader["groupId"] = c.Group + "_2"
			if r := c.Run(d); r.Code != 3 || r.Report.Dirty < 2 || r.Report.Landed != 0 {
				t.Errorf("exit code %d, want 3 when more than 1 record is dirty\n%s", r.Code, r.Said())
			}
		})
	})
	t.Run("within max_filter_ratio", func(t *testing.T) {
		world.Each(t, func(t *testing.T, c *harness.Case) {
			c.CreateTopic(1)
			c.CreateTable("id INT", "")
			c.Values(values...)
			d := c.Document()
			d.Writer["loadProps"] = harness.Object{"format": "json", "strict_mode": true, "max_filter_ratio": "0.5"}
			d.Setting["errorLimit"] = harness.Object{"record": 1}
			r := c.Done(d)
			c.WantRows("SELECT id FROM @t ORDER BY id", "1", "3")
			if r.Report.Dirty != 1 || r.Report.Landed != 2 {
				t.Errorf("dirty %d, landed %d; want 1 and 2", r.Report.Dirty, r.Report.Landed)
			}
		})
	})
}

func TestRowsLeftOutOnPurposeAreCounted(t *testing.T) {
	t.Run("by a condition of the load", func(t *testing.T) {
		world.Each(t, func(t *testing.T, c *harness.Case) {
			c.CreateTopic(1)
			c.CreateTable("id INT", "")
			c.Values(`{"id":1}`, `{"id":2}`, `{"id":3}`)
			// The stand-in evaluates no conditions; it only answers as a cluster would that left one row out.
			world.Sandbox.Arm(t, harness.Fault{Kind: "answerBody", Table: c.Table, Text: `{"TxnId":1,"Status":"Success","Message":"OK",` +
				`"NumberTotalRows":3,"NumberLoadedRows":2,"NumberFilteredRows":0,"NumberUnselectedRows":1,"LoadBytes":27}`})
			d := c.Document()
			d.Writer["loadProps"] = harness.Object{"format": "json", "max_filter_ratio": 0.1}
			r := c.Done(d)
			if r.Report.Filtered != 1 || r.Report.Landed != 2 || r.Report.Dirty != 0 {
				t.Errorf("filtered %d, landed %d, dirty %d; want 1, 2 and 0", r.Report.Filtered, r.Report.Landed, r.Report.Dirty)
			}
		})
	})
	t.Run("empty values", func(t *testing.T) {
		world.Each(t, func(t *testing.T, c *harness.Case) {
			c.CreateTopic(1)
			c.CreateTable("id INT", "")
			c.Broker.Produce(t, &kgo.Record{Topic: c.Topic, Key: []byte("gone")}, &kgo.Record{Topic: c.Topic, Value: []byte(`{"id":1}`)},
				&kgo.Record{Topic: c.Topic, Value: []byte{}}, &kgo.Record{Topic: c.Topic, Key: []byte("gone")})
			d := c.Document()
			r := c.Done(d)
			c.WantRows("SELECT id FROM @t", "1")
			if r.Report.Read != 4 || r.Report.Filtered != 3 || r.Report.Landed != 1 {
				t.Errorf("read %d, filtered %d, landed %d; want 4, 3, 1", r.Report.Read, r.Report.Filtered, r.Report.Landed)
			}
			if got := c.Broker.Committed(t, c.Group, c.Topic, 1); got[0] != 4 {
				t.Errorf("the group is at %v, want behind the last empty value", got)
			}
			d.Reader["emptyValue"] = "dirty"
			if r := c.Run(d); r.Code != 3 || r.Report.Dirty != 3 {
				t.Errorf("exit code %d, want 3 for 3 dirty records\n%s", r.Code, r.Said())
			}
		})
	})
}
