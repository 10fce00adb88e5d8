package e2e

import (
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// madeUp is a job whose rows have Arrow types of their own.
func madeUp(c *harness.Case, rows int, columns ...harness.Object) *harness.Document {
	d := c.Document()
	d.ReaderType = "stream"
	d.Reader = harness.Object{"column": columns, "sliceRecordCount": rows}
	delete(d.Writer, "loadProps")
	return d
}

// Whatever text a release reads into a VARBINARY, the bytes arrive; and what CSV cannot carry goes as JSON by itself.
func TestTypedRowsArriveAsTheyAre(t *testing.T) {
	for _, release := range []string{"3.1", "3.3", "4.0"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			w := world.Beside(t, "--starrocks-version", release)
			c := w.Case(t, w.Brokers[0])
			c.CreateTable("id BIGINT, b VARBINARY, s STRING, f BOOLEAN, at DATETIME, x DOUBLE", "")
			d := madeUp(c, 3,
				harness.Object{"type": "long", "incr": "1,1"}, harness.Object{"type": "bytes", "value": "gx \\N", "nullEvery": 2},
				harness.Object{"type": "string", "value": "\\N", "nullEvery": 3}, harness.Object{"type": "bool", "value": true},
				harness.Object{"type": "date", "value": "2024-02-29 12:34:56"}, harness.Object{"type": "double", "value": 0.1})
			r := c.Done(d)
			c.WantRows("SELECT id, hex(b), s, f, at, x FROM @t ORDER BY id",
				`1|6778205C4E|\N|1|2024-02-29 12:34:56|0.1`, `2|NULL|\N|1|2024-02-29 12:34:56|0.1`, `3|6778205C4E|NULL|1|2024-02-29 12:34:56|0.1`)
			if r.Report.Dirty != 0 || r.Report.Landed != 3 {
				t.Errorf("%+v", r.Report)
			}
		})
	}
}

func TestZeroDatesAndTimeZones(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, born DATE, at DATETIME, note STRING", "")
		c.Values(`{"id":1,"born":"0000-00-00","at":"2024-02-29T23:30:00Z","note":"0000-00-00"}`,
			`{"id":2,"born":"2000-01-01","at":"0000-00-00 00:00:00","note":"2024-02-29T23:30:00Z"}`,
			`{"id":3,"born":null,"at":"2024-02-29 23:30:00.5","note":null}`)
		d := c.Document()
		d.Writer["zeroDate"], d.Writer["zeroDateColumns"] = "1970-01-01 00:00:01", harness.Object{"born": "null"}
		d.Writer["convertTimeZone"], d.Writer["timeZone"] = true, "Asia/Shanghai"
		c.Done(d)
		c.WantRows("SELECT * FROM @t ORDER BY id", "1|NULL|2024-03-01 07:30:00|0000-00-00",
			"2|2000-01-01|1970-01-01 00:00:01|2024-02-29T23:30:00Z", "3|NULL|2024-02-29 23:30:00.500000|NULL")
		d.Writer["zeroDate"] = "error"
		d.Reader["groupId"] = c.Group + "_2"
		if r := c.Run(d); r.Code != 3 {
			t.Errorf("exit code %d, want 3\n%s", r.Code, r.Said())
		}
		d.Writer["timeZone"] = "Mars/Olympus"
		if r := c.Run(d); r.Code != 2 {
			t.Errorf("exit code %d, want 2\n%s", r.Code, r.Said())
		}
	})
}
