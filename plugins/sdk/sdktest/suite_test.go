package sdktest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const flawEnv = "GX_SDKTEST_FLAW"

// TestPlugins runs the suite against good plugins; or, in the processes that TestSuiteFindsFlaws starts, against a bad one.
func TestPlugins(t *testing.T) {
	plugins := []string{"reader", "writer", "two-phase writer"}
	if flawed := os.Getenv(flawEnv); flawed != "" {
		plugins = []string{flawed}
	}
	for _, name := range plugins {
		role, flaw, _ := strings.Cut(name, ": ")
		t.Run(role, func(t *testing.T) { suite(t, role, flaw) })
	}
}

func suite(t *testing.T, role, flaw string) {
	if role == "reader" {
		// The marks outlive a law, so each law reads a reader of its own.
		c := ReaderCase{Plugin: memoryReader(flaw), Parameters: `{"table": "t"}`, Resumes: true, Rows: memoryRows,
			Want: func(t *testing.T, all []Row) {
				seen := bag{}.add(all)
				for i := range memoryRows {
					if seen[fmt.Sprintf("n=int64(%d) ", i)] != 1 {
						t.Errorf("row %d came %d times", i, seen[fmt.Sprintf("n=int64(%d) ", i)])
					}
				}
			}}
		c.Fresh = func(*testing.T) string {
			c.Plugin.Reader.New = memoryReader(flaw).Reader.New
			return c.Parameters
		}
		Reader(t, c)
		return
	}
	tb := newTable()
	c := WriterCase{Plugin: memoryWriter(tb, flaw, role == "two-phase writer"), Parameters: `{"table": "t"}`, Landed: tb.landed}
	if flaw == "skips in silence" {
		c.Skip = map[string]string{"describes itself": " "}
	}
	if flaw == "skips what is not there" {
		c.Skip = map[string]string{"flies": "it has no wings"}
	}
	Writer(t, c)
}

func TestRead(t *testing.T) {
	all, dirty := Read(t, ReaderCase{Plugin: memoryReader(""), Parameters: `{"table": "t"}`})
	if len(bag{}.add(all)) != memoryRows || len(all) != memoryRows || len(dirty) != 0 {
		t.Errorf("%d rows, dirty %v", len(all), dirty)
	}
}

// Every flaw is found, by the law that is there for it.
func TestSuiteFindsFlaws(t *testing.T) {
	for flaw, law := range map[string]string{
		"reader: promises more columns":          "reads everything",
		"reader: names shards alike":             "reads everything",
		"reader: repeats a row":                  "reads everything",
		"reader: leaves positions out":           "reads everything",
		"reader: miscounts":                      "reads everything",
		"reader: skips ahead":                    "resumes after half the acks",
		"reader: forgets commits":                "resumes after half the acks",
		"reader: needs its split":                "reads frozen shards alone",
		"reader: stays where it is":              "keeps positions or says so",
		"reader: hides its positions":            "keeps positions or says so",
		"writer: loose options":                  "describes itself",
		"writer: counts wrong":                   "lands every row",
		"writer: loses rows":                     "lands every row",
		"writer: forgets the last":               "lands every row",
		"writer: never looks":                    "refuses malformed payloads",
		"writer: does not count":                 "refuses malformed payloads",
		"writer: doubles":                        "takes a batch twice",
		"writer: leaks":                          "lands every row",
		"writer: boasts":                         "two phases or none",
		"two-phase writer: commits early":        "two phases or none",
		"two-phase writer: commits twice":        "two phases or none",
		"two-phase writer: aborts by committing": "two phases or none",
		"writer: skips in silence":               "",
		"writer: skips what is not there":        "",
	} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			run := "^TestPlugins$"
			if law != "" {
				run += "/.*/^" + strings.ReplaceAll(law, " ", "_") + "$"
			}
			cmd := exec.Command(os.Args[0], "-test.v", "-test.run="+run)
			cmd.Env = append(os.Environ(), flawEnv+"="+flaw)
			out, err := cmd.CombinedOutput()
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
				t.Fatalf("%v, want a failure; it said:\n%s", err, out)
			}
			role, _, _ := strings.Cut(flaw, ":")
			want := "--- FAIL: TestPlugins/" + strings.ReplaceAll(role, " ", "_")
			if law != "" {
				want += "/" + strings.ReplaceAll(law, " ", "_") + " "
			}
			if !strings.Contains(string(out), want) {
				t.Errorf("no %q in:\n%s", want, out)
			}
			if strings.Contains(string(out), "panic: ") {
				t.Errorf("the suite itself broke:\n%s", out)
			}
		})
	}
}
