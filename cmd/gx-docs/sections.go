package main

import (
	"fmt"
	"maps"
	"strings"

	"github.com/gx-etl/gx/core/transform"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/file"
	"github.com/gx-etl/gx/plugins/kafka"
	"github.com/gx-etl/gx/plugins/mysql"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks"
	"github.com/gx-etl/gx/plugins/stream"
)

// builtins are the plugins of the gx binary; a test compares them with cmd/gx.
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

// version stands in no table: the pages belong to the tree that they are in.
const version = "docs"

// sections makes everything that a page can show, by name.
func sections() map[string]string {
	datax, expr := transform.Reference()
	out := map[string]string{
		"plugins":     pluginTable(builtins()),
		"job.setting": optionTable(job.Reference(), "setting."),
		"job.plugin":  optionTable(options.Describe(job.Plugin{}), "plugin."),
		"job.core":    optionTable(job.CoreReference(), "core."),
		"job.column":  optionTable(job.ColumnReference(), "common.column."),
		"file.column": optionTable(options.Describe(file.Column{}), "column[]."),
		"job.hop":     optionTable(options.Describe(job.Hop{}), "order.hops[]."),
		"transformer": optionTable(datax, ""),
		"expr":        optionTable(expr, ""),
	}
	maps.Copy(out, convertSections())
	for _, p := range builtins() {
		switch {
		case p.Reader != nil && p.Writer != nil:
			out[p.Name+" as reader"] = optionTable(options.Describe(p.Reader.New().Config()), "")
			out[p.Name+" as writer"] = optionTable(options.Describe(p.Writer.New().Config()), "")
		case p.Reader != nil:
			out[p.Name] = optionTable(options.Describe(p.Reader.New().Config()), "")
		default:
			out[p.Name] = optionTable(options.Describe(p.Writer.New().Config()), "")
		}
	}
	return out
}

// pluginTable lists plugins with what each of them can do.
func pluginTable(all []sdk.Plugin) string {
	var b strings.Builder
	b.WriteString("| Plugin | What it does | Modes | Rows |\n|---|---|---|---|\n")
	for _, p := range all {
		var can []string
		if p.Reader != nil {
			can = append(can, p.Reader.Capabilities...)
		}
		if p.Writer != nil {
			can = append(can, p.Writer.Capabilities...)
		}
		fmt.Fprintf(&b, "| [`%s`](%s) | %s | %s | %s |\n", p.Name, referencePage(p.Name), prose(p.Doc),
			among(can, "batch", "streaming"), among(can, "documents", "columns"))
	}
	return b.String()
}

// referencePage is where the options of a plugin stand, as seen from a page in docs/reference.
func referencePage(name string) string { return name + ".md" }

// among joins those of words that are in list.
func among(list []string, words ...string) string {
	var out []string
	for _, w := range words {
		for _, l := range list {
			if l == w {
				out = append(out, w)
				break
			}
		}
	}
	return strings.Join(out, ", ")
}
