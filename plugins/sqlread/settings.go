package sqlread

import (
	"fmt"
	"strings"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sqlread/sqltext"
)

// How tables are cut into shards.
const (
	SplitRange  = "range"
	SplitTablet = "tablet"
)

// Extra is what single dialects have beside Params.
type Extra struct {
	SplitBy   string // SplitRange, SplitTablet; "" is by range
	ZeroNulls bool   // dates that no calendar has become NULL
}

// settings are the parameters after all readings and rules.
type settings struct {
	Extra
	dialect *Dialect
	sources []source
	columns []string // as written, without the hint; ["*"]: all
	hint    string
	where   string
	splitPk string
	factor  int
	binary  string
	session []string
	retries int

	throughDriver            bool // rows come through the driver on every connection; for tests
	connect, query, metadata time.Duration
}

// source is one set of servers with what is to be read there.
type source struct {
	servers
	path           string // of jdbcUrl
	user, password string
	tables         []table
	queries        []string
}

type table struct {
	path, database, name string
}

func (t table) quoted() string { return sqltext.Table(t.database, t.name) }

func (t table) String() string { return t.database + "." + t.name }

// judge gathers problems.
type judge struct {
	path     string
	problems []options.Problem
}

func (j *judge) at(key string) string { return options.Join(j.path, key) }

func (j *judge) wrong(code, at, seen, want, try string) {
	j.problems = append(j.problems, options.Problem{Code: code, Path: at, Seen: seen, Want: want, Try: try})
}

func (j *judge) note(code, at, seen, try string) {
	j.problems = append(j.problems, options.Problem{Code: code, Path: at, Seen: seen, Try: try, Warning: true})
}

// Problems is everything that is wrong with the parameters, for the method Check of the struct that holds them.
func (p *Params) Problems(path string, d *Dialect, extra Extra) []options.Problem {
	_, problems := p.settle(path, d, extra)
	return problems
}

func (p *Params) settle(path string, d *Dialect, extra Extra) (s settings, problems []options.Problem) {
	j := judge{path: path}
	s = settings{Extra: extra, dialect: d, factor: p.SplitFactor, binary: p.Binary, retries: p.MaxRetries,
		connect: time.Duration(p.ConnectTimeoutMs) * time.Millisecond, query: time.Duration(p.QueryTimeoutSec) * time.Second,
		metadata: time.Duration(p.MetadataSec) * time.Second}
	p.where(&s, &j)
	queries := p.places(&s, &j)
	p.what(&s, &j, queries)
	p.unknown(&j)
	for i, q := range p.Session {
		if q = sqltext.Trim(q); q == "" {
			continue
		}
		if err := sqltext.Whole(q); err != nil {
			j.wrong(options.CodeNotAllowed, options.At(j.at("session"), i), err.Error(), "one statement", "")
		}
		s.session = append(s.session, q)
	}
	return s, j.problems
}

// places: servers, users, tables, queries.
func (p *Params) places(s *settings, j *judge) (queries bool) {
	outer := Connection{JdbcURL: p.JdbcURL, Username: p.Username, Password: p.Password, SelectedDatabase: p.SelectedDatabase,
		Table: p.Table, QuerySQL: p.QuerySQL}
	all, paths := []Connection{outer}, []string{j.path}
	if len(p.Connection) > 0 {
		if len(p.Table) > 0 || len(p.QuerySQL) > 0 {
			j.wrong(options.CodeConflict, j.at("connection"), "what to read stands here and beside it", "", "move table and querySql into connection")
		}
		all, paths = nil, nil
		for i, c := range p.Connection {
			if !c.JdbcURL.Given() {
				c.JdbcURL = outer.JdbcURL
			}
			if c.Username == "" && c.Password == nil {
				c.Username, c.Password = outer.Username, outer.Password
			}
			switch {
			case c.SelectedDatabase == "":
				c.SelectedDatabase = outer.SelectedDatabase
			case outer.SelectedDatabase != "" && outer.SelectedDatabase != c.SelectedDatabase:
				j.note(options.CodeIgnored, j.at("selectedDatabase"), fmt.Sprintf("has no effect on connection[%d], which names %q", i, c.SelectedDatabase), "")
			}
			all, paths = append(all, c), append(paths, options.At(j.at("connection"), i))
		}
	}
	tables := false
	for i, c := range all {
		src := c.source(s.dialect, paths[i], j)
		s.ZeroNulls = s.ZeroNulls || src.zeroNulls
		s.sources = append(s.sources, src)
		tables, queries = tables || len(c.Table) > 0, queries || len(src.queries) > 0
	}
	if tables && queries {
		if len(p.Connection) > 0 {
			j.wrong(options.CodeConflict, j.at("connection"), "some elements have tables, others queries", "", "a job for each")
		} else {
			j.note(options.CodeIgnored, j.at("table"), "has no effect: querySql says what to read", "")
			s.sources[0].tables = nil
		}
	}
	return queries
}

func (c *Connection) source(d *Dialect, path string, j *judge) source {
	at := func(key string) string { return options.Join(path, key) }
	src := source{user: c.Username, path: at("jdbcUrl")}
	var found []options.Problem
	src.servers, found = readServers(c.JdbcURL, at("jdbcUrl"), d.Port)
	j.problems = append(j.problems, found...)
	if len(src.addrs) == 0 && len(found) == 0 {
		j.wrong(options.CodeMissing, at("jdbcUrl"), "required and not given, and no datasource gives it", "", "jdbc:mysql://host:"+d.Port+"/")
	}
	if c.Username == "" {
		j.wrong(options.CodeMissing, at("username"), "required and not given, and no datasource gives it", "", "")
	}
	if c.Password != nil {
		src.password = c.Password.Reveal()
	} else {
		j.note(options.CodeAssumed, at("password"), "not given, read as empty", "")
	}
	for i, q := range c.QuerySQL {
		if q = sqltext.Trim(q); q == "" {
			continue
		}
		if err := sqltext.Whole(q); err != nil {
			j.wrong(options.CodeNotAllowed, options.At(at("querySql"), i), err.Error(), "one SELECT", "")
		}
		src.queries = append(src.queries, q)
	}
	database := sqltext.Bare(c.SelectedDatabase)
	if database != "" {
		src.database = database
	}
	seen := map[table]bool{}
	for i, text := range c.Table {
		here := at("table")
		if len(c.Table) > 1 {
			here = options.At(here, i)
		}
		names, err := expand(text)
		if err != nil {
			j.wrong(options.CodeNotAllowed, here, fmt.Sprintf("%q %v", text, err), "", "")
		}
		for _, name := range names {
			t := table{}
			if t.database, t.name = sqltext.Qualified(name); t.database == "" {
				t.database = src.database
			}
			switch {
			case t.name == "" || strings.ContainsFunc(t.database+t.name, func(r rune) bool { return r < ' ' || r == 0x7f }):
				j.wrong(options.CodeNotAllowed, here, fmt.Sprintf("%q is no name of a table", name), "table or db.table", "")
			case t.database == "":
				j.wrong(options.CodeMissing, at("selectedDatabase"), "required and not given, and neither jdbcUrl nor table names a database", "", "the database of "+t.name)
				return src
			case seen[t]:
				j.wrong(options.CodeDuplicateKey, here, fmt.Sprintf("%s is there twice: its rows would be, too", t), "", "name it once")
			}
			seen[t] = true
			t.path = here
			src.tables = append(src.tables, t)
		}
	}
	if len(c.Table) == 0 && len(src.queries) == 0 {
		j.wrong(options.CodeMissing, at("table"), "required and not given", "", "the table to read, or querySql")
	}
	return src
}

// what: columns and shards.
func (p *Params) what(s *settings, j *judge, queries bool) {
	if queries {
		for key, given := range map[string]bool{"column": len(p.Column) > 0, "where": p.Where != "", "splitPk": p.SplitPk != ""} {
			if given {
				j.note(options.CodeIgnored, j.at(key), "has no effect: querySql says what to read", "")
			}
		}
		if s.SplitBy == SplitTablet {
			j.wrong(options.CodeConflict, j.at("splitBy"), "a query has no tablets", "", "leave it out")
		}
		return
	}
	s.columns, s.hint = readColumns(p.Column, s.dialect, j)
	s.splitPk = sqltext.Bare(p.SplitPk)
	switch {
	case s.SplitBy == SplitTablet && s.splitPk != "":
		j.wrong(options.CodeConflict, j.at("splitPk"), "splitBy says to cut by tablets", "", "keep one of splitPk and splitBy")
	case strings.Contains(s.splitPk, ",") && p.SplitPk[0] != '`':
		j.wrong(options.CodeNotAllowed, j.at("splitPk"), fmt.Sprintf("%q is more than one column", p.SplitPk), "one column", "the first column of the key")
	}
}

func (p *Params) where(s *settings, j *judge) {
	s.where = sqltext.Trim(p.Where)
	if s.where == "" {
		return
	}
	if len(s.where) > 6 && strings.EqualFold(s.where[:6], "where ") {
		j.wrong(options.CodeNotAllowed, j.at("where"), "begins with WHERE", "the condition alone", strings.TrimSpace(s.where[6:]))
	}
	if err := sqltext.Whole(s.where); err != nil {
		j.wrong(options.CodeNotAllowed, j.at("where"), err.Error(), "one condition", "")
	}
	if word := sqltext.HasWord(s.where, "LIMIT", "ORDER", "GROUP", "HAVING", "UNION"); word != "" {
		j.wrong(options.CodeNotAllowed, j.at("where"), fmt.Sprintf("holds the clause %s, which would count for each shard alone", word), "a condition", "querySql takes a whole query")
	}
}

// unknown: keys of DataX whose work gx does in another way.
func (p *Params) unknown(j *judge) {
	if e := strings.ToLower(strings.ReplaceAll(p.MandatoryEncoding, "-", "")); e != "" && e != "utf8" && e != "utf8mb4" {
		j.wrong(options.CodeNotSupported, j.at("mandatoryEncoding"), fmt.Sprintf("%q: texts arrive as UTF-8, whatever the column is stored in", p.MandatoryEncoding), "utf-8", "leave it out")
	}
	if p.Hint != "" {
		j.wrong(options.CodeNotSupported, j.at("hint"), "a hint stands before the first column", "", `"column": ["/*+ SET_VAR(…) */ id"]`)
	}
	for _, q := range p.PreSQL {
		if strings.TrimSpace(q) != "" {
			j.wrong(options.CodeNotSupported, j.at("preSql"), "a reader changes nothing at its source", "", "session prepares connections")
			return
		}
	}
}
