package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gx-etl/gx/core/convert"
	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/spf13/cobra"
)

type convertFlags struct {
	from, to, name         string
	output, report, format string
	force                  bool
}

func (a *app) convertCommand() *cobra.Command {
	var flags convertFlags
	c := &cobra.Command{
		Use:   "convert FILE...",
		Short: "Turn the job of another tool into one of gx",
		Long: `convert reads a job of another tool (paths, URLs, or - for standard input) and prints it as a job of gx:

  kafka-connect  the StarRocks sink: .properties files of worker and connector, or the JSON of the REST API
  flink-sql      CREATE TABLE … WITH ('connector' = 'starrocks', …), its Kafka source, INSERT INTO and SET
  spark          options of the StarRocks connector: properties, JSON, code or SQL
  datax          --to dataworks, too
  dataworks      --to datax, too

The job goes to standard output; the report, a line for every key and what became of it, to standard error. What gx check
says of the job is part of the report.

Exit codes: 0 the job does the same · 1 something needed has no equivalent; the job is printed all the same, and --force
makes it 0 · 2 the input cannot be read, nothing is printed`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return protocol.Faultf(protocol.Config, "%s needs a file", c.CommandPath()).Hint("%s --help", c.CommandPath())
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.convert(cmd.Context(), args, &flags) },
	}
	f := c.Flags()
	f.StringVar(&flags.from, "from", "auto", "the tool: auto, "+joined(convert.Tools()))
	f.StringVar(&flags.to, "to", string(convert.GX), "the shape of the job: "+joined(convert.Shapes()))
	f.StringVar(&flags.name, "name", "", "the name of the job, when the input has none")
	f.StringVarP(&flags.output, "output", "o", "", "write the job to this `file`, which only you may read")
	f.StringVar(&flags.report, "report", "", "write the report to this `file`")
	f.StringVar(&flags.format, "format", "text", "the form of the report: text or json")
	f.BoolVar(&flags.force, "force", false, "exit with 0 although something has no equivalent")
	return c
}

func joined[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

// options judges the flags.
func (f *convertFlags) options() (convert.Options, error) {
	o := convert.Options{From: convert.Tool(f.from), To: convert.Shape(f.to), Name: f.name}
	if o.From == "auto" {
		o.From = ""
	}
	switch {
	case o.From != "" && !slices.Contains(convert.Tools(), o.From):
		return o, protocol.Faultf(protocol.Config, "%q is no tool that gx can read", f.from).At("--from").Hint("auto, %s", joined(convert.Tools()))
	case !slices.Contains(convert.Shapes(), o.To):
		return o, protocol.Faultf(protocol.Config, "%q is no shape of a job", f.to).At("--to").Hint("%s", joined(convert.Shapes()))
	case f.format != "text" && f.format != "json":
		return o, protocol.Faultf(protocol.Config, "%q is no form of a report", f.format).At("--format").Hint("text, json")
	}
	return o, nil
}

func (a *app) convert(ctx context.Context, args []string, flags *convertFlags) error {
	if ctx == nil {
		ctx = context.Background()
	}
	o, err := flags.options()
	if err != nil {
		return err
	}
	inputs := make([]convert.Input, len(args))
	for i, where := range args {
		if inputs[i], err = a.convertInput(ctx, where); err != nil {
			return err
		}
	}
	r, problems := convert.Convert(inputs, o)
	if options.Failed(problems) {
		n := a.printProblems(inputs[0].Name, problems)
		_, _ = fmt.Fprintf(a.stderr, "gx: %s in %s; nothing was converted\n", count(n, "problem"), inputs[0].Name)
		return exitCode(fault.ExitConfig)
	}
	document := r.Document()
	if flags.output == "" {
		if _, err = a.stdout.Write(document); err != nil {
			return err
		}
	} else if err = os.WriteFile(flags.output, document, 0o600); err != nil {
		return protocol.Faultf(protocol.Config, "the job cannot be written: %w", err).At("--output")
	}
	found, err := a.checkConverted(ctx, document, flags.name)
	if err != nil {
		return err
	}
	report := convert.Report{From: r.From, Lossy: r.Lossy() || len(found) > 0, Keys: r.Lines, Check: found}
	if err := a.convertReport(report, flags); err != nil {
		return err
	}
	if report.Lossy && !flags.force {
		return exitCode(fault.ExitFailed)
	}
	return nil
}

func (a *app) convertInput(ctx context.Context, where string) (convert.Input, error) {
	in := convert.Input{Name: where}
	var err error
	switch {
	case where == "-":
		in.Name = "standard input"
		in.Text, err = io.ReadAll(io.LimitReader(a.stdin, maxDocument+1))
	case strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://"):
		in.Text, err = download(ctx, where)
	default:
		in.Text, err = os.ReadFile(where)
	}
	if err != nil {
		return in, protocol.Faultf(protocol.Config, "the input cannot be read: %w", err).Hint("gx convert FILE, a URL, or - for standard input")
	}
	if len(in.Text) > maxDocument {
		return in, protocol.Faultf(protocol.Config, "%s is over %d bytes, which no job is", in.Name, maxDocument)
	}
	return in, nil
}

// checkConverted asks what gx check would say of the job. Variables and secrets that the input does not hold are no
// problems: the report names them. A step whose data source is not given cannot be judged.
func (a *app) checkConverted(ctx context.Context, document []byte, name string) ([]options.Problem, error) {
	flags := &documentFlags{allowUnresolved: true}
	o, err := flags.options(a.settings, name)
	if err != nil {
		return nil, err
	}
	jobs, problems := job.Parse(document, o)
	out := []options.Problem{}
	blind := false
	keep := func(all []options.Problem) {
		for _, p := range all {
			switch {
			case p.Warning, p.Code == options.CodeUnresolvedVariable, p.Code == options.CodeUnresolvedSecret:
			case p.Code == options.CodeUnknownDatasource:
				blind = true
			default:
				out = append(out, p)
			}
		}
	}
	keep(problems)
	if blind {
		return out, nil
	}
	for _, j := range jobs {
		a.masking = j.Mask
		p, found, err := a.prepare(ctx, j, flags, false)
		if err != nil {
			return nil, err
		}
		p.kill()
		keep(found)
	}
	options.Sort(out)
	return out, nil
}

func (a *app) convertReport(r convert.Report, flags *convertFlags) (err error) {
	w := a.stderr
	if flags.report != "" {
		f, err := os.Create(flags.report)
		if err != nil {
			return protocol.Faultf(protocol.Config, "the report cannot be written: %w", err).At("--report")
		}
		defer func() {
			if closing := f.Close(); err == nil {
				err = closing
			}
		}()
		w = f
	}
	if flags.format == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	for _, l := range r.Keys {
		if _, err := fmt.Fprintln(w, fault.Printable(a.mask(l.String()))); err != nil {
			return err
		}
	}
	for _, p := range r.Check {
		if _, err := fmt.Fprintln(w, printableLine(a.mask("check       "+p.String()))); err != nil {
			return err
		}
	}
	said := make(map[convert.Status]int)
	for _, l := range r.Keys {
		said[l.Status]++
	}
	var sum []string
	for _, s := range []convert.Status{convert.Mapped, convert.Default, convert.Differs, convert.Needless, convert.Give, convert.Unknown, convert.Unsupported} {
		if said[s] > 0 {
			sum = append(sum, fmt.Sprintf("%d %s", said[s], s))
		}
	}
	if len(r.Check) > 0 {
		sum = append(sum, count(len(r.Check), "refusal")+" by gx check")
	}
	_, err = fmt.Fprintf(w, "gx: from %s: %s\n", r.From, strings.Join(sum, ", "))
	return err
}
