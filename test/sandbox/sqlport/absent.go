package sqlport

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// absentStatements are statements the real server has and this one has not, by their
// first words, and what to use instead.
var absentStatements = []struct{ words, instead string }{
	{"load label", "use Stream Load"},
	{"cancel load", "use POST /api/{db}/{label}/_cancel"},
	{"alter routine load", "use Stream Load"},
	{"pause routine load", "use Stream Load"},
	{"resume routine load", "use Stream Load"},
	{"stop routine load", "use Stream Load"},
	{"export table", "use SELECT"},
	{"cancel export", "use SELECT"},
	{"submit task", "run the statement itself"},
	{"drop task", "there are no tasks"},
	{"backup", "keep data with the flag --data"},
	{"restore", "keep data with the flag --data"},
	{"recover", "what is dropped is gone"},
	{"refresh materialized view", "there are no materialized views"},
	{"cancel refresh", "there are no materialized views"},
	{"refresh external table", "there are no external tables"},
	{"install plugin", "there are no plugins"},
	{"uninstall plugin", "there are no plugins"},
	{"add sqlblacklist", "arm the fault sqlError for a statement"},
	{"delete sqlblacklist", "arm the fault sqlError for a statement"},
	{"translate", "write the statement in the dialect of StarRocks"},
	{"drop stats", "there are no statistics"},
	{"kill analyze", "there are no statistics"},
}

// absent refuses them.
func absent(c *lex.Cursor) error {
	t := c.Peek()
	for _, a := range absentStatements {
		at := c.I
		found := c.Try(strings.Fields(a.words)...)
		c.I = at
		if found {
			return lex.At(t, "%s is not supported by this stand-in; %s", strings.ToUpper(a.words), a.instead)
		}
	}
	return nil
}

// analyze answers ANALYZE [FULL|SAMPLE] TABLE t [..]: there are no statistics to
// gather, and nothing to wait for.
func (ss *session) analyze(c *lex.Cursor, w *wire.Result) error {
	c.Next()
	kind := "analyze"
	if c.Try("sample") {
		kind = "sample"
	} else {
		c.Try("full")
	}
	if !c.Try("table") {
		return lex.At(c.Peek(), "ANALYZE %s is not supported by this stand-in; use ANALYZE TABLE", c.Peek().Text)
	}
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	t, err := ss.table(db.Text, name.Text)
	if err != nil {
		return err
	}
	a := fixed("Table Op Msg_type Msg_text")
	for i, n := range []string{"Table", "Op", "Msg_type", "Msg_text"} {
		a.cols[i].name = n
	}
	return a.add(t.DB()+"."+t.Name(), kind, "status", "OK").write(w)
}
