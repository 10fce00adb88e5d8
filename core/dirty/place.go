package dirty

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// place is where the job sends its dirty records, as far as its parameters tell.
type place struct {
	key  string // the option that names it: topic, table
	name string // empty when the parameters do not say
	sql  bool   // it is a table that a statement can make
}

func placeOf(s *plan.Step) place {
	p := place{key: "table", sql: true}
	if s.Type == "kafka" {
		p = place{key: "topic"}
	}
	parameters, _ := options.Parse(s.Parameters)
	get := func(keys ...string) string {
		for _, in := range []options.Value{parameters, parameters.Get(options.DatasourceKey)} {
			for _, k := range keys {
				if v := in.Get(k); v.Kind() == options.String && v.Text() != "" {
					return v.Text()
				}
			}
		}
		return ""
	}
	p.name = get(p.key)
	if database := get("selectedDatabase", "database"); p.sql && p.name != "" && database != "" && !strings.Contains(p.name, ".") {
		p.name = database + "." + p.name
	}
	return p
}

func (p place) String() string {
	if p.name == "" {
		return p.key + " not named"
	}
	return p.key + " " + p.name
}

// explain adds the statement that makes the table to what the writer says of a table that is not there, or not like that.
func (p place) explain(err error) error {
	f := protocol.AsFault(err)
	if f == nil || !p.sql {
		return err
	}
	switch {
	case strings.HasPrefix(f.Place, "column"):
		f.At(p.key)
	case f.Code != protocol.NotFound || f.Place != p.key:
		return err
	}
	return f.Hint("%s", Statement(p.name))
}

// Statement makes a table that every dirty record fits into, but for those with more text than StarRocks holds in a value. The
// table is named as db.table, or table, or not at all.
func Statement(table string) string {
	var columns []string
	for _, name := range plan.DirtyColumns {
		columns = append(columns, quoted(name)+" "+ddl[name])
	}
	parts := strings.Split(cmp.Or(table, "dirty_records"), ".")
	for i := range parts {
		parts[i] = quoted(parts[i])
	}
	return fmt.Sprintf("CREATE TABLE %s (%s) DUPLICATE KEY (`time`, `job`) DISTRIBUTED BY HASH (`job`)", strings.Join(parts, "."), strings.Join(columns, ", "))
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// ddl has the type of each of plan.DirtyColumns. The longest VARCHAR of StarRocks is 1048576 bytes.
var ddl = map[string]string{
	"time": "DATETIME NOT NULL", "job": "VARCHAR(512) NOT NULL", "run": "VARCHAR(64)", "plugin": "VARCHAR(256)",
	"place": "VARCHAR(65533)", "topic": "VARCHAR(1024)", "partition": "INT", "offset": "BIGINT", "timestamp": "DATETIME",
	"reason": "VARCHAR(1048576)", "column": "VARCHAR(65533)",
	"record": "VARCHAR(1048576)", "recordBase64": "VARCHAR(1048576)", "key": "VARCHAR(1048576)", "keyBase64": "VARCHAR(1048576)",
	"headers": "VARCHAR(1048576)",
}
