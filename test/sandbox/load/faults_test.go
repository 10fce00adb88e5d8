package load

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

const loadPath = "/api/d/t/_stream_load"

// running starts a load whose body stays unfinished until finish is called.
func (b *bench) running(label string) (finish func(rest string) *reply) {
	b.t.Helper()
	pr, pw := io.Pipe()
	done := make(chan *reply, 1)
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		r, err := b.send("PUT", b.BEAddr(), loadPath, h{"label: " + label, "Expect: 100-continue"}, pr)
		if err != nil {
			failed <- err
			return
		}
		done <- r
	})
	b.until("the load to run", func() bool { return b.state(label) == "PREPARE" })
	return func(rest string) *reply {
		b.t.Helper()
		_, err := io.WriteString(pw, rest)
		pw.Close()
		wg.Wait()
		select {
		case r := <-done:
			return r
		case failure := <-failed:
			b.t.Fatalf("write %v, request %v", err, failure)
		}
		return nil
	}
}

func TestRequestsTellOfCredentials(t *testing.T) {
	b := start(t)
	r := b.must("PUT", b.BEAddr(), loadPath, h{"-Authorization: "}, strings.NewReader("1\ta\t5\n"))
	b.want(r, "Fail", "no valid Basic authorization")
	b.want(b.load("t", "1\ta\t5\n"), "Success", "OK")
	got := b.Requests()
	if len(got) != 2 || got[0].Header.Get("Authorization") != "absent" || got[1].Header.Get("Authorization") != "present" {
		t.Errorf("requests %+v", got)
	}
}

func TestFaultsOfTheRedirect(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.DelayFE, Millis: 50})
	body := strings.Repeat("1\ta\t5\n", 1000)
	r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue"}, strings.NewReader(body))
	if r.status != 307 || b.Requests()[0].BodyBytes != 0 {
		t.Errorf("HTTP %d, %+v", r.status, b.Requests())
	}

	b.arm(fault.Fault{Kind: fault.FEKeepAlive})
	c, rd := b.dial(b.FEAddr(), loadPath, h{"Expect: 100-continue", "Content-Length: 6"})
	res, err := http.ReadResponse(rd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 307 || res.Close {
		t.Errorf("HTTP %d, close %v", res.StatusCode, res.Close)
	}
	if _, err := io.WriteString(c, "1\ta\t5\n"); err != nil {
		t.Fatal(err)
	}
	b.until("the older FE to take the body", func() bool { return b.Requests()[1].BodyBytes == 6 })
	c.Close()
}

func TestPublishTimeoutHoldsTheNextVersion(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.PublishTimeout, Millis: 300, Label: "late"})
	r := b.want(b.load("t", "1\ta\t5\n", "label: late"), "Publish Timeout", "")
	if got := b.state("late"); got != "COMMITTED" {
		t.Errorf("state %s", got)
	}
	b.wantRows("t", "")
	if r.answer.NumberLoadedRows != 1 {
		t.Errorf("%s", r.body)
	}
	// The next version of the table has to wait for this one.
	b.want(b.load("t", "2\ta\t5\n", "label: next"), "Success", "")
	if got := b.state("late"); got != "VISIBLE" {
		t.Errorf("state %s", got)
	}
	b.wantRows("t", "1|a|5", "2|a|5")
	r = b.want(b.load("t", "1\ta\t5\n", "label: late"), "Label Already Exists", "")
	if r.answer.ExistingJobStatus != "FINISHED" {
		t.Errorf("%s", r.body)
	}
}

func TestFaultsOfLimits(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.MaxRunningTxn = 1 })
	b.arm(fault.Fault{Kind: fault.TooManyVersions, Nth: 2})
	b.want(b.load("t", "1\ta\t5\n", "label: a"), "Success", "")
	b.want(b.load("t", "2\ta\t5\n", "label: b"), "Fail", "too many versions")
	b.want(b.load("t", "2\ta\t5\n", "label: b"), "Success", "")
	b.arm(fault.Fault{Kind: fault.MemoryLimit, Label: "m"})
	b.want(b.load("t", "2\ta\t5\n", "label: mem"), "Fail", "Memory of process exceed limit")
	finish := b.running("open")
	b.want(b.load("t", "3\ta\t5\n", "label: c"), "Fail", "current running txns on db d is 1, larger than limit 1")
	b.want(finish("4\ta\t5\n"), "Success", "")
	b.want(b.load("t", "3\ta\t5\n", "label: c"), "Success", "")
}

func TestFaultsOfAnswers(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.BEStatus, Status: 500, Text: "boom"})
	if r := b.load("t", "1\ta\t5\n", "label: x"); r.status != 500 || r.body != "boom" {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.arm(fault.Fault{Kind: fault.AnswerBody, Text: "<html>"})
	if r := b.load("t", "1\ta\t5\n", "label: x"); r.status != 200 || r.body != "<html>" {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.arm(fault.Fault{Kind: fault.FEStatus, Status: 200, Text: `{"Status":"FAILED","Message":"No backend alive."}`})
	if r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue"}, nil); !strings.Contains(r.body, "No backend alive.") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.arm(fault.Fault{Kind: fault.RedirectTo, To: "127.0.0.9:1"})
	r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue"}, nil)
	if r.header.Get("Location") != "http://127.0.0.9:1"+loadPath {
		t.Errorf("%v", r.header)
	}
	r = b.must("POST", b.FEAddr(), "/api/nothing/of/this", nil, nil)
	if r.status != http.StatusOK || !strings.Contains(r.body, `"status": "FAILED"`) || !strings.Contains(r.body, "Not implemented") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
}

func TestTimeoutHeaderEndsTheLoad(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.DelayBE, At: fault.AtCommit, Millis: 1500})
	b.want(b.load("t", "1\ta\t5\n", "label: slow", "timeout: 1"), "Fail", "timeout by txn manager")
	b.wantRows("t", "")
	b.want(b.load("t", "1\ta\t5\n", "timeout: soon"), "Fail", "Invalid timeout format")
}
