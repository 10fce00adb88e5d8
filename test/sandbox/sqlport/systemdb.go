package sqlport

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// makeSystemDatabases is called when the server is made. The names of these databases
// cannot be used for others.
func (s *Server) makeSystemDatabases() {
	s.system = map[string]*virtualDB{infoSchema: newInfoSchema(s), statisticsDB: newStatistics(s)}
	if s.atLeast(3, 0) {
		s.system[sysDB] = newSys(s)
	}
}

const (
	statisticsDB = "_statistics_"
	sysDB        = "sys"
)

// isInfoSchema tells the one system database that everybody may read.
func isInfoSchema(name string) bool { return strings.EqualFold(name, infoSchema) }

func isSystemDB(name string) bool {
	return isInfoSchema(name) || name == statisticsDB || name == sysDB
}

// systemDB finds a system database; information_schema in any case.
func (s *Server) systemDB(name string) *virtualDB {
	if strings.EqualFold(name, infoSchema) {
		name = infoSchema
	}
	return s.system[name]
}

// databasesFor lists the databases a session sees, by name.
func (s *Server) databasesFor(ss *session) []string {
	list := slices.AppendSeq(s.st.Databases(), maps.Keys(s.system))
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(db string) bool { return !ss.seesDatabase(db) })
}

// hasDatabase says whether a database can be used.
func (s *Server) hasDatabase(name string) bool {
	return s.systemDB(name) != nil || s.st.HasDatabase(name)
}

// newStatistics makes _statistics_, where the server keeps what it learnt of the data
// and of loads gone by. It has learnt nothing here but the loads.
func newStatistics(s *Server) *virtualDB {
	list := []catalogTable{
		{"column_statistics", `table_id# partition_id# column_name db_id# table_name partition_name row_count# data_size# ndv# null_count#
			max min update_time`, nil},
		{"histogram_statistics", "table_id# column_name db_id# table_name buckets mcv update_time", nil},
		{"table_statistic_v1", `table_id# column_name db_id# table_name db_name row_count# data_size# distinct_count# null_count# max min
			update_time`, nil},
	}
	// 3.3 by the nearest statement: the manual names the table since the release
	// in which loads got a history.
	if s.atLeast(3, 3) {
		list = append(list, catalogTable{"loads_history", strings.ToLower(s.loadsColumns()), s.withLoads(func(all []LoadRow) [][]any {
			return s.loadsTable(slices.DeleteFunc(all, func(l LoadRow) bool { return !l.Done() }))
		})})
	}
	return virtualTables(statisticsDB, list)
}

// newSys makes sys, which shows the privileges.
func newSys(s *Server) *virtualDB {
	given := func(roles bool) func(context.Context) [][]any {
		return func(ctx context.Context) (rows [][]any) {
			if ss := sessionOf(ctx); !ss.can(store.GrantPriv, onSystem) {
				return nil
			}
			users := s.st.Users()
			names, who := users.Names(), store.Identity
			if roles {
				names, who = users.Roles(), func(name string) string { return name }
			}
			for _, name := range names {
				_, grants, err := users.Granted(name, roles)
				if err != nil { // dropped meanwhile
					continue
				}
				for _, g := range grants {
					words := make([]string, len(g.Privileges))
					for i, p := range g.Privileges {
						words[i] = string(p)
					}
					rows = append(rows, []any{who(name), textOrNull(catalogOf(g.Object)), textOrNull(g.Object.DB), textOrNull(g.Object.Name),
						string(g.Object.Kind), strings.Join(words, ", "), yesNo(g.WithGrant)})
				}
			}
			return rows
		}
	}
	const columns = "GRANTEE OBJECT_CATALOG OBJECT_DATABASE OBJECT_NAME OBJECT_TYPE PRIVILEGE_TYPE IS_GRANTABLE"
	return virtualTables(sysDB, []catalogTable{
		{"grants_to_roles", columns, given(true)},
		{"grants_to_users", columns, given(false)},
		{"role_edges", "FROM_ROLE TO_ROLE TO_USER", func(ctx context.Context) (rows [][]any) {
			if ss := sessionOf(ctx); !ss.can(store.GrantPriv, onSystem) {
				return nil
			}
			users := s.st.Users()
			for _, isRole := range []bool{true, false} {
				names := users.Names()
				if isRole {
					names = users.Roles()
				}
				for _, name := range names {
					roles, _, err := users.Granted(name, isRole)
					if err != nil { // dropped meanwhile
						continue
					}
					for _, r := range roles {
						if isRole {
							rows = append(rows, []any{r, name, nil})
						} else {
							rows = append(rows, []any{r, nil, store.Identity(name)})
						}
					}
				}
			}
			return rows
		}},
	})
}

func catalogOf(o store.Object) string {
	if o.Kind == store.OnSystem {
		return ""
	}
	return defaultCatalog
}

// privilegeRows lists what users were granted on one kind of object, a row for each
// privilege. A user sees its own grants, a user administrator those of all.
func (s *Server) privilegeRows(kind store.ObjectKind) func(context.Context) [][]any {
	return func(ctx context.Context) (rows [][]any) {
		ss, users := sessionOf(ctx), s.st.Users()
		for _, name := range users.Names() {
			if ss != nil && name != ss.user() && !ss.can(store.GrantPriv, onSystem) {
				continue
			}
			_, grants, err := users.Granted(name, false)
			if err != nil { // dropped meanwhile
				continue
			}
			for _, g := range grants {
				if g.Object.Kind != kind {
					continue
				}
				for _, p := range g.Privileges {
					row := []any{store.Identity(name), "def"}
					if kind != store.OnSystem {
						row = append(row, g.Object.DB)
					}
					if kind == store.OnTable {
						row = append(row, g.Object.Name)
					}
					rows = append(rows, append(row, string(p), yesNo(g.WithGrant)))
				}
			}
		}
		return rows
	}
}
