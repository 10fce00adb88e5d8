package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/gx-etl/gx/core/host"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/spf13/cobra"
)

func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{Use: "plugin", Short: "List plugins and show what they take"}
	onlySubcommands(c)
	var asJSON bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List the plugins that can be found",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := a.settings.finder()
			if err != nil {
				return err
			}
			return a.listPlugins(cmd.Context(), f.All(), asJSON)
		},
	}
	info := &cobra.Command{
		Use:   "info NAME",
		Short: "Show a plugin's parameters with types, defaults, ranges and meaning",
		Args:  oneArg("the name of a plugin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := a.settings.finder()
			if err != nil {
				return err
			}
			loc, err := f.Named(args[0])
			if err != nil {
				return err
			}
			d, err := describe(cmd.Context(), loc)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, d)
			}
			printInfo(a.stdout, d, loc)
			return nil
		},
	}
	for _, cmd := range []*cobra.Command{list, info} {
		cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	}
	c.AddCommand(list, info, serveCommand())
	return c
}

// describe starts a plugin only to ask who it is.
func describe(ctx context.Context, loc host.Location) (*v1.DescribeReply, error) {
	p, err := host.Launch(ctx, loc, host.Options{})
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	return p.Describe(ctx)
}

type listed struct {
	Name    string   `json:"name"`
	Version string   `json:"version,omitempty"`
	Roles   []string `json:"roles,omitempty"`
	Where   string   `json:"where"`
	Doc     string   `json:"doc,omitempty"`
	Error   string   `json:"error,omitempty"`
}

func (a *app) listPlugins(ctx context.Context, locs []host.Location, asJSON bool) error {
	var all []listed
	for _, loc := range locs {
		l := listed{Name: loc.Name, Where: "built in"}
		if !loc.Builtin {
			l.Where = loc.Path
		}
		if d, err := describe(ctx, loc); err != nil {
			l.Error = err.Error()
		} else {
			l.Version, l.Doc = d.Version, d.Doc
			for _, r := range d.Roles {
				l.Roles = append(l.Roles, roleName(r.Role))
			}
		}
		all = append(all, l)
	}
	if asJSON {
		return writeJSON(a.stdout, all)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "NAME\tROLE\tVERSION\tWHERE\tWHAT")
	for _, l := range all {
		what := l.Doc
		if l.Error != "" {
			what = "cannot be used: " + l.Error
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.Name, strings.Join(l.Roles, ", "), l.Version, l.Where, what)
	}
	return w.Flush()
}

func roleName(r v1.Role) string {
	if r == v1.Role_ROLE_READER {
		return "reader"
	}
	return "writer"
}

func printInfo(w io.Writer, d *v1.DescribeReply, loc host.Location) {
	_, _ = fmt.Fprintf(w, "%s %s, %s\n%s\n", d.Name, d.Version, loc, d.Doc)
	for _, r := range d.Roles {
		_, _ = fmt.Fprintf(w, "\nas %s: %s\n", roleName(r.Role), r.Doc)
		if len(r.Capabilities) > 0 {
			_, _ = fmt.Fprintf(w, "can: %s\n", strings.Join(r.Capabilities, ", "))
		}
		printParameters(w, r.Parameters, "  ")
	}
}

func printParameters(w io.Writer, ps []*v1.Parameter, indent string) {
	for _, p := range ps {
		var facts []string
		facts = append(facts, p.Type)
		if p.Required {
			facts = append(facts, "required")
		}
		if p.Default != "" {
			facts = append(facts, "default "+p.Default)
		}
		if p.Allowed != "" {
			facts = append(facts, "allowed: "+p.Allowed)
		}
		if p.Secret {
			facts = append(facts, "secret")
		}
		if len(p.Aliases) > 0 {
			facts = append(facts, "also: "+strings.Join(p.Aliases, ", "))
		}
		_, _ = fmt.Fprintf(w, "\n%s%s  (%s)\n", indent, p.Name, strings.Join(facts, "; "))
		for _, line := range wrap(p.Doc, 96-len(indent)) {
			_, _ = fmt.Fprintf(w, "%s    %s\n", indent, line)
		}
		printParameters(w, p.Children, indent+"    ")
	}
}

// wrap breaks text at blanks into lines of at most width characters, where words allow it.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
