package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// given reads a document of testdata and replaces nothing but addresses in it.
func given(t *testing.T, name string, addresses ...string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(addresses); i += 2 {
		if !strings.Contains(string(src), addresses[i]) {
			t.Fatalf("%s does not hold %q", name, addresses[i])
		}
	}
	return []byte(strings.NewReplacer(addresses...).Replace(string(src)))
}

// A DataX job as people have it: the database at the top, jdbcUrl as one text, a boolean among the load properties.
func TestDataXSnippetRunsAsItStands(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.Exec("DROP DATABASE IF EXISTS example_db")
	c.Exec("CREATE DATABASE example_db")
	c.Exec("CREATE TABLE example_db.orders (order_id BIGINT, city STRING)")
	job := c.File("given-datax.json", given(t, "datax-snippet.json", "fe_host:9030", world.Sandbox.FEQuery, "fe_host:8030", world.Sandbox.FEHTTP))
	r := c.StartFile(job).Wait()
	if r.Code != 0 {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	c.WantRows("SELECT order_id, city, COUNT(*) FROM example_db.orders GROUP BY order_id, city", "7|beijing|10")
}

// The writer step as DataWorks documents it. The bytes that travel are pinned: \x01 between columns, \x02 after rows.
func TestDataWorksWriterRunsAsItStands(t *testing.T) {
	world.Sandbox.Capture(t)
	for _, b := range world.Brokers {
		t.Run(b.Name, func(t *testing.T) { // one after the other: the document names the database
			c := world.Case(t, b)
			c.CreateTopic(1)
			c.Exec("CREATE DATABASE IF NOT EXISTS didb1")
			c.Exec("DROP TABLE IF EXISTS didb1.table1")
			c.Exec("CREATE TABLE didb1.table1 (id INT, name STRING)")
			c.Exec("INSERT INTO didb1.table1 VALUES (0, 'goes with the truncate')")
			c.Values(`{"id":1,"name":"one, \"two\"\n\tthree"}`, `{"name":null,"id":2}`, `{"id":3,"name":"漢字"}`)
			sources := c.File("given-sources.json", fmt.Appendf(nil,
				`{"starrocks_public": {"type": "starrocks", "jdbcUrl": "jdbc:mysql://%s/", "username": %q, "password": %q}}`,
				world.Sandbox.FEQuery, harness.User, harness.Password))
			job := c.File("given-dataworks.json", given(t, "dataworks-writer.json", "1.1.X.X:8030", world.Sandbox.FEHTTP))
			before := len(world.Sandbox.Loads(t, "be", "didb1", "table1"))
			r := c.StartFile(job, "--datasources", sources, "-D", "kafka="+b.Addr, "-D", "topic="+c.Topic).Wait()
			if r.Code != 0 {
				t.Fatalf("exit code %d\n%s", r.Code, r.Said())
			}
			c.WantRows("SELECT id, name FROM didb1.table1 ORDER BY id", "1|one, \"two\"\n\tthree", "2|NULL", "3|漢字")
			loads := world.Sandbox.Loads(t, "be", "didb1", "table1")[before:]
			if len(loads) != 1 {
				t.Fatalf("%d loads, want 1", len(loads))
			}
			body := loads[0].Body
			if raw, err := base64.StdEncoding.DecodeString(loads[0].BodyBase64); body == "" && err == nil {
				body = string(raw)
			}
			if want := "1\x01one, \"two\"\n\tthree\x022\x01\\N\x023\x01漢字"; strings.TrimSuffix(body, "\x02") != want {
				t.Errorf("body %q\nwant %q", body, want)
			}
			for header, want := range map[string]string{"Column_separator": `\x01`, "Row_delimiter": `\x02`, "Columns": "id,name"} {
				if got := strings.ReplaceAll(loads[0].Header.Get(header), "`", ""); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
		})
	}
}
