package sandbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/gx-etl/gx/test/sandbox/control"
)

func TestMain(m *testing.M) {
	// sarama's metrics keep one goroutine for the life of the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func start(t *testing.T, o Options) *Sandbox {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const initSQL = `CREATE DATABASE d;
CREATE TABLE d.t (k INT NOT NULL, v VARCHAR(8), n INT NOT NULL DEFAULT "7")
PRIMARY KEY (k) DISTRIBUTED BY HASH(k) BUCKETS 2;
INSERT INTO d.t VALUES (1, 'a', 2)`

func TestEverythingTogether(t *testing.T) {
	s := start(t, Options{Init: initSQL, Users: map[string]string{"bob": "pw"}, WithKafka: true})
	db, err := sql.Open("mysql", "bob:pw@tcp("+s.QueryAddr()+")/d?interpolateParams=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	// FE, then BE, with the credentials sent again by hand.
	send := func(url string) *http.Response {
		req, err := http.NewRequest(http.MethodPut, url, strings.NewReader("1\tx\t3\n2\ty\t4\n"))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("bob", "pw")
		req.Header.Set("Expect", "100-continue")
		tr := &http.Transport{ExpectContinueTimeout: 30 * time.Second}
		defer tr.CloseIdleConnections()
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		res.Body = io.NopCloser(strings.NewReader(string(body)))
		return res
	}
	res := send("http://" + s.FEAddr() + "/api/d/t/_stream_load")
	if res.StatusCode != 307 {
		t.Fatalf("HTTP %d", res.StatusCode)
	}
	res = send(res.Header.Get("Location"))
	body, _ := io.ReadAll(res.Body)
	if !strings.Contains(string(body), `"Status": "Success"`) {
		t.Fatalf("%s", body)
	}
	var count, sum int
	if err := db.QueryRow("SELECT COUNT(*), SUM(n) FROM t").Scan(&count, &sum); err != nil || count != 2 || sum != 7 {
		t.Errorf("%d rows, sum %d, %v", count, sum, err)
	}
	if _, err := db.Exec("INSERT INTO t VALUES (3, 'z', 1)"); err != nil {
		t.Error(err)
	}
	st := desk{s}.Status()
	if st.Tables[0].Rows != 3 || st.Tables[0].Model != "PRI_KEYS" || st.Addresses["kafka"] != s.KafkaAddr() || st.Addresses["feQuery"] != s.QueryAddr() {
		t.Errorf("%+v", st)
	}
	res, err = http.Get("http://" + s.ControlAddr() + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	var seen control.Status
	if err := json.NewDecoder(res.Body).Decode(&seen); err != nil || seen.Addresses["beHttp"] != s.BEAddr() {
		t.Errorf("%+v, %v", seen, err)
	}
	if n, err := s.Produce(t.Context(), "topic", 3, strings.NewReader("a\nb\nc")); n != 3 || err != nil {
		t.Errorf("%d messages, %v", n, err)
	}
}

func TestStartFailsCleanly(t *testing.T) {
	if s, err := Start(t.Context(), Options{Init: "CREATE NONSENSE"}); err == nil || !strings.Contains(err.Error(), "init SQL") {
		t.Errorf("%v, %v", s, err)
	}
	first := start(t, Options{})
	for name, o := range map[string]Options{
		"fe":      {FEHTTP: first.FEAddr()},
		"query":   {FEQuery: first.QueryAddr()},
		"kafka":   {Kafka: first.FEAddr(), WithKafka: true},
		"version": {Version: "x.y"},
	} {
		if s, err := Start(t.Context(), o); err == nil {
			s.Close()
			t.Errorf("%s: started", name)
		}
	}
}

func TestDiscard(t *testing.T) {
	s := start(t, Options{Init: initSQL, Discard: true})
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://"+s.BEAddr()+"/api/d/t/_stream_load", strings.NewReader("1\n2\n3"))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("root", "")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if s.Load.Discarded("d", "t") != 3 {
		t.Errorf("%s", body)
	}
	if tab, err := s.Store.Table("d", "t"); err != nil || tab.NumRows() != 1 {
		t.Error(fmt.Sprint(tab, err))
	}
}
