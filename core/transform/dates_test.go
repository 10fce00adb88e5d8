package transform

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
)

var dated = arrow.NewSchema([]arrow.Field{
	{Name: "wall", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
	{Name: "moment", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
}, nil)

// What common.column says of dates is what transformers see: of wall clocks, of moments, which move to its zone, and of days.
func TestDatesAreSeenAsTheJobSays(t *testing.T) {
	said := (&job.Column{DatetimeFormat: "yyyy/MM/dd HH:mm", DateFormat: "dd.MM.yy", TimeZone: "GMT+8", ExtraFormats: []string{"yyyyMMdd"}}).Dates()
	rec := recordOf(t, dated, `{"wall": "2026-11-21 20:00:00.5", "moment": "2026-11-21 20:00:00.5Z", "day": "2026-11-21"}`)
	for _, c := range []struct {
		dates       job.Dates
		column, way string // name and paras of a transformer
		want        string // of the column, "" when the row is filtered out
	}{
		{job.Dates{}, "wall", `"dx_substr", ["0", "99"]`, "2026-11-21 20:00:00.5"},
		{job.Dates{}, "moment", `"dx_substr", ["0", "99"]`, "2026-11-21 20:00:00.5"},
		{job.Dates{}, "day", `"dx_substr", ["0", "99"]`, "2026-11-21"},
		{said, "wall", `"dx_substr", ["0", "99"]`, "2026/11/21 20:00"},
		{said, "moment", `"dx_substr", ["0", "99"]`, "2026/11/22 04:00"},
		{said, "day", `"dx_substr", ["0", "99"]`, "21.11.26"},
		{said, "day", `"dx_pad", ["l", "10", "-"]`, "--21.11.26"},
		{said, "wall", `"dx_replace", ["0", "5", ""]`, "11/21 20:00"},
		{said, "day", `"dx_filter", ["like", "21\\.11\\..*"]`, ""},
		{said, "day", `"dx_filter", ["=", "21.11.26"]`, ""},
		{said, "day", `"dx_filter", ["=", "20261121"]`, ""},
		{said, "day", `"dx_filter", ["=", "2026-11-21"]`, ""},
		{said, "wall", `"dx_filter", [">", "2026/11/21 19:59"]`, ""},
		{said, "moment", `"dx_filter", [">", "2026/11/22 03:59"]`, ""},
	} {
		v, problems := options.Parse([]byte("[" + c.way + "]"))
		if options.Failed(problems) {
			t.Fatal(problems)
		}
		list := `[{"name": "` + v.Items()[0].Text() + `", "parameter": {"columnName": "` + c.column + `", "paras": ` + string(v.Items()[1].JSON()) + `}}]`
		chain, problems := Compile(parseSpecs(t, list), c.dates, false)
		if options.Failed(problems) {
			t.Fatal(problems)
		}
		o, err := apply(t, chain.Runner(), rec)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case c.want == "" && o.filtered == 1:
		case c.want == "" || len(o.rows) != 1:
			t.Errorf("%s %s: %s", c.column, c.way, o)
		default:
			row, problems := options.Parse([]byte(o.rows[0]))
			if got := row.Get(c.column).Text(); got != c.want || options.Failed(problems) {
				t.Errorf("%s %s: %q, want %q", c.column, c.way, got, c.want)
			}
		}
	}
}
