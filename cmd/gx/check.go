package main

import (
	"fmt"

	"github.com/gx-etl/gx/job/options"
	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	var flags documentFlags
	c := &cobra.Command{
		Use:   "check JOB",
		Short: "Judge a job: every problem at once, nothing touched",
		Long: `check reads a job (a path, a URL, or - for standard input), resolves its variables and asks its plugins
whether they take their parameters. It prints every problem at once, each with its place in the document, and
exits with 2 if there is one.`,
		Args: oneArg("a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := a.read(cmd.Context(), args[0], &flags)
			if err != nil {
				return err
			}
			problems := doc.problems
			for _, j := range doc.jobs {
				p, found, err := a.prepare(cmd.Context(), j, &flags, false)
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
			}
			_, err = fmt.Fprintf(a.stdout, "%s is fit to run; the servers were not asked\n", doc.label)
			return err
		},
	}
	flags.register(c)
	return c
}
