// Package fault turns errors into what a user sees: an exit code and a text of at most a few lines. Nothing here looks at
// the wording of an error; the code of a protocol.Fault decides.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/gx-etl/gx/plugins/protocol"
)

// Exit codes of the gx command.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitConfig      = 2
	ExitDirtyLimit  = 3
	ExitInDoubt     = 4
	ExitUntrusted   = 5
	ExitUnreachable = 6
	ExitInterrupted = 130
	ExitTerminated  = 143
)

var exits = map[protocol.Code]int{
	protocol.Config:       ExitConfig,
	protocol.NotFound:     ExitFailed,
	protocol.Denied:       ExitFailed,
	protocol.Unreachable:  ExitUnreachable,
	protocol.Data:         ExitFailed,
	protocol.Refused:      ExitFailed,
	protocol.InDoubt:      ExitInDoubt,
	protocol.Unsupported:  ExitConfig,
	protocol.PluginFailed: ExitFailed,
	protocol.Untrusted:    ExitUntrusted,
	protocol.DirtyLimit:   ExitDirtyLimit,
	protocol.Stopped:      ExitFailed,
	protocol.Internal:     ExitFailed,
}

// Exit is the exit code for an error; signals are the caller's business.
func Exit(err error) int {
	if err == nil {
		return ExitOK
	}
	if f := protocol.AsFault(err); f != nil {
		if code, ok := exits[f.Code]; ok {
			return code
		}
	}
	return ExitFailed
}

// Of gives the Fault in err, or makes one of code Internal.
func Of(err error) *protocol.Fault {
	if err == nil {
		return nil
	}
	if f := protocol.AsFault(err); f != nil {
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return protocol.Faultf(protocol.Unreachable, "%w", err)
	}
	return protocol.Faultf(protocol.Internal, "%w", err)
}

// Within prefixes the place of a fault with the path of the step it happened in.
func Within(path string, err error) error {
	if err == nil {
		return nil
	}
	f := *Of(err)
	switch {
	case f.Place == "":
		f.Place = path
	case strings.HasPrefix(f.Place, path):
	default:
		f.Place = path + "." + f.Place
	}
	return &f
}

// Text is what is printed for an error: the place, what was seen, and on a line of its own what to try. Control
// characters are made visible, so that no server's answer can speak to the terminal.
func Text(err error) string {
	f := Of(err)
	var b strings.Builder
	b.WriteString(Printable(f.Error()))
	if f.Try != "" {
		fmt.Fprintf(&b, "\n  try: %s", Printable(f.Try))
	}
	return b.String()
}

// Printable escapes what a terminal would act upon and cuts very long text.
func Printable(s string) string {
	const limit = 4000
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + " … (cut)"
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
