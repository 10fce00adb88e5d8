package starrockswriter

import (
	"fmt"
	"testing"

	"github.com/gx-etl/gx/plugins/sdk/sdktest"
	"github.com/gx-etl/gx/plugins/starrocks"
	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/release"
)

// The columns of the suite's own rows.
const people = `CREATE DATABASE d; CREATE TABLE d.t (id BIGINT NOT NULL, name VARCHAR(200) NULL, amount DOUBLE NULL, flag BOOLEAN NULL, at DATETIME NULL)
	DUPLICATE KEY(id) DISTRIBUTED BY HASH(id);`

func parameters(s *sandbox.Sandbox, more string) string {
	return fmt.Sprintf(`{"loadUrl":[%q],"username":"root","password":"","selectedDatabase":"d","table":"t"%s}`, s.FEAddr(), more)
}

func TestConformance(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release.Release) {
		for name, more := range map[string]string{
			"any":   `,"jdbcUrl":"jdbc:mysql://%s/"`,
			"csv":   `,"column":["id","name","amount","flag","at"],"loadProps":{"format":"csv"}`,
			"json":  `,"column":["id","name","amount","flag","at"],"loadProps":{"format":"json"}`,
			"loads": `,"column":["id","name","amount","flag","at"],"maxBatchRows":2,"loadProps":{"format":"json"}`,
		} {
			t.Run(name, func(t *testing.T) {
				s := sandbox.New(t, sandbox.Options{Init: people, Version: r.Line()})
				if name == "any" {
					more = fmt.Sprintf(more, s.QueryAddr())
				}
				sdktest.Writer(t, sdktest.WriterCase{
					Plugin:     starrocks.Plugin("test"),
					Parameters: parameters(s, more),
					Landed:     func() ([][]string, error) { return s.Rows(t, "SELECT id, name, amount, flag, at FROM d.t"), nil },
					Skip:       map[string]string{"takes every type": "the table of the case has five columns, and the law sends two"},
				})
			})
		}
	})
}
