package main

import (
	"fmt"

	"github.com/gx-etl/gx/job/options"
	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	var flags documentFlags
	var live bool
	c := &cobra.Command{
		Use:   "check JOB",
		Short: "Judge a job: every problem at once, nothing touched",
		Long: `check reads a job (a path, a URL, or - for standard input), resolves its variables and asks its plugins
whether they take their parameters. It prints every problem at once, each with its place in the document, and
exits with 2 if there is one. With --live the plugins connect to their servers and look at what is there: logins,
topics, tables, columns, privileges. They change nothing.`,
		Args: oneArg("a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := a.read(cmd.Context(), args[0], &flags)
			if err != nil {
				return err
			}
			problems := doc.problems
			for _, j := range doc.jobs {
				p, found, err := a.prepare(cmd.Context(), j, &flags, live && !options.Failed(doc.problems))
				if err != nil {
					return err
				}
				p.kill()
				problems = append(problems, found...)
			}
			options.Sort(problems)
			if err := a.errProblems(doc.label, problems); err != nil {
				return err
			}
			for _, j := range doc.jobs {
				for _, s := range j.Steps {
					_, _ = fmt.Fprintf(a.stdout, "%s: %s %s\n", j.Name, s.Category, s.Type)
				}
				if d := j.Setting.Dirty; d.Plugin() {
					_, _ = fmt.Fprintf(a.stdout, "%s: dirty records %s\n", j.Name, d.Type)
				}
			}
			asked := "not asked"
			if live {
				asked = "asked"
			}
			_, err = fmt.Fprintf(a.stdout, "%s is fit to run; the servers were %s\n", doc.label, asked)
			return err
		},
	}
	flags.register(c)
	c.Flags().BoolVar(&live, "live", false, "let the plugins look at their servers, too; nothing is changed")
	return c
}
