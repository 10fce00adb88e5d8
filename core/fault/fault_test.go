package fault

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	"google.golang.org/grpc/status"
)

func TestExitFollowsTheCode(t *testing.T) {
	for code, want := range exits {
		f := protocol.Faultf(code, "x")
		wrapped := fmt.Errorf("while loading: %w", f)
		overWire := status.ErrorProto(f.GRPCStatus().Proto())
		for _, err := range []error{f, wrapped, overWire} {
			if got := Exit(err); got != want {
				t.Errorf("%s: exit %d, want %d (%T)", code, got, want, err)
			}
		}
	}
	if got := Exit(errors.New("plain")); got != ExitFailed {
		t.Errorf("plain error: exit %d", got)
	}
	if got := Exit(nil); got != ExitOK {
		t.Errorf("no error: exit %d", got)
	}
}

func TestWithinPrefixesOnce(t *testing.T) {
	const path = "steps[1].parameter"
	for _, c := range []struct{ place, want string }{
		{"", path}, {"table", path + ".table"}, {path + ".table", path + ".table"},
	} {
		got := Of(Within(path, protocol.Faultf(protocol.NotFound, "gone").At(c.place)))
		if got.Place != c.want {
			t.Errorf("place %q: %q, want %q", c.place, got.Place, c.want)
		}
	}
}

func TestTextIsHarmless(t *testing.T) {
	f := protocol.Faultf(protocol.Refused, "server said \x1b[2Jhello\nworld\u202e").Hint("look\x07 here")
	const want = "server said \\u001b[2Jhello world\\u202e\n  try: look\\u0007 here"
	if got := Text(f); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
