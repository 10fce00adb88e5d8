package main

import (
	"os"
	"runtime/debug"

	"github.com/gx-etl/gx/plugins/file"
	"github.com/gx-etl/gx/plugins/kafka"
	"github.com/gx-etl/gx/plugins/mysql"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks"
	"github.com/gx-etl/gx/plugins/stream"
	"github.com/spf13/cobra"
)

// builtins are the plugins that this binary serves when it is started again as `gx plugin serve NAME`.
func builtins() []sdk.Plugin {
	return []sdk.Plugin{
		file.ReaderPlugin(version),
		file.WriterPlugin(version),
		kafka.Plugin(version),
		kafka.WriterPlugin(version),
		starrocks.Plugin(version),
		starrocks.ReaderPlugin(version),
		mysql.Plugin(version),
		stream.ReaderPlugin(version),
		stream.WriterPlugin(version),
	}
}

func builtinNames() []string {
	var out []string
	for _, p := range builtins() {
		out = append(out, p.Name)
	}
	return out
}

// serveCommand is how the core starts a built-in plugin; not for people.
func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "serve NAME",
		Short:  "Serve a built-in plugin to the core",
		Hidden: true,
		Args:   oneArg("the name of a plugin"),
		// A plugin has no settings of its own: those of the process are the core's, and a bad one was reported there.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(_ *cobra.Command, args []string) error {
			if os.Getenv("GOGC") == "" {
				// A plugin's heap is small and turns over fast. Half as many collections took the Kafka reader from 0.57
				// to 0.50 CPU seconds per million messages, for 20 MB (`make bench-quick`).
				debug.SetGCPercent(200)
			}
			for _, p := range builtins() {
				if p.Name == args[0] {
					sdk.Serve(p)
					return nil
				}
			}
			return protocol.Faultf(protocol.Config, "no built-in plugin %q", args[0])
		},
	}
}
