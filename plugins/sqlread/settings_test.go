package sqlread_test

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
)

// judged decodes parameters as the core does.
func judged(t *testing.T, p sdk.Plugin, src string) []options.Problem {
	t.Helper()
	v, problems := options.Parse([]byte(src))
	if options.Failed(problems) {
		t.Fatalf("%s: %v", src, problems)
	}
	return options.Decode(v, "", p.Reader.New().Config())
}

const place = `"jdbcUrl": "jdbc:mysql://fe:9030/d", "username": "u", "password": "p"`

func TestWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		src        string
		path, seen string // of the one problem
	}{
		{`{"username": "u", "password": "", "table": "d.t", "column": ["*"]}`, "jdbcUrl", "required"},
		{`{"jdbcUrl": "fe:9030", "password": "", "table": "d.t", "column": ["*"]}`, "username", "required"},
		{`{"jdbcUrl": "fe:9030", "username": "u", "password": "", "table": "t", "column": ["*"]}`, "selectedDatabase", "required"},
		{`{"jdbcUrl": "fe:port", "username": "u", "password": "", "table": "d.t", "column": ["*"]}`, "jdbcUrl", `"fe:port" is no host:port`},
		{`{"jdbcUrl": ["fe:1", "http://fe:8030"], "username": "u", "password": "", "table": "d.t", "column": ["*"]}`, "jdbcUrl[1]", `the MySQL port is needed`},
		{`{"jdbcUrl": "jdbc:mysql:///d", "username": "u", "password": "", "table": "t", "column": ["*"]}`, "jdbcUrl", "names no host"},
		{`{` + place + `, "column": ["*"]}`, "table", "required"},
		{`{` + place + `, "table": "t"}`, "column", "required"},
		{`{` + place + `, "table": "t", "column": []}`, "column", "required"},
		{`{` + place + `, "table": "t", "column": ["id", "*"]}`, "column", "cannot be mixed"},
		{`{` + place + `, "table": "t", "column": ["id", ""]}`, "column[1]", "empty"},
		{`{` + place + `, "table": "t", "column": ["(id"]}`, "column[0]", "parenthesis"},
		{`{` + place + `, "table": "t", "column": ["id FROM other"]}`, "column[0]", "more than an expression"},
		{`{` + place + `, "table": "t", "column": ["1; DROP TABLE t"]}`, "column[0]", "semicolon"},
		{`{` + place + `, "table": "t", "column": ["id", "/*+ SET_VAR(a=1) */ x"]}`, "column[1]", "hint"},
		{`{` + place + `, "table": "t", "column": ["id"], "where": "where id > 1"}`, "where", "begins with WHERE"},
		{`{` + place + `, "table": "t", "column": ["id"], "where": "id > 1 LIMIT 7"}`, "where", "LIMIT"},
		{`{` + place + `, "table": "t", "column": ["id"], "where": "1=1) OR (1=1"}`, "where", "not open"},
		{`{` + place + `, "table": "t", "column": ["id"], "where": "name = 'x"}`, "where", "not closed"},
		{`{` + place + `, "table": "t", "column": ["id"], "where": "1 /* 2"}`, "where", "comment"},
		{`{` + place + `, "table": "t", "column": ["id"], "splitPk": "a,b"}`, "splitPk", "more than one"},
		{`{` + place + `, "table": "t", "column": ["id"], "splitPk": "a", "splitBy": "tablet"}`, "splitPk", "tablets"},
		{`{` + place + `, "querySql": "SELECT 1", "splitBy": "tablet"}`, "splitBy", "no tablets"},
		{`{` + place + `, "querySql": "SELECT 1; SELECT 2"}`, "querySql[0]", "semicolon"},
		{`{` + place + `, "table": ["t", "d.t"], "column": ["id"]}`, "table[1]", "twice"},
		{`{` + place + `, "table": "t[9-0]", "column": ["id"]}`, "table", "span"},
		{`{` + place + `, "table": "t[0-99999]", "column": ["id"]}`, "table", "more than"},
		{`{` + place + `, "table": "t*", "column": ["id"]}`, "table", "pattern"},
		{`{` + place + `, "table": "t", "column": ["id"], "splitFactor": 0}`, "splitFactor", "0"},
		{`{` + place + `, "table": "t", "column": ["id"], "hint": "x"}`, "hint", "before the first column"},
		{`{` + place + `, "table": "t", "column": ["id"], "preSql": ["DELETE FROM t"]}`, "preSql", "changes nothing"},
		{`{` + place + `, "table": "t", "column": ["id"], "mandatoryEncoding": "gbk"}`, "mandatoryEncoding", "UTF-8"},
		{`{` + place + `, "table": "t", "column": ["id"], "session": ["SET a = 1; SET b = 2"]}`, "session[0]", "semicolon"},
		{`{` + place + `, "column": ["id"], "table": "t", "connection": [{"table": "u"}]}`, "connection", "beside"},
		{`{` + place + `, "column": ["id"], "connection": [{"table": "u"}, {"querySql": "SELECT 1"}]}`, "connection", "others queries"},
		{`{` + place + `, "column": ["id"], "connection": [{"jdbcUrl": "fe:9030"}]}`, "connection[0].table", "required"},
	} {
		var wrong []options.Problem
		for _, p := range judged(t, starrocksReader, c.src) {
			if !p.Warning {
				wrong = append(wrong, p)
			}
		}
		if len(wrong) != 1 || wrong[0].Path != c.path || !strings.Contains(wrong[0].Seen, c.seen) {
			t.Errorf("%s: %v\nwant %s: … %s …", c.src, wrong, c.path, c.seen)
		}
	}
	if got := judged(t, mysqlReader, `{`+place+`, "table": "t", "column": ["/*+ SET_VAR(a=1) */ id"]}`); !options.Failed(got) {
		t.Error("MySQL was given a hint of StarRocks")
	}
}

func TestWhatIsSaid(t *testing.T) {
	for src, want := range map[string]string{
		`{"jdbcUrl": "fe:9030", "username": "u", "table": "d.t", "column": ["*"]}`:                                                                     "password: not given",
		`{"jdbcUrl": "fe/d?useSSL=true&rewriteBatchedStatements=true&useUnicode=true", "username": "u", "password": "p", "table": "t", "column": "*"}`: "jdbcUrl: settings of the Java driver have no effect: rewriteBatchedStatements",
		`{` + place + `, "querySql": "SELECT 1", "where": "x"}`:                                                                                        "where: has no effect",
		`{` + place + `, "querySql": "SELECT 1", "table": "t"}`:                                                                                        "table: has no effect",
		`{` + place + `, "table": "t", "column": ["id"], "fetchSize": 1000}`:                                                                           "fetchSize: has no effect",
		`{` + place + `, "selectedDatabase": "a", "database": "b", "table": "t", "column": ["id"]}`:                                                    "database: has no effect: selectedDatabase comes before it",
		`{` + place + `, "selectedDatabase": "a", "column": ["id"], "connection": [{"selectedDatabase": "b", "table": "t"}]}`:                          `selectedDatabase: has no effect on connection[0], which names "b"`,
		`{` + place + `, "column": ["id"], "connection": [{"selectedDatabase": "b", "database": "c", "table": "t"}]}`:                                  "connection[0].database: has no effect: selectedDatabase comes before it",
		`{` + place + `, "table": "t", "column": ["id"], "checkSlave": true}`:                                                                          "checkSlave: has no effect",
	} {
		problems := judged(t, starrocksReader, src)
		if len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: %v\nwant %s", src, problems, want)
		}
	}
	for _, src := range []string{
		`{` + place + `, "table": "t", "column": ["id"], "where": "x = ';' -- ; the end"}`,
		`{` + place + `, "table": "t", "column": ["id"], "where": "id > 100；"}`,
		`{` + place + `, "table": "t", "column": ["a, b", "concat('a,b', c) AS d"], "mandatoryEncoding": "UTF-8", "preSql": [" "]}`,
		`{"column": ["id"], "splitPk": "id", "connection": [{"jdbcUrl": ["jdbc:mysql://a:3306/x", "jdbc:mysql://b:3306/x"], "username": "u", "password": "p", "table": ["t[0-3]", "u"]}]}`,
	} {
		if got := judged(t, mysqlReader, src); len(got) > 0 {
			t.Errorf("%s: %v", src, got)
		}
	}
}
