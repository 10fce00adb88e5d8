package change

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Messages that Debezium 3.1 wrote for tables with every type, of PostgreSQL 15 and MariaDB 10.11: the snapshot, inserts,
// updates, changes of the primary key, deletes with their tombstones. A line has a message's key and value; \N is none.
func TestRealMessages(t *testing.T) {
	micros := func(c *Config) {
		for i := range c.Values {
			if c.Values[i].Decimal, c.Values[i].Scale = DecimalBytes, 4; c.Values[i].Type == "datetime" {
				c.Values[i].PerSecond = 1e6
			}
		}
	}
	for name, config := range map[string]Config{
		"postgres": documents(DebeziumJSON),
		"mariadb":  documents(DebeziumJSON),
		"postgres_plain": with(target(DebeziumJSON, "id int", "big bigint", "dec decimal128", "dbl double", "day date", "at datetime", "zoned datetime",
			"mood varchar", "doc json", "docj json", "body varchar", "raw varchar", "flag boolean", "tags json"), micros),
		"mariadb_plain": with(target(DebeziumJSON, "id int", "uint_ bigint", "decs decimal128", "flt float", "day date", "at datetime", "stamp datetime",
			"mood varchar", "picks varchar", "doc json", "body varchar", "blb varchar", "flag tinyint", "y int"), micros),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "debezium", name)
			src, err := os.ReadFile(path + ".tsv")
			if err != nil {
				t.Fatal(err)
			}
			d := New(config)
			var b strings.Builder
			for line := range strings.Lines(string(src)) {
				key, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				if !found {
					t.Fatalf("no tab in %.100q", line)
				}
				if value == `\N` {
					value = ""
				}
				b.WriteString(decoded(t, d, key, value) + "\n")
			}
			if *update {
				if err := os.WriteFile(path+".golden", []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
			}
		})
	}
}
