package conformance

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
)

var update = flag.Bool("update", false, "write CASES.md anew")

// limits says what no stand-in can show, honestly.
var limits = []string{
	"Nothing here was compared with a running StarRocks: the cases hold the stand-in to the documents and sources of the server, read release by release where they say so. Where they give no wording, a case checks the refusal and not its text; where they do not date a change of wording, the releases in between may use either.",
	"Speed, memory and disks: a load that a real node refuses because it is short of them is refused here only by a fault that a test arms (see the control endpoint).",
	"Replicas: every tablet has one. Quorums, clones, balancing and a replica that is lost do not exist.",
	"The wait for 100 Continue never costs two round trips between servers; a fault can delay it.",
	"Case 57 shows that a query plan names tablets and versions. The scan of a BE by thrift that would read them is not played, so that one consistent snapshot over several shards cannot be shown.",
	"Case 49 lets the client forget what it knew; the stand-in itself is not restarted in it.",
	"Shared-data clusters, warehouses, TLS and LDAP are not played.",
}

// notHere are the numbers that say something of a client alone.
const notHere = "Numbers 4, 5 and 38 bind the client alone and are proven by clients' own tests; of 5, the server's half is 05b."

func report() string {
	var b strings.Builder
	b.WriteString("# Conformance cases\n\n<!-- written by go generate ./sandbox/conformance; TestReport checks it -->\n\n")
	b.WriteString("Every case runs over real sockets under each release named: `go test -tags gms_pure_go -run 'TestCases/12_' ./sandbox/conformance`.\n\n")
	b.WriteString(notHere + "\n\n## Cases\n\n| Number | What it shows | Releases | Releases before the feature |\n|---|---|---|---|\n")
	for _, c := range cases {
		at := linesFrom(c.since)
		var older []string
		for _, r := range release.All[:len(release.All)-len(at)] {
			if c.before != nil {
				older = append(older, r.Line())
			}
		}
		before := ""
		if len(older) > 0 {
			before = strings.Join(older, ", ") + ": " + c.beforeShows
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.number, c.shows, strings.Join(at, ", "), before)
	}
	b.WriteString("\n## Further strictness\n\nEach probe knows what its releases do: `-run 'TestKinder/dates'`.\n\n| Probe | What it shows | Releases |\n|---|---|---|\n")
	for _, p := range probes {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.name, p.shows, strings.Join(linesFrom(p.since), ", "))
	}
	b.WriteString("\n## What a stand-in cannot show\n\n")
	for _, l := range limits {
		b.WriteString("- " + l + "\n")
	}
	return b.String()
}

// linesFrom names the releases from one on.
func linesFrom(since release.Release) []string {
	var names []string
	for _, r := range release.All {
		if r.AtLeast(since.Major, since.Minor) {
			names = append(names, r.Line())
		}
	}
	return names
}

func TestReport(t *testing.T) {
	want := report()
	if *update {
		if err := os.WriteFile("CASES.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("CASES.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("CASES.md is not what the table of cases says: go generate ./sandbox/conformance")
	}
	t.Log("\n" + want)
}

// TestTable holds the table of cases to its own promises.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for i, c := range cases {
		if seen[c.number] || i > 0 && c.number <= cases[i-1].number {
			t.Errorf("case %s is out of order or there twice", c.number)
		}
		seen[c.number] = true
		if c.run == nil || c.shows == "" || (c.before == nil) != (c.beforeShows == "") || c.before != nil && c.since.Major == 0 {
			t.Errorf("case %s is incomplete", c.number)
		}
	}
	for n := 1; n <= 57; n++ {
		number := fmt.Sprintf("%02d", n)
		if n == 4 || n == 5 || n == 38 {
			continue // of clients
		}
		if !seen[number] && !seen[number+"a"] {
			t.Errorf("no case %s", number)
		}
	}
}
