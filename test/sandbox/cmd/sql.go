package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-sql-driver/mysql"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
)

const aboutSQL = `gx-sandbox sql runs SQL statements, separated by semicolons, and prints what they give.

  gx-sandbox sql --fe-query 127.0.0.1:9030 "SELECT * FROM shop.orders LIMIT 5"

Any server of the MySQL protocol will do. The first failure ends it with exit code 1.
`

func runSQL(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := flag.NewFlagSet("sql", flag.ContinueOnError)
	addr := fs.String("fe-query", "127.0.0.1:9030", "`address` of the MySQL port")
	user := fs.String("user", "root:", "`name:password`")
	database := fs.String("database", "", "`name` of the database to begin with")
	if done, err := parse(fs, aboutSQL, args, out, errOut); done {
		return err
	}
	if fs.NArg() == 0 {
		fmt.Fprintln(errOut, "gx-sandbox sql needs at least one statement")
		return errUsage
	}
	statements, err := lex.Split(strings.Join(fs.Args(), ";\n"))
	if err != nil {
		return err
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.DBName = "tcp", *addr, *database
	cfg.User, cfg.Passwd, _ = strings.Cut(*user, ":")
	cfg.InterpolateParams = true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx) // one session, so that USE and SET last
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, s := range statements {
		if err := runStatement(ctx, conn, s, out); err != nil {
			return serverError(err)
		}
	}
	return nil
}

// serverError spells a server's error as MySQL clients do.
func serverError(err error) error {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return fmt.Errorf("ERROR %d (%s): %s", my.Number, my.SQLState[:], my.Message)
	}
	return err
}

var resultVerbs = []string{"select", "show", "desc", "describe", "explain", "with", "values", "help", "("}

func runStatement(ctx context.Context, conn *sql.Conn, s lex.Statement, out io.Writer) error {
	text := s.From(0)
	for _, verb := range resultVerbs {
		if s.Toks[0].Is(verb) {
			return query(ctx, conn, text, out)
		}
	}
	res, err := conn.ExecContext(ctx, text)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Query OK, %d %s affected\n", n, rowWord(n))
	return err
}

func rowWord(n int64) string {
	if n == 1 {
		return "row"
	}
	return "rows"
}

func query(ctx context.Context, conn *sql.Conn, text string, out io.Writer) error {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		_, err := fmt.Fprintln(out, "Query OK")
		return errors.Join(err, rows.Err())
	}
	table := [][]string{names}
	cells := make([]sql.RawBytes, len(names))
	targets := make([]any, len(names))
	for i := range cells {
		targets[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		line := make([]string, len(cells))
		for i, c := range cells {
			if line[i] = string(c); c == nil {
				line[i] = "NULL"
			}
		}
		table = append(table, line)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return printTable(table, out)
}

// printTable draws the lines below their header, the first line.
func printTable(table [][]string, out io.Writer) error {
	if len(table) == 1 {
		_, err := fmt.Fprintln(out, "Empty set")
		return err
	}
	widths := make([]int, len(table[0]))
	for _, line := range table {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var border strings.Builder
	for _, w := range widths {
		border.WriteString("+" + strings.Repeat("-", w+2))
	}
	border.WriteString("+\n")
	var sb strings.Builder
	sb.WriteString(border.String())
	for n, line := range table {
		for i, cell := range line {
			sb.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		sb.WriteString("|\n")
		if n == 0 {
			sb.WriteString(border.String())
		}
	}
	n := int64(len(table) - 1)
	fmt.Fprintf(&sb, "%s%d %s in set\n", border.String(), n, rowWord(n))
	_, err := io.WriteString(out, sb.String())
	return err
}
