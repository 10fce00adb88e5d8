package sqlport

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	load "github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// checkNew says what is wrong with a table that is about to be created, and changes
// what the server changes: sums of decimals get all the digits there are.
func (ss *session) checkNew(s *store.Schema) error {
	if err := ss.tooNew(s); err != nil {
		return err
	}
	if err := ddl.CheckProperties(s, ss.server.aliveBackends()); err != nil {
		return statementError(err)
	}
	// Which release brought the wider sums is not known; 3.1 is the first that has
	// the setting to go without.
	if ss.server.atLeast(3, 1) {
		s.Columns = slices.Clone(s.Columns)
		for i := range s.Columns {
			if c := &s.Columns[i]; c.Agg == "SUM" && c.Type.Kind == store.Decimal {
				c.Type.Precision = store.MaxDecimalPrecision
			}
		}
	}
	for i := s.Ordinary(); i < len(s.Columns); i++ {
		if c := &s.Columns[i]; c.Generated != nil {
			if err := ss.server.checkGenerated(s, c); err != nil {
				return err
			}
		}
	}
	return ss.server.checkPartitionKey(s)
}

// rangeFunctions are what a range of partitions can be computed with.
var rangeFunctions = strings.Fields("str2date from_unixtime from_unixtime_ms")

// checkPartitionKey compiles the expressions of a partition key and notes their types.
func (s *Server) checkPartitionKey(schema *store.Schema) error {
	p := schema.Partitioning
	if p == nil || p.Expressions == nil {
		return nil
	}
	own := *p
	own.Expressions = slices.Clone(p.Expressions)
	schema.Partitioning = &own
	ordinary := schema.Columns[:schema.Ordinary()]
	for i, e := range own.Expressions {
		if e == nil {
			continue
		}
		if name := calledAmong(e.Expression, volatileFunctions); name != "" {
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Partition expression can not contain non deterministic function: %s.", name)
		}
		compiled, err := s.compile(ordinary, []string{e.Expression})
		if err != nil {
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %s.", detail(err))
		}
		typed := *e
		typed.Type = compiled.(*program).typeOf(0)
		if own.Kind == store.RangePartitions {
			function, _, _ := strings.Cut(strings.ToLower(e.Expression), "(")
			if !slices.Contains(rangeFunctions, strings.TrimSpace(function)) {
				return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Unsupported partition expression %s by range.", e.Expression)
			}
			// A text in the form of a time is compared as a time.
			if typed.Type.Kind == store.Varchar {
				typed.Type = store.Type{Kind: store.DateTime}
			}
		}
		own.Expressions[i] = &typed
	}
	return nil
}

// statementError is an error in the server's words without a place in the text.
func statementError(err error) error { return wire.Errorf(1064, "42000", "%v", err) }

// aliveBackends is the number of backends that are alive, 0 when nobody told.
func (s *Server) aliveBackends() int {
	if s.opts.Backends == nil {
		return 0
	}
	n := 0
	for _, b := range s.opts.Backends() {
		if !b.Down {
			n++
		}
	}
	return n
}

// tooNew refuses what the release that is played does not have yet and sinceDefined
// cannot tell from the words. The manuals name the releases.
func (ss *session) tooNew(s *store.Schema) error {
	have := ss.server.atLeast
	missing := func(major, minor int, what string) error {
		if have(major, minor) {
			return nil
		}
		return wire.Errorf(1064, "42000", "Getting syntax error. Detail message: %s came with %d.%d, this is %s.", what, major, minor, ss.server.opts.Version)
	}
	var err error
	need := func(when bool, major, minor int, what string) {
		if when && err == nil {
			err = missing(major, minor, what)
		}
	}
	for _, x := range s.Indexes {
		need(x.Kind == "GIN", 3, 3, "an index USING GIN")
		need(x.Kind == "NGRAMBF", 3, 3, "an index USING NGRAMBF")
		need(x.Kind == "VECTOR", 3, 4, "an index USING VECTOR")
	}
	if p := s.Partitioning; p != nil {
		need(p.Expressions != nil && !p.Automatic, 3, 3, "a range of an expression")
		need(p.Expressions != nil && p.Automatic, 3, 4, "a partition key of expressions")
	}
	return err
}

// compile is a store.Compiler.
func (s *Server) compile(inputs []store.Column, expressions []string) (store.Program, error) {
	list := make([]load.Input, len(inputs))
	for i, c := range inputs {
		list[i] = load.Input{Name: c.Name, Type: c.Type}
	}
	return s.Expressions(list, expressions)
}

// volatileFunctions have another value every time.
var volatileFunctions = strings.Fields("rand random uuid uuid_numeric now current_timestamp current_date current_time curdate curtime localtime localtimestamp unix_timestamp utc_timestamp utc_time sleep connection_id last_query_id current_user user session_user current_role database schema catalog")

// checkGenerated compiles the expression of a generated column of a table.
func (s *Server) checkGenerated(table *store.Schema, c *store.Column) error {
	ordinary := table.Columns[:table.Ordinary()]
	refused := func(format string, args ...any) error {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %s.", fmt.Sprintf(format, args...))
	}
	if name := calledAmong(c.Generated.Expression, volatileFunctions); name != "" {
		return refused("Expression can not contain non deterministic function: %s", name)
	}
	compiled, err := s.compile(ordinary, []string{c.Generated.Expression})
	var unknown *UnknownReference
	switch {
	case errors.As(err, &unknown) && table.Index(unknown.Reference) >= len(ordinary):
		return refused("Expression can not refers to other generated columns")
	case errors.As(err, &unknown):
		return refused("Column '%s' cannot be resolved", unknown.Reference)
	case errors.Is(err, errAggregate):
		return refused("Generated Column's expression can not contain aggregation functions")
	case err != nil:
		return refused("%s", detail(err))
	}
	if typ := compiled.(*program).typeOf(0); !fitsType(c.Type, typ) {
		return refused("Illegal expression type for Generated Column Column Type: %s, Expression Type: %s", typeWord(c.Type), typeWord(typ))
	}
	return nil
}

// calledAmong returns the first of the functions that the text calls, or nothing.
func calledAmong(text string, functions []string) string {
	toks, err := lex.Scan(text)
	if err != nil {
		return "" // compiling says so
	}
	for i, t := range toks[:len(toks)-1] {
		if name := strings.ToLower(t.Text); t.Kind == lex.Word && (toks[i+1].Is("(") || strings.HasPrefix(name, "current_")) && slices.Contains(functions, name) {
			return name
		}
	}
	return ""
}

// detail is an error without the frame that a statement's error gets.
func detail(err error) string {
	return strings.TrimSuffix(strings.TrimPrefix(err.Error(), "Getting analyzing error. Detail message: "), ".")
}

func typeWord(t store.Type) string {
	word, _, _ := strings.Cut(strings.ToUpper(t.String()), "(")
	return word
}

// fitsType says whether the type of an expression is that of a column. Text and
// decimals fit whatever their length, nested types whatever is in them.
func fitsType(column, expression store.Type) bool {
	text := func(k store.Kind) bool { return k == store.Char || k == store.Varchar }
	return column.Kind == expression.Kind || text(column.Kind) && text(expression.Kind)
}

// setProperties runs ALTER TABLE SET.
func (ss *session) setProperties(t *store.Table, props map[string]string) error {
	s := t.Schema()
	if err := ddl.CheckSet(&s, props, ss.server.aliveBackends()); err != nil {
		return statementError(err)
	}
	plain := maps.Clone(props)
	if v, ok := plain["default.replication_num"]; ok { // of partitions to come: there is one number here
		delete(plain, "default.replication_num")
		plain["replication_num"] = v
	}
	return t.SetProperties(plain)
}
