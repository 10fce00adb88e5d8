package sqlport

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func names(list []string) string { return strings.Join(quoteAll(list), ", ") }

func quoteAll(list []string) []string {
	quoted := make([]string, len(list))
	for i, n := range list {
		quoted[i] = wire.QuoteName(n)
	}
	return quoted
}

func configRow(t *store.Table) []any {
	s := t.Schema()
	primary, dist := "", "RANDOM"
	if s.Model == store.Primary || s.Model == store.Unique {
		primary = names(s.Keys)
	}
	if len(s.DistributedBy) > 0 {
		dist = "HASH"
	}
	sortKey := ddl.SortKey(s)
	if sortKey == nil {
		sortKey = s.Keys
	}
	props := maps.Clone(s.Properties)
	delete(props, ddl.SortKeyProperty)
	if props == nil {
		props = map[string]string{}
	}
	text, _ := json.Marshal(props) // a map of strings always converts
	return []any{t.DB(), t.Name(), "OLAP", s.Model.String(), primary, partitionKey(s), names(s.DistributedBy), dist,
		int64(t.Buckets()), names(sortKey), string(text), t.ID()}
}

// partitionKey is the list of partition columns and expressions.
func partitionKey(s store.Schema) string {
	if s.Partitioning == nil {
		return ""
	}
	keys := s.Partitioning.Keys()
	for i, c := range s.Partitioning.Columns {
		if keys[i] == c {
			keys[i] = wire.QuoteName(c)
		}
	}
	return strings.Join(keys, ", ")
}

func (s *Server) infoTables(ctx context.Context) (rows [][]any) {
	for _, name := range slices.Sorted(maps.Keys(s.system)) {
		for _, v := range s.system[name].tables {
			if !sessionOf(ctx).seesTable(name, v.name) {
				continue
			}
			rows = append(rows, []any{"def", name, v.name, systemKind(name), "MEMORY", nil, nil, nil, nil, nil, nil, nil,
				nil, nil, nil, nil, nil, collation, nil, nil, ""})
		}
	}
	for t := range s.tablesFor(sessionOf(ctx)) {
		bytes, average := tableBytes(t), any(int64(0))
		if n := t.NumRows(); n > 0 {
			average = bytes / n
		}
		rows = append(rows, []any{"def", t.DB(), t.Name(), "BASE TABLE", "StarRocks", nil, "", t.NumRows(), average, bytes, nil, nil,
			nil, nil, nil, nil, nil, collation, nil, "", t.Schema().Comment})
	}
	for v := range s.viewsFor(sessionOf(ctx)) {
		rows = append(rows, []any{"def", v.DB, v.Name, "VIEW", "", nil, "", nil, nil, nil, nil, nil,
			nil, nil, nil, nil, nil, collation, nil, "", v.Comment})
	}
	return rows
}

// systemKind is the TABLE_TYPE of the tables of a system database.
func systemKind(db string) string {
	if db == statisticsDB {
		return "BASE TABLE"
	}
	return "SYSTEM VIEW"
}

func (s *Server) infoColumns(ctx context.Context) (rows [][]any) {
	for _, name := range slices.Sorted(maps.Keys(s.system)) {
		for _, v := range s.system[name].tables {
			if !sessionOf(ctx).seesTable(name, v.name) {
				continue
			}
			for i, c := range v.cols {
				rows = append(rows, systemColumnRow(name, v.name, i, c))
			}
		}
	}
	for t := range s.tablesFor(sessionOf(ctx)) {
		sch := t.Schema()
		for i := range sch.Columns {
			rows = append(rows, columnRow(t.DB(), t.Name(), sch, i))
		}
	}
	for v := range s.viewsFor(sessionOf(ctx)) {
		sch := v.Schema()
		for i := range sch.Columns {
			rows = append(rows, columnRow(v.DB, v.Name, sch, i))
		}
	}
	return rows
}

func (s *Server) infoPartitions(ctx context.Context) (rows [][]any) {
	for t := range s.tablesFor(sessionOf(ctx)) {
		sch := t.Schema()
		for _, p := range t.Partitions() {
			rows = append(rows, []any{t.DB(), t.Name(), p.Name, p.ID, int64(0), p.Version, timeText(p.Changed), p.Version + 1, p.Version,
				int64(0), "TXN_NORMAL", partitionKey(sch), p.Range + p.Values, names(sch.DistributedBy), int64(len(p.Tablets)), replicas(sch), "HDD",
				neverCooled, nil, int64(0), boolNumber(p.Temporary), byteSize(p.Bytes), p.Rows, int64(0), "0.0", "0.0", "0.0", "", p.Bytes, int64(0)})
		}
	}
	return rows
}

func (s *Server) infoTablets(ctx context.Context) (rows [][]any) {
	for t := range s.tablesFor(sessionOf(ctx)) {
		kind := strings.TrimSuffix(t.Schema().Model.String(), "_KEYS")
		for _, p := range t.Partitions() {
			for _, tablet := range p.Tablets {
				rows = append(rows, []any{firstBackendID, t.ID(), p.ID, tablet.ID, int64(tablet.Versions), tablet.Version, int64(0),
					int64(tablet.Versions), tablet.Rows, tablet.Bytes, int64(0), s.started.Unix(), "RUNNING", tabletKinds[kind], "/data",
					int64(0), t.ID(), int64(0), "HDD", int64(tablet.Versions)})
			}
		}
	}
	return rows
}

// tabletKinds are the words of be_tablets for the models.
var tabletKinds = map[string]string{"DUP": "DUP", "AGG": "AGG", "UNQ": "UNIQUE", "PRI": "PRIMARY"}

func tableBytes(t *store.Table) (sum int64) {
	for _, p := range t.Partitions() {
		sum += p.Bytes
	}
	return sum
}

// replicas is the replication_num of a table: what it says, or the default.
func replicas(s store.Schema) int64 {
	if n, err := strconv.ParseInt(s.Properties["replication_num"], 10, 64); err == nil {
		return n
	}
	return 1
}

func boolNumber(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
