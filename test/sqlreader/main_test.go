// Package sqlreader holds the readers of SQL tables against the StarRocks stand-in: the conformance suite of plugins, and
// what cannot be shown without a server that evaluates conditions.
package sqlreader

import (
	"fmt"
	"os"
	"testing"

	"github.com/gx-etl/gx/plugins/mysql"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks"
	"github.com/gx-etl/gx/test/sandbox"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "sqlreader: goroutines stay behind:", err)
		code = 1
	}
	os.Exit(code)
}

// dialects are the readers that are shown on the stand-in, which speaks like MySQL as far as both need it.
var dialects = map[string]sdk.Plugin{"starrocks": starrocks.ReaderPlugin("test"), "mysql": mysql.Plugin("test")}

func start(t *testing.T, init string) *sandbox.Sandbox {
	t.Helper()
	return sandbox.New(t, sandbox.Options{Init: init})
}

// parameters of a step that reads from s; more is JSON members behind a comma.
func parameters(s *sandbox.Sandbox, more string) string {
	return fmt.Sprintf(`{"jdbcUrl": "jdbc:mysql://%s/shop", "username": "root", "password": ""%s}`, s.QueryAddr(), more)
}
