package mariadb

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/built"
	"github.com/gx-etl/gx/test/sandbox"
)

// job moves a table of the server into table orders of the stand-in.
func job(s *sandbox.Sandbox, lanes int, reader, props, setting string) string {
	return fmt.Sprintf(`{"type": "job", "version": "2.0", "name": "move", "steps": [
	{"stepType": "mysql", "name": "Reader", "category": "reader", "parameter": %s},
	{"stepType": "starrocks", "name": "Writer", "category": "writer", "parameter": {"loadUrl": [%q], "jdbcUrl": "jdbc:mysql://%s/", "username": "root", "password": "",
	  "selectedDatabase": "shop", "table": "orders", "column": ["id", "name", "price", "made", "ratio"], "loadProps": {%s}}}],
	"setting": {"speed": {"concurrent": %d%s}}, "order": {"hops": [{"from": "Reader", "to": "Writer"}]}}`,
		parameters("", reader), s.FEAddr(), s.QueryAddr(), props, lanes, setting)
}

// gx prepares a run of the program on a job.
func gx(t *testing.T, job string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	program, err := built.Path("gx", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "job.json")
	if err := os.WriteFile(path, []byte(job), 0o600); err != nil {
		t.Fatal(err)
	}
	said := new(bytes.Buffer)
	cmd := exec.CommandContext(t.Context(), program, "run", path, "--state-dir", dir)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = said, said, 10*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd, said
}

const target = `CREATE DATABASE shop;
	CREATE TABLE shop.orders (id BIGINT, name VARCHAR(200), price DECIMAL(12,2), made DATETIME, ratio DOUBLE) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)`

const columns = `"column": ["id", "name", "price", "made", "ratio"]`

// A table whose keys are texts under a collation that sees neither case nor accents, over four lanes, in both formats: each row
// once, as it is.
func TestMoveATable(t *testing.T) {
	execute(t, `DROP TABLE IF EXISTS moved; CREATE TABLE moved (id BIGINT, name VARCHAR(200) COLLATE utf8mb4_unicode_ci, price DECIMAL(12,2), made DATETIME(6), ratio DOUBLE);
		INSERT INTO moved SELECT seq, IF(seq %% 50 = 0, NULL, CONCAT(ELT(1 + seq %% 5, 'Ärger ', 'arger ', 'zoé ', 'Zoe ', '客户 '), seq %% 977)), (CAST(seq AS INT) - 2500) / 4,
		'2024-01-01' + INTERVAL seq * 1234567 MICROSECOND, seq / 7 FROM seq_1_to_5000`)
	var want []string
	rows, err := admin.QueryContext(t.Context(), "SELECT CONCAT_WS('|', id, IFNULL(name, 'NULL'), price, made) FROM moved")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		want = append(want, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	for _, props := range []string{`"format": "csv", "column_separator": "\\x01", "row_delimiter": "\\x02"`, `"format": "json", "strip_outer_array": true`} {
		s := sandbox.New(t, sandbox.Options{Init: target})
		cmd, said := gx(t, job(s, 4, `, "table": "moved", `+columns+`, "splitPk": "name"`, props, ""))
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		var got []string
		for _, row := range s.Rows(t, "SELECT id, name, price, made FROM shop.orders") {
			made, fraction, _ := strings.Cut(row[3], ".")
			got = append(got, strings.Join(append(row[:3:3], made+"."+(fraction + "000000")[:6]), "|"))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d; %.200q, want %.200q\n%s", props, len(got), len(want), got, want, said)
		}
		// Both servers write doubles in ways of their own.
		if others := s.Rows(t, "SELECT COUNT(*) FROM shop.orders WHERE ABS(ratio - id / 7) > 0.0000001"); others[0][0] != "0" {
			t.Errorf("%s: %s doubles are others", props, others[0][0])
		}
	}
}

// A job that is stopped leaves no query behind on the server.
func TestStoppedJobKillsItsQuery(t *testing.T) {
	execute(t, `DROP TABLE IF EXISTS endless; CREATE TABLE endless (id BIGINT, name VARCHAR(10), price DECIMAL(12,2), made DATETIME(6), ratio DOUBLE) ENGINE = MyISAM;
		INSERT INTO endless (id) SELECT seq FROM seq_1_to_300000`)
	s := sandbox.New(t, sandbox.Options{Init: target})
	cmd, said := gx(t, job(s, 1, `, "table": "endless", "column": ["id", "REPEAT('x', 10) AS name", "price", "made", "ratio"], "where": "SLEEP(0.0001) = 0"`, `"format": "csv"`, ""))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	awaitQuery(t, "endless", ended, said)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit code %d\n%s", code, said)
	}
	// Alone it would go on for half a minute; the server needs a moment to end what it was told to.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ids := running(t, "endless")
		if len(ids) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the queries of connections %v go on", ids)
		}
	}
}

// A connection that the server gives up before a batch was sent is replaced, and each row comes once; unless the job allows no
// second attempt.
func TestKilledConnectionIsReplaced(t *testing.T) {
	execute(t, `DROP TABLE IF EXISTS killed; CREATE TABLE killed (id BIGINT, name VARCHAR(10), price DECIMAL(12,2), made DATETIME(6), ratio DOUBLE) ENGINE = MyISAM;
		INSERT INTO killed (id) SELECT seq FROM seq_1_to_2000`)
	for retries, want := range map[int]int{3: 0, 0: 6} {
		s := sandbox.New(t, sandbox.Options{Init: target})
		cmd, said := gx(t, job(s, 1, fmt.Sprintf(`, "table": "killed", %s, "where": "SLEEP(0.0005) = 0", "maxRetries": %d`, columns, retries), `"format": "csv"`, ""))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for _, id := range awaitQuery(t, "killed", ended, said) {
			execute(t, "KILL CONNECTION %d", id)
		}
		<-ended
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("%d retries: exit code %d, want %d\n%s", retries, code, want, said)
		}
		if got := s.Rows(t, "SELECT COUNT(*), COUNT(DISTINCT id) FROM shop.orders"); want == 0 && !slices.Equal(got[0], []string{"2000", "2000"}) {
			t.Errorf("rows and ids: %v", got)
		}
	}
}

// running are the connections that read from a table of that name.
func running(t *testing.T, table string) (ids []int64) {
	t.Helper()
	rows, err := admin.QueryContext(t.Context(), "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Query' AND INFO LIKE '%`"+table+"`%' AND INFO NOT LIKE '%1 = 0%' AND ID <> CONNECTION_ID()")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// awaitQuery waits until a job reads from the table, and gives its connections.
func awaitQuery(t *testing.T, table string, ended <-chan error, said *bytes.Buffer) []int64 {
	t.Helper()
	for {
		if ids := running(t, table); len(ids) > 0 {
			return ids
		}
		select {
		case err := <-ended:
			t.Fatalf("ended before it read: %v\n%s", err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
