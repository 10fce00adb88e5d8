package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/journal"
	"github.com/gx-etl/gx/core/state"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/spf13/cobra"
)

func (a *app) stateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "state",
		Short: "Show and change what a job goes on from",
		Long: `JOB is the job document, as for gx run. What it goes on from depends on its reader:

A source such as Kafka keeps a position for the job: the offsets of its consumer group. show and reset --to-… are for these.

A batch job whose reader can read its shards one by one keeps a state file, JOB.state in the state directory: what is
done, and what gx run --resume has to do. show, reset and resolve are for it.`,
	}
	onlySubcommands(c)
	var showFlags, resetFlags documentFlags
	show := &cobra.Command{
		Use:   "show JOB",
		Short: "Show where a job goes on, or how far its last run has come",
		Args:  oneArg("a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachKept(cmd, args[0], &showFlags, a.showPositions, func(name, path string) error {
				s, err := journal.Load(path)
				if err != nil {
					return err
				}
				return showState(masked{a, a.stdout}, args[0], name, path, s)
			})
		},
	}
	showFlags.register(show)
	var to moveFlags
	reset := &cobra.Command{
		Use:   "reset JOB",
		Short: "Move where a job goes on, or remove its state file",
		Long: `reset moves the positions of a job that runs nowhere, to read a stretch again or to leave one out. One of the --to flags
says where to; without --partition all partitions that the job reads move. A time that no record has reached, and an
offset that is not there, become the nearest that is, with a warning.

Where the job keeps a state file, reset takes no --to and removes it, so that nothing is left to resume. What the run has
brought to the target stays there, and transactions that it left open stay until their timeout.`,
		Args: oneArg("a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachKept(cmd, args[0], &resetFlags,
				func(ctx context.Context, s *keptPositions) error { return a.movePositions(ctx, s, &to) },
				func(name, path string) error {
					if given := to.given(); len(given) > 0 {
						return protocol.Faultf(protocol.Config, "%s: the source keeps no position between runs that --%s could move", name, given[0]).
							Hint("every run of this job begins where its parameters say; gx state reset alone removes its state file")
					}
					return a.resetState(name, path)
				})
		},
	}
	resetFlags.register(reset)
	to.register(reset)
	resolve := &cobra.Command{
		Use:   "resolve JOB --shard N --committed|--lost",
		Short: "Say what became of a shard that is in doubt",
		Long: `resolve settles a shard that gx run --resume ended over with exit code 4: its transaction was to be committed, and the
target does not know the transaction any more. Look for rows of the shard in the target first: they are all there
(--committed), or none is (--lost), and then the shard is read again.`,
		Args: oneArg("a job"),
	}
	var shard int
	var committed, lost bool
	f := resolve.Flags()
	f.IntVar(&shard, "shard", -1, "`number` of the shard, as the error and gx state show name it")
	f.BoolVar(&committed, "committed", false, "its rows are in the target")
	f.BoolVar(&lost, "lost", false, "none of its rows is in the target")
	resolve.RunE = func(cmd *cobra.Command, args []string) error {
		if shard < 0 || committed == lost {
			return protocol.Faultf(protocol.Config, "one shard and one answer are needed").Hint("gx state resolve JOB --shard N --committed, or --lost")
		}
		found := false
		err := a.eachState(cmd, args[0], func(name, path string) error {
			done, err := a.resolveState(name, path, shard, committed)
			found = found || done
			return err
		})
		if err == nil && !found {
			return protocol.Faultf(protocol.Config, "shard %d is not in doubt", shard).Hint("gx state show %s", args[0])
		}
		return err
	}
	c.AddCommand(show, reset, resolve)
	return c
}

// eachState calls f for the state file of every job in a document. Only their names are needed, so a document that is not
// fit to run will do.
func (a *app) eachState(cmd *cobra.Command, where string, f func(name, path string) error) error {
	doc, err := a.read(cmd.Context(), where, &documentFlags{allowUnresolved: true, lenient: true})
	if err != nil {
		return err
	}
	if len(doc.jobs) == 0 {
		return a.errProblems(doc.label, doc.problems)
	}
	for _, j := range doc.jobs {
		if err := f(j.Name, statePath(a.jobDir(doc, j), j.Name)); err != nil {
			return err
		}
	}
	return nil
}

// showState prints what a state file says; s is nil when there is none.
func showState(w io.Writer, where, name, path string, s *journal.State) error {
	var b strings.Builder
	if s == nil {
		fmt.Fprintf(&b, "%s: no state file (%s)\n", name, path)
		_, err := io.WriteString(w, b.String())
		return err
	}
	done, sum := s.Done()
	word := "unfinished"
	if s.Ended {
		word = "done"
	}
	fmt.Fprintf(&b, "%s: %s, run %s of %s\n", name, word, s.Run, s.Begun.Format(time.RFC3339))
	guarantee := "at-least-once"
	if s.Transactions {
		guarantee = "exactly-once, one transaction for each shard"
	}
	fmt.Fprintf(&b, "  delivery  %s\n", guarantee)
	fmt.Fprintf(&b, "  shards    %d of %d done\n", done, len(s.Shards))
	fmt.Fprintf(&b, "  rows      %d landed, %d filtered, %d dirty, in the shards that are done\n", sum.Landed, sum.Filtered, sum.Dirty)
	if s.Resumes > 0 {
		fmt.Fprintf(&b, "  resumed   %s\n", count(s.Resumes, "time"))
	}
	if !s.Started {
		b.WriteString("  target    not prepared yet (preSql)\n")
	}
	if s.Failure != "" {
		fmt.Fprintf(&b, "  error     %s\n", fault.Printable(s.Failure))
	}
	const most = 20
	for i, n := 0, 0; i < len(s.Progress) && !s.Ended; i++ {
		p := s.Progress[i]
		if p.Phase == journal.Done {
			continue
		}
		if n++; n > most {
			fmt.Fprintf(&b, "  …         %d more\n", len(s.Shards)-done-most)
			break
		}
		fmt.Fprintf(&b, "  shard %-3d %s: %s", i, fault.Printable(s.Shards[i].Name), p.Phase)
		if p.Phase == journal.Open || p.Phase == journal.Decided {
			fmt.Fprintf(&b, ", transaction %s", p.Transaction)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  file      %s\n", path)
	if !s.Ended {
		fmt.Fprintf(&b, "  next      gx run --resume %s\n", where)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *app) resetState(name, path string) error {
	lock, err := state.Acquire(filepath.Dir(path), name)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := journal.Remove(path); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: nothing is left to resume (%s)\n", name, path)
	return err
}

// resolveState settles a shard that is in doubt, if it is.
func (a *app) resolveState(name, path string, shard int, committed bool) (done bool, err error) {
	lock, err := state.Acquire(filepath.Dir(path), name)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	s, err := journal.Load(path)
	if err != nil || s == nil || shard >= len(s.Progress) || s.Progress[shard].Phase != journal.Decided {
		return false, err
	}
	j, err := journal.Continue(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = j.Close() }()
	if committed {
		err = j.Done(shard, nil)
	} else {
		err = j.Aborted(shard)
	}
	if err != nil {
		return false, err
	}
	word := "will be read again"
	if committed {
		word = "is done"
	}
	_, err = fmt.Fprintf(a.stdout, "%s: shard %d %s\n", name, shard, word)
	return true, err
}
