package job

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/job/options"
	"pgregory.net/rapid"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func TestVariables(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"$bizdate ${bizdate} ${ bizdate }", "20260131 20260131 20260131"},
		{"$cyctime $gmtdate $bizmonth", "20260201083005 20260201 202601"},
		{"$bizdate_x $bizdates", "$bizdate_x $bizdates"},
		{"${name}$name-$name", "vv-v"},
		{"$names ${name}s", "$names vs"},
		{"${bizdate2} ${mm}", "mine 01"}, // a given name beats a pattern
		{"${yyyymmdd+1} ${yyyymmdd-31} ${mmdd}", "20260201 20251231 0131"},
		{"${yyyymm+1} ${yyyy-mm-dd} ${yyyy/mm/dd-1}", "202602 2026-01-31 2026/01/30"},
		{"${yyyy-1} ${yy} ${yyyymmdd+7*2} ${YYYYMMDD}", "2025 26 20260214 20260131"},
		{"$[yyyymmdd] $[yyyymmdd-1] $[yyyymmdd - 1] $[yyyy-mm-dd-1]", "20260201 20260131 20260131 2026-01-31"},
		{"$[hh24miss] $[hh24miss-1/24] $[hh24:mi:ss-15/24/60]", "083005 073005 08:15:05"},
		{"$[yyyy-mm-dd hh24:mi:ss-9/24]", "2026-01-31 23:30:05"},
		{"$[add_months(yyyymmdd,-1)] $[add_months(yyyymm,12*2)] $[ADD_MONTHS(yyyymmddhh24miss, +1)]", "20260101 202802 20260301083005"},
		{"$[yyyymm-1] $[yyyymmdd-7*1]", "202601 20260125"},
		{"$[0] $['a'] $[*] $[?(@.x)] ^a$ $1 $ $$ ${env:X} ${file:/a b} ${exec:ls -l}", "$[0] $['a'] $[*] $[?(@.x)] ^a$ $1 $ $$ ${env:X} ${file:/a b} ${exec:ls -l}"},
		{"${expr} ${date} ${month}", "20260131 20260131 202601"},
		{"${recursive}", "${name}"},
		{"// ${nobody}\n/* ${nobody}\n */ \"// $name \\\" // $name\" // ${nobody}", "// ${nobody}\n/* ${nobody}\n */ \"// v \\\" // v\" // ${nobody}"},
		{"/* ${nobody}", "/* ${nobody}"},
	} {
		got, problems := expand([]byte(c.src), Options{TZ: time.UTC, ScheduleTime: at(t, "2026-02-01 08:30:05"),
			Vars: map[string]string{"name": "v", "bizdate2": "mine", "expr": "$[yyyymmdd-1]", "date": "$bizdate", "month": "${yyyymm}", "recursive": "${name}"}})
		if string(got) != c.want || len(problems) > 0 {
			t.Errorf("%s\n got %s\nwant %s\n%v", c.src, got, c.want, problems)
		}
	}
}

func TestBusinessMonthIsTheLastClosedOne(t *testing.T) {
	for schedule, want := range map[string]string{"2026-03-15 00:00:00": "202602", "2026-03-01 00:00:00": "202602", "2026-01-10 00:00:00": "202512", "2026-01-01 00:00:00": "202512"} {
		got, _ := expand([]byte("$bizmonth"), Options{TZ: time.UTC, ScheduleTime: at(t, schedule)})
		if string(got) != want {
			t.Errorf("%s: got %s, want %s", schedule, got, want)
		}
	}
}

func TestBaseTimes(t *testing.T) {
	shanghai := time.FixedZone("+08:00", 8*60*60)
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"now in the zone", Options{Now: at(t, "2026-11-20 20:00:00"), TZ: shanghai}, "20261120 20261121040000"},
		{"schedule time in the zone", Options{ScheduleTime: at(t, "2026-11-20 20:00:00"), TZ: shanghai}, "20261120 20261121040000"},
		{"only a business date", Options{BizDate: at(t, "2026-01-31 00:00:00"), Now: at(t, "2026-11-20 20:00:00"), TZ: time.UTC}, "20260131 20260201000000"},
		{"both", Options{BizDate: at(t, "2026-01-31 00:00:00"), ScheduleTime: at(t, "2026-11-20 20:00:00"), TZ: time.UTC}, "20260131 20261120200000"},
	} {
		if got, _ := expand([]byte("$bizdate $cyctime"), c.o); string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestADayIsADayWhenTheClockChanges(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{TZ: berlin, ScheduleTime: time.Date(2026, 3, 29, 12, 0, 0, 0, berlin)} // the night before had 23 hours
	if got, _ := expand([]byte("$[yyyymmddhh24miss-1] $[yyyymmddhh24miss-24/24] $[hh24-11/24]"), o); string(got) != "20260328120000 20260328120000 00" {
		t.Errorf("got %s", got)
	}
}

func TestUnresolvedVariablesAreListedOnce(t *testing.T) {
	src := "{\n\"a\": \"${nobody}\",\n\"b\": \"数 ${nobody} ${tabel}\"\n}"
	_, problems := expand([]byte(src), Options{Vars: map[string]string{"table": "t", "blank": " "}})
	if len(problems) != 2 {
		t.Fatalf("got %v", problems)
	}
	first, second := problems[0], problems[1]
	if first.Line != 2 || first.Col != 7 || !strings.Contains(first.Seen, "on the lines 2, 3") || !strings.Contains(first.Want, "table, bizdate") || strings.Contains(first.Want, "blank") {
		t.Errorf("%d:%d %s", first.Line, first.Col, first)
	}
	if second.Line != 3 || second.Col != 19 || second.Try != "table" || second.Warning {
		t.Errorf("%d:%d %s", second.Line, second.Col, second)
	}
	left, problems := expand([]byte(src), Options{AllowUnresolved: true})
	if string(left) != src || options.Failed(problems) || len(problems) != 2 {
		t.Errorf("got %s %v", left, problems)
	}
}

func TestBlankValueIsNotGiven(t *testing.T) {
	if _, problems := expand([]byte(`"${a}"`), Options{Vars: map[string]string{"a": "  "}}); len(problems) != 1 {
		t.Errorf("got %v", problems)
	}
}

func TestQuoteInValueIsNotedWithoutShowingIt(t *testing.T) {
	got, problems := expand([]byte(`"$a $a ${b}"`), Options{Vars: map[string]string{"a": `it's`, "b": "plain", "unused": `"`}})
	if string(got) != `"it's it's plain"` || len(problems) != 1 || !problems[0].Warning || problems[0].Code != options.CodeQuoteInVariable || strings.Contains(problems[0].String(), "it's") {
		t.Errorf("got %s %v", got, problems)
	}
}

func TestUnresolvedVariableHidesTheSyntaxErrorItCauses(t *testing.T) {
	_, problems := Parse([]byte(`{"type": ${what}}`), Options{})
	if len(problems) != 1 || problems[0].Code != options.CodeUnresolvedVariable {
		t.Errorf("got %v", problems)
	}
}

func TestParseDFlags(t *testing.T) {
	for _, c := range []struct {
		flag string
		want map[string]string
		bad  int
	}{
		{"", map[string]string{}, 0},
		{"-Dname=value", map[string]string{"name": "value"}, 0},
		{" -Da=1  -Db=two words -Dc=x=y", map[string]string{"a": "1", "b": "two words", "c": "x=y"}, 0},
		{"-Dw=dt='2026 -Dx=1' -Da=1", map[string]string{"w": "dt='2026 -Dx=1'", "a": "1"}, 0},
		{"-Dw='a -Dx=1' -Da=\"q\"", map[string]string{"w": "'a -Dx=1'", "a": `"q"`}, 0},
		{"-Dn=O'Brien -Da=1", map[string]string{"n": "O'Brien", "a": "1"}, 0},
		{"-Da= -Db=1", map[string]string{"b": "1"}, 0},
		{"-Da=1 -Da=2", map[string]string{"a": "2"}, 0},
		{"-Da", map[string]string{}, 1},
		{"a=1 -Db=2", map[string]string{"b": "2"}, 1},
		{"-Da b=1", map[string]string{}, 1},
		{"-D=1", map[string]string{}, 1},
	} {
		got, problems := ParseDFlags(c.flag)
		if !maps.Equal(got, c.want) || len(problems) != c.bad {
			t.Errorf("%q: got %v %v", c.flag, got, problems)
		}
	}
}

// A layout that Go's time package reads differently from what the pattern says would corrupt dates silently.
func TestPatternsMeanWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Unix(rapid.Int64Range(0, 4102444800).Draw(t, "time"), 0).UTC()
		values := map[string]string{
			"yyyy": fmt.Sprintf("%04d", base.Year()), "yy": fmt.Sprintf("%02d", base.Year()%100), "mm": fmt.Sprintf("%02d", base.Month()), "dd": fmt.Sprintf("%02d", base.Day()),
			"hh24": fmt.Sprintf("%02d", base.Hour()), "mi": fmt.Sprintf("%02d", base.Minute()), "ss": fmt.Sprintf("%02d", base.Second()),
		}
		units := rapid.SliceOfN(rapid.SampledFrom([]string{"yyyy", "yy", "mm", "dd", "hh24", "mi", "ss"}), 1, 6).Draw(t, "units")
		pattern, want := "", ""
		for i, u := range units {
			if i > 0 {
				sep := rapid.SampledFrom([]string{"", "-", "/", ".", ":", "_", " "}).Draw(t, "sep")
				if sep == "" && units[i-1] == "yy" && (u == "yy" || u == "yyyy") {
					sep = "-" // yyyy is one unit
				}
				pattern, want = pattern+sep, want+sep
			}
			pattern, want = pattern+u, want+values[u]
		}
		if got, wrong := onSchedule(pattern, base); got != want || wrong != "" {
			t.Fatalf("%s: got %q %s, want %q", pattern, got, wrong, want)
		}
	})
}

func TestAddMonthsStaysInTheMonth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Date(rapid.IntRange(1900, 2100).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"), 23, 59, 59, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "more"))
		n := rapid.IntRange(-600, 600).Draw(t, "n")
		got := addMonths(base, n)
		if months := (got.Year()-base.Year())*12 + int(got.Month()) - int(base.Month()); months != n || got.Day() > base.Day() || got.Hour() != 23 {
			t.Fatalf("%v and %d months is %v", base, n, got)
		}
	})
}

func FuzzVariables(f *testing.F) {
	for _, s := range []string{`"${a}$b"`, "$[yyyymmdd-1/24]", "${yyyymm-1}", "// $a\n/*${x", "$[add_months(yyyymmdd,-1)]", "${env:A}", `"\"$bizdate"`, "$[yyyy*9/0]", "${yyyymmdd+999999999*999999999}"} {
		f.Add(s, "v", true)
	}
	f.Fuzz(func(t *testing.T, src, value string, allow bool) {
		o := Options{Vars: map[string]string{"a": value, "b": "$cyctime"}, AllowUnresolved: allow, TZ: time.UTC, Now: time.Unix(1795219200, 0)}
		out, problems := expand([]byte(src), o)
		if !strings.Contains(src, "$") && string(out) != src {
			t.Fatalf("%q became %q without a variable in it", src, out)
		}
		if allow && options.Failed(problems) {
			t.Fatalf("problems in spite of AllowUnresolved: %v", problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Line > strings.Count(src, "\n")+1 || p.Col < 1 {
				t.Fatalf("%d:%d is outside of %q", p.Line, p.Col, src)
			}
		}
		_, _ = ParseDFlags(src)
	})
}
