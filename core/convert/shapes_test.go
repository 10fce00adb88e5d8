package convert

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"pgregory.net/rapid"
)

func converted(t require, text []byte, from Tool, to Shape) *Result {
	t.Helper()
	r, problems := Convert([]Input{{Name: "job.json", Text: text}}, Options{From: from, To: to})
	if options.Failed(problems) {
		t.Fatalf("%s: %v", text, problems)
	}
	return r
}

// require is what *testing.T and *rapid.T share.
type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

func parsed(t require, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

// draw makes a DataX job in the forms that both tools write.
func draw(t *rapid.T) map[string]any {
	name := rapid.StringMatching(`[a-z_]{1,8}`)
	words := rapid.SliceOfN(name, 1, 4)
	maybe := func(m map[string]any, key string, v any) {
		if rapid.Bool().Draw(t, "has "+key) {
			m[key] = v
		}
	}
	speed := map[string]any{"channel": float64(rapid.IntRange(1, 200).Draw(t, "channel"))}
	maybe(speed, "byte", float64(rapid.Int64Range(1, 1<<50).Draw(t, "byte")))
	maybe(speed, "record", float64(rapid.Int64Range(1, 1<<40).Draw(t, "record")))
	setting := map[string]any{"speed": speed}
	limit := map[string]any{}
	maybe(limit, "record", float64(rapid.IntRange(0, 1000).Draw(t, "limit")))
	maybe(limit, "percentage", rapid.Float64Range(0, 1).Draw(t, "share"))
	if len(limit) > 0 {
		setting["errorLimit"] = limit
	}
	kinds := rapid.SampledFrom([]string{"kafka", "stream", "mysql"}).Draw(t, "reader")
	content := map[string]any{
		"reader": map[string]any{"name": kinds + "reader", "parameter": map[string]any{"topic": name.Draw(t, "topic"), "column": words.Draw(t, "columns")}},
		"writer": map[string]any{"name": "starrockswriter", "parameter": map[string]any{"selectedDatabase": name.Draw(t, "db"), "table": name.Draw(t, "table"),
			"loadUrl": words.Draw(t, "urls"), "loadProps": map[string]any{"column_separator": `\x01`}}},
	}
	if rapid.Bool().Draw(t, "transforms") {
		content["transformer"] = []any{map[string]any{"name": "dx_filter", "parameter": map[string]any{"columnIndex": 1.0, "paras": words.Draw(t, "paras")}}}
	}
	job := map[string]any{"setting": setting, "content": []any{content}}
	maybe(job, "name", name.Draw(t, "name"))
	return map[string]any{"job": job}
}

// A DataX job comes back from DataWorks as it went there.
func TestRoundTripIsTheSameJob(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(draw(t))
		if err != nil {
			t.Fatal(err)
		}
		there := converted(t, text, DataX, ToDataWorks)
		back := converted(t, there.Document(), DataWorks, ToDataX)
		if want, got := parsed(t, text), parsed(t, back.Document()); !reflect.DeepEqual(want, got) {
			t.Fatalf("\n%s\nwent as\n%s\nand came back as\n%s", text, there.Document(), back.Document())
		}
	})
}

// Both shapes of one job mean the same to gx.
func TestBothShapesMeanTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := draw(t)
		setting := doc["job"].(map[string]any)["setting"].(map[string]any)
		if setting["errorLimit"] == nil { // which DataX and gx read differently
			setting["errorLimit"] = map[string]any{"record": 0.0}
		}
		if rapid.Bool().Draw(t, "off") {
			setting["speed"].(map[string]any)["throttle"] = false
		}
		if rapid.Bool().Draw(t, "core") {
			doc["core"] = map[string]any{"transport": map[string]any{"channel": map[string]any{"speed": map[string]any{
				"byte": rapid.Int64Range(1<<20, 1<<30).Draw(t, "byte of a channel"), "record": rapid.Int64Range(1<<10, 1<<30).Draw(t, "records of a channel")}}}}
			speed := setting["speed"].(map[string]any)
			for _, key := range []string{"byte", "record"} { // keep the number of lanes one that a machine could have
				if v, ok := speed[key].(float64); ok && v > 1<<30 {
					speed[key] = float64(1 << 30)
				}
			}
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		read := func(text []byte) *job.Job {
			jobs, problems := job.Parse(text, job.Options{Name: "j"})
			if options.Failed(problems) || len(jobs) != 1 {
				t.Fatalf("%v\n%s", problems, text)
			}
			return jobs[0]
		}
		before, after := read(text), read(converted(t, text, DataX, GX).Document())
		if !reflect.DeepEqual(before.Setting.Speed, after.Setting.Speed) || !reflect.DeepEqual(before.Setting.ErrorLimit, after.Setting.ErrorLimit) {
			t.Fatalf("%+v became %+v\n%s", before.Setting, after.Setting, text)
		}
		for i := range before.Steps {
			if b, a := before.Steps[i], after.Steps[i]; b.Type != a.Type || b.Category != a.Category || !b.Parameter.Equal(a.Parameter) {
				t.Fatalf("%s became %s", b.Parameter, a.Parameter)
			}
		}
	})
}

func TestMegabytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<52).Draw(t, "bytes")
		if got := megabytes(decimal(n)); got != n {
			t.Fatalf("%d is %s, which is %d", n, decimal(n), got)
		}
	})
	for text, want := range map[string]int64{"12": 12 << 20, "0.5": 1 << 19, "": 0, "-1": 0, "x": 0, "1e99": 0} {
		if got := megabytes(text); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func TestEveryKeyHasALine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(draw(t))
		if err != nil {
			t.Fatal(err)
		}
		r := converted(t, text, DataX, GX)
		root, _ := options.Parse(text)
		root.MapScalars("", func(path, _ string, v options.Value) options.Value {
			for _, l := range r.Lines {
				if l.Key == path || strings.HasPrefix(path, l.Key+"[") || strings.HasPrefix(path, l.Key+".") {
					return v
				}
			}
			t.Fatalf("nothing is said of %s\n%v", path, r.Lines)
			return v
		})
	})
}
