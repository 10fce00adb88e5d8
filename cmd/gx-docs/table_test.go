package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/job/options"
)

func TestProse(t *testing.T) {
	for doc, want := range map[string]string{
		"":                             "",
		"Plain words, with commas.":    "Plain words, with commas.",
		"How __key__ is read.":         "How `__key__` is read.",
		"seekToEnd (see __offset__).":  "`seekToEnd` (see `__offset__`).",
		`Missing or ["*"]: all of it.`: "Missing or `[\"*\"]`: all of it.",
		`{"type": "json", "schemasEnable": false}; with schemasEnable`: "`{\"type\": \"json\", \"schemasEnable\": false}`; with `schemasEnable`",
		`fields (tag.desc, a[0].b, a\.b), and more`:                    "fields (`tag.desc`, `a[0].b`, `a\\.b`), and more",
		"yes | no":                           "yes `\\|` no",
		"a { that is never closed":           "a `{` that is never closed",
		"$1 and COUNT(*)":                    "`$1` and `COUNT(*)`",
		`texts, as "from,to" with both ends`: `texts, as "from,to" with both ends`,
	} {
		if got := prose(doc); got != want {
			t.Errorf("prose(%q)\n got %s\nwant %s", doc, got, want)
		}
	}
}

type tableCase struct {
	Server  []string          `json:"server" gx:"required,list,alias=bootstrap.servers" doc:"Brokers"`
	Way     string            `json:"way" default:"a|b" gx:"enum=a|b" doc:"which way."`
	Every   time.Duration     `json:"every" default:"60" gx:"duration=s,min=1" doc:"How often?"`
	Tab     string            `json:"tab" default:"\t"`
	Login   *options.Secret   `json:"login" doc:"Who."`
	Parts   []tablePart       `json:"parts" doc:"Pieces."`
	Sink    map[string]string `gx:"prefix=sink."`
	Garbage options.Value     `json:"garbage" gx:"ignored" doc:"nobody needs it"`
}

type tablePart struct {
	Size int64 `json:"size" gx:"bytes,max=1048576" doc:"Size."`
}

func TestSentence(t *testing.T) {
	for doc, want := range map[string]string{
		"":                               "",
		"read this first":                "Read this first.",
		"json, or text":                  "`json`, or text.",
		"batch ends with its source…":    "`batch` ends with its source…",
		"yyyymmddhhmmss, inclusive.":     "`yyyymmddhhmmss`, inclusive.",
		"maxRows is what counts":         "`maxRows` is what counts.",
		"Already a sentence, is it not?": "Already a sentence, is it not?",
	} {
		if got := sentence(doc, []string{"batch"}); got != want {
			t.Errorf("sentence(%q) = %s, want %s", doc, got, want)
		}
	}
}

func TestOptionTable(t *testing.T) {
	want := strings.TrimLeft(`
| Option | Type | Default | Allowed | Meaning |
|---|---|---|---|---|
| 'server' | list of string | *required* |  | Brokers. Also 'bootstrap.servers'. |
| 'way' | string | 'a\|b' | 'a', 'b' | Which way. |
| 'every' | duration (s) | '60' | 1 s or more | How often? |
| 'tab' | string | '\t' |  |  |
| 'login' | secret |  |  | Who. Never shown. |
| 'parts' | list of object |  |  | Pieces. |
| 'parts[].size' | bytes |  | up to 1 MiB | Size. |
| 'sink.*' | map of string |  |  |  |

Accepted for the sake of old jobs, without effect and with a note:

- 'x.garbage': nobody needs it
`, "\n")
	want = strings.ReplaceAll(want, "'", "`")
	if got := optionTable(options.Describe(tableCase{}), "x."); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFill(t *testing.T) {
	sections := map[string]string{"a": "new a\n", "b": "new b\n"}
	const page = "# Words\n<!-- gx-docs a -->\nold\n<!-- /gx-docs -->\nmore\n<!-- gx-docs b --><!-- /gx-docs -->"
	if _, _, err := fill(page, sections); err == nil {
		t.Error("a marker with more on its line was taken")
	}
	page2 := strings.Replace(page, "<!-- gx-docs b --><!--", "<!-- gx-docs b -->\n<!--", 1)
	text, names, err := fill(page2, sections)
	if err != nil {
		t.Fatal(err)
	}
	const want = "# Words\n<!-- gx-docs a -->\n\nnew a\n\n<!-- /gx-docs -->\nmore\n<!-- gx-docs b -->\n\nnew b\n\n<!-- /gx-docs -->"
	if text != want || strings.Join(names, ",") != "a,b" {
		t.Errorf("got %v\n%s", names, text)
	}
	if again, _, err := fill(text, sections); err != nil || again != text {
		t.Errorf("a second run changes the page (%v):\n%s", err, again)
	}
	fenced := "```\n<!-- gx-docs nothing -->\n```\n"
	if text, names, err := fill(fenced, sections); err != nil || text != fenced || len(names) > 0 {
		t.Errorf("an example of a marker was taken for one: %v %v\n%s", err, names, text)
	}
	for name, bad := range map[string]string{
		"unknown section": "<!-- gx-docs c -->\n<!-- /gx-docs -->\n",
		"no end":          "<!-- gx-docs a -->\n",
	} {
		if _, _, err := fill(bad, sections); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
