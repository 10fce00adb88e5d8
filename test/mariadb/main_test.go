package mariadb

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	_ "github.com/go-sql-driver/mysql" // registers itself
	"github.com/gx-etl/gx/plugins/mysql"
	"github.com/gx-etl/gx/test/e2e/built"
	"go.uber.org/goleak"
)

// server is one for all tests; each works in tables of its own.
var (
	server *Server
	admin  *sql.DB // with the database shop
	reader = mysql.Plugin("test")
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err == nil && code == 0 {
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mariadb:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "gx-mariadb")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tls, err := certificates(dir)
	if err != nil {
		return 1, err
	}
	if server, err = Start(context.Background(), built.Root(), dir+"/server", tls...); err != nil {
		return 1, err
	}
	defer func() {
		if stop := server.Stop(); err == nil {
			err = stop
		}
	}()
	if admin, err = sql.Open("mysql", "root@tcp("+server.Addr+")/?multiStatements=true"); err != nil {
		return 1, err
	}
	if _, err = admin.Exec("CREATE DATABASE shop CHARACTER SET utf8mb4"); err == nil {
		_ = admin.Close()
		admin, err = sql.Open("mysql", "root@tcp("+server.Addr+")/shop?multiStatements=true&sql_mode=%27%27") // zero dates may be stored
	}
	if err != nil {
		return 1, err
	}
	defer func() { _ = admin.Close() }()
	return m.Run(), nil
}

// execute runs statements.
func execute(t *testing.T, statements string, args ...any) {
	t.Helper()
	if _, err := admin.ExecContext(t.Context(), fmt.Sprintf(statements, args...)); err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(statements, args...), err)
	}
}

// parameters of a step that reads from the server; properties are those of the jdbcUrl, more is JSON members behind a comma.
func parameters(properties, more string) string {
	return fmt.Sprintf(`{"jdbcUrl": "jdbc:mysql://%s/shop%s", "username": "root", "password": ""%s}`, server.Addr, properties, more)
}
