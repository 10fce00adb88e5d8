package sqlport

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// Prepare implements wire.Session. StarRocks prepares queries only, and those
// from 3.2 on.
func (ss *session) Prepare(ctx context.Context, text string) (wire.Prepared, error) {
	if !ss.server.release.AtLeast(3, 2) {
		return wire.Prepared{}, wire.Errorf(1064, "HY000", "Unsupported command(COM_STMT_PREPARE)")
	}
	list, err := lex.Split(text)
	if err != nil {
		return wire.Prepared{}, sqlError(err)
	}
	if len(list) != 1 {
		return wire.Prepared{}, wire.Errorf(1295, "HY000", "This command is not supported in the prepared statement protocol yet: %d statements", len(list))
	}
	toks := list[0].Toks
	if first := toks[0]; !first.Is("select") && !first.Is("with") && !first.Is("(") {
		return wire.Prepared{}, wire.Errorf(1295, "HY000", "This command is not supported in the prepared statement protocol yet")
	}
	p := wire.Prepared{Text: text}
	for _, t := range toks {
		if t.Is("?") {
			p.Params++
		}
	}
	if _, ok := variableList(toks); ok {
		return p, nil
	}
	p.Columns, err = ss.shape(ctx, p)
	return p, err
}

// shape finds the columns of a statement whose parameters are not known yet: with
// NULL in their place, or with 1 where NULL may not stand, as behind LIMIT.
func (ss *session) shape(ctx context.Context, p wire.Prepared) ([]wire.Column, error) {
	var first error
	for _, arg := range []wire.Arg{{Null: true}, {Number: true, Text: []byte("1")}} {
		args := make([]wire.Arg, p.Params)
		for i := range args {
			args[i] = arg
		}
		stmt, err := bind(p.Text, args)
		if err != nil {
			return nil, sqlError(err)
		}
		text, _, err := ss.rewrite(stmt)
		if err != nil {
			return nil, sqlError(err)
		}
		q, err := ss.server.engine.plan(ctx, ss, text)
		if err == nil {
			return q.columns(), nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, sqlError(first)
}

// Fields implements wire.Session.
func (ss *session) Fields(ctx context.Context, table string) ([]wire.Column, error) {
	return ss.shape(ctx, wire.Prepared{Text: "SELECT * FROM " + wire.QuoteName(table)})
}

// Execute implements wire.Session.
func (ss *session) Execute(ctx context.Context, p wire.Prepared, args []wire.Arg, w *wire.Result) error {
	stmt, err := bind(p.Text, args)
	if err != nil {
		return sqlError(err)
	}
	if err := ss.run(ctx, stmt, w); err != nil {
		return sqlError(ss.why(ctx, err))
	}
	return nil
}

// bind puts literals in the place of question marks.
func bind(text string, args []wire.Arg) (lex.Statement, error) {
	toks, err := lex.Scan(text)
	if err != nil {
		return lex.Statement{}, err
	}
	var b strings.Builder
	from, n := 0, 0
	for _, t := range toks {
		if !t.Is("?") {
			continue
		}
		if n == len(args) {
			return lex.Statement{}, fmt.Errorf("the statement has more parameters than the %d given", len(args))
		}
		b.WriteString(text[from:t.Pos])
		b.WriteString(literal(args[n]))
		from, n = t.End, n+1
	}
	b.WriteString(text[from:])
	list, err := lex.Split(b.String())
	if err != nil {
		return lex.Statement{}, err
	}
	if len(list) != 1 {
		return lex.Statement{}, fmt.Errorf("expected one statement, got %d", len(list))
	}
	return list[0], nil
}

var escaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`)

func literal(a wire.Arg) string {
	switch {
	case a.Null:
		return "NULL"
	case a.Number && strings.HasPrefix(string(a.Text), "-"):
		return "(" + string(a.Text) + ")"
	case a.Number:
		return string(a.Text)
	case !utf8.Valid(a.Text):
		return fmt.Sprintf("X'%X'", a.Text)
	}
	return "'" + escaper.Replace(string(a.Text)) + "'"
}
