package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/core/state"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
)

// fence is a fenced block of a page.
type fence struct {
	page string
	line int // of its first line, from 1
	info string
	text string
}

func (f fence) String() string { return fmt.Sprintf("%s:%d", f.page, f.line) }

func fences(t testing.TB, page string) (out []fence) {
	t.Helper()
	var open *fence
	for i, line := range strings.Split(readTree(t, page), "\n") {
		info, mark := strings.CutPrefix(line, "```")
		switch {
		case open != nil && line == "```":
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		case mark:
			open = &fence{page: page, line: i + 2, info: strings.TrimSpace(info)}
		}
	}
	if open != nil {
		t.Errorf("%s: a block is never closed", open)
	}
	return out
}

// TestSnippets holds every JSON block to what its info string says it is: "json job" is a whole job that gx would run,
// "json job FILE" is that file besides, "json parameter PLUGIN" are options of a plugin, and so on.
func TestSnippets(t *testing.T) {
	jobs := 0
	for _, page := range allPages(t) {
		sources := job.Datasources{}
		for _, f := range fences(t, page) {
			words := strings.Fields(f.info)
			if len(words) == 0 || !strings.HasPrefix(words[0], "json") {
				continue
			}
			kind, rest := "", ""
			if len(words) > 1 {
				kind, rest = words[1], strings.Join(words[2:], " ")
			}
			switch {
			case words[0] == "jsonl":
				for line := range strings.Lines(f.text) {
					if !json.Valid([]byte(line)) {
						t.Errorf("%s: not JSON: %s", f, line)
					}
				}
			case kind == "job":
				jobs++
				report(t, f.String(), judgeJob([]byte(f.text), sources, nil))
				if rest != "" && f.text != readTree(t, rest) {
					t.Errorf("%s is not %s any more", f, rest)
				}
			case kind == "datasources":
				ds, problems := job.ParseDatasources([]byte(f.text))
				report(t, f.String(), problems)
				sources = ds
			case kind == "setting":
				text := `{"type":"job","version":"2.0","steps":[` +
					`{"stepType":"stream","name":"r","category":"reader","parameter":{"column":[{"value":"x"}],"sliceRecordCount":1}},` +
					`{"stepType":"stream","name":"w","category":"writer","parameter":{}}],"setting":` + f.text + `}`
				report(t, f.String(), judgeJob([]byte(text), nil, nil))
			case kind == "step":
				report(t, f.String(), judgeStep(f.text))
			case kind == "parameter":
				v, problems := options.Parse([]byte(f.text))
				report(t, f.String(), problems)
				report(t, f.String(), slices.DeleteFunc(judgeParameter(t, v, rest), func(p options.Problem) bool { return p.Code == options.CodeMissing }))
			case kind == "report":
				strict(t, f, new(engine.Report))
			case kind == "progress":
				var line struct {
					Level, Time, Message string
					RowsPerSecond        float64
					BytesPerSecond       float64
					Progress             engine.Progress
				}
				strict(t, f, &line)
			case kind == "dirty":
				sameKeys(t, f, dirtyLine(t))
			default:
				t.Errorf("%s: nobody checks a block %q", f, f.info)
			}
		}
	}
	if jobs < 5 {
		t.Errorf("only %d whole jobs were found in the pages", jobs)
	}
}

func report(t *testing.T, where string, problems []options.Problem) {
	t.Helper()
	for _, p := range problems {
		if !p.Warning {
			t.Errorf("%s: %s", where, p)
		}
	}
}

func strict(t *testing.T, f fence, dst any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(f.text))
	d.DisallowUnknownFields()
	if err := d.Decode(dst); err != nil {
		t.Errorf("%s: %v", f, err)
	}
}

// surroundings give a job what its page takes for granted: addresses, and passwords in the environment.
func surroundings(sources job.Datasources, vars map[string]string) job.Options {
	o := job.Options{Name: "docs", Datasources: sources,
		Vars:      map[string]string{"kafka": "broker:9092", "feHttp": "fe:8030", "feQuery": "fe:9030", "data": "data", "out": "out"},
		LookupEnv: func(string) (string, bool) { return "not a secret", true },
		ReadFile:  func(string) ([]byte, error) { return []byte("not a secret\n"), nil },
	}
	for k, v := range vars {
		o.Vars[k] = v
	}
	return o
}

// judgeJob is `gx check` within this process: the document, the plan, and the parameters by their plugins.
func judgeJob(src []byte, sources job.Datasources, vars map[string]string) []options.Problem {
	jobs, problems := job.Parse(src, surroundings(sources, vars))
	for _, j := range jobs {
		pl, more := plan.Build(j, "run", false)
		problems = append(problems, more...)
		if s := pl.Sink; s != nil {
			v, more := options.Parse(s.Parameters)
			problems = append(problems, more...)
			problems = append(problems, options.Decode(v, s.Path, configOf(s.Type+"-writer"))...)
		}
		for _, s := range j.Steps {
			if s.Category == job.TransformerStep {
				continue // the plan has judged it
			}
			v, more := options.Parse(s.Parameter.JSON())
			problems = append(problems, more...)
			cfg := configOf(s.Type + "-" + string(s.Category))
			if cfg == nil {
				problems = append(problems, options.Problem{Code: options.CodeUnknownPlugin, Path: s.Path, Seen: s.Type})
				continue
			}
			problems = append(problems, options.Decode(v, s.Path, cfg)...)
		}
	}
	return problems
}

// judgeStep is for one step, shown without the job around it. Its plugin need not be built in.
func judgeStep(text string) []options.Problem {
	v, problems := options.Parse([]byte(text))
	step := struct {
		StepType  string        `json:"stepType" gx:"required"`
		Name      string        `json:"name" gx:"required"`
		Category  string        `json:"category" gx:"required,enum=reader|writer"`
		Parameter options.Value `json:"parameter"`
		Plugin    *job.Plugin   `json:"plugin"`
	}{}
	problems = append(problems, options.Decode(v, "", &step)...)
	if cfg := configOf(step.StepType + "-" + step.Category); cfg != nil {
		problems = append(problems, options.Decode(step.Parameter, "parameter", cfg)...)
	}
	return problems
}

func judgeParameter(t *testing.T, v options.Value, plugin string) []options.Problem {
	cfg := configOf(plugin)
	if cfg == nil {
		t.Errorf("there is no plugin %q", plugin)
		return nil
	}
	return options.Decode(v, "parameter", cfg)
}

// configOf is an empty set of options of a built-in plugin, nil if there is none of that name.
func configOf(name string) any {
	i := slices.IndexFunc(builtins(), func(p sdk.Plugin) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	if p := builtins()[i]; p.Reader != nil {
		return p.Reader.New().Config()
	}
	return builtins()[i].Writer.New().Config()
}

// dirtyLine is a line of a dirty file as gx writes it.
func dirtyLine(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dirty.jsonl")
	d := &state.DirtyFile{Path: file, Job: "j", Run: "r"}
	if err := d.Add(t.Context(), engine.DirtyRecord{Side: "s", Place: "p", Reason: "r", Column: "c", Record: []byte("{}"), Key: []byte("k"),
		Origin: &engine.Origin{Topic: "t", Headers: []engine.Header{{Name: "h"}}}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sameKeys holds each line of a block to the keys that a real line may have.
func sameKeys(t *testing.T, f fence, real string) {
	t.Helper()
	var known map[string]any
	if err := json.Unmarshal([]byte(real), &known); err != nil {
		t.Fatal(err)
	}
	var shown map[string]any
	if err := json.Unmarshal([]byte(f.text), &shown); err != nil {
		t.Errorf("%s: %v", f, err)
	}
	for k := range shown {
		if _, ok := known[k]; !ok {
			t.Errorf("%s shows %q, which gx does not write", f, k)
		}
	}
}
