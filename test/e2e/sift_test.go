package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// sifting gives a job whose bad rows are found in their loads.
func sifting(c *harness.Case, format string, limit int, columns ...string) *harness.Document {
	d := c.Document()
	inFormat(d, format, columns...)
	d.Writer["loadProps"].(harness.Object)["strict_mode"] = true
	d.Writer["strategyOnError"] = "rowDirtyData"
	d.Setting["errorLimit"] = harness.Object{"record": limit}
	return d
}

func TestOneBadRowAmongAHundredThousand(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				const n, bad = 100_000, 61_803
				c.CreateTopic(1)
				c.CreateTable("id INT NOT NULL, v INT", "")
				values := make([]string, n)
				for i := range values {
					values[i] = fmt.Sprintf(`{"id":%d,"v":%d}`, i, i)
				}
				values[bad] = fmt.Sprintf(`{"id":%d,"v":"no number"}`, bad)
				c.Values(values...)
				r := c.Done(sifting(c, format, 1, "id", "v"))
				if r.Report.Landed != n-1 || r.Report.Dirty != 1 || r.Report.Loads > 36 {
					t.Errorf("landed %d, dirty %d, in %d loads; want %d, 1, at most 36", r.Report.Landed, r.Report.Dirty, r.Report.Loads, n-1)
				}
				c.WantRows("SELECT COUNT(*), COUNT(DISTINCT id), SUM(id) FROM @t", fmt.Sprintf("%d|%d|%d", n-1, n-1, n*(n-1)/2-bad))
				lines := dirtyLines(t, r.Report.DirtyFile)
				if len(lines) != 1 || !strings.Contains(string(lines[0].bytes(t)), "no number") || lines[0].Plugin != "starrocks-writer" ||
					!strings.Contains(lines[0].Reason, "'v'") && !strings.Contains(lines[0].Reason, "name = v") && !strings.Contains(lines[0].Reason, "column=v") {
					t.Errorf("dirty file: %+v", lines)
				}
			})
		})
	}
}

func TestBadRowsOfOneLoad(t *testing.T) {
	for name, isBad := range map[string]func(i int) bool{
		"first": func(i int) bool { return i == 0 }, "last": func(i int) bool { return i == 299 },
		"every third": func(i int) bool { return i%3 == 1 }, "all": func(int) bool { return true },
	} {
		for _, format := range formats {
			t.Run(name+" "+format, func(t *testing.T) {
				world.Each(t, func(t *testing.T, c *harness.Case) {
					c.CreateTopic(1)
					c.CreateTable("id INT NOT NULL, v INT", "")
					var values []string
					good, bad := 0, 0
					for i := range 300 {
						v := "1"
						if isBad(i) {
							v = `"same text"`
							bad++
						} else {
							good++
						}
						values = append(values, fmt.Sprintf(`{"id":%d,"v":%s}`, i/10, v)) // rows of one text
					}
					c.Values(values...)
					r := c.Done(sifting(c, format, bad, "id", "v"))
					if r.Report.Landed != int64(good) || r.Report.Dirty != int64(bad) || c.Count() != good {
						t.Errorf("landed %d, dirty %d, %d in the table; want %d and %d", r.Report.Landed, r.Report.Dirty, c.Count(), good, bad)
					}
					for _, l := range dirtyLines(t, r.Report.DirtyFile) {
						if l.Reason == "" || !strings.Contains(string(l.bytes(t)), "same text") {
							t.Errorf("%+v", l)
						}
					}
				})
			})
		}
	}
}

// Upserts and deletes of one key keep their order although a bad row stands between them.
func TestSiftingKeepsTheOrderOfOperations(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT NOT NULL, v INT", "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)")
				c.Values(`{"id":1,"v":1,"__op":0}`, `{"id":2,"v":1,"__op":0}`, `{"id":3,"v":"bad","__op":0}`, `{"id":1,"v":2,"__op":0}`,
					`{"id":2,"v":1,"__op":1}`, `{"id":4,"v":"bad","__op":0}`, `{"id":5,"v":5,"__op":0}`, `{"id":1,"v":3,"__op":0}`)
				r := c.Done(sifting(c, format, 2, "id", "v", "__op"))
				c.WantRows("SELECT id, v FROM @t ORDER BY id", "1|3", "5|5")
				if r.Report.Dirty != 2 || r.Report.Landed != 6 {
					t.Errorf("dirty %d, landed %d; want 2 and 6", r.Report.Dirty, r.Report.Landed)
				}
			})
		})
	}
}

// More bad rows than the job allows end it, as ever.
func TestSiftingKeepsTheErrorLimit(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`, `{"id":"x"}`, `{"id":"y"}`)
		r := c.Run(sifting(c, "json", 1, "id"))
		if r.Code != 3 || !strings.Contains(r.Said(), "errorLimit") {
			t.Errorf("exit code %d, want 3\n%s", r.Code, r.Said())
		}
	})
}
