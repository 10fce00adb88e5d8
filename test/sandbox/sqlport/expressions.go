package sqlport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"
	"github.com/shopspring/decimal"

	load "github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// UnknownReference is a name in a load expression that is none of its inputs.
type UnknownReference = load.UnknownReference

var errAggregate = errors.New("Don't support aggregation function in load expression")

// Expressions prepares the expressions of a load, an expression.Compiler. Functions,
// operators and the time are those of queries. Errors are an *UnknownReference, or
// say in the server's words what does not read; they hold no place in the
// text. A Program needs nothing of the server any more.
func (s *Server) Expressions(inputs []load.Input, exprs []string) (load.Program, error) {
	return s.expressions("", inputs, exprs)
}

// ExpressionsIn is Expressions in a time zone, as SET time_zone takes it, in place of
// the global one.
func (s *Server) ExpressionsIn(zone string) load.Compiler {
	return func(inputs []load.Input, exprs []string) (load.Program, error) {
		return s.expressions(zone, inputs, exprs)
	}
}

func (s *Server) expressions(zone string, inputs []load.Input, exprs []string) (load.Program, error) {
	ss := newSession(s, nil)
	ss.Reset()
	if zone != "" {
		if err := ss.vars.set("time_zone", lex.Token{Kind: lex.String, Text: zone}); err != nil {
			return nil, err
		}
	}
	table := &inputTable{}
	for _, in := range inputs {
		table.schema = append(table.schema, &sql.Column{Name: in.Name, Type: builtin.SQLType(in.Type), Nullable: true, Source: "answer", DatabaseSource: scratchDB})
	}
	if len(exprs) == 0 {
		return &program{}, nil
	}
	var b strings.Builder
	for i, text := range exprs {
		if i > 0 {
			b.WriteString(", ")
		}
		piece, err := ss.loadExpression(i, text, inputs)
		if err != nil {
			return nil, err
		}
		b.WriteString(piece)
	}
	// The engine drops a projection that is the columns of the table. The constant
	// behind the expressions keeps it.
	query := rewritten{sql: "SELECT " + b.String() + ", 1 FROM " + wire.QuoteName(scratchDB) + ".answer"}
	ctx := context.WithValue(context.Background(), scratchKey{}, table)
	q, err := s.engine.plan(ctx, ss, query)
	if err != nil {
		var we *wire.Error
		if errors.As(err, &we) {
			return nil, errors.New(we.Message)
		}
		return nil, err
	}
	p := &program{ctx: q.ctx}
	project, ok := q.node.(*plan.Project)
	if !ok || len(project.Projections) != len(exprs)+1 {
		return nil, fmt.Errorf("load expressions were planned as %T", q.node)
	}
	for _, e := range project.Projections[:len(exprs)] {
		if a, ok := e.(*expression.Alias); ok {
			e = a.Child
		}
		e, err := byPlace(e, inputs)
		if err != nil {
			return nil, err
		}
		p.exprs = append(p.exprs, e)
		p.types = append(p.types, e.Type())
	}
	for _, in := range inputs {
		p.conv = append(p.conv, builtin.ToEngine(in.Type))
	}
	p.row = make(sql.Row, len(inputs))
	return p, nil
}

// loadExpression checks one expression and returns it for the engine. It is read on
// its own first, so that a parenthesis or a comma cannot reach into its neighbours.
func (ss *session) loadExpression(i int, text string, inputs []load.Input) (string, error) {
	list, err := lex.Split("SELECT " + text)
	if err != nil {
		return "", err
	}
	if len(list) != 1 || len(list[0].Toks) < 3 {
		return "", fmt.Errorf("Syntax error in load expression: %s", text)
	}
	query, _, err := ss.rewrite(list[0])
	if err != nil {
		return "", err
	}
	stmt, err := sqlparser.Parse(query.sql)
	if err != nil {
		return "", fmt.Errorf("Syntax error in load expression: %s", text)
	}
	one, ok := stmt.(*sqlparser.Select)
	if !ok || len(one.SelectExprs) != 1 || len(one.From) > 0 && !isDual(one.From) || one.Where != nil || one.GroupBy != nil || one.Having != nil || one.OrderBy != nil || one.Limit != nil {
		return "", fmt.Errorf("Syntax error in load expression: %s", text)
	}
	aliased, ok := one.SelectExprs[0].(*sqlparser.AliasedExpr)
	if !ok || !aliased.As.IsEmpty() {
		return "", fmt.Errorf("Syntax error in load expression: %s", text)
	}
	err = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.Subquery, *sqlparser.ExistsExpr:
			return false, errors.New("Don't support subquery in load expression")
		case *sqlparser.GroupConcatExpr:
			return false, errAggregate
		case *sqlparser.FuncExpr:
			if builtin.IsAggregate(n.Name.String()) || n.Over != nil {
				return false, errAggregate
			}
		case *sqlparser.ColName:
			name := n.Name.String()
			known := slices.ContainsFunc(inputs, func(in load.Input) bool { return strings.EqualFold(in.Name, name) })
			if word := strings.ToLower(name); !known && word != "floor" && word != "ceil" && !isUnit(word) || !n.Qualifier.IsEmpty() {
				return false, &UnknownReference{Index: i, Reference: name}
			}
		}
		return true, nil
	}, one.SelectExprs)
	return strings.TrimPrefix(query.sql, "SELECT "), err
}

// isUnit tells the unit of TIMESTAMPDIFF(DAY, a, b), which reads like a column. A
// column of that name that is none is found by the engine.
func isUnit(word string) bool {
	return slices.Contains([]string{"microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"}, word)
}

func isDual(from sqlparser.TableExprs) bool {
	t, ok := from[0].(*sqlparser.AliasedTableExpr)
	if !ok || len(from) != 1 {
		return false
	}
	name, ok := t.Expr.(sqlparser.TableName)
	return ok && name.Name.String() == "dual"
}

// byPlace makes column references count by input: the engine counts only the columns
// it kept.
func byPlace(e sql.Expression, inputs []load.Input) (sql.Expression, error) {
	e, _, err := transform.Expr(e, func(e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		f, ok := e.(*expression.GetField)
		if !ok {
			return e, transform.SameTree, nil
		}
		at := slices.IndexFunc(inputs, func(in load.Input) bool { return strings.EqualFold(in.Name, f.Name()) })
		if at < 0 {
			return nil, transform.SameTree, fmt.Errorf("the engine reads the unknown column %s", f.Name())
		}
		return f.WithIndex(at), transform.NewTree, nil
	})
	return e, err
}

// inputTable gives the planner the names and types of the inputs. It is never read.
type inputTable struct{ schema sql.Schema }

func (t *inputTable) Name() string               { return "answer" }
func (t *inputTable) String() string             { return "answer" }
func (t *inputTable) Collation() sql.CollationID { return sql.Collation_Default }
func (t *inputTable) Schema() sql.Schema         { return t.schema }
func (t *inputTable) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return sql.PartitionsToPartitionIter(onePartition{}), nil
}
func (t *inputTable) PartitionRows(*sql.Context, sql.Partition) (sql.RowIter, error) {
	return sql.RowsToRowIter(), nil
}

// inputDB is the database of one inputTable.
type inputDB struct{ table *inputTable }

func (d inputDB) Name() string                                 { return scratchDB }
func (d inputDB) GetTableNames(*sql.Context) ([]string, error) { return []string{d.table.Name()}, nil }
func (d inputDB) GetTableInsensitive(*sql.Context, string) (sql.Table, bool, error) {
	return d.table, true, nil
}

// program is a load.Program.
type program struct {
	ctx   *sql.Context
	exprs []sql.Expression
	types []sql.Type
	conv  []func(any) any
	row   sql.Row
}

// Decimal implements load.Typed.
func (p *program) Decimal(i int) bool { return types.IsDecimal(p.types[i]) }

// Boolean implements load.Typed.
func (p *program) Boolean(i int) bool { return isBoolean(p.exprs[i]) }

// isBoolean looks into CASE as well, for which the engine names the widest type.
func isBoolean(e sql.Expression) bool {
	c, ok := e.(*expression.Case)
	if !ok {
		return e.Type() == types.Boolean
	}
	for _, b := range c.Branches {
		if !isBoolean(b.Value) {
			return false
		}
	}
	return c.Else == nil || isBoolean(c.Else)
}

// typeOf is the type a column of the i-th expression would have.
func (p *program) typeOf(i int) store.Type {
	if t, ok := builtin.StoreType(p.types[i]); ok {
		return t
	}
	return store.Type{Kind: store.Varchar, Length: store.MaxVarchar}
}

// Eval implements load.Program. An expression that fails on a row's values is NULL.
func (p *program) Eval(inputs []any, out []any) (err error) {
	for i, v := range inputs {
		if v != nil && p.conv[i] != nil {
			v = p.conv[i](v)
		}
		p.row[i] = v
	}
	for i, e := range p.exprs {
		if out[i], err = p.value(i, e); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) value(i int, e sql.Expression) (out any, err error) {
	defer catch(&err)
	v, err := e.Eval(p.ctx, p.row)
	if err != nil {
		return nil, nil
	}
	if text, ok := v.(string); ok && builtin.HoldsMap(p.types[i]) {
		return builtin.QuoteKeys(text), nil
	}
	switch x := v.(type) {
	case nil, int64, string, []byte, float64:
		return x, nil
	case bool:
		if x {
			return int64(1), nil
		}
		return int64(0), nil
	case int8:
		return int64(x), nil
	case int16:
		return int64(x), nil
	case int32:
		return int64(x), nil
	case int:
		return int64(x), nil
	case uint8:
		return int64(x), nil
	case uint16:
		return int64(x), nil
	case uint32:
		return int64(x), nil
	case uint64:
		if x <= math.MaxInt64 {
			return int64(x), nil
		}
	case float32:
		return float64(x), nil
	case decimal.Decimal, time.Time:
		text, _ := builtin.Text(p.types[i], x)
		return text, nil
	}
	t := texter{typ: p.types[i]}
	text, null, err := t.text(p.ctx, v)
	if err != nil || null {
		return nil, nil
	}
	return text, nil
}
