// Package release names the StarRocks releases the stand-in can play, and orders
// them: where servers differ, the code asks for the release in which the change
// arrived.
package release

import (
	"fmt"
	"strconv"
	"strings"
)

// Release is a StarRocks release line with the patch release that stands for it.
// The zero value is older than every release.
type Release struct{ Major, Minor, Patch int }

// All lists the releases the stand-in plays, oldest first.
var All = []Release{{2, 5, 22}, {3, 1, 17}, {3, 3, 13}, {3, 5, 5}, {4, 0, 1}}

// Newest is the release a stand-in plays unless told otherwise.
func Newest() Release { return All[len(All)-1] }

// Parse reads "3.3", "v3.3" or "3.3.2". Of a line without patch release the one in
// All stands for it. The error names what can be asked for; lines not in All are
// refused, because nobody has said what they do.
func Parse(text string) (Release, error) {
	parts := strings.Split(strings.TrimPrefix(strings.TrimSpace(text), "v"), ".")
	numbers := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || len(p) > 3 {
			return Release{}, unknown(text)
		}
		numbers[i] = n
	}
	if len(numbers) < 2 || len(numbers) > 3 {
		return Release{}, unknown(text)
	}
	for _, r := range All {
		if r.Major != numbers[0] || r.Minor != numbers[1] {
			continue
		}
		if len(numbers) == 3 {
			r.Patch = numbers[2]
		}
		return r, nil
	}
	return Release{}, unknown(text)
}

func unknown(text string) error {
	lines := make([]string, len(All))
	for i, r := range All {
		lines[i] = r.Line()
	}
	return fmt.Errorf("StarRocks version %q: expected one of %s, with or without a patch release", text, strings.Join(lines, ", "))
}

// Line returns "3.3", the name of the release line.
func (r Release) Line() string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// String returns the full version, "3.3.13".
func (r Release) String() string { return fmt.Sprintf("%d.%d.%d", r.Major, r.Minor, r.Patch) }

// AtLeast says whether r is the given release line or a later one.
func (r Release) AtLeast(major, minor int) bool {
	return r.Major > major || r.Major == major && r.Minor >= minor
}

// AtLeastPatch is AtLeast down to the patch release.
func (r Release) AtLeastPatch(major, minor, patch int) bool {
	return r.Major > major || r.Major == major && (r.Minor > minor || r.Minor == minor && r.Patch >= patch)
}
