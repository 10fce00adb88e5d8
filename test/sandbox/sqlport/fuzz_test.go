package sqlport_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// FuzzScript: whatever a client sends, the answer is a result or an error with a
// code; the server survives, and the tables it holds stay readable.
func FuzzScript(f *testing.F) {
	for _, s := range []string{
		"SELECT a.id, SUM(b.v) FROM t a JOIN t b ON a.id = b.id WHERE a.v IN (1, 2.5, 'x') GROUP BY 1 HAVING 2 > 1 ORDER BY 1 LIMIT 3",
		"INSERT INTO t VALUES (1, -2), (DEFAULT, [1,{'a':2}])", "UPDATE t SET v = v + 1 WHERE id BETWEEN 1 AND 99", "DELETE FROM t WHERE id = 1",
		"SHOW FULL TABLES FROM d WHERE 1 = 1; DESC t; SET @a = 1, query_timeout = 5; SELECT @@query_timeout, @a",
		"SELECT /*+ SET_VAR(query_timeout=1) */ CAST(id AS LARGEINT) FROM t PARTITION(t) TABLET(1,2) AS x",
		"CREATE USER IF NOT EXISTS 'a'@'%' IDENTIFIED BY 'b' DEFAULT ROLE r, public; ALTER USER a IDENTIFIED BY 'c'; SET PASSWORD FOR a = PASSWORD('d')",
		"CREATE ROLE r; GRANT SELECT, ALL PRIVILEGES ON ALL TABLES IN DATABASE d, e TO ROLE r WITH GRANT OPTION; REVOKE r FROM USER a; SET ROLE ALL EXCEPT r",
		"GRANT CREATE_TABLE ON DATABASE d TO a; SHOW GRANTS FOR a; SET DEFAULT ROLE NONE TO a; DROP USER a; SELECT * FROM sys.role_edges",
		"SHOW PROC '/transactions/d/running'; SHOW STREAM LOAD FOR d.l FROM d; SHOW TRANSACTION WHERE ID = 1; SHOW DATA FROM t; DESC t ALL",
		`ADMIN SHOW FRONTEND CONFIG LIKE '%a'; ADMIN SET FRONTEND CONFIG ("a" = "b") WITH PERSISTENT; LOCK TABLES t WRITE; SHOW COUNT(*) WARNINGS`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		st := store.New(store.Options{})
		exec(t, st, "CREATE DATABASE d; CREATE TABLE d.t (id INT, v INT) PRIMARY KEY(id); INSERT INTO d.t VALUES (1, 1), (2, 2)")
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := sqlport.Exec(ctx, st, "USE d; "+script)
		var we *wire.Error
		if errors.As(err, &we) && (we.Code == 0 || we.Message == "") {
			t.Fatalf("an error without code or text: %v", err)
		}
		for _, db := range st.Databases() {
			tables, err := st.Tables(db)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range tables {
				table, err := st.Table(db, name)
				if err != nil {
					t.Fatal(err)
				}
				cur, row, n := table.Snapshot().Cursor(nil), make([]any, len(table.Schema().Columns)), int64(0)
				for cur.Next(row) {
					n++
				}
				if n != table.NumRows() {
					t.Fatalf("%d rows read, %d counted", n, table.NumRows())
				}
			}
		}
	})
}
