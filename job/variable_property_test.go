package job

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/job/options"
	"pgregory.net/rapid"
)

var (
	drawName = rapid.StringMatching(`[a-z][a-z_]{1,8}[0-9]?`).Filter(func(name string) bool { return !slices.Contains(builtins, name) })
	// What a variable may hold so that it says nothing to JSON, and nothing of time.
	drawValue = rapid.StringMatching(`[a-zA-Z0-9 _.,:;=<>()/'%*+#@!?{}äé漢👩-]{0,12}[a-zA-Z0-9é漢)]`)
)

func drawVars(t *rapid.T) map[string]string {
	vars := map[string]string{}
	for range rapid.IntRange(1, 4).Draw(t, "variables") {
		vars[drawName.Draw(t, "name")] = drawValue.Draw(t, "value")
	}
	return vars
}

// Whatever stands around them: given variables are replaced in every form, and all else stays byte for byte.
func TestGivenVariablesAreReplacedAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vars := drawVars(t)
		names := slices.Sorted(maps.Keys(vars))
		around := rapid.SampledFrom([]string{"", " ", "-", "x", "^a$", "$", "$1", "$$", "#{a}", "{}", "$nobody", "$[0]", "${env:PASSWORD}", "${file:/a b}", "漢", "%s", `\"`, `\\`, "$.a.b"})
		var src, want strings.Builder
		src.WriteByte('"')
		want.WriteByte('"')
		for range rapid.IntRange(1, 8).Draw(t, "parts") {
			piece := around.Draw(t, "around")
			name := rapid.SampledFrom(names).Draw(t, "which")
			form := rapid.SampledFrom([]string{"${%s}", "${ %s }", "$%s."}).Draw(t, "form")
			if strings.HasSuffix(piece, "$") {
				piece += " " // or it would be part of the form
			}
			if _, given := vars["nobody"]; given && piece == "$nobody" {
				piece = ""
			}
			src.WriteString(piece)
			fmt.Fprintf(&src, form, name)
			want.WriteString(piece + vars[name])
			if strings.HasSuffix(form, ".") {
				want.WriteByte('.')
			}
		}
		src.WriteByte('"')
		want.WriteByte('"')
		got, problems := expand([]byte(src.String()), Options{Vars: vars, TZ: time.UTC})
		if string(got) != want.String() || options.Failed(problems) {
			t.Fatalf("%s with %q\n got %s\nwant %s\n%v", src.String(), vars, got, want.String(), problems)
		}
	})
}

// From the flag of DataX into the parameter of a plugin, and nothing is lost on the way.
func TestVariablesComeThroughFromFlagToPlugin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vars := drawVars(t)
		var flag, members []string
		for name, value := range vars {
			flag = append(flag, "-D"+name+"="+value)
			members = append(members, fmt.Sprintf("%q: %q", name, "<${"+name+"}>"))
		}
		given, problems := ParseDFlags(strings.Join(flag, " "))
		want := map[string]string{}
		for name, value := range vars {
			want[name] = strings.TrimSpace(value)
		}
		// A quote that opens a value or a word and has an end later holds what is between, also another -D.
		if quoted := slices.ContainsFunc(flag, func(f string) bool { return strings.Contains(f, "='") || strings.Contains(f, " '") }); quoted {
			return
		}
		if !maps.Equal(given, want) || len(problems) > 0 {
			t.Fatalf("%q: got %q, want %q; %v", flag, given, want, problems)
		}
		jobs, problems := Parse([]byte(`{"type": "job", "steps": [{"stepType": "a", "name": "i", "category": "reader", "parameter": {`+strings.Join(members, ", ")+`}},
			{"stepType": "b", "name": "o", "category": "writer"}]}`), Options{Vars: given})
		if options.Failed(problems) || len(jobs) != 1 {
			t.Fatalf("%v", problems)
		}
		for name, value := range want {
			if got := jobs[0].Steps[0].Parameter.Get(name).Text(); got != "<"+value+">" {
				t.Fatalf("%s: got %q, want %q", name, got, value)
			}
		}
	})
}

// A variable that nobody gives is an error, once, or stays as it is; no other variable suffers from it.
func TestUnknownVariablesAreNamedOrLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vars := drawVars(t)
		lost := drawName.Filter(func(name string) bool { _, given := vars[name]; return !given && !startsLikeTime(name) }).Draw(t, "lost")
		src := strings.Repeat("${"+lost+"} ", rapid.IntRange(1, 3).Draw(t, "times"))
		want := src
		for _, name := range slices.Sorted(maps.Keys(vars)) {
			src += "${" + name + "}"
			want += vars[name]
		}
		_, problems := expand([]byte(src), Options{Vars: vars})
		if n := len(slices.DeleteFunc(problems, func(p options.Problem) bool { return p.Warning })); n != 1 {
			t.Fatalf("%s: %d errors: %v", src, n, problems)
		}
		left, problems := expand([]byte(src), Options{Vars: vars, AllowUnresolved: true})
		if string(left) != want || options.Failed(problems) {
			t.Fatalf("%s: got %s, want %s; %v", src, left, want, problems)
		}
	})
}

// Moving a date by N of its last unit and reading it back gives the date that the calendar has there.
func TestOffsetsCountAsTheCalendarDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schedule := time.Unix(rapid.Int64Range(946684800, 4102444800).Draw(t, "time"), 0).UTC()
		n := rapid.IntRange(-800, 800).Draw(t, "n")
		business := time.Date(schedule.Year(), schedule.Month(), schedule.Day()-1, 0, 0, 0, 0, time.UTC)
		minutes := time.Duration(n) * time.Minute
		for form, want := range map[string]string{
			fmt.Sprintf("${yyyymmdd%+d}", n):                    business.AddDate(0, 0, n).Format("20060102"),
			fmt.Sprintf("${yyyy-mm-dd%+d}", n):                  business.AddDate(0, 0, n).Format("2006-01-02"),
			fmt.Sprintf("${yyyymm%+d}", n/10):                   time.Date(business.Year(), business.Month()+time.Month(n/10), 1, 0, 0, 0, 0, time.UTC).Format("200601"),
			fmt.Sprintf("${yyyy%+d}", n/100):                    fmt.Sprintf("%04d", business.Year()+n/100),
			fmt.Sprintf("${yyyymmdd%+d*7}", n/10):               business.AddDate(0, 0, 7*(n/10)).Format("20060102"),
			fmt.Sprintf("$[yyyymmddhh24miss%+d]", n):            schedule.AddDate(0, 0, n).Format("20060102150405"),
			fmt.Sprintf("$[yyyymmddhh24miss%+d/24]", n):         schedule.Add(time.Duration(n) * time.Hour).Format("20060102150405"),
			fmt.Sprintf("$[yyyy-mm-dd hh24:mi:ss%+d/24/60]", n): schedule.Add(minutes).Format("2006-01-02 15:04:05"),
			fmt.Sprintf("$[add_months(yyyymm,%+d)]", n/10):      time.Date(schedule.Year(), schedule.Month()+time.Month(n/10), 1, 0, 0, 0, 0, time.UTC).Format("200601"),
			"$bizdate ${bizdate}":                               business.Format("20060102 20060102"),
			"$cyctime$gmtdate":                                  schedule.Format("2006010215040520060102"),
		} {
			got, problems := expand([]byte(form), Options{TZ: time.UTC, ScheduleTime: schedule})
			if string(got) != want || len(problems) > 0 {
				t.Fatalf("%s at %v: got %s, want %s; %v", form, schedule, got, want, problems)
			}
		}
	})
}
