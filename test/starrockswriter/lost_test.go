package starrockswriter

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/fault"
)

// Answers get lost at every step and at either server: prepare and commit find out, and rows are there once.
func TestLostAnswers(t *testing.T) {
	for _, op := range []fault.Op{fault.Begin, fault.Prepare, fault.Commit, fault.Rollback} {
		for _, node := range []string{"fe", "be"} {
			for _, kind := range []fault.Kind{fault.AnswerLost, fault.AnswerCut, "answerHtml", "answerEmpty"} {
				if node == "be" && op == fault.Commit {
					continue // what is prepared is the frontend's
				}
				t.Run(fmt.Sprint(op, node, kind), func(t *testing.T) {
					t.Parallel()
					s := sandbox.New(t, sandbox.Options{Init: table})
					c := client(t, s)
					s.Arm(fault.Fault{Kind: kind, Op: op, Node: node})
					x, rows := filled(t, c, "t-1", "1,a,5\n", "2,b,6\n")
					undone, _ := filled(t, c, "t-2", "9,z,9\n")
					if err := c.Rollback(t.Context(), undone); err != nil {
						t.Fatal(err)
					}
					if err := errors.Join(c.Prepare(t.Context(), x, rows, false), c.Commit(t.Context(), x)); err != nil {
						t.Fatal(err)
					}
					if got := visible(t, s); got != "1|a|5 2|b|6" {
						t.Errorf("visible %q", got)
					}
				})
			}
		}
	}
}

// The answer to a load is lost, or its connection is cut in the middle: the transaction is given up and nothing of it stays.
func TestLostLoads(t *testing.T) {
	for _, kind := range []fault.Kind{fault.AnswerLost, fault.AnswerCut, fault.CutBody, "answerHtml", "shuttingDown", "txnNotExists"} {
		t.Run(string(kind), func(t *testing.T) {
			s := sandbox.New(t, sandbox.Options{Init: table})
			c := client(t, s)
			x, _ := filled(t, c, "t-1", "1,a,5\n")
			f := fault.Fault{Kind: kind, Op: fault.Load, Node: "be"}
			if kind == fault.CutBody {
				f.Bytes = 3
			}
			s.Arm(f)
			if err := c.Append(t.Context(), x, csv("2,b,6\n3,c,7\n")); code(err) != protocol.Refused || !strings.Contains(err.Error(), "rolled back") {
				t.Errorf("got %v", err)
			}
			if got := state(t, c, x); got != "ABORTED" || visible(t, s) != "" {
				t.Errorf("state %s, visible %q", got, visible(t, s))
			}
		})
	}
}

// A commit whose outcome the server does not know itself, before and after it happened.
func TestUnknownCommit(t *testing.T) {
	for _, at := range []string{fault.AtBefore, fault.AtAfter} {
		s := sandbox.New(t, sandbox.Options{Init: table})
		c := client(t, s)
		x, rows := filled(t, c, "t-1", "1,a,5\n")
		if err := c.Prepare(t.Context(), x, rows, false); err != nil {
			t.Fatal(err)
		}
		s.Arm(fault.Fault{Kind: fault.CommitUnknown, Op: fault.Commit, At: at})
		if err := c.Commit(t.Context(), x); err != nil || visible(t, s) != "1|a|5" {
			t.Errorf("%s: %v, visible %q", at, err, visible(t, s))
		}
	}
}
