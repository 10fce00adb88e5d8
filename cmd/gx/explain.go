package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gx-etl/gx/core/dirty"
	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/observe"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/core/state"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"
)

type explainFlags struct {
	documentFlags
	json bool
}

func (a *app) explainCommand() *cobra.Command {
	var flags explainFlags
	c := &cobra.Command{
		Use:   "explain JOB",
		Short: "Show what a job would do, without doing it",
		Long: `explain opens both sides of a job, lets the reader cut its source, and prints what a run would do: the shards with
what is asked of the source for each, how many lanes have work, which delivery is in force and why, how the memory is
shared, and what the plugins say of the job, such as how many loads a minute it may come to. Nothing is read, nothing is
written, and no position moves.`,
		Args: oneArg("a job"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.explain(cmd.Context(), args[0], &flags) },
	}
	flags.register(c)
	c.Flags().BoolVar(&flags.json, "json", false, "as one JSON object for each job")
	return c
}

func (a *app) explain(ctx context.Context, where string, flags *explainFlags) error {
	doc, err := a.read(ctx, where, &flags.documentFlags)
	if err != nil {
		return err
	}
	if options.Failed(doc.problems) {
		return a.refuse(ctx, doc, &flags.documentFlags)
	}
	a.printProblems(doc.label, doc.problems)
	for _, j := range doc.jobs {
		if err := a.explainOne(ctx, doc, j, flags); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) explainOne(ctx context.Context, doc *document, j *job.Job, flags *explainFlags) error {
	p, problems, err := a.prepare(ctx, j, &flags.documentFlags, false)
	if err != nil {
		return err
	}
	defer p.kill()
	options.Sort(problems)
	if err := a.errProblems(doc.label, problems); err != nil {
		return err
	}
	e := &engine.Engine{Plan: p.plan, Reader: p.reader(), Writer: p.writer()}
	if p.sink != nil { // opened and closed, like the others
		e.Dirty = &dirty.Sink{Writer: writer{p.sink.Writer()}, Plan: p.plan, Refused: &state.DirtyFile{}, Note: func(string) {}}
	}
	x, err := e.Explain(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(a.stderr, "gx: %s\n", j.Mask(fault.Text(err)))
		return exitCode(fault.Exit(err))
	}
	x.Notes = append(x.Notes, advice(p.plan, x)...)
	if flags.json {
		text, err := json.Marshal(x)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, j.Mask(string(text)))
		return err
	}
	var out strings.Builder
	printExplanation(&out, x)
	_, err = fmt.Fprint(a.stdout, j.Mask(out.String()))
	return err
}

// nested begin the types whose values CSV holds as texts within texts.
var nested = []string{"json", "array", "map", "struct", "varbinary", "bitmap", "hll", "percentile"}

// advice says what would make the job faster.
func advice(p *plan.Plan, x *engine.Explanation) (notes []string) {
	if x.Documents || len(x.Types) == 0 || slices.ContainsFunc(x.Types, func(typ string) bool {
		return slices.ContainsFunc(nested, func(n string) bool { return strings.HasPrefix(typ, n) })
	}) {
		return nil
	}
	for _, w := range p.Writers {
		if strings.EqualFold(gjson.GetBytes(w.Parameters, "loadProps.format").String(), "json") {
			notes = append(notes, w.Path+".loadProps.format: every column holds a plain value, and csv is smaller and faster than json")
		}
	}
	return notes
}

// printExplanation writes an explanation for people.
func printExplanation(w io.Writer, x *engine.Explanation) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %-9s %s\n", name, fault.Printable(fmt.Sprintf(format, args...)))
	}
	_, _ = fmt.Fprintf(w, "%s: %s → %s, %s\n", x.Job, x.Reader, x.Writer, x.Mode)
	if x.Documents {
		line("rows", "whole documents")
	} else if len(x.Columns) > 0 {
		line("rows", "%s", strings.Join(x.Columns, ", "))
	}
	how, promise, _ := strings.Cut(x.Delivery, ": ")
	line(how, "%s", promise)
	line("lanes", "%d of %d have work", x.Lanes, x.LanesMost)
	line("memory", "%s: reader %s, core %s, writer %s", observe.Bytes(x.Memory.Reader+x.Memory.Core+x.Memory.Writer),
		observe.Bytes(x.Memory.Reader), observe.Bytes(x.Memory.Core), observe.Bytes(x.Memory.Writer))
	for _, n := range x.Notes {
		line("note", "%s", n)
	}
	_, _ = fmt.Fprintf(w, "  %s\n", count(len(x.Shards), "shard"))
	for _, s := range x.Shards {
		rows := ""
		if s.Rows >= 0 {
			rows = fmt.Sprintf(" (%d rows)", s.Rows)
		}
		_, _ = fmt.Fprintf(w, "    %s%s\n", fault.Printable(s.Name), rows)
		if text := readable(s.Read); text != "" {
			_, _ = fmt.Fprintf(w, "      %s\n", fault.Printable(text))
		}
	}
}

// readable makes a line of what describes a shard: the texts of a JSON object, other text as it is, and nothing of bytes.
func readable(descriptor string) string {
	var members map[string]any
	if json.Unmarshal([]byte(descriptor), &members) == nil {
		if sql, ok := members["sql"].(string); ok {
			return sql
		}
		return descriptor
	}
	if !utf8.ValidString(descriptor) || strings.ContainsFunc(descriptor, func(r rune) bool { return r < ' ' }) {
		return ""
	}
	return descriptor
}
