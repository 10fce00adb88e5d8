package starrocks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // machines without zone files read timeZone too

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/gx-etl/gx/plugins/starrocks/encode"
)

// defaultZero is what zero dates become unless zeroDate says otherwise.
const defaultZero = "1970-01-01 00:00:00"

// dates is what the job says of dates and times.
type dates struct {
	zone  *time.Location // nil: none is converted
	zero  *encode.Zero   // of every DATE and DATETIME
	own   map[string]*encode.Zero
	asked bool // the job asks for treatment of dates by name, so rows must come in columns
}

// dates: zeroDate and timeZone.
func (p *Params) dates(s *settings, j *judge) {
	d := &s.dates
	literal := defaultZero
	if p.ZeroDate != nil {
		literal, d.asked = *p.ZeroDate, true
		if len(s.mysql.addrs) == 0 && len(p.ZeroDateColumns) == 0 {
			j.wrong(options.CodeMissing, "zeroDate", "which columns are dates cannot be known without jdbcUrl", "", "give jdbcUrl, or name the columns in zeroDateColumns")
		}
	}
	d.zero = readZero(literal, "zeroDate", j)
	for _, name := range slices.Sorted(maps.Keys(p.ZeroDateColumns)) {
		d.asked = true
		if d.own == nil {
			d.own = map[string]*encode.Zero{}
		}
		d.own[strings.ToLower(unquoteName(name))] = readZero(p.ZeroDateColumns[name], "zeroDateColumns."+name, j)
	}
	var zone *time.Location
	if p.TimeZone != "" {
		var err error
		if zone, err = readZone(p.TimeZone); err != nil {
			j.wrong(options.CodeNotAllowed, "timeZone", err.Error(), "+08:00, or a name such as Asia/Shanghai", "+08:00")
		}
	}
	switch {
	case p.ConvertTimeZone && p.TimeZone == "":
		j.wrong(options.CodeMissing, "timeZone", "convertTimeZone needs the zone to convert to", "+08:00, or a name such as Asia/Shanghai", "+08:00")
	case p.ConvertTimeZone:
		d.zone, d.asked = zone, true
		if len(s.mysql.addrs) == 0 {
			j.note(options.CodeAssumed, "convertTimeZone", "which columns are dates cannot be known without jdbcUrl: texts with an offset stay as they are", "give jdbcUrl")
		}
	case p.TimeZone != "":
		j.note(options.CodeIgnored, "timeZone", "has no effect without convertTimeZone", `"convertTimeZone":true`)
	}
	if d.asked {
		for _, name := range []string{"jsonpaths", "json_root"} {
			if at := s.props.pathOfProp[name]; at != "" {
				j.add([]options.Problem{{Code: options.CodeConflict, Path: at, Seen: "reads whole documents, whose dates gx does not touch",
					Try: "leave it out, or leave out zeroDate, zeroDateColumns and convertTimeZone"}})
			}
		}
	}
}

// readZero reads what a zero date is to become.
func readZero(text, key string, j *judge) *encode.Zero {
	switch {
	case strings.EqualFold(text, "null"):
		return &encode.Zero{Null: true}
	case strings.EqualFold(text, "error"):
		return &encode.Zero{Refuse: true}
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04:05.999999", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return &encode.Zero{Text: at.Format("2006-01-02 15:04:05.999999")}
		}
	}
	j.wrong(options.CodeNotAllowed, key, fmt.Sprintf("%q is no date", text), "null, error, or a date such as 1970-01-01 00:00:00", defaultZero)
	return nil
}

// readZone reads +08:00, UTC or the name of a zone.
func readZone(text string) (*time.Location, error) {
	if at, err := time.Parse("-07:00", text); err == nil {
		_, shift := at.Zone()
		return time.FixedZone(text, shift), nil
	}
	if zone, err := time.LoadLocation(text); err == nil && text != "Local" {
		return zone, nil
	}
	return nil, fmt.Errorf("%q is no time zone", text)
}

// treatments are what becomes of the values of rows that go into a target under names. Bytes for a VARBINARY go as hexadecimal
// digits under a name of their own, from which mapping makes the column: which text form StarRocks reads there differs
// between releases.
func (s *settings) treatments(t *target, schema *arrow.Schema, names []string) (treat []encode.Treatment, sources, mapping []string) {
	treat = make([]encode.Treatment, len(names))
	sources = names
	for i, f := range schema.Fields() {
		if i >= len(names) {
			break // the encoder says that the numbers differ
		}
		name := strings.ToLower(names[i])
		typ := t.types[name]
		tr := &treat[i]
		tr.Zone = s.dates.zone
		tr.Date, tr.DateOnly = typ == "date" || typ == "datetime", typ == "date"
		tr.Zero = s.dates.zero
		outer, _, _ := strings.Cut(typ, "<")
		tr.Nested, tr.JSON = outer == "array" || outer == "map" || outer == "struct", outer == "json"
		if own, ok := s.dates.own[name]; ok {
			tr.Date, tr.Zero = true, own
		}
		if (typ == "varbinary" || typ == "binary") && s.props.columns == nil && isBytes(f) {
			if len(mapping) == 0 {
				sources = slices.Clone(names)
			}
			tr.Hex = true
			sources[i] = t.freeName("gx_hex_" + names[i])
			mapping = append(mapping, quoteName(names[i])+"=to_binary("+quoteName(sources[i])+",'hex')")
		}
	}
	return treat, sources, mapping
}

func isBytes(f arrow.Field) bool {
	switch f.Type.ID() {
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return !rows.IsJSON(f)
	}
	return false
}

// freeName is a name that no column of the table has.
func (t *target) freeName(name string) string {
	for t.types[strings.ToLower(name)] != "" {
		name += "_"
	}
	return name
}

// untreated refuses documents where the job wants dates treated.
func (s *settings) untreated() error {
	if !s.dates.asked {
		return nil
	}
	return protocol.Faultf(protocol.Config, "zeroDate and convertTimeZone look at values, and the reader sends whole documents").At("column").
		Hint("name the columns of the table in column")
}
