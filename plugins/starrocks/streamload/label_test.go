package streamload

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var labelForm = regexp.MustCompile(`^[-\w]{1,128}$`)

func TestLabels(t *testing.T) {
	l := NewLabels("my-job", "r20260102", 3)
	if a, b := l.Next(), l.Next(); a != "my-job-r20260102-3-1" || b != "my-job-r20260102-3-2" {
		t.Errorf("%s, %s", a, b)
	}
	if got := NewLabels("", "r", 0).Next(); got != "gx-r-0-1" {
		t.Errorf("%s", got)
	}
	if got := NewLabels("日本.x", "r", 0).Next(); !strings.HasPrefix(got, "___x_") || !labelForm.MatchString(got) {
		t.Errorf("%s", got)
	}
}

// Whatever the names hold: StarRocks takes the label, and no two loads share one.
func TestLabelsAreLegalAndDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-\w.]{0,200}`), rapid.SampledFrom([]string{"a-b", "a_b", "a.b", "a", "b-c", "c"}))
		type key struct {
			prefix, run string
			lane, n     int
		}
		draw := func(n string) key {
			return key{name.Draw(t, "prefix"+n), name.Draw(t, "run"+n), rapid.IntRange(0, 1000).Draw(t, "lane"+n), rapid.IntRange(1, 3).Draw(t, "n"+n)}
		}
		label := func(k key) (s string) {
			l := NewLabels(k.prefix, k.run, k.lane)
			for range k.n {
				s = l.Next()
			}
			return s
		}
		a, b := draw("a"), draw("b")
		for _, k := range []key{a, b} {
			if !labelForm.MatchString(label(k)) {
				t.Fatalf("%+v: %q", k, label(k))
			}
		}
		if a.prefix == "" {
			a.prefix = "gx"
		}
		if b.prefix == "" {
			b.prefix = "gx"
		}
		if (label(a) == label(b)) != (a == b) {
			t.Fatalf("%+v and %+v: %s and %s", a, b, label(a), label(b))
		}
	})
}

func FuzzLabel(f *testing.F) {
	f.Add("job", "r-1", 0, "job-r", "1", 0)
	f.Add("a.b", "r", 1, "a_b", "r", 1)
	f.Fuzz(func(t *testing.T, p1, r1 string, l1 int, p2, r2 string, l2 int) {
		if l1 < 0 || l2 < 0 || p1 == "" || p2 == "" {
			return
		}
		a, b := NewLabels(p1, r1, l1).Next(), NewLabels(p2, r2, l2).Next()
		if !labelForm.MatchString(a) {
			t.Fatalf("%q", a)
		}
		if same := p1 == p2 && r1 == r2 && l1 == l2; (a == b) != same {
			t.Fatalf("%q %q %d and %q %q %d: %s and %s", p1, r1, l1, p2, r2, l2, a, b)
		}
	})
}
