package sqlport

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// showOfServer knows the statements about nodes, settings, users and catalogs.
func (ss *session) showOfServer(c *lex.Cursor, full bool) (*answer, error) {
	s := ss.server
	for _, n := range []struct{ first, second, kind string }{{"backends", "", "backends"}, {"frontends", "", "frontends"}, {"compute", "nodes", "compute"}} {
		if n.second == "" && !c.Try(n.first) || n.second != "" && !c.Try(n.first, n.second) {
			continue
		}
		if err := ss.mayAny(store.OperatePriv, store.NodePriv); err != nil {
			return nil, err
		}
		return s.showNodes(n.kind), nil
	}
	switch {
	case c.Try("proc"):
		return ss.showProc(c)
	case c.Try("variables"), c.Try("session", "variables"), c.Try("local", "variables"):
		return &answer{cols: columnsOf("Variable_name Value"), rows: ss.vars.variableRows()}, nil
	case c.Try("global", "variables"):
		return &answer{cols: columnsOf("Variable_name Value"), rows: s.globals.variableRows()}, nil
	case c.Try("processlist"):
		return ss.showProcesses(full), nil
	case c.Try("catalogs"):
		return (&answer{cols: columnsOf("Catalog Type Comment")}).
			add(defaultCatalog, "Internal", "An internal catalog contains this cluster's self-managed tables."), nil
	case c.Try("grants"):
		return ss.showGrants(c)
	case c.Try("users"):
		return ss.showUsers()
	case c.Try("roles"):
		return ss.showRoles()
	case c.Try("resources"):
		return &answer{cols: columnsOf("Name ResourceType Key Value")}, nil
	case c.Try("warehouses"):
		return (&answer{cols: columnsOf(`Id Name State NodeCount CurrentClusterCount MaxClusterCount StartedClusters RunningSql QueuedSql
			CreatedOn ResumedOn UpdatedOn Property Comment`)}).
			add("0", "default_warehouse", "AVAILABLE", "1", "1", "1", "1", "0", "0", timeOrNull(s.started), "NULL", "NULL", "", "An internal warehouse init after FE is ready"), nil
	case c.Try("running", "queries"):
		return &answer{cols: columnsOf(`QueryId WarehouseId ResourceGroupId StartTime PendingTimeout QueryTimeout State Slots Fragments DOP Frontend FeStartTime`)}, nil
	case c.Try("plugins"):
		return fixed("Name Type Description Version JavaVersion ClassName SoName Sources Status Properties").
			add("__builtin_AuditLogBuilder", "AUDIT", "builtin audit logger", "0.12.0", "1.8.31", "com.starrocks.qe.AuditLogBuilder", "NULL", "Builtin", "INSTALLED", "{}"), nil
	case c.Try("property"):
		return ss.showProperty(c)
	}
	return nil, nil
}

// showProperty answers SHOW PROPERTY [FOR user].
func (ss *session) showProperty(c *lex.Cursor) (*answer, error) {
	user := ss.user()
	if c.Try("for") {
		var err error
		if user, err = userName(c); err != nil {
			return nil, err
		}
	}
	if user != ss.user() {
		if err := ss.userAdmin(); err != nil {
			return nil, err
		}
	}
	if _, ok := ss.server.st.Users().Password(user); !ok {
		return nil, &store.UnknownUser{User: user}
	}
	a, own := &answer{cols: columnsOf("Key Value")}, ss.server.st.Users().Properties(user)
	a.add(store.MaxConnections, cmp.Or(own[store.MaxConnections], defaultConnections))
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if name != store.MaxConnections {
			a.add(name, own[name])
		}
	}
	return a, nil
}

// showOfWork knows the statements about loads, transactions and jobs.
func (ss *session) showOfWork(c *lex.Cursor, _ bool) (*answer, error) {
	switch {
	case c.Try("load"):
		return ss.showLoad(c)
	case c.Try("stream", "load"), c.Try("all", "stream", "load"):
		return ss.showStreamLoad(c)
	case c.Try("transaction"):
		return ss.showTransaction(c)
	case c.Try("routine", "load"), c.Try("all", "routine", "load"):
		if c.Try("for") {
			if _, _, err := c.Table(); err != nil {
				return nil, err
			}
		}
		if _, err := ss.fromDB(c); err != nil {
			return nil, err
		}
		return &answer{cols: columnsOf(`Id Name CreateTime PauseTime EndTime DbName TableName State DataSourceType CurrentTaskNum JobProperties
			DataSourceProperties CustomProperties Statistic Progress TimestampProgress ReasonOfStateChanged ErrorLogUrls TrackingSQL OtherMsg
			LatestSourcePosition`)}, nil
	case c.Try("alter", "table", "optimize"):
		return ss.noJobs(c, "JobId TableName CreateTime FinishTime Operation TransactionId State Msg Progress Timeout")
	case c.Try("alter", "table", "rollup"), c.Try("alter", "materialized", "view"):
		return ss.noJobs(c, "JobId TableName CreateTime FinishedTime BaseIndexName RollupIndexName RollupId TransactionId State Msg Progress Timeout Warehouse")
	case c.Try("alter", "table", "column"):
		return ss.showAlterColumn(c)
	}
	return nil, nil
}

// noJobs answers for kinds of jobs that there are none of.
func (ss *session) noJobs(c *lex.Cursor, columns string) (*answer, error) {
	if _, err := ss.fromDB(c); err != nil {
		return nil, err
	}
	return &answer{cols: columnsOf(columns)}, nil
}

// showOfMySQL knows what MySQL clients ask and StarRocks answers for their sake.
func (ss *session) showOfMySQL(c *lex.Cursor, _ bool) (*answer, error) {
	switch {
	case c.Try("warnings"), c.Try("errors"):
		if c.Try("limit") {
			c.Next()
		}
		return fixed("Level Code Message"), nil
	case c.Try("count", "(", "*", ")", "warnings"), c.Try("count", "(", "*", ")", "errors"):
		return fixed("Level Code Message"), nil
	case c.Try("status"), c.Try("session", "status"), c.Try("global", "status"):
		return &answer{cols: columnsOf("Variable_name Value")}, nil
	case c.Try("character", "set"), c.Try("charset"):
		a := &answer{cols: columnsOf("Charset Description Default_collation Maxlen")}
		a.cols[2].name = "Default collation"
		return a.add("utf8", "UTF-8 Unicode", collation, "3"), nil
	case c.Try("collation"):
		return (&answer{cols: columnsOf("Collation Charset Id# Default Compiled Sortlen#")}).
			add(collation, "utf8", int64(33), "Yes", "Yes", int64(1)), nil
	case c.Try("engines"), c.Try("storage", "engines"):
		return fixed("Engine Support Comment Transactions XA Savepoints").
			add("OLAP", "DEFAULT", "Default storage engine of StarRocks", "NO", "NO", "NO"), nil
	case c.Try("events"):
		a := &answer{cols: columnsOf(`Db Name Definer Time_zone Type Execute_at Interval_value Interval_field Status Ends Status Originator
			character_set_client collation_connection Database_Collation`)}
		return a, ss.ignoreFrom(c)
	case c.Try("triggers"):
		a := &answer{cols: columnsOf(`Trigger Event Table Statement Timing Created sql_mode Definer character_set_client collation_connection Database_Collation`)}
		a.cols[10].name = "Database Collation"
		return a, ss.ignoreFrom(c)
	case c.Try("procedure", "status"), c.Try("function", "status"):
		a := &answer{cols: columnsOf(`Db Name Type Definer Modified Created Security_type Comment character_set_client collation_connection Database_Collation`)}
		a.cols[10].name = "Database Collation"
		return a, nil
	case c.Try("open", "tables"):
		return &answer{cols: columnsOf("Database Table In_use Name_locked")}, ss.ignoreFrom(c)
	case c.Try("privileges"):
		return fixed("Privilege Context Comment"), nil
	}
	return nil, nil
}

// ignoreFrom reads [FROM db] of a statement whose answer is empty anyhow.
func (ss *session) ignoreFrom(c *lex.Cursor) error {
	if !c.Try("from") && !c.Try("in") {
		return nil
	}
	_, err := c.Name()
	return err
}
