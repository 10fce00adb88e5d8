package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// formats are the two ways of a value into a table: with its document, or as a projected column of a CSV load.
var formats = []string{"json", "csv"}

func inFormat(d *harness.Document, format string, columns ...string) {
	d.Writer["loadProps"] = harness.Object{"format": format}
	if format == "csv" {
		d.Reader["column"], d.Writer["column"] = columns, columns
	}
}

func TestNumbersKeepTheirText(t *testing.T) {
	numbers := []struct{ kind, text, want string }{
		{"LARGEINT", "12345678901234567890", ""},
		{"LARGEINT", "-170141183460469231731687303715884105728", ""},
		{"BIGINT", "9223372036854775807", ""},
		{"STRING", "1e400", ""},
		{"STRING", "12345678901234567890123456789012345678901234567890", ""},
		{"STRING", "0.1000000000000000055511151231257827021181583404541015625", ""},
		{"STRING", "1.0", ""},
		{"STRING", "-0", ""},
		{"STRING", "1E+2", ""},
		{"DECIMAL(38,37)", "0.1000000000000000055511151231257827021", ""},
		{"DECIMAL(38,0)", "12345678901234567890123456789012345678", ""},
		{"DECIMAL(20,10)", "1.5", "1.5000000000"},
	}
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				var ddl, names, fields, want []string
				for i, n := range numbers {
					name := fmt.Sprintf("c%d", i)
					ddl, names = append(ddl, name+" "+n.kind), append(names, name)
					fields = append(fields, fmt.Sprintf("%q: %s", name, n.text))
					if n.want == "" {
						n.want = n.text
					}
					want = append(want, n.want)
				}
				c.CreateTable(strings.Join(ddl, ", "), "")
				c.Values("{" + strings.Join(fields, ", ") + "}")
				d := c.Document()
				inFormat(d, format, names...)
				c.Done(d)
				c.WantRows("SELECT * FROM @t", strings.Join(want, "|"))
			})
		})
	}
}

func TestTextsArriveAsTheyAre(t *testing.T) {
	texts := []string{
		"Zürich", "東京都", "Привет", "مرحبا", "e\u0301 é", "👩‍👩‍👧‍👦 🇨🇭", "\U0010FFFD", "\u2028line", `back\slash`, `\N`, `"quoted"`, "tab\tline\nreturn\r",
		"comma,semi;pipe|", "", " spaces around ", "'single' `back`", strings.Repeat("long ", 10000), "NULL", "null", "\ufeffbom", "\x7f",
	}
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT, v STRING", "")
				var values, want []string
				for i, text := range texts {
					if format == "csv" && text == `\N` {
						text = `not \N alone` // see TestWhatCSVCannotCarryIsDirty
					}
					plain, err := json.Marshal(text)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, fmt.Sprintf(`{"id":%d,"v":%s}`, i, plain))
					want = append(want, fmt.Sprintf("%d|%s", i, text))
				}
				// The same letters, written as escapes.
				values = append(values, fmt.Sprintf(`{"id":%d,"v":"\u00fcber \ud83d\ude00 \u0041"}`, len(texts)))
				want = append(want, fmt.Sprintf("%d|über 😀 A", len(texts)))
				c.Values(values...)
				d := c.Document()
				inFormat(d, format, "id", "v")
				c.Done(d)
				c.WantRows("SELECT id, v FROM @t ORDER BY id", want...)
			})
		})
	}
}

// A text that the format would turn into something else is refused, not changed.
func TestWhatCSVCannotCarryIsDirty(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, v STRING", "")
		c.Values(`{"id":1,"v":"\\N"}`, `{"id":2,"v":"a\u0001b"}`, `{"id":3,"v":"a\u0002b"}`, `{"id":4,"v":"good"}`)
		d := c.Document()
		inFormat(d, "csv", "id", "v")
		d.Setting["errorLimit"] = harness.Object{"record": 3}
		r := c.Done(d)
		c.WantRows("SELECT id, v FROM @t", "4|good")
		if r.Report.Dirty != 3 {
			t.Errorf("dirty %d, want 3", r.Report.Dirty)
		}
		// As JSON all of them travel.
		d.Reader["groupId"] = c.Group + "_2"
		c.Exec("TRUNCATE TABLE " + c.Database + "." + c.Table)
		d.Writer["loadProps"] = harness.Object{"format": "json"}
		c.Done(d)
		c.WantRows("SELECT id, v FROM @t ORDER BY id", `1|\N`, "2|a\x01b", "3|a\x02b", "4|good")
	})
}

func TestNestedValuesAndNulls(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT, obj STRING, flag BOOLEAN", "")
				c.Values(`{"id":1,"obj":{"a":[1,{"b":null}]},"flag":true}`, `{"id":2,"obj":null,"flag":null}`, `{"id":3}`)
				d := c.Document()
				inFormat(d, format, "id", "obj", "flag")
				c.Done(d)
				c.WantRows("SELECT id, obj, flag FROM @t ORDER BY id", `1|{"a":[1,{"b":null}]}|1`, "2|NULL|NULL", "3|NULL|NULL")
			})
		})
	}
}

// A megabyte is beyond what one batch aims at, and a load has many of such rows.
func TestLargeDocuments(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, v VARCHAR(1048576)", "")
		const size, n = 900_000, 8
		for i := range n {
			c.Values(fmt.Sprintf(`{"id":%d,"v":%q}`, i, strings.Repeat(string(rune('a'+i)), size)))
		}
		r := c.Done(c.Document())
		var want []string
		for i := range n {
			want = append(want, fmt.Sprintf("%d|%d|%c|%[3]c", i, size, 'a'+i))
		}
		c.WantRows("SELECT id, LENGTH(v), LEFT(v,1), RIGHT(v,1) FROM @t ORDER BY id", want...)
		if r.Report.Loads < 2 {
			t.Errorf("%d load for %d bytes, and a load holds at most 5 MiB", r.Report.Loads, size*n)
		}
	})
}
