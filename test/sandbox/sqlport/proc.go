package sqlport

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// databaseID numbers databases for SHOW PROC. It follows from the name, so that all
// frontends over one store agree; a database made anew under an old name keeps its
// number, which a real one does not.
func databaseID(name string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return 1<<32 + int64(h.Sum32())
}

// showProc answers SHOW PROC 'path': the paths about nodes, databases, transactions,
// queries and counts.
func (ss *session) showProc(c *lex.Cursor) (*answer, error) {
	path, err := c.Str()
	if err != nil {
		return nil, err
	}
	if err := ss.may(store.OperatePriv, onSystem); err != nil {
		return nil, err
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	a, err := ss.proc(parts)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, wire.Errorf(1064, "42000", "Proc path(%s) doesn't exist", path)
	}
	a.fixed = true
	return a, nil
}

func (ss *session) proc(parts []string) (*answer, error) {
	s := ss.server
	if len(parts) == 0 {
		a := &answer{cols: columnsOf("name")}
		for _, n := range []string{"backends", "compute_nodes", "current_queries", "dbs", "frontends", "statistic", "transactions"} {
			a.add(n)
		}
		return a, nil
	}
	switch rest := parts[1:]; parts[0] {
	case "frontends", "backends", "compute_nodes":
		if len(rest) == 0 {
			kind, _, _ := strings.Cut(parts[0], "_")
			return s.showNodes(kind), nil
		}
	case "dbs":
		return ss.procDatabases(rest)
	case "transactions":
		return ss.procTransactions(rest)
	case "current_queries":
		if len(rest) == 0 {
			return ss.procQueries(), nil
		}
	case "statistic":
		if len(rest) == 0 {
			return s.procCounts(), nil
		}
	}
	return nil, nil
}

// databaseOf finds a database by number or name.
func (s *Server) databaseOf(text string) (string, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	for _, db := range s.st.Databases() {
		if err == nil && databaseID(db) == id || err != nil && db == text {
			return db, nil
		}
	}
	return "", wire.Errorf(1064, "42000", "Unknown database id or name \"%s\"", text)
}

func (ss *session) procDatabases(rest []string) (*answer, error) {
	s := ss.server
	if len(rest) == 0 {
		a := &answer{cols: columnsOf("DbId DbName TableNum Quota LastConsistencyCheckTime ReplicaQuota")}
		for _, db := range s.st.Databases() {
			tables, err := s.st.Tables(db)
			if err != nil { // dropped meanwhile
				continue
			}
			a.add(strconv.FormatInt(databaseID(db), 10), db, strconv.Itoa(len(tables)), sizeShown(s.st.Quota(db).Data), "NULL", strconv.FormatInt(s.st.Quota(db).Replicas, 10))
		}
		return a, nil
	}
	db, err := s.databaseOf(rest[0])
	if err != nil || len(rest) > 1 {
		return nil, err
	}
	a := &answer{cols: columnsOf(`TableId TableName IndexNum PartitionColumnName PartitionNum State Type LastConsistencyCheckTime
		ReplicaCount PartitionType StoragePath`)}
	for t := range s.allTables() {
		if t.DB() != db {
			continue
		}
		sch, kind := t.Schema(), "UNPARTITIONED"
		if p := sch.Partitioning; p != nil {
			kind = "RANGE"
			if p.Kind == store.ListPartitions {
				kind = "LIST"
			}
		}
		a.add(strconv.FormatInt(t.ID(), 10), t.Name(), "1", strings.ReplaceAll(partitionKey(sch), "`", ""), strconv.Itoa(len(t.Partitions())),
			"NORMAL", "OLAP", "NULL", strconv.Itoa(tabletCount(t)), kind, "NULL")
	}
	return a, nil
}

func (ss *session) procTransactions(rest []string) (*answer, error) {
	s := ss.server
	if len(rest) == 0 {
		a := &answer{cols: columnsOf("DbId DbName")}
		for _, db := range s.st.Databases() {
			a.add(strconv.FormatInt(databaseID(db), 10), db)
		}
		return a, nil
	}
	db, err := s.databaseOf(rest[0])
	if err != nil {
		return nil, err
	}
	var of [2][]LoadRow // running, finished
	for _, l := range s.loadRows(ss) {
		if l.DB == db {
			of[boolNumber(l.Done())] = append(of[boolNumber(l.Done())], l)
		}
	}
	if len(rest) == 1 {
		return (&answer{cols: columnsOf("State Number")}).add("running", strconv.Itoa(len(of[0]))).add("finished", strconv.Itoa(len(of[1]))), nil
	}
	which := map[string]int{"running": 0, "finished": 1}
	i, ok := which[rest[1]]
	if !ok || len(rest) > 2 {
		return nil, wire.Errorf(1064, "42000", "State is invalid")
	}
	a := &answer{cols: columnsOf(transactionColumns)}
	// The newest come first.
	for n := len(of[i]) - 1; n >= 0; n-- {
		a.add(of[i][n].transaction()...)
	}
	return a, nil
}

func (ss *session) procQueries() *answer {
	a := &answer{cols: columnsOf(`StartTime feIp QueryId ConnectionId Database User ScanBytes ScanRows MemoryUsage DiskSpillSize CPUTime ExecTime
		Warehouse CustomQueryId ResourceGroup`)}
	for _, p := range ss.server.wire.List() {
		if p.Command != "Query" {
			continue
		}
		id := strconv.FormatUint(uint64(p.ID), 10)
		a.add(timeOrNull(p.Since), ss.host(), id, id, p.DB, p.User, "0 B", "0 rows", "0 B", "0 B", "0 s", "0 s", "default_warehouse", "", "default_wg")
	}
	return a
}

func (s *Server) procCounts() *answer {
	a := &answer{cols: columnsOf(`DbId DbName TableNum PartitionNum IndexNum TabletNum ReplicaNum UnhealthyTabletNum InconsistentTabletNum
		CloningTabletNum ErrorStateTabletNum`)}
	row := func(first, second string, counts ...int) {
		values := []any{first, second}
		for _, n := range counts {
			values = append(values, strconv.Itoa(n))
		}
		a.add(append(values, "0", "0", "0", "0")...)
	}
	type count struct{ tables, partitions, tablets int }
	by, sum := map[string]count{}, count{}
	for t := range s.allTables() {
		c := by[t.DB()]
		partitions, tablets := len(t.Partitions()), tabletCount(t)
		c.tables, c.partitions, c.tablets = c.tables+1, c.partitions+partitions, c.tablets+tablets
		sum.tables, sum.partitions, sum.tablets = sum.tables+1, sum.partitions+partitions, sum.tablets+tablets
		by[t.DB()] = c
	}
	dbs := s.st.Databases()
	for _, db := range dbs {
		c := by[db]
		row(strconv.FormatInt(databaseID(db), 10), db, c.tables, c.partitions, c.partitions, c.tablets, c.tablets)
	}
	row("Total", strconv.Itoa(len(dbs)), sum.tables, sum.partitions, sum.partitions, sum.tablets, sum.tablets)
	return a
}
