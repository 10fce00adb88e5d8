package sqlport

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
)

// showDynamic answers SHOW DYNAMIC PARTITION TABLES [FROM db].
func (ss *session) showDynamic(c *lex.Cursor) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	a := &answer{cols: columnsOf(`TableName Enable TimeUnit Start End Prefix Buckets ReplicationNum StartOf LastUpdateTime LastSchedulerTime State
		LastCreatePartitionMsg LastDropPartitionMsg InScheduler`)}
	for t := range ss.server.tablesFor(ss) {
		props := t.Schema().Properties
		get := func(name, deflt string) string {
			if v, ok := props["dynamic_partition."+name]; ok {
				return v
			}
			return deflt
		}
		unit := strings.ToUpper(get("time_unit", ""))
		if t.DB() != db || unit == "" {
			continue
		}
		enable := strings.ToLower(get("enable", "true"))
		startOf := "NULL"
		switch unit {
		case "WEEK":
			startOf = "MONDAY"
		case "MONTH":
			startOf = "1st"
		}
		a.add(t.Name(), enable, unit, get("start", "-2147483648"), get("end", ""), get("prefix", ""), get("buckets", "0"),
			get("replication_num", "1"), startOf, "NULL", "NULL", "NORMAL", "NULL", "NULL", enable)
	}
	return a, nil
}
