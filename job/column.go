package job

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/gx-etl/gx/job/javadate"
	"github.com/gx-etl/gx/job/options"
)

// Column is common.column of DataX: how dates become text where a job asks for their text, which is in transformers. The
// patterns are those of Java's SimpleDateFormat.
type Column struct {
	DatetimeFormat string   `json:"datetimeFormat,omitempty" gx:"emptyIsUnset" doc:"How transformers see dates with a time, in the letters of Java's SimpleDateFormat; yyyy-MM-dd HH:mm:ss with the fraction, unless given."`
	DateFormat     string   `json:"dateFormat,omitempty" gx:"emptyIsUnset" doc:"How transformers see dates without a time; yyyy-MM-dd, unless given."`
	ExtraFormats   []string `json:"extraFormats,omitempty" doc:"Forms in which dx_filter reads the date that it compares with, beside the two above and yyyy-MM-dd HH:mm:ss."`
	TimeZone       string   `json:"timeZone,omitempty" gx:"emptyIsUnset" doc:"Zone in which transformers see moments, which are columns that know their zone. Dates without a zone are wall clock and stay as they are."`

	TimeFormat options.Value `json:"timeFormat,omitzero" gx:"ignored" doc:"times of day travel as text"`
	Encoding   options.Value `json:"encoding,omitzero" gx:"ignored" doc:"text travels as UTF-8"`
}

// Check reads the patterns and the zone.
func (c *Column) Check(path string) (problems []options.Problem) {
	wrong := func(at string, err error, try string) {
		problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: at, Seen: err.Error(), Try: try})
	}
	for key, pattern := range map[string]string{"datetimeFormat": c.DatetimeFormat, "dateFormat": c.DateFormat} {
		if _, err := javadate.Layout(pattern); err != nil {
			wrong(options.Join(path, key), err, "yyyy-MM-dd HH:mm:ss")
		}
	}
	for i, pattern := range c.ExtraFormats {
		if _, err := javadate.Layout(pattern); err != nil {
			wrong(options.At(options.Join(path, "extraFormats"), i), err, "yyyyMMdd")
		}
	}
	if _, err := zone(c.TimeZone); err != nil {
		wrong(options.Join(path, "timeZone"), err, "GMT+8, +08:00 or Asia/Shanghai")
	}
	return problems
}

// Dates is a Column for time.Format. Texts are "" and Zone is nil where the column is silent.
type Dates struct {
	Instant, Day string
	Also         []string
	Zone         *time.Location
}

// Dates translates a column that Check has not complained about.
func (c *Column) Dates() (d Dates) {
	if c == nil {
		return d
	}
	d.Instant, _ = javadate.Layout(c.DatetimeFormat)
	d.Day, _ = javadate.Layout(c.DateFormat)
	for _, pattern := range c.ExtraFormats {
		if layout, err := javadate.Layout(pattern); err == nil {
			d.Also = append(d.Also, layout)
		}
	}
	d.Zone, _ = zone(c.TimeZone)
	return d
}

// offset is a zone as Java and databases write it: GMT+8, UTC-03:30, +08:00.
var offset = regexp.MustCompile(`^(?:GMT|UTC)?([+-])(\d{1,2})(?::?([0-5]\d))?$`)

// zone reads the name of a time zone; nil for "".
func zone(text string) (*time.Location, error) {
	if text == "" {
		return nil, nil
	}
	if m := offset.FindStringSubmatch(text); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi(m[3])
		seconds := (hours*60 + minutes) * 60
		if m[1] == "-" {
			seconds = -seconds
		}
		if hours <= 18 {
			return time.FixedZone(text, seconds), nil
		}
	}
	if loc, err := time.LoadLocation(text); err == nil && text != "Local" {
		return loc, nil
	}
	return nil, fmt.Errorf("%q is no time zone", text)
}

// ColumnReference describes the keys under common.column, for the documentation.
func ColumnReference() []options.Param { return options.Describe(Column{}) }
