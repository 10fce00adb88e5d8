package starrocks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// settings are the parameters after all readings and rules.
type settings struct {
	frontends       []streamload.Endpoint
	mysql           mysqlServers
	database, table string   // table "": every batch names its own
	columns         []string // nil: all of the table
	routes          []route
	tableModel      string // "" or a key of models
	props           props
	dates           dates
	preSQL, postSQL []string
	save            save
	user, password  string
	dirtyBatches    bool // strategyOnError batchDirtyData
	dirtyRows       bool // strategyOnError rowDirtyData
	answerTimeout   time.Duration
	moves           []move
	sameHost        bool // redirect sameHost
	backends        []streamload.Endpoint
}

// move is one entry of redirectMap.
type move struct {
	from string
	to   streamload.Endpoint
}

// What strategyOnError may be.
const (
	onErrorExit  = "exit"
	onErrorBatch = "batchDirtyData"
	onErrorRow   = "rowDirtyData"
)

// Check serves options.Checker.
func (p *Params) Check(path string) []options.Problem {
	_, problems := p.settle(path)
	return problems
}

// settle reads the parameters as a whole and returns everything wrong with them at once.
func (p *Params) settle(path string) (s settings, problems []options.Problem) {
	j := judge{path: path}
	p.address(&s, &j)
	p.place(&s, &j)
	p.rows(&s, &j)
	p.dates(&s, &j)
	p.statements(&s, &j)
	p.saving(&s, &j)
	p.trouble(&s, &j)
	return s, j.problems
}

// judge gathers problems.
type judge struct {
	path     string
	problems []options.Problem
}

// at is the full path of a key or of what is below it, such as preSql[0].
func (j *judge) at(key string) string {
	if j.path == "" {
		return key
	}
	return j.path + "." + key
}

func (j *judge) add(p []options.Problem) { j.problems = append(j.problems, p...) }

func (j *judge) wrong(code, key, seen, want, try string) {
	j.problems = append(j.problems, options.Problem{Code: code, Path: j.at(key), Seen: seen, Want: want, Try: try})
}

func (j *judge) note(code, key, seen, try string) {
	j.problems = append(j.problems, options.Problem{Code: code, Path: j.at(key), Seen: seen, Try: try, Warning: true})
}

// outdone notes a key whose value gives way to another one, as it does in DataX.
func (j *judge) outdone(key, value, by, other string) {
	if value != "" && value != other {
		j.note(options.CodeIgnored, key, fmt.Sprintf("has no effect: %s (%q) comes before it", by, other), "keep one of them")
	}
}

// address: the servers, the user, and where else a redirect may lead.
func (p *Params) address(s *settings, j *judge) {
	var found []options.Problem
	s.frontends, found = parseLoadURL(p.LoadURL, j.at("loadUrl"))
	j.add(found)

	jdbc, at := p.JdbcURL, j.at("jdbcUrl")
	if len(p.Connection) > 0 && p.Connection[0].JdbcURL.Given() {
		j.outdone("jdbcUrl", jdbc.Text(), "connection[0].jdbcUrl", p.Connection[0].JdbcURL.Text())
		jdbc, at = p.Connection[0].JdbcURL, options.Join(options.At(j.at("connection"), 0), "jdbcUrl")
	}
	s.mysql, found = parseJdbcURL(jdbc, at)
	j.add(found)
	if len(s.mysql.addrs) == 0 && len(found) == 0 {
		j.note(options.CodeAssumed, "jdbcUrl", "not given: the table is not checked before the first load, and redirects are followed to any host the frontends name, except link-local ones",
			"jdbc:mysql://"+firstHost(s.frontends)+":"+defaultQueryPort+"/")
	}

	s.user = p.Username
	if p.Password == nil {
		j.note(options.CodeAssumed, "password", "not given, read as empty", "")
	} else {
		s.password = p.Password.Reveal()
	}

	hosts := streamload.NewHosts(s.frontends)
	for i, entry := range p.AllowedHosts {
		if err := hosts.Allow(entry); err != nil {
			j.wrong(options.CodeNotAllowed, fmt.Sprintf("allowedHosts[%d]", i), fmt.Sprintf("%q %v", shown(entry), err), "host, host:port or *.suffix", "")
		}
	}
	p.redirects(s, j)
	for from, to := range p.RedirectMap {
		at := options.Join(j.at("redirectMap"), from)
		e, err := streamload.ParseEndpoint(to, streamload.DefaultBackendPort)
		if err == nil {
			_, err = streamload.ParseEndpoint(from, streamload.DefaultBackendPort)
		}
		if err != nil {
			j.problems = append(j.problems, options.Problem{Code: options.CodeNotAllowed, Path: at, Seen: fmt.Sprintf("%q to %q: %v", shown(from), shown(to), err),
				Want: "host:port on both sides", Try: `"127.0.0.1:8040":"starrocks:8040"`})
			continue
		}
		s.moves = append(s.moves, move{from, e})
	}
	slices.SortFunc(s.moves, func(a, b move) int { return strings.Compare(a.from, b.from) })
}

// redirects: which backends take the loads.
func (p *Params) redirects(s *settings, j *judge) {
	list, direct := strings.CutPrefix(p.Redirect, "be:")
	switch {
	case direct:
		for text := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ';' }) {
			e, err := streamload.ParseEndpoint(text, streamload.DefaultBackendPort)
			if err != nil {
				j.wrong(options.CodeNotAllowed, "redirect", fmt.Sprintf("%q %v", shown(strings.TrimSpace(text)), err), "be:host:port,host:port", "be:be1:"+streamload.DefaultBackendPort)
			} else if !slices.Contains(s.backends, e) {
				s.backends = append(s.backends, e)
			}
		}
		if strings.Trim(list, " ,;") == "" {
			j.wrong(options.CodeMissing, "redirect", "be: names no backend", "be:host:port,host:port", "be:be1:"+streamload.DefaultBackendPort)
		}
	case strings.EqualFold(p.Redirect, "sameHost"):
		s.sameHost = true
	case !strings.EqualFold(p.Redirect, "follow"):
		j.wrong(options.CodeNotAllowed, "redirect", fmt.Sprintf("%q is no way to a backend", shown(p.Redirect)), "follow, sameHost, be:host:port,host:port", "follow")
	}
	if direct && len(p.RedirectMap) > 0 {
		j.note(options.CodeIgnored, "redirectMap", "has no effect: redirect names the backends", "")
	}
}

func firstHost(e []streamload.Endpoint) string {
	if len(e) == 0 {
		return "fe1"
	}
	return e[0].Host
}

// place: database and table.
func (p *Params) place(s *settings, j *judge) {
	s.tableModel = p.TableModel
	db, table, tableKey, dbKey := p.SelectedDatabase, p.Table, "table", "selectedDatabase"
	if len(p.Connection) > 1 {
		j.wrong(options.CodeNotSupported, "connection[1]", "a writer has one target; DataX reads only the first, too", "", "a job of its own for each target")
	}
	if len(p.Connection) > 0 {
		c := p.Connection[0]
		if len(c.Table) > 1 {
			j.wrong(options.CodeNotSupported, "connection[0].table[1]", "a writer has one table; DataX reads only the first, too", "", "a job of its own for each table")
		}
		if c.SelectedDatabase != "" {
			j.outdone(dbKey, db, "connection[0].selectedDatabase", c.SelectedDatabase)
			db, dbKey = c.SelectedDatabase, "connection[0].selectedDatabase"
		}
		if len(c.Table) > 0 {
			j.outdone(tableKey, table, "connection[0].table", c.Table[0])
			table, tableKey = c.Table[0], "connection[0].table[0]"
		}
	}
	db = unquoteName(db)
	ownDB, name := splitTable(table)
	switch {
	case ownDB != "" && db != "" && ownDB != db:
		j.wrong(options.CodeConflict, tableKey, fmt.Sprintf("names database %q, %s names %q", ownDB, dbKey, db), "", "name the database once")
	case ownDB != "":
		db = ownDB
	case db == "" && s.mysql.database != "":
		db = s.mysql.database
		j.note(options.CodeAssumed, "selectedDatabase", fmt.Sprintf("not given: %q, as jdbcUrl says", db), "")
	case db == "":
		j.wrong(options.CodeMissing, "selectedDatabase", "required and not given", "", "the database of the table")
	}
	for key, v := range map[string]string{dbKey: db, tableKey: name} {
		if hasControl(v) || strings.Contains(v, "/") {
			j.wrong(options.CodeNotAllowed, key, fmt.Sprintf("%q holds a character that no name has", v), "", "")
		}
	}
	s.database, s.table = db, name

	var found []options.Problem
	s.routes, found = readRoutes(p.Topic2Table, j.at("topic2table"))
	j.add(found)
	if s.table == "" && !p.Topic2Table.Given() && !options.Failed(j.problems) {
		j.note(options.CodeAssumed, "table", "not given: rows go to the table of the name that the reader gives them, such as their topic", "")
	}
	if p.WriteMode.Given() {
		j.wrong(options.CodeNotSupported, "writeMode", "the table model decides: Primary Key and Unique tables replace, Aggregate tables combine, Duplicate tables append", "", "leave it out")
	}
}

// rows: what a row is and how it travels.
func (p *Params) rows(s *settings, j *judge) {
	var found []options.Problem
	s.columns, found = readColumns(p.Column, j.path)
	j.add(found)
	s.props, found = readProps(p.LoadProps, p.SinkProps, j.path)
	j.add(found)
	pr := &s.props
	if s.columns == nil && pr.columns == nil {
		switch {
		case pr.format == formatCSV && len(s.mysql.addrs) == 0:
			j.wrong(options.CodeMissing, "column", "all columns of the table cannot be known without jdbcUrl, and csv needs their order", "", "name the columns, or give jdbcUrl")
		case pr.partial && len(s.mysql.addrs) == 0:
			j.wrong(options.CodeMissing, "column", "partial_update needs the key columns and the columns to write", "", "name them, or give jdbcUrl")
		}
	}
	s.updates(j)
	if pr.columns != nil && s.columns != nil && len(pr.columns) != len(s.columns) {
		j.wrong(options.CodeConflict, "column", fmt.Sprintf("has %d columns, loadProps.columns takes %d values (%s)", len(s.columns), len(pr.columns), strings.Join(pr.columns, ", ")),
			"", "leave column out")
	}
	if p.TotalBufferBytes < 64<<20 {
		j.note(options.CodeAssumed, "totalBufferBytes", fmt.Sprintf("%d bytes: loads will be small and many, which wears on the tablets", p.TotalBufferBytes), "94371840")
	}
	if p.FlushInterval != nil && *p.FlushInterval < 1000 {
		j.note(options.CodeAssumed, "flushInterval", fmt.Sprintf("%d ms: each load makes a version of every tablet it touches, and a tablet has 1000", *p.FlushInterval), "1000")
	}
	if bad := strings.IndexFunc(p.LabelPrefix, func(r rune) bool { return !labelRune(r) }); bad >= 0 {
		j.wrong(options.CodeNotAllowed, "labelPrefix", fmt.Sprintf("%q holds a character that no label has", p.LabelPrefix), "letters, digits, _ and -", "")
	}
	if p.SinkSemantic == "exactly-once" {
		j.add([]options.Problem{{Code: options.CodeNotSupported, Path: options.Join(j.path, "sink.semantic"),
			Seen: "the guarantee belongs to the job, not to the writer", Try: `"deliveryGuarantee":"exactly-once" in setting`}})
	}
	s.answerTimeout = pr.timeout + time.Minute
	if p.HTTPTimeoutSec > 0 {
		s.answerTimeout = time.Duration(p.HTTPTimeoutSec) * time.Second
		if s.answerTimeout < pr.timeout {
			j.note(options.CodeConflict, "httpTimeoutSec", fmt.Sprintf("%d s is shorter than the %.0f s that StarRocks gives a load: a slow load would be given up while it still runs", p.HTTPTimeoutSec, pr.timeout.Seconds()), "")
		}
	}
}

// labelRune tells what a label may hold.
func labelRune(r rune) bool {
	return r == '_' || r == '-' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
}

// statements: preSql and postSql.
func (p *Params) statements(s *settings, j *judge) {
	for _, one := range []struct {
		key  string
		from []string
		to   *[]string
	}{{"preSql", p.PreSQL, &s.preSQL}, {"postSql", p.PostSQL, &s.postSQL}} {
		for i, q := range one.from {
			if strings.TrimSpace(q) == "" {
				continue
			}
			if strings.Contains(q, tablePlaceholder) && s.table == "" {
				j.wrong(options.CodeMissing, fmt.Sprintf("%s[%d]", one.key, i), "@table stands for the table, and table is not given", "", "give table")
			}
			*one.to = append(*one.to, strings.ReplaceAll(q, tablePlaceholder, plainOrQuoted(s.table)))
		}
		if len(*one.to) > 0 && len(s.mysql.addrs) == 0 {
			j.wrong(options.CodeMissing, one.key, "needs the MySQL port of a frontend", "", "give jdbcUrl, such as jdbc:mysql://fe1:9030/")
		}
	}
}

const tablePlaceholder = "@table"

// plainOrQuoted leaves ordinary names as they are, as DataX does.
func plainOrQuoted(name string) string {
	plain := name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && !(r >= '0' && r <= '9') && !(r >= 'a' && r <= 'z') && !(r >= 'A' && r <= 'Z')
	}) < 0
	if plain {
		return name
	}
	return quoteName(name)
}

// trouble: what to do with a load that is refused.
func (p *Params) trouble(s *settings, j *judge) {
	switch {
	case strings.EqualFold(p.StrategyOnError, onErrorExit):
	case strings.EqualFold(p.StrategyOnError, onErrorBatch):
		s.dirtyBatches = true
	case strings.EqualFold(p.StrategyOnError, onErrorRow):
		s.dirtyRows = true
		if !s.props.strict {
			at := "loadProps"
			if s.props.pathOfProp["strict_mode"] != "" {
				at = "loadProps.strict_mode"
			}
			j.note(options.CodeAssumed, at, "strict_mode "+lenientMode, `"strict_mode":true`)
		}
	default:
		j.wrong(options.CodeNotAllowed, "strategyOnError", fmt.Sprintf("%q is no strategy", p.StrategyOnError), "exit, batchDirtyData, rowDirtyData", onErrorExit)
	}
}
