package clients

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox"
)

// operation sends one request of the transaction interface as the manual writes it.
func operation(t *testing.T, s *sandbox.Sandbox, name string, args ...string) map[string]any {
	t.Helper()
	method := "POST"
	if name == "load" {
		method = "PUT"
	}
	status, answer, text := curl(t, append([]string{"--location-trusted", "-u", "root:", "-X", method, "-H", "Expect: 100-continue", "-H", "db: shop", "-H", "table: t",
		"http://" + s.FEAddr() + "/api/transaction/" + name}, args...)...)
	if status != "200" {
		t.Fatalf("%s: HTTP %s %s", name, status, text)
	}
	return answer
}

// TestCurlTransaction: begin, load, load, prepare, commit; the rows appear at the end
// and together.
func TestCurlTransaction(t *testing.T) {
	s := start(t)
	const label, comma = "label: by-hand", "column_separator: ,"
	step := func(name, status string, rows int64, args ...string) map[string]any {
		t.Helper()
		answer := operation(t, s, name, append([]string{"-H", label}, args...)...)
		if answer["Status"] != status {
			t.Fatalf("%s: %v, want %s", name, answer, status)
		}
		if n := count(t, s, "t"); n != rows {
			t.Fatalf("%d rows are visible after %s, want %d", n, name, rows)
		}
		return answer
	}
	step("begin", "OK", 0)
	step("begin", "LABEL_ALREADY_EXISTS", 0)
	step("load", "OK", 0, "-H", comma, "-T", file(t, "one.csv", twoRows))
	step("load", "OK", 0, "-H", comma, "-T", file(t, "two.csv", "3,c,30\n"))
	if answer := step("prepare", "OK", 0); answer["NumberLoadedRows"] != 3.0 {
		t.Errorf("prepare counts %v rows, want those of both loads", answer["NumberLoadedRows"])
	}
	if r := mysql(t, s, "SELECT STATE FROM information_schema.loads WHERE LABEL = 'by-hand'", "-uroot", "-N"); r.out != "PREPARED\n" {
		t.Errorf("loads shows %q, %s", r.out, r.err)
	}
	step("commit", "OK", 3)
	if answer := operation(t, s, "rollback", "-H", label); answer["Status"] != "FAILED" {
		t.Errorf("rollback after commit: %v", answer)
	}
	if r := mysql(t, s, "SHOW PROC '/transactions/shop/finished'", "-uroot", "-N"); !strings.Contains(r.out, "by-hand") || !strings.Contains(r.out, "VISIBLE") {
		t.Errorf("the transaction is not among the finished ones: %q, %s", r.out, r.err)
	}
}

// TestCurlTransactionErrors: the answers to what goes wrong.
func TestCurlTransactionErrors(t *testing.T) {
	s := start(t)
	data := file(t, "two.csv", twoRows)
	_, answer, text := curl(t, "--location-trusted", "-u", "root:", "-H", "Expect: 100-continue", "-H", "db: shop", "-H", "table: t", "-H", "label: never-begun",
		"-H", "column_separator: ,", "-T", data, "http://"+s.BEAddr()+"/api/transaction/load")
	if answer["Status"] != "TXN_NOT_EXISTS" {
		t.Errorf("load without begin, at the BE: %s", text)
	}
	if answer := operation(t, s, "load", "-H", "label: never-begun", "-H", "column_separator: ,", "-T", data); answer["Status"] != "FAILED" {
		t.Errorf("load without begin, at the FE: %v", answer)
	}
	if answer := operation(t, s, "begin", "-H", "label: bad"); answer["Status"] != "OK" {
		t.Fatalf("begin: %v", answer)
	}
	if answer := operation(t, s, "load", "-H", "label: bad", "-H", "column_separator: |", "-T", data); answer["Status"] == "Success" {
		t.Errorf("rows without enough columns: %v", answer)
	}
	if answer := operation(t, s, "commit", "-H", "label: bad"); answer["Status"] == "OK" {
		t.Errorf("commit of nothing but bad rows: %v", answer)
	}
	if n := count(t, s, "t"); n != 0 {
		t.Errorf("%d rows are visible", n)
	}
}

// TestSettingsBySQL: a limit set by ADMIN SET holds for the loads of curl, and so
// does one of the backends.
func TestSettingsBySQL(t *testing.T) {
	s := start(t)
	send := func() string {
		_, _, text := curl(t, "--location-trusted", "-u", "root:", "-H", "Expect: 100-continue", "-H", "column_separator: ,",
			"-T", file(t, "two.csv", twoRows), "http://"+s.FEAddr()+"/api/shop/t/_stream_load")
		return text
	}
	if r := mysql(t, s, `ADMIN SET FRONTEND CONFIG ("max_running_txn_num_per_db" = "0")`, "-uroot"); r.code != 0 {
		t.Fatal(r.err)
	}
	if text := send(); !strings.Contains(text, "current running txns on db") {
		t.Errorf("with no place for a transaction: %s", text)
	}
	if r := mysql(t, s, `ADMIN SET FRONTEND CONFIG ("max_running_txn_num_per_db" = "10"); ADMIN SHOW FRONTEND CONFIG LIKE 'max_running_txn%'`, "-uroot", "-N"); r.out !=
		"max_running_txn_num_per_db\t[]\t10\tint\ttrue\t\n" {
		t.Errorf("got %q, %s", r.out, r.err)
	}
	if text := send(); !strings.Contains(text, "Success") {
		t.Errorf("with place again: %s", text)
	}
	if r := mysql(t, s, `ADMIN SET FRONTEND CONFIG ("max_running_txn_num_per_db" = "many")`, "-uroot"); !strings.Contains(r.err, "ERROR 5101 (F0000)") {
		t.Errorf("a value that is no number: %s", r.err)
	}
	if r := mysql(t, s, "UPDATE information_schema.be_configs SET value = 0 WHERE name = 'streaming_load_max_mb'", "-uroot"); !strings.Contains(r.err, "set config failed") {
		t.Errorf("a size of nothing: %s", r.err)
	}
	if r := mysql(t, s, "UPDATE information_schema.be_configs SET value = 7 WHERE name = 'streaming_load_max_mb'", "-uroot"); r.code != 0 {
		t.Fatal(r.err)
	}
	if r := mysql(t, s, "SELECT value FROM information_schema.be_configs WHERE name = 'streaming_load_max_mb'", "-uroot", "-N"); r.out != "7\n" {
		t.Errorf("got %q, %s", r.out, r.err)
	}
	_, _, text := curl(t, "--location-trusted", "-u", "root:", "-H", "Expect: 100-continue", "-H", "column_separator: ,",
		"-T", file(t, "large.csv", strings.Repeat(twoRows, 600<<10)), "http://"+s.FEAddr()+"/api/shop/t/_stream_load")
	if !strings.Contains(text, "exceed") || strings.Contains(text, "Success") {
		t.Errorf("a body over the limit: %s", text)
	}
}
