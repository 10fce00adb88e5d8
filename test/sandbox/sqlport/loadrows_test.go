package sqlport_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

func someLoads() []sqlport.LoadRow {
	at := func(second int) time.Time { return time.Date(2024, 1, 2, 3, 4, second, 0, time.UTC) }
	return []sqlport.LoadRow{
		{TxnID: 12, Label: "bad", DB: "d", Table: "t", User: "root", Type: "STREAM_LOAD", State: "ABORTED", Reason: "too many filtered rows", Filtered: 1,
			ErrorURL: "http://be/log", ErrorLog: "Error: nothing. Row: x", Client: "10.0.0.1", Timeout: time.Minute, Begun: at(3), Ended: at(4)},
		{TxnID: 11, Label: "good", DB: "d", Table: "t", User: "root", Type: "STREAM_LOAD", State: "VISIBLE", Loaded: 2, Unselected: 1, Bytes: 30,
			Client: "10.0.0.1", Timeout: 600 * time.Second, Begun: at(1), Committed: at(2), Ended: at(2)},
		{TxnID: 13, Label: "insert_1", DB: "d", Table: "u", Type: "INSERT", State: "VISIBLE", Loaded: 5, Begun: at(5), Committed: at(5), Ended: at(6)},
		{TxnID: 14, Label: "open", DB: "d", Table: "t", Type: "STREAM_LOAD", State: "PREPARE", Begun: at(7)},
	}
}

func TestLoads(t *testing.T) {
	st := stored(t, shop)
	s := serveWith(t, st, sqlport.Options{Version: "4.0", Loads: someLoads})
	db := open(t, s, "d")
	for _, c := range []struct{ query, rows string }{
		{"SELECT ID, LABEL, DB_NAME, TABLE_NAME, USER, STATE, PROGRESS, TYPE, SCAN_ROWS, SCAN_BYTES, FILTERED_ROWS, UNSELECTED_ROWS, SINK_ROWS, LOAD_COMMIT_TIME, ERROR_MSG FROM information_schema.loads ORDER BY ID",
			"11 | good | d | t | root | FINISHED | LOAD:100% | STREAM | 3 | 30 | 0 | 1 | 2 | 2024-01-02 03:04:02 | NULL / " +
				"12 | bad | d | t | root | CANCELLED | LOAD:0% | STREAM | 1 | 0 | 1 | 0 | 0 | NULL | too many filtered rows / " +
				"13 | insert_1 | d | u |  | FINISHED | LOAD:100% | INSERT | 5 | 0 | 0 | 0 | 5 | 2024-01-02 03:04:05 | NULL / " +
				"14 | open | d | t |  | LOADING | LOAD:0% | STREAM | 0 | 0 | 0 | 0 | 0 | NULL | NULL"},
		{"SELECT TRACKING_SQL FROM information_schema.loads WHERE LABEL = 'bad'", "select tracking_log from information_schema.load_tracking_logs where job_id=12"},
		{"select tracking_log from information_schema.load_tracking_logs where job_id=12", "Error: nothing. Row: x"},
		{"SELECT LABEL, TXN_ID, NUM_ROWS_NORMAL, NUM_ROWS_AB_NORMAL, TRACKING_URL FROM information_schema.stream_loads WHERE STATE <> 'LOADING'",
			"good | 11 | 2 | 0 | NULL / bad | 12 | 0 | 1 | http://be/log"},
		{"SELECT label, state FROM _statistics_.loads_history ORDER BY id", "good | FINISHED / bad | CANCELLED / insert_1 | FINISHED"},
		{"SHOW TRANSACTION WHERE ID = 11", "11 | good | BE: 10.0.0.1 | VISIBLE | BACKEND_STREAMING | 2024-01-02 03:04:01 | 2024-01-02 03:04:02 | 2024-01-02 03:04:02 | 2024-01-02 03:04:02 |  | 0 | -1 | 600000 | "},
		{"SHOW LOAD WHERE LABEL = 'insert_1'", "13 | insert_1 | FINISHED | LOAD:100% | INSERT | NORMAL | 5 | 0 | 0 | 5 | NULL | resource:N/A; timeout(s):0; max_filter_ratio:0.0 | NULL | " +
			"2024-01-02 03:04:05 | 2024-01-02 03:04:05 | 2024-01-02 03:04:05 | 2024-01-02 03:04:05 | 2024-01-02 03:04:06 |  | {} | default_warehouse"},
		{"SHOW LOAD FROM d WHERE Label = 'good'", ""},
	} {
		want(t, db, c.query, c.rows)
	}
	if got := read(t, db, "SHOW STREAM LOAD FOR d.bad FROM d"); len(got) != 1 || !strings.HasPrefix(got[0], "bad | 12 | bad | 12 | d | t | CANCELLED | too many filtered rows") {
		t.Errorf("SHOW STREAM LOAD: %q", got)
	}
	wantError(t, db, "SHOW TRANSACTION WHERE ID = 99", 1064, "transaction with id 99 does not exist")
	wantError(t, db, "SHOW TRANSACTION WHERE LABEL = 'x'", 1064, "ID")
	// Users see the loads of their tables.
	run(t, db, "CREATE USER ann")
	run(t, db, "GRANT INSERT ON d.u TO ann")
	want(t, as(t, s, "ann"), "SELECT LABEL FROM information_schema.loads", "insert_1")

	old := open(t, serveWith(t, st, sqlport.Options{Version: "3.1", Loads: someLoads}), "d")
	want(t, old, "SELECT JOB_ID, LABEL, DATABASE_NAME, STATE, SINK_ROWS FROM information_schema.loads", "13 | insert_1 | d | FINISHED | 5")
	want(t, old, "SELECT * FROM information_schema.load_tracking_logs", "12 | bad | d | Error: nothing. Row: x")
	older := open(t, serveWith(t, st, sqlport.Options{Version: "2.5", Loads: someLoads}), "d")
	wantError(t, older, "SELECT * FROM information_schema.loads", 5502, "Unknown table 'information_schema.loads'")
	want(t, older, "SHOW DATABASES", "_statistics_ / d / e / information_schema")
}

func TestProc(t *testing.T) {
	s := serveWith(t, stored(t, shop), sqlport.Options{Loads: someLoads, Frontends: func() []sqlport.Node { return []sqlport.Node{{Host: "127.0.0.1", Leader: true}} }})
	db := open(t, s, "d")
	id := ""
	for _, l := range read(t, db, "SHOW PROC '/dbs'") {
		if cols := strings.Split(l, " | "); cols[1] == "d" {
			id = cols[0]
			if cols[2] != "2" {
				t.Errorf("d has %s tables", cols[2])
			}
		}
	}
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		t.Fatalf("the number of d is %q", id)
	}
	names := func(path string, column int) string {
		var list []string
		for _, l := range read(t, db, "SHOW PROC '"+path+"'") {
			list = append(list, strings.Split(l, " | ")[column])
		}
		return strings.Join(list, " ")
	}
	for _, c := range []struct {
		path   string
		column int
		want   string
	}{
		{"/", 0, "backends compute_nodes current_queries dbs frontends statistic transactions"},
		{"/dbs/" + id, 1, "t u"},
		{"/dbs/e/", 1, "t"},
		{"/transactions", 1, "d e"},
		{"/transactions/" + id, 1, "1 3"},
		{"/transactions/" + id + "/running", 1, "open"},
		{"/transactions/d/finished", 1, "insert_1 bad good"},
		{"/transactions/e/finished", 1, ""},
		{"/frontends", 2, "127.0.0.1"},
		{"/backends", 1, ""},
		{"/statistic", 2, "2 1 3"},
		{"/current_queries", 4, "d"},
	} {
		if got := names(c.path, c.column); got != c.want {
			t.Errorf("%s: got %q, want %q", c.path, got, c.want)
		}
	}
	wantError(t, db, "SHOW PROC '/nothing'", 1064, "Proc path(/nothing) doesn't exist")
	wantError(t, db, "SHOW PROC '/dbs/nothing'", 1064, "Unknown database id or name")
	wantError(t, db, "SHOW PROC '/transactions/d/lost'", 1064, "State is invalid")
}

func TestFrontendConfig(t *testing.T) {
	keep := "1000"
	s := serveWith(t, stored(t, shop), sqlport.Options{
		Configs:        func() map[string]string { return map[string]string{"label_keep_max_num": keep} },
		BackendConfigs: func() map[string]string { return map[string]string{"streaming_load_max_mb": "1000"} },
		Backends:       func() []sqlport.Node { return []sqlport.Node{{Host: "127.0.0.2", HTTPPort: 8040}} },
		SetConfig: func(name, value string) error {
			if _, err := strconv.Atoi(value); err != nil {
				return errors.New("not a number")
			}
			keep = value
			return nil
		},
	})
	db := open(t, s, "")
	want(t, db, "SELECT NAME, VALUE, TYPE, MUTABLE FROM information_schema.be_configs", "be_http_port | 8040 | int32_t | 0 / streaming_load_max_mb | 1000 | int32_t | 1")
	if n := run(t, db, "UPDATE information_schema.be_configs SET VALUE = 5 WHERE name = 'streaming_load_max_mb'"); n != 1 || keep != "5" {
		t.Errorf("%d backends changed, the setting is %q", n, keep)
	}
	keep = "1000"
	wantError(t, db, "UPDATE information_schema.be_configs SET value = 'x' WHERE name = 'streaming_load_max_mb'", 1064, "set config failed: not a number")
	wantError(t, db, "UPDATE information_schema.be_configs SET value = 1 WHERE name = 'be_http_port'", 1064, "no such config")
	wantError(t, db, "UPDATE information_schema.be_configs SET value = 1", 1064, "WHERE")
	want(t, db, "ADMIN SHOW FRONTEND CONFIG LIKE 'label\\_keep%'", "label_keep_max_num | [] | 1000 | int | true | ")
	want(t, db, "ADMIN SHOW FRONTEND CONFIG LIKE 'run_mode'", "run_mode | [] | shared_nothing | String | false | ")
	run(t, db, `ADMIN SET FRONTEND CONFIG ("label_keep_max_num" = "1")`)
	want(t, db, "ADMIN SHOW FRONTEND CONFIG LIKE 'label_keep_max_num'", "label_keep_max_num | [] | 1 | int | true | ")
	wantError(t, db, `ADMIN SET FRONTEND CONFIG ("label_keep_max_num" = "many")`, 5101, "Set config failed: not a number")
	wantError(t, db, `ADMIN SET FRONTEND CONFIG ("run_mode" = "shared_data")`, 5102, "Config 'run_mode' does not exist or is not mutable")
	wantError(t, db, `ADMIN SET FRONTEND CONFIG ("nothing" = "1")`, 5102, "Config 'nothing' does not exist or is not mutable")
	wantError(t, db, `ADMIN SET FRONTEND CONFIG "x"`, 1064, "Unexpected input")
	wantError(t, db, "ADMIN REPAIR TABLE t", 1064, "SHOW FRONTEND CONFIG")
}
