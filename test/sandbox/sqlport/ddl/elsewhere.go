package ddl

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
)

// absent are the things StarRocks has and this stand-in has not, and what to use
// instead.
var absent = []struct{ words, instead string }{
	{"temporary table", "use a table with a name of its own, and drop it"},
	{"materialized view", "use CREATE VIEW, or CREATE TABLE AS SELECT for the rows of now"},
	{"external catalog", "use tables of default_catalog"},
	{"catalog", "use tables of default_catalog"},
	{"resource group", "there is one node, whose resources nobody shares"},
	{"resource", "use tables of default_catalog"},
	{"external resource", "use tables of default_catalog"},
	{"function", "use the built-in functions"},
	{"global function", "use the built-in functions"},
	{"aggregate function", "use the built-in functions"},
	{"table function", "use the built-in functions"},
	{"routine load", "use Stream Load"},
	{"storage volume", "rows are in the memory of one process"},
	{"warehouse", "rows are in the memory of one process"},
	{"repository", "keep data with the flag --data"},
	{"file", "use Stream Load"},
	{"pipe", "use Stream Load or INSERT"},
	{"dictionary", "use a join"},
	{"security integration", "use CREATE USER with a password"},
	{"group provider", "use CREATE ROLE"},
	{"analyze", "there are no statistics to gather"},
}

// elsewhere refuses what the real server could do behind the verb.
func (p *parser) elsewhere(verb string) error {
	t := p.Peek()
	for _, a := range absent {
		at := p.I
		found := p.Try(strings.Fields(a.words)...)
		p.I = at
		if found {
			return lex.At(t, "%s %s is not supported by this stand-in; %s", verb, strings.ToUpper(a.words), a.instead)
		}
	}
	return nil
}
