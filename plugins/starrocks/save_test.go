package starrocks

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

func (s *session) start(resumed bool) (*v1.StartReply, error) {
	return s.client.Start(context.Background(), &v1.StartRequest{Resumed: resumed})
}

// changes are the statements that change something, in order.
func changes(q *fakeSQL) (out []string) {
	for _, one := range q.asked() {
		switch word, _, _ := strings.Cut(one, " "); word {
		case "TRUNCATE", "CREATE", "DROP", "ALTER", "DELETE":
			out = append(out, one)
		}
	}
	return out
}

func TestTablesArePreparedBeforeTheFirstLoad(t *testing.T) {
	const template = `,"createTableTemplate":"CREATE TABLE @table (id INT);"`
	holds := sqlResult{columns: []string{"1"}, rows: [][]string{{"1"}}}
	missing := sqlResult{columns: []string{"COLUMN_NAME", "DATA_TYPE", "COLUMN_KEY"}}
	ddl := sqlResult{columns: []string{"Table", "Create Table"}, rows: [][]string{{"t", "CREATE TABLE `t` (id INT)"}}}
	for _, tc := range []struct {
		name, more string
		results    map[string]sqlResult
		resumed    bool
		want       []string // with the name of the table set aside as OLD
		fault      string   // place: text
	}{
		{"append", `"dataSaveMode":"append","schemaSaveMode":"none"`, nil, false, nil, ""},
		{"truncate comes before preSql", `"dataSaveMode":"TRUNCATE","preSql":"DELETE FROM x"`, nil, false, []string{"TRUNCATE TABLE `d`.`t`", "DELETE FROM x"}, ""},
		{"truncate that fails", `"dataSaveMode":"truncate"`, map[string]sqlResult{"TRUNCATE": {code: 5203, err: "no right"}}, false, []string{"TRUNCATE TABLE `d`.`t`"}, "dataSaveMode: dataSaveMode: statement 1"},
		{"truncate of a resumed job", `"dataSaveMode":"truncate"`, nil, true, nil, "dataSaveMode: the job goes on"},
		{"truncate of a resumed job that wants it", `"dataSaveMode":"truncate","preSqlOnResume":true`, nil, true, []string{"TRUNCATE TABLE `d`.`t`"}, ""},
		{"empty", `"dataSaveMode":"errorIfNotEmpty"`, nil, false, nil, ""},
		{"not empty", `"dataSaveMode":"errorIfNotEmpty"`, map[string]sqlResult{"SELECT 1 FROM": holds}, false, nil, "dataSaveMode: table `d`.`t` holds rows"},
		{"not empty, resumed", `"dataSaveMode":"errorIfNotEmpty"`, map[string]sqlResult{"SELECT 1 FROM": holds}, true, nil, ""},
		{"no right to look", `"dataSaveMode":"errorIfNotEmpty"`, map[string]sqlResult{"SELECT 1 FROM": {code: 5203, err: "no right"}}, false, nil, "dataSaveMode: cannot see"},
		{"there already", `"schemaSaveMode":"createIfMissing"` + template, nil, false, nil, ""},
		{"there, as it must be", `"schemaSaveMode":"errorIfMissing"`, nil, false, nil, ""},
		{"made", `"schemaSaveMode":"createIfMissing"` + template, map[string]sqlResult{"information_schema.columns": missing}, false,
			[]string{"CREATE TABLE `d`.`t` (id INT)"}, ""},
		{"cannot be made", `"schemaSaveMode":"createIfMissing"` + template, map[string]sqlResult{"information_schema.columns": missing, "CREATE TABLE": {code: 1064, err: "syntax"}}, false,
			[]string{"CREATE TABLE `d`.`t` (id INT)"}, "createTableTemplate: createTableTemplate: statement 1"},
		{"made anew", `"schemaSaveMode":"recreate","allowDestructive":true` + template, nil, false,
			[]string{"ALTER TABLE `d`.`t` RENAME `OLD`", "CREATE TABLE `d`.`t` (id INT)", "DROP TABLE `d`.`OLD` FORCE"}, ""},
		{"made anew as it was", `"schemaSaveMode":"recreate","allowDestructive":true`, map[string]sqlResult{"SHOW CREATE TABLE": ddl}, false,
			[]string{"ALTER TABLE `d`.`t` RENAME `OLD`", "CREATE TABLE `t` (id INT)", "DROP TABLE `d`.`OLD` FORCE"}, ""},
		{"not made anew, and put back", `"schemaSaveMode":"recreate","allowDestructive":true` + template, map[string]sqlResult{"CREATE TABLE `d`": {code: 1064, err: "syntax"}}, false,
			[]string{"ALTER TABLE `d`.`t` RENAME `OLD`", "CREATE TABLE `d`.`t` (id INT)", "ALTER TABLE `d`.`OLD` RENAME `t`"}, "schemaSaveMode: schemaSaveMode: statement 1"},
		{"anew, resumed", `"schemaSaveMode":"recreate","allowDestructive":true` + template, nil, true, nil, "schemaSaveMode: the job goes on"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeCluster(t)
			results := tableResults("DUP_KEYS", "id")
			for k, r := range tc.results {
				results[k] = r
			}
			q := newFakeSQL(t, results)
			q.created = tableResults("DUP_KEYS", "id")["information_schema.columns"]
			s := newSession(t)
			s.mustOpen(withSQL(f, q, tc.more), 64<<20)
			if got := changes(q); len(got) != 0 {
				t.Fatalf("opening has changed something: %q", got)
			}
			_, err := s.start(tc.resumed)
			switch fault := protocol.AsFault(err); {
			case err == nil && tc.fault != "", err != nil && (tc.fault == "" || !strings.HasPrefix(fault.Error(), tc.fault)):
				t.Fatalf("%+v, want %s", fault, tc.fault)
			}
			got := changes(q)
			for i := range got {
				if at := strings.Index(got[i], "gx_old_"); at >= 0 {
					got[i] = got[i][:at] + "OLD" + got[i][at+len("gx_old_")+16:]
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestAMissingTableIsAnErrorAtOnce(t *testing.T) {
	for _, more := range []string{``, `"schemaSaveMode":"errorIfMissing"`, `"schemaSaveMode":"recreate","allowDestructive":true`} {
		f := newFakeCluster(t)
		results := tableResults("DUP_KEYS")
		s := newSession(t)
		_, err := s.open(withSQL(f, newFakeSQL(t, results), more), 64<<20)
		if fault := protocol.AsFault(err); fault == nil || fault.Code != protocol.NotFound || !strings.HasPrefix(fault.Try, "create it") {
			t.Errorf("%s: %+v", more, fault)
		}
	}
}

func TestSavingIsJudged(t *testing.T) {
	const jdbc = `"jdbcUrl":"fe1:9030",`
	for more, want := range map[string]string{
		`"dataSaveMode":"truncate"`:                                                                    "dataSaveMode: needs the MySQL port",
		`"schemaSaveMode":"errorIfMissing"`:                                                            "schemaSaveMode: needs the MySQL port",
		`"dataSaveMode":"drop"`:                                                                        "dataSaveMode: \"drop\" is not allowed",
		jdbc + `"dataSaveMode":"truncate","table":""`:                                                  "dataSaveMode: is about one table",
		jdbc + `"schemaSaveMode":"createIfMissing"`:                                                    "createTableTemplate: createIfMissing has no statement",
		jdbc + `"schemaSaveMode":"recreate"`:                                                           "allowDestructive: recreate drops the table",
		jdbc + `"createTableTemplate":"CREATE TABLE @table (a INT)"`:                                   "createTableTemplate: has no effect",
		jdbc + `"allowDestructive":true`:                                                               "allowDestructive: has no effect",
		jdbc + `"schemaSaveMode":"createIfMissing","createTableTemplate":"DROP TABLE @table"`:          "createTableTemplate: \"DROP TABLE @table\" does not begin",
		jdbc + `"schemaSaveMode":"createIfMissing","createTableTemplate":"CREATE TABLE other (a INT)"`: "createTableTemplate: \"CREATE TABLE other",
		jdbc + `"schemaSaveMode":"recreate","allowDestructive":true,"dataSaveMode":"errorIfNotEmpty"`:  "dataSaveMode: errorIfNotEmpty keeps rows",
	} {
		_, _, problems := settled(t, "{"+override(enough, more)+"}")
		if !slices.ContainsFunc(problems, func(p options.Problem) bool { return strings.HasPrefix(p.Path+": "+p.Seen, want) }) {
			t.Errorf("%s: want %s, got %v", more, want, problems)
		}
	}
	for q, want := range map[string]bool{"create table if not exists @table (a INT)": true, "CREATE TABLE @table(a INT)": true, "CREATE TABLE": false,
		"CREATE VIEW @table AS SELECT 1": false, "CREATE TABLE IF NOT EXISTS other (a INT)": false} {
		if createsTable(q) != want {
			t.Errorf("%s: %v", q, !want)
		}
	}
}
