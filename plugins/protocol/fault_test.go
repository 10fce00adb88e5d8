package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"
)

var allCodes = []Code{Config, NotFound, Denied, Unreachable, Data, Refused, InDoubt, Unsupported, PluginFailed, Untrusted, DirtyLimit, Stopped, Internal}

// A Fault that goes through a gRPC status comes out as it went in, except for bytes that are no text.
func TestFaultSurvivesTheStatus(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		in := Faultf(rapid.SampledFrom(allCodes).Draw(t, "code"), "%s", text.Draw(t, "what")).
			At(text.Draw(t, "place")).Hint("%s", text.Draw(t, "try"))
		out := AsFault(status.FromProto(in.GRPCStatus().Proto()).Err())
		if out == nil {
			t.Fatalf("%+v is lost", in)
		}
		for _, pair := range [][2]string{{in.Place, out.Place}, {in.What, out.What}, {in.Try, out.Try}} {
			if want := strings.ToValidUTF8(pair[0], "\uFFFD"); pair[1] != want {
				t.Fatalf("%q came out as %q", pair[0], pair[1])
			}
		}
		if out.Code != in.Code {
			t.Fatalf("code %q came out as %q", in.Code, out.Code)
		}
	})
}

func TestFaultIsBoundedOnTheWire(t *testing.T) {
	long := strings.Repeat("世", 1<<20)
	st := Faultf(Data, "%s", long).At(long).Hint("%s", long).GRPCStatus()
	if n := len(st.Message()); n > 20<<10 || !utf8.ValidString(st.Message()) {
		t.Errorf("a message of %d bytes", n)
	}
	f := AsFault(st.Err())
	if f == nil || len(f.What) > 20<<10 || len(f.Place) > 20<<10 || len(f.Try) > 20<<10 {
		t.Fatal("the detail is lost or unbounded")
	}
}

func TestFaultKeepsItsCauses(t *testing.T) {
	one := Faultf(Unreachable, "dial: %w", io.ErrUnexpectedEOF)
	if !errors.Is(one, io.ErrUnexpectedEOF) || one.Error() != "dial: unexpected EOF" {
		t.Errorf("%v does not hold its cause", one)
	}
	two := Faultf(Unreachable, "%w and %w", io.ErrUnexpectedEOF, context.DeadlineExceeded)
	if !errors.Is(two, io.ErrUnexpectedEOF) || !errors.Is(two, context.DeadlineExceeded) {
		t.Errorf("%v does not hold both causes", two)
	}
	if none := Faultf(Config, "no"); errors.Unwrap(none) != nil {
		t.Errorf("%v has the cause %v", none, errors.Unwrap(none))
	}
	if placed := Faultf(Config, "no").At("topic"); placed.Error() != "topic: no" {
		t.Errorf("reads %q", placed)
	}
}

func TestAsFault(t *testing.T) {
	f := Faultf(Denied, "no")
	for name, c := range map[string]struct {
		err  error
		want Code
	}{
		"nil":             {nil, ""},
		"other":           {errors.New("x"), ""},
		"bare status":     {status.Error(codes.Unavailable, "gone"), ""},
		"itself":          {f, Denied},
		"wrapped":         {fmt.Errorf("look: %w", f), Denied},
		"joined":          {errors.Join(errors.New("x"), f), Denied},
		"status":          {f.GRPCStatus().Err(), Denied},
		"wrapped status":  {fmt.Errorf("call: %w", f.GRPCStatus().Err()), Denied},
		"of another kind": {Faultf(Refused, "%w", f), Refused},
	} {
		got := AsFault(c.err)
		if (got == nil) != (c.want == "") || got != nil && got.Code != c.want {
			t.Errorf("%s: %+v, want the code %q", name, got, c.want)
		}
	}
}

func TestIsCanceled(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nil":              {nil, false},
		"context":          {fmt.Errorf("read: %w", context.Canceled), true},
		"deadline":         {context.DeadlineExceeded, false},
		"status":           {status.Error(codes.Canceled, "stop"), true},
		"other status":     {status.Error(codes.Unavailable, "stop"), false},
		"stopped":          {Faultf(Stopped, "a signal"), true},
		"stopped, by gRPC": {Faultf(Stopped, "a signal").GRPCStatus().Err(), true},
		"refused":          {Faultf(Refused, "no").GRPCStatus().Err(), false},
	} {
		if got := IsCanceled(c.err); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestNotSupported(t *testing.T) {
	err := NotSupported("Prepare").GRPCStatus().Err()
	if f := AsFault(err); f == nil || f.Code != Unsupported || status.Code(err) != codes.Unimplemented {
		t.Errorf("%v", err)
	}
}
