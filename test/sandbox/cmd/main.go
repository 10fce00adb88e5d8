// Command gx-sandbox is a Kafka and a StarRocks for one's own machine: an
// embedded broker and a stand-in server, with tools to fill and read them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `gx-sandbox - a Kafka and a StarRocks stand-in on this machine

Usage:
  gx-sandbox [flags]            start the servers and run until SIGINT or SIGTERM
  gx-sandbox produce [flags]    send each line of standard input to a Kafka topic
  gx-sandbox sql [flags] "..."  run SQL statements and print what they give

"gx-sandbox --help", "gx-sandbox produce --help" and "gx-sandbox sql --help" list the flags.
`

// errUsage marks a command line that cannot be used; its message was printed.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run returns the exit code: 0 done, 1 failed, 2 wrong command line.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var err error
	switch verb := first(args); verb {
	case "produce":
		err = produceLines(ctx, args[1:], in, out, errOut)
	case "sql":
		err = runSQL(ctx, args[1:], out, errOut)
	case "help":
		_, err = io.WriteString(out, usage)
	default:
		err = serve(ctx, args, out, errOut)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(errOut, "gx-sandbox:", err)
	return 1
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
