package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox"
)

// send loads a body, following the redirect with the credentials, and returns the
// status and message of the answer.
func send(t *testing.T, fe, table, body string, headers map[string]string) (status, message string) {
	t.Helper()
	url := "http://" + fe + "/api/d/" + table + "/_stream_load"
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("root", "")
		req.Header.Set("Expect", "100-continue")
		for k, v := range headers {
			req.Header.Set(k, v)
		}
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode == http.StatusTemporaryRedirect {
			url = res.Header.Get("Location")
			continue
		}
		var answer struct{ Status, Message string }
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return answer.Status, answer.Message
	}
	t.Fatal("too many redirects")
	return "", ""
}

func rows(t *testing.T, s *sandbox.Sandbox, query string) string {
	t.Helper()
	results, err := s.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var lines []string
	for _, r := range results[0].Rows {
		var cells []string
		for _, v := range r {
			if v == nil {
				cells = append(cells, "NULL")
			} else {
				cells = append(cells, *v)
			}
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	return strings.Join(lines, " / ")
}

// TestComputedOnLoad: loads fill what a table computes by itself, and may not name it.
func TestComputedOnLoad(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: `
		CREATE DATABASE d;
		CREATE TABLE d.g (
			k INT NOT NULL, j JSON, price DECIMAL(10,2), qty INT,
			id VARCHAR(36) NOT NULL DEFAULT (uuid()),
			name STRING AS get_json_string(j, '$.name'), total DECIMAL(20,2) AS price * qty
		) PRIMARY KEY (k) DISTRIBUTED BY HASH(k);
		CREATE TABLE d.e (at DATETIME NOT NULL, region VARCHAR(8), v INT) DUPLICATE KEY (at) PARTITION BY date_trunc('month', at), region`})
	csv := map[string]string{"column_separator": "|"}
	if status, message := send(t, s.FEAddr(), "g", "1|{\"name\": \"pen\"}|2.50|4|own\n2|\\N|1|\\N|own2\n", csv); status != "Success" {
		t.Fatal(status, message)
	}
	json := map[string]string{"format": "json", "strip_outer_array": "true", "columns": "k, j, price, qty"}
	if status, message := send(t, s.FEAddr(), "g", `[{"k": 3, "j": {"name": "ink"}, "price": 3, "qty": 2}, {"k": 4}]`, json); status != "Success" {
		t.Fatal(status, message)
	}
	if got, want := rows(t, s, "SELECT k, name, total FROM d.g ORDER BY k"), "1 | pen | 10.00 / 2 | NULL | NULL / 3 | ink | 6.00 / 4 | NULL | NULL"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := rows(t, s, "SELECT count(DISTINCT id), max(length(id)) FROM d.g"); got != "4 | 36" {
		t.Errorf("ids %s", got)
	}

	named := map[string]string{"column_separator": "|", "columns": "k, total"}
	if status, message := send(t, s.FEAddr(), "g", "5|1\n", named); status != "Fail" || !strings.Contains(message, "generated column: total can not be specified") {
		t.Error(status, message)
	}
	// A partial update computes what it has all inputs of, keeps what it has none of,
	// and cannot do with some.
	partial := map[string]string{"column_separator": "|", "partial_update": "true", "columns": "k, price, qty"}
	if status, message := send(t, s.FEAddr(), "g", "1|5|5\n", partial); status != "Success" {
		t.Error(status, message)
	}
	if got := rows(t, s, "SELECT name, total FROM d.g WHERE k = 1"); got != "pen | 25.00" {
		t.Errorf("after the update %s", got)
	}
	partial["columns"] = "k, qty"
	if status, message := send(t, s.FEAddr(), "g", "1|6\n", partial); status != "Fail" || !strings.Contains(message, "total") {
		t.Error(status, message)
	}

	if status, message := send(t, s.FEAddr(), "e", "2024-01-31 10:00:00|eu|1\n2024-02-01 00:00:00|eu|2\n2024-01-01 00:00:00|eu|3\n2024-01-05 00:00:00|\\N|4\n", csv); status != "Success" {
		t.Fatal(status, message)
	}
	if got, want := rows(t, s, "SELECT PARTITION_NAME, ROW_COUNT FROM information_schema.partitions_meta WHERE TABLE_NAME = 'e' ORDER BY 1"),
		"p20240101000000_NULL | 1 / p20240101000000_eu | 2 / p20240201000000_eu | 1"; got != want {
		t.Errorf("partitions %s, want %s", got, want)
	}
}

// TestSchemasAreKept: what a table computes and how it is parted survives a restart.
func TestSchemasAreKept(t *testing.T) {
	dir := t.TempDir()
	var shown string
	for round := range 2 {
		o := sandbox.Options{Data: dir, Init: `
			CREATE DATABASE d;
			CREATE TABLE d.t (k INT NOT NULL, s BIGINT NOT NULL, u LARGEINT DEFAULT (uuid_numeric()), g BIGINT AS k + s COMMENT 'sum',
				INDEX i (s) USING BITMAP COMMENT 'x', INDEX n (k)) DUPLICATE KEY (k, s) PARTITION BY from_unixtime(s, '%Y'), k`}
		s, err := sandbox.Start(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if status, message := send(t, s.FEAddr(), "t", "1,0\n", map[string]string{"column_separator": ",", "columns": "k, s"}); status != "Success" {
			t.Error(status, message)
		}
		text := rows(t, s, "SHOW CREATE TABLE d.t")
		if shown != "" && text != shown {
			t.Errorf("shown as\n%s\nand then as\n%s", shown, text)
		}
		shown = text
		if got, want := rows(t, s, "SELECT sum(g), count(DISTINCT u) FROM d.t"), []string{"1 | 1", "2 | 2"}[round]; got != want {
			t.Errorf("round %d: %s, want %s", round, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestReplicas: a table cannot have more replicas than there are backends.
func TestReplicas(t *testing.T) {
	const three = `CREATE DATABASE d; CREATE TABLE d.t (k INT) DUPLICATE KEY (k) PROPERTIES ("replication_num" = "3")`
	s := sandbox.New(t, sandbox.Options{})
	if _, err := s.Query(t.Context(), three); err == nil || !strings.Contains(err.Error(), "less than or equal to the number of available BE nodes") {
		t.Errorf("with one backend: %v", err)
	}
	s = sandbox.New(t, sandbox.Options{Backends: 3})
	if _, err := s.Query(t.Context(), three); err != nil {
		t.Errorf("with three backends: %v", err)
	}
}
