package streamload

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\t c":                    "a b c",
		"\x1b[31mred\x1b[0m":          "[31mred [0m",
		"left\u202eright":             "left right",
		"bad \xff byte":               "bad byte",
		"too long. Row: [my, secret]": "too long",
		strings.Repeat("é", 30):       strings.Repeat("é", 19) + "…",
	} {
		if got := clean(in, 40); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestFirstReason(t *testing.T) {
	for in, want := range map[string]string{
		"Error: a is bad. Row: secret\nError: b":  "a is bad",
		"Error: no row quoted\n":                  "no row quoted",
		"secret row that begins a line\nError: x": "x",
		"":       "",
		"<html>": "",
	} {
		if got := firstReason(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestJudgeHeader(t *testing.T) {
	for name, known := range map[string]bool{"format": true, "Format": true, "label": true, "Expect": true, "skip_header": true, "colunms": false} {
		if got, _ := JudgeHeader(name); got != known {
			t.Errorf("%s: known %v", name, got)
		}
	}
	for _, name := range []string{"Authorization", "Expect", "label", "Content-Length", "enable_merge_commit"} {
		if _, instead := JudgeHeader(name); instead == "" {
			t.Errorf("%s may be set", name)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{ok3, `{"Status":"Fail"}`, `null`, `[]`, `{"NumberTotalRows":"1e5"}`, `{"Status":"Success"} x`, `{"Status":"FAILED","Message":"TXN_NOT_EXISTS"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := ParseAnswer(body)
		if err != nil {
			checkLine(t, err.Error())
			return
		}
		if classOf(a) == classLanded && a.Status != "Success" && a.Status != "Publish Timeout" {
			t.Fatalf("%+v counts as landed", a)
		}
		if classOfOperation(a) == classLanded && a.Status != "OK" && a.Status != "PUBLISH_TIMEOUT" && a.Status != "Publish Timeout" {
			t.Fatalf("%+v counts as done", a)
		}
		checkLine(t, clean(a.Message, 300))
		checkLine(t, firstReason(string(body)))
	})
}

// checkLine: one line, printable, bounded.
func checkLine(t *testing.T, s string) {
	t.Helper()
	if len(s) > 500 || !utf8.ValidString(s) {
		t.Fatalf("%d bytes, valid %v", len(s), utf8.ValidString(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			t.Fatalf("%q holds %U", s, r)
		}
	}
}
