package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/fault"
)

func TestMyLoader(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: `
		CREATE DATABASE shop;
		CREATE TABLE shop.orders (id BIGINT NOT NULL, item VARCHAR(20)) PRIMARY KEY (id) DISTRIBUTED BY HASH(id);`})
	// The first answer gets lost after the commit. A good loader asks again under the same label.
	s.Arm(fault.Fault{Kind: fault.AnswerLost, Op: fault.StreamLoad, Node: "be"})
	load(t, s.FEAddr(), "orders-1", "1,pen\n2,ink\n")
	if rows := s.Rows(t, "SELECT COUNT(*) FROM shop.orders"); rows[0][0] != "2" {
		t.Errorf("%v rows", rows)
	}
}

// load is a loader in small: it follows the redirect with its credentials, and
// repeats what failed under the same label.
func load(t *testing.T, fe, label, rows string) {
	t.Helper()
	for range 3 {
		status, err := stream(t.Context(), "http://"+fe+"/api/shop/orders/_stream_load", label, rows)
		if err == nil && (status == "Success" || status == "Label Already Exists") {
			return
		}
		t.Logf("once more, after %q, %v", status, err)
	}
	t.Fatal("three loads have failed")
}

// stream sends one Stream Load and returns the status of the answer.
func stream(ctx context.Context, url, label, rows string) (string, error) {
	tr := &http.Transport{ExpectContinueTimeout: 30 * time.Second, DisableKeepAlives: true}
	for range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(rows))
		if err != nil {
			return "", err
		}
		req.SetBasicAuth("root", "")
		req.Header.Set("Expect", "100-continue")
		req.Header.Set("label", label)
		req.Header.Set("column_separator", ",")
		res, err := tr.RoundTrip(req)
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return "", err
		}
		if res.StatusCode == http.StatusTemporaryRedirect {
			url = res.Header.Get("Location")
			continue
		}
		var answer struct{ Status, Message string }
		err = json.Unmarshal(body, &answer)
		return answer.Status, err
	}
	return "", errors.New("too many redirects")
}

// A program starts a stand-in, loads into it, and asks it in SQL.
func Example() {
	ctx := context.Background()
	s, err := sandbox.Start(ctx, sandbox.Options{Version: "3.3", Init: `
		CREATE DATABASE shop;
		CREATE TABLE shop.orders (id BIGINT NOT NULL, item VARCHAR(20)) PRIMARY KEY (id) DISTRIBUTED BY HASH(id);`})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := s.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	status, err := stream(ctx, "http://"+s.FEAddr()+"/api/shop/orders/_stream_load", "orders-1", "1,pen\n2,ink\n")
	fmt.Println(status, err)
	results, err := s.Query(ctx, "SELECT id, item FROM shop.orders ORDER BY id")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range results[0].Rows {
		fmt.Println(*row[0], *row[1])
	}
	// Output:
	// Success <nil>
	// 1 pen
	// 2 ink
}

// Labels do not live for ever: the clock of the servers can be made to jump, and the
// memory of labels to be short.
func ExampleSandbox_Clock() {
	ctx := context.Background()
	s, err := sandbox.Start(ctx, sandbox.Options{Init: `
		CREATE DATABASE shop;
		CREATE TABLE shop.orders (id BIGINT NOT NULL, item VARCHAR(20)) DUPLICATE KEY (id) DISTRIBUTED BY HASH(id);`})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := s.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	url := "http://" + s.FEAddr() + "/api/shop/orders/_stream_load"
	for _, jump := range []time.Duration{0, 71 * time.Hour, 2 * time.Hour} {
		s.Clock().Jump(jump)
		fmt.Println(stream(ctx, url, "orders-1", "1,pen\n"))
	}
	// Output:
	// Success <nil>
	// Label Already Exists <nil>
	// Success <nil>
}

// Faults aim at an operation of one server, by table or label, and show at a chosen
// event or by a chance that a seed decides.
func ExampleSandbox_Arm() {
	ctx := context.Background()
	s, err := sandbox.Start(ctx, sandbox.Options{Init: `
		CREATE DATABASE shop;
		CREATE TABLE shop.orders (id BIGINT NOT NULL, item VARCHAR(20)) DUPLICATE KEY (id) DISTRIBUTED BY HASH(id);`})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := s.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	s.Arm(fault.Fault{Kind: fault.TooManyVersions, Label: "orders", Nth: 2})
	url := "http://" + s.FEAddr() + "/api/shop/orders/_stream_load"
	for i := range 3 {
		fmt.Println(stream(ctx, url, fmt.Sprint("orders-", i), "1,pen\n"))
	}
	// Output:
	// Success <nil>
	// Fail <nil>
	// Success <nil>
}
