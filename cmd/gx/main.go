// Command gx runs jobs that move rows from a reader to a writer, each in a process of its own.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is main with its surroundings named, and the only place where an error becomes an exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, settings: newSettings()}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	var exit exitCode
	switch {
	case err == nil:
		return fault.ExitOK
	case errors.As(err, &exit):
		return int(exit)
	default:
		_, _ = fmt.Fprintln(stderr, "gx: "+a.mask(fault.Text(err)))
		return fault.Exit(err)
	}
}

// exitCode ends the program with everything already said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// app is what the commands share.
type app struct {
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	settings *settings
	masking  func(string) string // hides the secrets of the job at hand
}

func (a *app) mask(s string) string {
	if a.masking == nil {
		return s
	}
	return a.masking(s)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "gx",
		Short: "gx moves rows from a source to a target as a JSON job says",
		Long: `gx runs a JSON job: a reader and a writer, each a process of its own, joined by channels.
It reads DataWorks and DataX job files as they are, in batch and streaming mode.

  gx run job.json          run a job
  gx check job.json        judge a job and touch nothing
  gx explain job.json      show what a job would do, without doing it
  gx convert sink.properties    turn the job of another tool into one of gx
  gx state show job.json   where a job goes on
  gx plugin info NAME      what a plugin takes`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	onlySubcommands(root)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return protocol.Faultf(protocol.Config, "%w", err).Hint("%s --help", c.CommandPath())
	})
	a.settings.flags(root.PersistentFlags())
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.settings.load() }
	root.AddCommand(a.runCommand(), a.checkCommand(), a.explainCommand(), a.convertCommand(), a.stateCommand(), a.pluginCommand(), a.versionCommand())
	return root
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of gx and of its plugin protocol",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.stdout, "gx %s, plugin protocol %d, %s %s/%s\n", version, protocol.Version,
				runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// onlySubcommands makes a command print its help, and refuse a word that is none of its subcommands.
func onlySubcommands(c *cobra.Command) {
	c.SuggestionsMinimumDistance = 2
	c.Args = cobra.ArbitraryArgs // cobra's own check ends in an error that has no code
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		f := protocol.Faultf(protocol.Config, "%s has no command %q", c.CommandPath(), args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			return f.Hint("%s %s", c.CommandPath(), near[0])
		}
		return f.Hint("%s --help", c.CommandPath())
	}
}

// noArgs is cobra.NoArgs with words.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return protocol.Faultf(protocol.Config, "%s takes no arguments, and %d were given", c.CommandPath(), len(args)).
		Hint("%s --help", c.CommandPath())
}

// oneArg is cobra.ExactArgs(1) with words.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return protocol.Faultf(protocol.Config, "%s needs %s, and %d were given", c.CommandPath(), what, len(args)).
			Hint("%s --help", c.CommandPath())
	}
}
