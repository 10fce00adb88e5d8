package control

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of the README anew")

// TestReadmeListsEveryRoute keeps the table of the README to what the code says;
// -update writes it anew.
func TestReadmeListsEveryRoute(t *testing.T) {
	const readme, mark, end = "../README.md", "<!-- routes: written by the test of package control -->\n", "\n<!-- end of routes -->"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), mark)
	_, tail, more := strings.Cut(rest, end)
	if !ok || !more {
		t.Fatal("the README has no place for the routes")
	}
	var sb strings.Builder
	sb.WriteString("\n| Request | Body or query | Does |\n|---|---|---|\n")
	for _, r := range Routes() {
		shown := r.Body + r.Query
		if shown != "" {
			shown = "`" + shown + "`"
		}
		fmt.Fprintf(&sb, "| `%s %s` | %s | %s |\n", r.Method, r.Path, shown, r.Does)
	}
	want := head + mark + sb.String() + end + tail
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the table of routes in the README is not what the code says; -update writes it anew")
	}
	if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
