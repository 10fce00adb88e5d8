package sqlport

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// inserter gathers the rows of one INSERT. They become visible together.
type inserter struct {
	ss    *session
	ctx   context.Context
	stmt  lex.Statement
	table *store.Table
	cols  []store.Column // that the statement names
	batch *store.Batch
	row   []any // of the batch: those columns, then numbered ones left out
}

// insert runs INSERT INTO t [(columns)] VALUES ... | SELECT ...
func (ss *session) insert(ctx context.Context, stmt lex.Statement, w *wire.Result) error {
	c := &lex.Cursor{Toks: stmt.Toks}
	c.Next()
	ch := change{verb: "insert", overwrite: c.Try("overwrite")}
	if !ch.overwrite {
		if err := c.Expect("into"); err != nil {
			return err
		}
	}
	if t := c.Peek(); t.Is("files") && c.After(1).Is("(") && c.After(2).Kind == lex.String {
		// Before 3.2 the grammar wants a table here.
		if !ss.server.atLeast(3, 2) {
			return lex.Unexpected(c.After(2), "a column name")
		}
		return lex.At(t, "INSERT INTO FILES is not supported by this stand-in, which has no storage of files; read the rows with SELECT")
	}
	if c.Peek().Is("table") && c.After(1).IsName() {
		c.Next()
	}
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	if _, view := ss.server.st.FindView(cmp.Or(db.Text, ss.db()), name.Text); view {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Only support insert into olap table or mysql table or iceberg table.")
	}
	t, err := ss.table(db.Text, name.Text)
	if err != nil {
		return err
	}
	only, err := partitionClause(c)
	if err != nil {
		return err
	}
	if c.Try("with", "label") {
		label, err := c.Name()
		if err != nil {
			return err
		}
		if ch.label = label.Text; !labelForm.MatchString(ch.label) {
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Label format error. regex: %s, label: %s.", labelForm, ch.label)
		}
	}
	in := &inserter{ss: ss, ctx: ctx, stmt: stmt, table: t}
	if err := in.named(c); err != nil {
		return err
	}
	if t := c.Peek(); t.Is("properties") && ss.server.atLeast(3, 4) {
		return lex.At(t, "PROPERTIES of INSERT are not supported by this stand-in; use the variables insert_timeout and enable_insert_strict")
	}
	if err := in.batch.SetPartitions(only.partitions, only.temporary); err != nil {
		return narrowError(err)
	}
	if c.Try("values") || c.Try("value") {
		err = in.values(c)
	} else {
		err = in.fromSelect(c)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	ch.table, ch.batch, ch.rows, ch.partitions = t, in.batch, uint64(in.batch.Len()), only.partitions
	return ss.write(ch, w)
}

// labelForm is what a label looks like.
var labelForm = regexp.MustCompile(`^[-\w]{1,128}$`)

// named reads the list of columns, or takes all of the table. BY NAME, since 4.0 by the
// nearest statement, takes the columns of the query.
func (in *inserter) named(c *lex.Cursor) error {
	if c.Peek().Is("by") && c.After(1).Is("name") && in.ss.server.atLeast(4, 0) {
		at := c.Next()
		c.Next()
		if c.Peek().Is("values") || c.Peek().Is("(") && !c.After(1).Is("select") && !c.After(1).Is("with") {
			return lex.Unexpected(c.Peek(), "SELECT", "WITH")
		}
		q, err := in.ss.planText(in.ctx, in.stmt.From(c.I))
		if err != nil {
			return err
		}
		var list []lex.Token
		for _, col := range q.node.Schema() {
			list = append(list, lex.Token{Kind: lex.Quoted, Text: col.Name, Line: at.Line, Col: at.Col})
		}
		return in.columns(list)
	}
	if c.Peek().Is("(") && !c.After(1).Is("select") && !c.After(1).Is("with") {
		list, err := c.Names()
		if err != nil {
			return err
		}
		return in.columns(list)
	}
	return in.columns(nil)
}

// columns takes the columns named, or all of the table.
func (in *inserter) columns(list []lex.Token) error {
	s := in.table.Schema()
	var positions []int
	if list != nil {
		for _, n := range list {
			i := s.Index(n.Text)
			if i < 0 {
				return wire.Errorf(1064, "42000", "Getting analyzing error at line %d, column %d. Detail message: Unknown column '%s' in '%s'.", n.Line, n.Col, n.Text, in.table.Name())
			}
			if s.Columns[i].Generated != nil {
				return wire.Errorf(1064, "42000", "Getting analyzing error at line %d, column %d. Detail message: generated column '%s' can not be specified.", n.Line, n.Col, s.Columns[i].Name)
			}
			if slices.Contains(positions, i) {
				return wire.Errorf(1110, "42000", "Column '%s' specified twice", n.Text)
			}
			positions = append(positions, i)
		}
		for i, col := range s.Columns {
			if !slices.Contains(positions, i) && !col.Nullable && col.Default == nil && !col.AutoIncrement {
				return wire.Errorf(5002, "HY000", "Getting analyzing error. Detail message: '%s' must be explicitly mentioned in column permutation.", col.Name)
			}
		}
	} else {
		for i := range s.Ordinary() {
			positions = append(positions, i)
		}
	}
	for _, i := range positions {
		in.cols = append(in.cols, s.Columns[i])
	}
	for i, col := range s.Columns {
		// The store numbers NULLs of such a column, and wants it in every batch
		// when it is a key.
		if col.AutoIncrement && !slices.Contains(positions, i) {
			positions = append(positions, i)
		}
	}
	in.batch = in.table.NewBatchFor(s, positions)
	in.row = make([]any, len(positions))
	return nil
}

func (in *inserter) values(c *lex.Cursor) error {
	for n := 1; ; n++ {
		if n&1023 == 0 && in.ctx.Err() != nil {
			return in.ctx.Err()
		}
		open := c.Peek()
		if err := c.Expect("("); err != nil {
			return err
		}
		for i := range in.cols {
			from := c.I
			if err := skipExpression(c); err != nil {
				return err
			}
			if c.I == from {
				return in.wrongCount(open)
			}
			var err error
			if in.row[i], err = in.value(i, c.Toks[from:c.I]); err != nil {
				return in.filtered(n, err)
			}
			if i < len(in.cols)-1 && !c.Try(",") {
				return in.wrongCount(open)
			}
		}
		if !c.Try(")") {
			return in.wrongCount(open)
		}
		if err := in.add(n); err != nil {
			return err
		}
		if !c.Try(",") {
			return c.End()
		}
	}
}

func (in *inserter) wrongCount(t lex.Token) error {
	return wire.Errorf(1058, "21S01", "Getting analyzing error at line %d, column %d. Detail message: Column count doesn't match value count, expected %d.", t.Line, t.Col, len(in.cols))
}

// skipExpression moves up to the comma or parenthesis that ends an expression.
func skipExpression(c *lex.Cursor) error {
	for depth := 0; ; c.Next() {
		switch t := c.Peek(); {
		case t.Kind == lex.EOF:
			return lex.Unexpected(t, ")")
		case t.Is("("), t.Is("["), t.Is("{"):
			depth++
		case depth > 0 && (t.Is(")") || t.Is("]") || t.Is("}")):
			depth--
		case depth == 0 && (t.Is(",") || t.Is(")")):
			return nil
		}
	}
}

// add puts the current row, the n-th of the statement, into the batch. INSERT is
// strict: one bad row fails all of them.
func (in *inserter) add(n int) error {
	if err := in.batch.Add(in.row, store.Upsert); err != nil {
		return in.filtered(n, err)
	}
	return nil
}

func (in *inserter) filtered(n int, why error) error {
	var bad *store.RowError
	if !errors.As(why, &bad) {
		return why
	}
	return wire.Errorf(1064, "42000", "Insert has filtered data in strict mode: row %d of table %s.%s: %v", n, in.table.DB(), in.table.Name(), why)
}

// value turns the tokens of one expression into a canonical value: literals here,
// the rest by the engine.
func (in *inserter) value(i int, toks []lex.Token) (any, error) {
	col := in.cols[i]
	first := toks[0]
	if len(toks) == 1 {
		switch {
		case first.Is("null"):
			return nil, nil
		case first.Is("default"):
			return in.fallback(col, first)
		case first.Is("true"):
			return convert(col, "1", true)
		case first.Is("false"):
			return convert(col, "0", true)
		case first.Kind == lex.String, first.Kind == lex.Number:
			return convert(col, first.Text, first.Kind == lex.Number)
		}
	}
	if len(toks) == 2 {
		switch second := toks[1]; {
		case first.Is("-") && second.Kind == lex.Number:
			return convert(col, "-"+second.Text, true)
		case (first.Is("x") || first.Is("X")) && second.Kind == lex.String:
			raw, err := hex.DecodeString(second.Text)
			if err != nil {
				return nil, lex.At(second, "hexadecimal literal: %v", err)
			}
			return convert(col, string(raw), false)
		case (first.Is("_binary") || first.Is("_utf8") || first.Is("_utf8mb4")) && second.Kind == lex.String:
			return convert(col, second.Text, false)
		}
	}
	if col.Type.Kind == store.Array || col.Type.Kind == store.Map {
		if text, ok := collection(toks); ok {
			return convert(col, text, false)
		}
	}
	return in.computed(col, toks)
}

// fallback is the value of the word DEFAULT.
func (in *inserter) fallback(col store.Column, at lex.Token) (any, error) {
	switch {
	case col.AutoIncrement:
		return nil, nil
	case col.Default == nil && col.Nullable:
		return nil, nil
	case col.Default == nil:
		return nil, lex.At(at, "Column has no default value, column=%s", col.Name)
	case *col.Default == "CURRENT_TIMESTAMP" && col.Type.Kind == store.DateTime, col.DefaultCall:
		return in.computed(col, []lex.Token{at})
	}
	return convert(col, *col.Default, false)
}

// computed asks the engine. DEFAULT comes here for the current time.
func (in *inserter) computed(col store.Column, toks []lex.Token) (v any, err error) {
	text := in.stmt.Src[toks[0].Pos:toks[len(toks)-1].End]
	if toks[0].Is("default") {
		text = "now()"
		if col.DefaultCall {
			text = *col.Default
		}
	}
	list, err := lex.Split("SELECT " + text)
	if err != nil {
		return nil, err
	}
	query, _, err := in.ss.rewrite(list[0])
	if err != nil {
		return nil, err
	}
	q, err := in.ss.server.engine.plan(in.ctx, in.ss, query)
	if err != nil {
		return nil, err
	}
	enc := storers(q.node.Schema())
	err = in.ss.server.engine.each(q, func(row sql.Row) error {
		text, null, err := enc[0].text(q.ctx, row[0])
		if err == nil && !null {
			v, err = convert(col, text, enc[0].number)
		}
		return err
	})
	return v, err
}

func (in *inserter) fromSelect(c *lex.Cursor) error {
	sub := lex.Statement{Src: in.stmt.Src, Toks: in.stmt.Toks[c.I:]}
	if t := sub.Toks[0]; !t.Is("select") && !t.Is("with") && !t.Is("(") {
		return lex.Unexpected(t, "VALUES", "SELECT", "WITH", "(")
	}
	text, _, err := in.ss.rewrite(sub)
	if err != nil {
		return err
	}
	q, err := in.ss.server.engine.plan(in.ctx, in.ss, text)
	if err != nil {
		return err
	}
	if err := in.ss.reads(q.tables()); err != nil {
		return err
	}
	if got := len(q.node.Schema()); got != len(in.cols) {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Inserted target column count: %d doesn't match select/value column count: %d.", len(in.cols), got)
	}
	enc := storers(q.node.Schema())
	n := 0
	return in.ss.server.engine.each(q, func(row sql.Row) error {
		n++
		for i, v := range row {
			text, null, err := enc[i].text(q.ctx, v)
			if err != nil {
				return err
			}
			in.row[i] = nil
			if null {
				continue
			}
			if in.row[i], err = convert(in.cols[i], text, enc[i].number); err != nil {
				return in.filtered(n, err)
			}
		}
		return in.add(n)
	})
}
