package sqlport

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Names of functions that stand for syntax of their own, spelt in capitals: what a
// client calls by name is in small letters.
const (
	arrayWord     = "ARRAY"
	mapWord       = "MAP"
	subscriptWord = "ELEMENT_AT"
	wideWord      = "CAST"
	fieldWord     = "~FIELD"
)

// titleOf is the name a result column gets that has none: StarRocks writes the
// expression anew, with function names in small letters, one blank between operands,
// and parentheses around every operand that is not a column or a literal. ok is false
// for what is shown as the client wrote it (subqueries and rare syntax).
func (d *dialect) titleOf(e sqlparser.Expr) (title string, ok bool) {
	t := titler{commas: d.separator == ","}
	title = t.text(e)
	return title, !t.failed
}

type titler struct {
	failed bool
	commas bool // GROUP_CONCAT names its separator, see dialect
}

func (t *titler) fail() string {
	t.failed = true
	return ""
}

// operand is text with the parentheses an operand has.
func (t *titler) operand(e sqlparser.Expr) string {
	for {
		p, ok := e.(*sqlparser.ParenExpr)
		if !ok {
			break
		}
		e = p.Expr
	}
	text := t.text(e)
	switch e := e.(type) {
	case *sqlparser.ColName, *sqlparser.SQLVal, *sqlparser.NullVal, sqlparser.BoolVal:
		return text
	case *sqlparser.UnaryExpr:
		if _, ok := e.Expr.(*sqlparser.SQLVal); ok {
			return text
		}
	case *sqlparser.FuncExpr:
		if e.Name.String() == builtin.Prefix+wideWord {
			return text
		}
	}
	return "(" + text + ")"
}

func (t *titler) infix(left sqlparser.Expr, op string, right sqlparser.Expr) string {
	return t.operand(left) + " " + op + " " + t.operand(right)
}

func (t *titler) text(e sqlparser.Expr) string {
	switch e := e.(type) {
	case *sqlparser.ParenExpr:
		return t.text(e.Expr)
	case *sqlparser.ColName:
		name := e.Name.String()
		if q := e.Qualifier.Name.String(); q != "" {
			name = q + "." + name
		}
		return name
	case *sqlparser.SQLVal:
		return t.literal(e)
	case *sqlparser.NullVal:
		return "NULL"
	case sqlparser.BoolVal:
		return strings.ToUpper(strconv.FormatBool(bool(e)))
	case *sqlparser.AndExpr:
		return t.infix(e.Left, "AND", e.Right)
	case *sqlparser.OrExpr:
		return t.infix(e.Left, "OR", e.Right)
	case *sqlparser.NotExpr:
		return "NOT " + t.operand(e.Expr)
	case *sqlparser.BinaryExpr:
		return t.binary(e)
	case *sqlparser.UnaryExpr:
		return t.unary(e)
	case *sqlparser.ComparisonExpr:
		return t.comparison(e)
	case *sqlparser.RangeCond:
		return t.operand(e.Left) + " " + strings.ToUpper(e.Operator) + " " + t.operand(e.From) + " AND " + t.operand(e.To)
	case *sqlparser.IsExpr:
		if e.Operator == sqlparser.IsNullStr || e.Operator == sqlparser.IsNotNullStr {
			return t.operand(e.Expr) + " " + strings.ToUpper(e.Operator)
		}
	case *sqlparser.CaseExpr:
		return t.cases(e)
	case *sqlparser.FuncExpr:
		return t.function(e)
	case *sqlparser.GroupConcatExpr:
		return t.groupConcat(e)
	case *sqlparser.IntervalExpr:
		return "INTERVAL " + t.text(e.Expr) + " " + strings.ToUpper(e.Unit)
	case *sqlparser.TimestampFuncExpr:
		return strings.ToLower(e.Name) + "(" + strings.ToUpper(e.Unit) + ", " + t.text(e.Expr1) + ", " + t.text(e.Expr2) + ")"
	case *sqlparser.ExtractFuncExpr:
		return strings.ToLower(e.Unit) + "(" + t.text(e.Expr) + ")"
	}
	return t.fail()
}

func (t *titler) literal(v *sqlparser.SQLVal) string {
	text := string(v.Val)
	switch v.Type {
	case sqlparser.StrVal:
		return quotedTitle(text)
	case sqlparser.IntVal:
		return text
	case sqlparser.FloatVal:
		if strings.ContainsAny(text, "eE") {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return t.fail()
			}
			if text = store.Format(store.Type{Kind: store.Double}, f); !strings.ContainsAny(text, ".e") {
				text += ".0"
			}
			return text
		}
		if strings.HasPrefix(text, ".") {
			text = "0" + text
		}
		return text
	}
	return t.fail()
}

func quotedTitle(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'"
}

func (t *titler) binary(e *sqlparser.BinaryExpr) string {
	switch op := strings.ToLower(e.Operator); op {
	case "+", "-":
		for _, side := range []sqlparser.Expr{e.Left, e.Right} {
			if _, interval := side.(*sqlparser.IntervalExpr); interval {
				return t.text(e.Left) + " " + op + " " + t.text(e.Right)
			}
		}
		return t.infix(e.Left, op, e.Right)
	case "*", "/", "%", "&", "|", "^":
		return t.infix(e.Left, op, e.Right)
	case sqlparser.IntDivStr:
		return t.infix(e.Left, "DIV", e.Right)
	case "mod":
		return t.infix(e.Left, "%", e.Right)
	case sqlparser.JSONExtractOp:
		return t.text(e.Left) + "->" + t.text(e.Right)
	}
	return t.fail()
}

func (t *titler) unary(e *sqlparser.UnaryExpr) string {
	switch e.Operator {
	case sqlparser.MinusStr:
		if v, ok := e.Expr.(*sqlparser.SQLVal); ok && v.Type != sqlparser.StrVal {
			return "-" + t.literal(v)
		}
		return "-1 * " + t.operand(e.Expr)
	case sqlparser.UPlusStr:
		return t.text(e.Expr)
	case sqlparser.TildaStr:
		return "~" + t.operand(e.Expr)
	case sqlparser.BangStr:
		return "NOT " + t.operand(e.Expr)
	}
	return t.fail()
}

func (t *titler) comparison(e *sqlparser.ComparisonExpr) string {
	switch op := strings.ToLower(e.Operator); op {
	case sqlparser.InStr, sqlparser.NotInStr:
		list, ok := e.Right.(sqlparser.ValTuple)
		if !ok {
			return t.fail()
		}
		items := make([]string, len(list))
		for i, item := range list {
			items[i] = t.operand(item)
		}
		return t.operand(e.Left) + " " + strings.ToUpper(op) + " (" + strings.Join(items, ", ") + ")"
	case sqlparser.LikeStr, sqlparser.RegexpStr:
		return t.infix(e.Left, strings.ToUpper(op), e.Right)
	case sqlparser.NotLikeStr, sqlparser.NotRegexpStr:
		return "NOT (" + t.infix(e.Left, strings.ToUpper(strings.TrimPrefix(op, "not ")), e.Right) + ")"
	case "=", "<=>", "<", "<=", ">", ">=", sqlparser.NotEqualStr:
		return t.infix(e.Left, op, e.Right)
	}
	return t.fail()
}

func (t *titler) cases(e *sqlparser.CaseExpr) string {
	var b strings.Builder
	b.WriteString("CASE")
	if e.Expr != nil {
		b.WriteString(" " + t.operand(e.Expr))
	}
	for _, w := range e.Whens {
		b.WriteString(" WHEN " + t.operand(w.Cond) + " THEN " + t.operand(w.Val))
	}
	if e.Else != nil {
		b.WriteString(" ELSE " + t.operand(e.Else))
	}
	return b.String() + " END"
}

func (t *titler) arguments(list sqlparser.SelectExprs) []string {
	args := make([]string, len(list))
	for i, a := range list {
		switch a := a.(type) {
		case *sqlparser.StarExpr:
			args[i] = "*"
		case *sqlparser.AliasedExpr:
			args[i] = t.text(a.Expr)
		default:
			t.fail()
		}
	}
	return args
}

func (t *titler) function(e *sqlparser.FuncExpr) string {
	unwrapWindow(e)
	name, ours := strings.CutPrefix(e.Name.String(), builtin.Prefix)
	args := t.arguments(e.Exprs)
	if ours {
		switch {
		case name == arrayWord:
			return "[" + strings.Join(args, ", ") + "]"
		case name == subscriptWord && len(args) == 2:
			return args[0] + "[" + args[1] + "]"
		case name == mapWord && len(args)%2 == 0:
			pairs := make([]string, 0, len(args)/2)
			for i := 0; i < len(args); i += 2 {
				pairs = append(pairs, args[i]+":"+args[i+1])
			}
			return "map{" + strings.Join(pairs, ",") + "}"
		case name == "->" && len(args) == 2:
			return args[0] + "->" + args[1]
		case name == fieldWord && len(args) == 2:
			return args[0] + "." + strings.Trim(args[1], "'")
		case name == wideWord && len(args) == 2:
			return strings.Trim(args[0], "'")
		case name == "cast" && len(e.Exprs) == 2:
			return t.cast(e.Exprs)
		}
		switch name {
		case "timestampdiff", "timestampadd":
			if len(args) > 0 {
				args[0] = strings.ToUpper(args[0])
			}
		case "database", "schema", "user", "current_user", "connection_id", "current_role":
			name = strings.ToUpper(name)
		}
		return name + "(" + strings.Join(args, ", ") + ")"
	}
	text := strings.ToLower(name) + "("
	if e.Distinct {
		text += "DISTINCT "
	}
	text += strings.Join(args, ", ") + ")"
	if e.Over == nil {
		return text
	}
	if !e.Over.NameRef.IsEmpty() {
		return t.fail()
	}
	return text + " OVER (" + t.window(e.Over) + ")"
}

func (t *titler) window(w *sqlparser.Over) string {
	text := ""
	if len(w.PartitionBy) > 0 {
		parts := make([]string, len(w.PartitionBy))
		for i, p := range w.PartitionBy {
			parts[i] = t.text(p)
		}
		text = "PARTITION BY " + strings.Join(parts, ", ") + " "
	}
	if len(w.OrderBy) > 0 {
		text += "ORDER BY " + t.order(w.OrderBy) + " "
	}
	if w.Frame != nil {
		text += sqlparser.String(w.Frame)
	}
	return text
}

func (t *titler) order(list sqlparser.OrderBy) string {
	parts := make([]string, len(list))
	for i, o := range list {
		parts[i] = t.text(o.Expr) + " " + strings.ToUpper(o.Direction)
	}
	return strings.Join(parts, ", ")
}

func (t *titler) groupConcat(e *sqlparser.GroupConcatExpr) string {
	text := "group_concat("
	if e.Distinct != "" {
		text += "DISTINCT "
	}
	text += strings.Join(t.arguments(e.Exprs), ",")
	if len(e.OrderBy) > 0 {
		text += " ORDER BY " + t.order(e.OrderBy)
	}
	switch separator := e.Separator.SeparatorString; {
	case !t.commas && e.Separator.DefaultSeparator:
	case !t.commas:
		text += ", " + quotedTitle(separator)
	case e.Separator.DefaultSeparator:
		text += " SEPARATOR ','"
	default:
		text += " SEPARATOR " + quotedTitle(separator)
	}
	return text + ")"
}

func (t *titler) cast(args sqlparser.SelectExprs) string {
	value, ok := args[0].(*sqlparser.AliasedExpr)
	typ, isText := args[1].(*sqlparser.AliasedExpr)
	if !ok || !isText {
		return t.fail()
	}
	name, ok := typ.Expr.(*sqlparser.SQLVal)
	if !ok {
		return t.fail()
	}
	return "CAST(" + t.operand(value.Expr) + " AS " + typeTitle(string(name.Val)) + ")"
}

var (
	widths   = regexp.MustCompile(`(?i)\b(tinyint|smallint|int|integer|bigint|largeint)\(\d+\)`)
	decimals = regexp.MustCompile(`(?i)\bdecimal\((\d+), ?(\d+)\)`)
)

// typeTitle is a type as the title of a CAST shows it: in capitals, numbers without a
// display width, decimals with the bits that hold them.
func typeTitle(text string) string {
	if !strings.EqualFold(strings.TrimSpace(text), "varchar") && !strings.EqualFold(strings.TrimSpace(text), "char") {
		if t, err := store.ParseType(text); err == nil {
			text = t.String()
		}
	}
	text = widths.ReplaceAllString(text, "$1")
	text = decimals.ReplaceAllStringFunc(text, func(s string) string {
		m := decimals.FindStringSubmatch(s)
		bits := 128
		switch p, _ := strconv.Atoi(m[1]); {
		case p <= 9:
			bits = 32
		case p <= 18:
			bits = 64
		}
		return fmt.Sprintf("decimal%d(%s,%s)", bits, m[1], m[2])
	})
	return strings.ToUpper(text)
}
