package protocol

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Code says what kind of trouble a Fault is. The core maps it to the exit code; nothing is ever told by its wording.
type Code string

// The closed list of codes.
const (
	// Config: the document or a setting is wrong and nothing was touched.
	Config Code = "config"
	// NotFound: a topic, table, database or file that the job names is not there.
	NotFound Code = "not-found"
	// Denied: credentials or privileges do not suffice.
	Denied Code = "denied"
	// Unreachable: a server did not answer within its budget.
	Unreachable Code = "unreachable"
	// Data: the rows themselves were refused.
	Data Code = "data"
	// Refused: the target or source answered, and the answer was no.
	Refused Code = "refused"
	// InDoubt: it cannot be told whether something happened.
	InDoubt Code = "in-doubt"
	// Unsupported: an honest "this plugin cannot do that".
	Unsupported Code = "unsupported"
	// PluginFailed: a plugin process died, hung, or broke the protocol.
	PluginFailed Code = "plugin"
	// Untrusted: a plugin binary is not the one that was asked for.
	Untrusted Code = "untrusted"
	// DirtyLimit: more dirty records than setting.errorLimit allows.
	DirtyLimit Code = "dirty-limit"
	// Stopped: a signal or a caller ended the job.
	Stopped Code = "stopped"
	// Internal: a defect of gx or of a plugin.
	Internal Code = "internal"
)

// Fault is an error that a user meets: what kind, where, what was seen, what to try.
type Fault struct {
	Code  Code
	Place string
	What  string
	Try   string
	cause error
}

// Faultf makes a Fault; %w keeps the cause for errors.Is.
func Faultf(code Code, format string, args ...any) *Fault {
	err := fmt.Errorf(format, args...)
	f := &Fault{Code: code, What: err.Error(), cause: errors.Unwrap(err)}
	if _, several := err.(interface{ Unwrap() []error }); several {
		f.cause = err
	}
	return f
}

// At names the place, such as "topic" (relative to the step's parameter) or a full JSON path in the core.
func (f *Fault) At(place string) *Fault { f.Place = place; return f }

// Hint says what a stranger should try.
func (f *Fault) Hint(format string, args ...any) *Fault {
	f.Try = fmt.Sprintf(format, args...)
	return f
}

// Error gives the place and what was seen; the hint is for the one who prints.
func (f *Fault) Error() string {
	if f.Place == "" {
		return f.What
	}
	return f.Place + ": " + f.What
}

// Unwrap gives the cause that Faultf was given with %w.
func (f *Fault) Unwrap() error { return f.cause }

// GRPCStatus lets a Fault cross the process border as the detail of a status.
func (f *Fault) GRPCStatus() *status.Status {
	code := codes.Unknown
	switch f.Code {
	case Config, Data:
		code = codes.InvalidArgument
	case NotFound:
		code = codes.NotFound
	case Denied:
		code = codes.PermissionDenied
	case Unreachable:
		code = codes.Unavailable
	case Unsupported:
		code = codes.Unimplemented
	case Stopped:
		code = codes.Canceled
	case Internal:
		code = codes.Internal
	}
	st := status.New(code, wireText(f.Error()))
	with, err := st.WithDetails(&v1.Fault{
		Code: string(f.Code), Place: wireText(f.Place), What: wireText(f.What), Try: wireText(f.Try),
	})
	if err != nil {
		return st
	}
	return with
}

// wireText makes text fit for a status, which travels in HTTP/2 headers: valid UTF-8 and of a bounded size.
func wireText(s string) string {
	const limit = 16 << 10
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// AsFault finds the Fault in err: one that was made here, one that came over gRPC, or nil.
func AsFault(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	st, ok := status.FromError(err)
	if !ok {
		return nil
	}
	for _, d := range st.Details() {
		if p, ok := d.(*v1.Fault); ok {
			return &Fault{Code: Code(p.Code), Place: p.Place, What: p.What, Try: p.Try, cause: err}
		}
	}
	return nil
}

// IsCanceled tells whether err only says that somebody cancelled the call.
func IsCanceled(err error) bool {
	if errors.Is(err, context.Canceled) {
		return true
	}
	if f := AsFault(err); f != nil {
		return f.Code == Stopped
	}
	return status.Code(err) == codes.Canceled
}

// NotSupported is the honest answer of a plugin that lacks a verb.
func NotSupported(verb string) *Fault {
	return Faultf(Unsupported, "%s is not supported by this plugin", verb)
}
