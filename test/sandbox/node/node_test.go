package node

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStopAndStart(t *testing.T) {
	reading := make(chan struct{}, 1)
	cut := make(chan error, 1)
	n, err := Listen("127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			reading <- struct{}{}
			_, err := io.Copy(io.Discard, r.Body)
			cut <- err
		}
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{}
	defer c.CloseIdleConnections()
	get := func() error {
		res, err := c.Get("http://" + n.Addr())
		if err == nil {
			err = res.Body.Close()
		}
		return err
	}
	if err := get(); err != nil || !n.Up() {
		t.Fatalf("up %v, %v", n.Up(), err)
	}
	addr := n.Addr()
	body, end := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		req, err := http.NewRequest(http.MethodPut, "http://"+addr, body)
		if err == nil {
			_, err = c.Do(req)
		}
		sent <- err
	}()
	<-reading
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-cut; err == nil {
		t.Error("the handler read a whole body from a stopped node")
	}
	end.Close()
	if err := <-sent; err == nil {
		t.Error("a stopped node answered")
	}
	if err := get(); err == nil || n.Up() || n.Addr() != addr {
		t.Errorf("stopped: up %v, %v", n.Up(), err)
	}
	if err := n.Stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
	if err := n.Start(); err != nil || n.Addr() != addr || get() != nil {
		t.Errorf("started again at %s: %v", n.Addr(), err)
	}
	if err := n.Start(); err != nil {
		t.Errorf("started twice: %v", err)
	}
	if _, err := Listen(addr, nil, nil); err == nil || !strings.Contains(err.Error(), "cannot listen") {
		t.Errorf("two nodes on one port: %v", err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
}
