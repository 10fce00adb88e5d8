package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
)

// rawSQL are the keys whose values go to a server as statements, as they are.
var rawSQL = []string{"preSql", "postSql", "querySql", "session", "createTableTemplate"}

// refuseRawSQL finds the statements that a job's plugins would run, for --no-raw-sql.
func refuseRawSQL(j *job.Job, pl *plan.Plan) (problems []options.Problem) {
	for _, s := range j.Steps {
		problems = append(problems, findRawSQL(j, s.Parameter, s.Path)...)
	}
	if sink := pl.Sink; sink != nil {
		problems = append(problems, findRawSQL(j, *j.Setting.Dirty.Parameter, sink.Path)...)
	}
	return problems
}

func findRawSQL(j *job.Job, v options.Value, path string) (problems []options.Problem) {
	for i, item := range v.Items() {
		problems = append(problems, findRawSQL(j, item, options.At(path, i))...)
	}
	for _, m := range v.Members() {
		at := options.Join(path, m.Key)
		isRaw := slices.ContainsFunc(rawSQL, func(key string) bool { return strings.EqualFold(key, m.Key) })
		if isRaw && says(m.Value) {
			problems = append(problems, j.Place(options.Problem{Code: options.CodeNotAllowed, Path: at,
				Seen: fmt.Sprintf("%s holds SQL, and --no-raw-sql is set", m.Key), Try: "leave it out, or run without --no-raw-sql"}))
			continue
		}
		problems = append(problems, findRawSQL(j, m.Value, at)...)
	}
	return problems
}

// says tells whether there is anything but blanks in a value.
func says(v options.Value) bool {
	switch v.Kind() {
	case options.Array:
		return slices.ContainsFunc(v.Items(), says)
	case options.Object:
		return len(v.Members()) > 0
	}
	return strings.TrimSpace(v.Text()) != ""
}

// allowDestructive lends --allow-destructive to a writer that may make its table anew.
func allowDestructive(j *job.Job, pl *plan.Plan) {
	for i := range pl.Writers {
		for _, s := range j.Steps {
			if s.Path == pl.Writers[i].Path && s.Parameter.Get("schemaSaveMode").Given() {
				yes, _ := options.Parse([]byte("true"))
				pl.Writers[i].Parameters = s.Parameter.With("allowDestructive", yes).JSON()
			}
		}
	}
	if pl.Sink == nil {
		return
	}
	if v, _ := options.Parse(pl.Sink.Parameters); v.Get("schemaSaveMode").Given() {
		yes, _ := options.Parse([]byte("true"))
		pl.Sink.Parameters = v.With("allowDestructive", yes).JSON()
	}
}
