package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/spf13/cobra"
)

// documentFlags are those of every command that reads a job.
type documentFlags struct {
	datax           []string
	defines         []string
	scheduleTime    string
	bizDate         string
	tz              string
	allowUnresolved bool
	lenient         bool
	strict          bool
	noRawSQL        bool
	destructive     bool
}

func (d *documentFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVarP(&d.datax, "param", "p", nil, `variables as DataX takes them: -p"-Dname=value -Dname2=value2"`)
	f.StringArrayVarP(&d.defines, "define", "D", nil, "a variable: -D name=value (may be given again)")
	f.StringVar(&d.scheduleTime, "schedule-time", "", `scheduled time for $cyctime and $[…], such as "2026-11-21 00:05:00"`)
	f.StringVar(&d.bizDate, "bizdate", "", "business date for $bizdate and ${yyyymmdd}, such as 20261120 (default: the day before)")
	f.StringVar(&d.tz, "tz", "", "time zone of both, such as Asia/Shanghai (default: that of the process)")
	f.BoolVar(&d.allowUnresolved, "allow-unresolved", false, "leave unknown variables as they are, as DataX does")
	f.BoolVar(&d.lenient, "lenient", false, "unknown keys are warnings")
	f.BoolVar(&d.strict, "strict", false, "several content elements in one document are an error")
	f.BoolVar(&d.noRawSQL, "no-raw-sql", false, "a job with SQL of its own (preSql, postSql, querySql, session, createTableTemplate) is an error, for jobs of people you do not know")
	f.BoolVar(&d.destructive, "allow-destructive", false, "schemaSaveMode recreate may drop the table, as allowDestructive in the job does")
}

// document is a job file that was read.
type document struct {
	file     string // "" when it came from standard input or the network
	label    string // how messages call it
	jobs     []*job.Job
	problems []options.Problem
}

// options turns the flags into what job.Parse takes.
func (d *documentFlags) options(s *settings, name string) (job.Options, error) {
	o := job.Options{Name: name, Vars: map[string]string{}, LookupEnv: os.LookupEnv, ReadFile: os.ReadFile,
		AllowUnresolved: d.allowUnresolved, Lenient: d.lenient, Strict: d.strict}
	for _, p := range d.datax {
		vars, problems := job.ParseDFlags(p)
		if options.Failed(problems) {
			return o, protocol.Faultf(protocol.Config, "%s", problems[0]).At("-p").Hint(`-p"-Dname=value -Dname2=value2"`)
		}
		for k, v := range vars {
			o.Vars[k] = v
		}
	}
	for _, def := range d.defines {
		k, v, ok := strings.Cut(def, "=")
		if !ok || k == "" {
			return o, protocol.Faultf(protocol.Config, "%q is no definition", def).At("-D").Hint("-D name=value")
		}
		o.Vars[k] = v
	}
	if d.tz != "" {
		loc, err := time.LoadLocation(d.tz)
		if err != nil {
			return o, protocol.Faultf(protocol.Config, "%w", err).At("--tz").Hint("a name such as Asia/Shanghai or UTC")
		}
		o.TZ = loc
	}
	zone := time.Local
	if o.TZ != nil {
		zone = o.TZ
	}
	var err error
	if o.ScheduleTime, err = parseTime("--schedule-time", d.scheduleTime, zone, time.DateTime, "20060102150405"); err != nil {
		return o, err
	}
	if o.BizDate, err = parseTime("--bizdate", d.bizDate, zone, "20060102", time.DateOnly); err != nil {
		return o, err
	}
	if file := s.v.GetString("datasources"); file != "" {
		src, err := os.ReadFile(file)
		if err != nil {
			return o, protocol.Faultf(protocol.Config, "data sources: %w", err).At("--datasources")
		}
		ds, problems := job.ParseDatasources(src)
		if options.Failed(problems) {
			return o, protocol.Faultf(protocol.Config, "data sources: %s", problems[0].Render(file)).At("--datasources")
		}
		o.Datasources = ds
	}
	return o, nil
}

func parseTime(flag, text string, zone *time.Location, layouts ...string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, protocol.Faultf(protocol.Config, "%q is no such time", text).At(flag).Hint("%s", layouts[0])
}

// read gets a document from a path, "-" or a URL and parses it. The error is about getting it; what is wrong inside is in
// problems.
func (a *app) read(ctx context.Context, where string, flags *documentFlags) (*document, error) {
	d := &document{label: where}
	var src []byte
	var err error
	name := "job"
	switch {
	case where == "-":
		d.label = "standard input"
		src, err = io.ReadAll(io.LimitReader(a.stdin, maxDocument+1))
	case strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://"):
		src, err = download(ctx, where)
		name = stem(strings.SplitN(where, "?", 2)[0])
	default:
		d.file = where
		src, err = os.ReadFile(where)
		name = stem(where)
	}
	if err != nil {
		return nil, protocol.Faultf(protocol.Config, "the job cannot be read: %w", err).Hint("gx run FILE, a URL, or - for standard input")
	}
	if len(src) > maxDocument {
		return nil, protocol.Faultf(protocol.Config, "%s is over %d bytes, which no job is", d.label, maxDocument)
	}
	o, err := flags.options(a.settings, name)
	if err != nil {
		return nil, err
	}
	d.jobs, d.problems = job.Parse(src, o)
	if len(d.jobs) > 0 {
		a.masking = d.jobs[0].Mask
	}
	return d, nil
}

const maxDocument = 16 << 20

func stem(path string) string {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func download(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
}

// printProblems prints errors, then notes, and says how many errors there were.
func (a *app) printProblems(label string, problems []options.Problem) (errors int) {
	for _, warnings := range []bool{false, true} {
		for _, p := range problems {
			if p.Warning != warnings {
				continue
			}
			if !warnings {
				errors++
			}
			for i, line := range strings.Split(p.Render(label), "\n") {
				if i > 0 {
					line = "  " + line
				}
				_, _ = fmt.Fprintln(a.stderr, a.mask(printableLine(line)))
			}
		}
	}
	return errors
}

// printableLine keeps blanks in place, which the caret under an excerpt needs.
func printableLine(line string) string {
	lead := len(line) - len(strings.TrimLeft(line, " \t"))
	return strings.ReplaceAll(line[:lead], "\t", " ") + fault.Printable(line[lead:])
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
