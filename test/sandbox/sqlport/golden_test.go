package sqlport_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

var update = flag.Bool("update", false, "write what the server answers into testdata/golden")

// goldenTime is the time of the servers of TestGolden.
var goldenTime = time.Date(2024, 5, 17, 10, 11, 12, 0, time.UTC)

const goldenLine, goldenBetween = "\n----\n", "\n====\n"

// TestGolden sends the statements of testdata/golden to a server of their own per
// file, one after the other over one connection, and compares the answers with what
// stands below the line of dashes: the columns and rows of a result, ok, or an error.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".golden"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			db := goldenServer(t)
			cases := strings.Split(strings.TrimSuffix(string(raw), "\n"), goldenBetween)
			for i, c := range cases {
				in, want, ok := strings.Cut(c, goldenLine)
				if !ok && !*update {
					t.Fatalf("%s: case %d has no line of dashes", file, i+1)
				}
				got := goldenAnswer(db, in)
				if *update {
					cases[i] = in + goldenLine + got
				} else if got != want {
					t.Errorf("%s, case %d\n%s\ngot:\n%s\nwant:\n%s", file, i+1, in, got, want)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(strings.Join(cases, goldenBetween)+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			shownTablesParse(t, db)
		})
	}
}

// goldenServer is a server at goldenTime with an empty database demo in use.
func goldenServer(t *testing.T) *sql.DB {
	t.Helper()
	c := &clock.Clock{}
	c.Jump(time.Until(goldenTime))
	st := store.New(store.Options{Now: c.Now})
	exec(t, st, "CREATE DATABASE demo")
	return open(t, serveWith(t, st, sqlport.Options{Clock: c}), "demo")
}

// goldenAnswer is what the server says to one statement.
func goldenAnswer(db *sql.DB, statement string) string {
	rows, err := db.Query(statement)
	if err != nil {
		return goldenError(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return goldenError(err)
	}
	if len(cols) == 0 {
		return "ok"
	}
	raw, ptr := make([]sql.RawBytes, len(cols)), make([]any, len(cols))
	for i := range raw {
		ptr[i] = &raw[i]
	}
	var b strings.Builder
	b.WriteString(strings.Join(cols, " | "))
	for rows.Next() {
		if err := rows.Scan(ptr...); err != nil {
			return goldenError(err)
		}
		for i, v := range raw {
			text := string(v)
			if v == nil {
				text = "NULL"
			}
			b.WriteString([]string{"\n", " | "}[min(i, 1)] + text)
		}
	}
	if err := rows.Err(); err != nil {
		return goldenError(err)
	}
	text := goldenIDs.ReplaceAllString(b.String(), "id")
	return goldenNow.ReplaceAllString(text, goldenTime.Format(time.DateTime))
}

// goldenIDs are numbers of things in the store, goldenNow the minutes the test takes.
var (
	goldenIDs = regexp.MustCompile(`\b10[0-9]{3}\b`)
	goldenNow = regexp.MustCompile(`2024-05-17 10:1[0-9]:[0-9]{2}`)
)

func goldenError(err error) string {
	if me := mysqlError(err); me != nil {
		return fmt.Sprintf("error %d: %s", me.Number, me.Message)
	}
	return "error: " + err.Error()
}

// shownTablesParse makes every table of the server anew from its SHOW CREATE TABLE,
// which must then say the same.
func shownTablesParse(t *testing.T, db *sql.DB) {
	t.Helper()
	tables := 0
	for _, name := range read(t, db, "SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = 'demo' AND TABLE_TYPE = 'BASE TABLE'") {
		quoted := "`" + strings.ReplaceAll(name, "`", "``") + "`"
		shown := read(t, db, "SHOW CREATE TABLE "+quoted)[0]
		_, statement, _ := strings.Cut(shown, " | ")
		run(t, db, "DROP TABLE "+quoted)
		if _, err := db.Exec(statement); err != nil {
			t.Errorf("%s\nis shown, and refused: %v", statement, err)
			continue
		}
		if again := read(t, db, "SHOW CREATE TABLE "+quoted)[0]; again != shown {
			t.Errorf("%s\nis shown, and gives\n%s", shown, again)
		}
		tables++
	}
	t.Logf("%d tables", tables)
}
