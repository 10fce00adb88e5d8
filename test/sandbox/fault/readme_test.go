package fault

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of the README anew")

const readme = "../README.md"

// table is the part of the README between the marks.
func table() string {
	var sb strings.Builder
	code := func(names ...string) string { return "`" + strings.Join(names, "`, `") + "`" }
	place := Where("")
	for _, i := range Kinds() {
		where := i.Where
		if where == OnLoad || i.Kind == CommitUnknown || i.Kind == FEKeepAlive {
			where = OnRequest
		}
		if i.Kind == SQLGreeting {
			where = OnLogin
		}
		if where == OnLogin || where == OnStatement {
			where = "MySQL port"
		}
		if where != place {
			place = where
			title := strings.ToUpper(string(where[:1])) + string(where[1:])
			fmt.Fprintf(&sb, "\n| %s | Shows | Fields | Default aim |\n|---|---|---|---|\n", title)
		}
		var fields []string
		for _, f := range i.Needs {
			fields = append(fields, "**"+code(f)+"**")
		}
		for _, f := range i.Takes {
			fields = append(fields, code(f))
		}
		if len(i.At) > 0 {
			fields = append(fields, "`at` "+code(i.At...))
		}
		var aim []string
		if i.Role != "" {
			aim = append(aim, code(string(i.Role)))
		}
		ops := i.Default
		if len(ops) == 0 && len(i.Ops) > 0 {
			ops = i.Ops
		}
		if len(ops) == len(Writes) && ops[0] == Writes[0] {
			aim = append(aim, "all writes")
		} else if len(ops) > 0 {
			names := make([]string, len(ops))
			for n, op := range ops {
				names[n] = string(op)
			}
			aim = append(aim, code(names...))
		}
		shows := i.Shows
		if i.Says.Text != "" {
			shows += ": \"" + strings.ReplaceAll(i.Says.Text, "|", `\|`) + "\""
		}
		fmt.Fprintf(&sb, "| `%s` | %s | %s | %s |\n", i.Kind, shows, strings.Join(fields, ", "), strings.Join(aim, ": "))
	}
	return sb.String()
}

// TestReadmeListsEveryKind keeps the table of the README to what the code says;
// -update writes it anew.
func TestReadmeListsEveryKind(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), "<!-- faults: written by the test of package fault -->\n")
	_, tail, more := strings.Cut(rest, "\n<!-- end of faults -->")
	if !ok || !more {
		t.Fatal("the README has no place for the faults")
	}
	want := head + "<!-- faults: written by the test of package fault -->\n" + table() + "\n<!-- end of faults -->" + tail
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the table of faults in the README is not what the code says; -update writes it anew")
	}
	if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
