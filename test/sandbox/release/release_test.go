package release

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Release{
		"2.5": All[0], "v3.1": All[1], " 3.3 ": All[2], "3.5.4": {3, 5, 4}, "4.0": Newest(),
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "3", "3.2", "3.3.1.2", "3.x", "-3.3", "3.3333"} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), "2.5, 3.1, 3.3, 3.5, 4.0") {
			t.Errorf("Parse(%q) = %v, %v; want an error that lists the releases", text, got, err)
		}
	}
}

func TestOrder(t *testing.T) {
	if !slices.IsSortedFunc(All, func(a, b Release) int {
		if b.AtLeastPatch(a.Major, a.Minor, a.Patch) {
			return -1
		}
		return 1
	}) {
		t.Errorf("All is not in order: %v", All)
	}
	r := Release{3, 5, 4}
	for _, c := range []struct {
		major, minor int
		want         bool
	}{{2, 5, true}, {3, 4, true}, {3, 5, true}, {3, 6, false}, {4, 0, false}} {
		if got := r.AtLeast(c.major, c.minor); got != c.want {
			t.Errorf("%v at least %d.%d: %t", r, c.major, c.minor, got)
		}
	}
	if !r.AtLeastPatch(3, 5, 4) || r.AtLeastPatch(3, 5, 5) || !r.AtLeastPatch(3, 4, 9) {
		t.Error("patch releases are not in order")
	}
	if r.String() != "3.5.4" || r.Line() != "3.5" {
		t.Errorf("names %s and %s", r, r.Line())
	}
}
