package sqlport

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// variables are the system variables of a server or of one session. Two steer
// something here: query_timeout and custom_query_id. The others are kept, checked
// and shown, for clients that set them.
type variables struct {
	// mu guards the following; only the set of a server is shared.
	mu     sync.Mutex
	values map[string]string
}

// known lists the variables with their defaults. The default tells the type:
// true and false make a boolean, digits a number, the rest is text.
var known = map[string]string{
	"audit_query_timeout": "0", "auto_increment_increment": "1", "autocommit": "true", "batch_size": "1024",
	"big_query_profile_threshold": "0s", "cbo_enable_low_cardinality_optimize": "true", "character_set_client": "utf8mb4",
	"character_set_connection": "utf8mb4", "character_set_database": "utf8mb4", "character_set_results": "utf8mb4",
	"character_set_server": "utf8mb4", "collation_connection": "utf8mb4_general_ci", "collation_database": "utf8mb4_general_ci",
	"collation_server": "utf8mb4_general_ci", "custom_query_id": "", "enable_connector_sink_spill": "true",
	"enable_filter_unused_columns_in_scan_stage": "true", "enable_insert_strict": "true", "enable_pipeline_engine": "true",
	"enable_profile": "false", "enable_query_cache": "false", "enable_spill": "false", "exec_mem_limit": "2147483648",
	"group_concat_max_len": "1024", "init_connect": "", "insert_max_filter_ratio": "0", "insert_timeout": "14400",
	"interactive_timeout": "3600", "io_tasks_per_scan_operator": "4", "is_report_success": "false", "license": "Apache License 2.0",
	"load_mem_limit": "0", "lower_case_table_names": "0", "max_allowed_packet": "67108864", "max_execution_time": "0",
	"net_buffer_length": "16384", "net_read_timeout": "60", "net_write_timeout": "60", "parallel_fragment_exec_instance_num": "1",
	"performance_schema": "false", "pipeline_dop": "0", "pipeline_profile_level": "1", "query_cache_size": "1048576",
	"query_cache_type": "0", "query_delivery_timeout": "300", "query_mem_limit": "0", "query_queue_pending_timeout_second": "300",
	"query_timeout": "300", "sql_auto_is_null": "false", "sql_dialect": "starrocks", "sql_mode": "ONLY_FULL_GROUP_BY",
	"sql_quote_show_create": "true", "sql_safe_updates": "0", "sql_select_limit": "9223372036854775807", "storage_engine": "olap",
	"streaming_preaggregation_mode": "auto", "system_time_zone": "Etc/UTC", "time_zone": "Etc/UTC",
	"transaction_isolation": "REPEATABLE-READ", "transaction_read_only": "false", "tx_isolation": "REPEATABLE-READ",
	"tx_read_only": "false", "use_compute_nodes": "-1", "version": mysqlVersion, "version_comment": "StarRocks",
	"wait_timeout": "28800", "warehouse": "default_warehouse",
}

// ranges bound numbers, both ends included. The others take any number.
var ranges = map[string][2]int64{
	"query_timeout": {1, 259200}, "insert_timeout": {1, 259200}, "query_mem_limit": {0, math.MaxInt64}, "load_mem_limit": {0, math.MaxInt64},
	"exec_mem_limit": {2097152, math.MaxInt64}, "sql_select_limit": {0, math.MaxInt64},
}

var readOnly = []string{"version", "version_comment", "license", "lower_case_table_names", "system_time_zone", "performance_schema"}

func newVariables() *variables { return &variables{values: maps.Clone(known)} }

func (v *variables) clone() *variables {
	v.mu.Lock()
	defer v.mu.Unlock()
	return &variables{values: maps.Clone(v.values)}
}

func (v *variables) get(name string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.values[strings.ToLower(name)]
}

// number returns a variable that set has checked to be one.
func (v *variables) number(name string) int64 {
	n, _ := strconv.ParseInt(v.get(name), 10, 64)
	return n
}

// set gives a variable a value: a literal, a bare word, or DEFAULT.
func (v *variables) set(name string, value lex.Token) error {
	name = strings.ToLower(name)
	deflt, ok := known[name]
	if !ok {
		return wire.Errorf(1193, "HY000", "Unknown system variable '%s'", name)
	}
	if slices.Contains(readOnly, name) {
		return wire.Errorf(1621, "HY000", "Variable '%s' is a read only variable", name)
	}
	text := value.Text
	wrong := func() error {
		return wire.Errorf(1231, "42000", "Variable '%s' can't be set to the value of '%s'", name, text)
	}
	switch {
	case value.Is("default"):
		text = deflt
	case deflt == "true" || deflt == "false":
		switch strings.ToLower(text) {
		case "1", "on", "true":
			text = "true"
		case "0", "off", "false":
			text = "false"
		default:
			return wrong()
		}
	case isNumber(deflt):
		if !isNumber(text) && !(name == "insert_max_filter_ratio" && value.Kind == lex.Number) {
			return wire.Errorf(1232, "42000", "Incorrect argument type to variable '%s'", name)
		}
		n, _ := strconv.ParseInt(text, 10, 64)
		if r, ok := ranges[name]; ok && n < r[0] {
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %s must be equal or greater than %d.", name, r[0])
		} else if ok && n > r[1] {
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %s must be equal or smaller than %d.", name, r[1])
		}
	case name == "time_zone":
		if _, err := builtin.Zone(text); err != nil || text == "" {
			return wire.Errorf(1298, "HY000", "Unknown or incorrect time zone: '%s'", text)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[name] = text
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// shown is a variable as @@name and SHOW VARIABLES give it.
func (v *variables) shown(name string, boolean func(bool) string) string {
	text := v.get(name)
	if d := known[strings.ToLower(name)]; d == "true" || d == "false" {
		return boolean(text == "true")
	}
	return text
}

func oneZero(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// variableValue reads the value of an assignment. A sign goes into the token.
func variableValue(c *lex.Cursor) (lex.Token, error) {
	t := c.Next()
	if (t.Is("-") || t.Is("+")) && c.Peek().Kind == lex.Number {
		n := c.Next()
		n.Text, n.Pos = strings.TrimPrefix(t.Text, "+")+n.Text, t.Pos
		return n, nil
	}
	if t.Kind == lex.String || t.Kind == lex.Number || t.IsName() {
		return t, nil
	}
	return t, lex.Unexpected(t, "a literal", "DEFAULT")
}

// set runs SET: system variables, user variables, NAMES, CHARACTER SET.
func (ss *session) set(ctx context.Context, stmt lex.Statement, w *wire.Result) error {
	c := &lex.Cursor{Toks: stmt.Toks}
	c.Next()
	for {
		if err := ss.assign(ctx, c, stmt); err != nil {
			return err
		}
		if !c.Try(",") {
			break
		}
	}
	if err := c.End(); err != nil {
		return err
	}
	return w.OK(0, 0, "")
}

func (ss *session) assign(ctx context.Context, c *lex.Cursor, stmt lex.Statement) error {
	switch {
	case c.Try("names"), c.Try("charset"), c.Try("character", "set"):
		name, err := variableValue(c)
		if err != nil {
			return err
		}
		if c.Try("collate") {
			if _, err := variableValue(c); err != nil {
				return err
			}
		}
		switch strings.ToLower(name.Text) {
		case "utf8", "utf8mb4", "utf8mb3", "gbk", "latin1", "default":
			return nil // the connection speaks UTF-8 whatever is asked, as StarRocks does
		}
		return wire.Errorf(1115, "42000", "Unknown character set: '%s'", name.Text)
	case c.Peek().Is("password"), c.Peek().Is("role"), c.Peek().Is("catalog"):
		return lex.At(c.Peek(), "SET %s is not supported by this stand-in", strings.ToUpper(c.Peek().Text))
	case c.Try("transaction"), c.Try("session", "transaction"), c.Try("global", "transaction"):
		for t := c.Peek(); t.Kind != lex.EOF; t = c.Peek() {
			c.Next() // isolation is one and the same whatever is asked
		}
		return nil
	case c.Peek().Is("@"):
		return ss.assignUser(ctx, c, stmt)
	}
	global, name, err := variableName(c)
	if err != nil {
		return err
	}
	if !c.Try("=") && !c.Try(":=") {
		return lex.Unexpected(c.Peek(), "=")
	}
	value, err := ss.settled(ctx, c, stmt)
	if err != nil {
		return err
	}
	if global {
		if err := ss.server.globals.set(name.Text, value); err != nil {
			return err
		}
	}
	return ss.vars.set(name.Text, value)
}

// variableName reads [GLOBAL|SESSION|LOCAL] name or @@[scope.]name.
func variableName(c *lex.Cursor) (global bool, name lex.Token, err error) {
	dotted := c.Try("@@")
	for _, scope := range []string{"global", "session", "local", "verbose"} {
		if !c.Peek().Is(scope) || c.After(1).Is("=") {
			continue
		}
		global = scope == "global"
		c.Next()
		if dotted {
			if err := c.Expect("."); err != nil {
				return global, name, err
			}
		}
		break
	}
	name, err = c.Name()
	return global, name, err
}

// skipItem moves up to the comma that ends an item of SET.
func skipItem(c *lex.Cursor) {
	for depth := 0; c.Peek().Kind != lex.EOF && (depth > 0 || !c.Peek().Is(",")); c.Next() {
		if c.Peek().Is("(") {
			depth++
		} else if c.Peek().Is(")") {
			depth--
		}
	}
}

// settled reads the value of a system variable: a literal, a bare word, or an
// expression without columns.
func (ss *session) settled(ctx context.Context, c *lex.Cursor, stmt lex.Statement) (lex.Token, error) {
	from := c.I
	value, err := variableValue(c)
	if next := c.Peek(); err == nil && (next.Kind == lex.EOF || next.Is(",")) {
		return value, nil
	}
	c.I = from
	if first := c.Peek(); first.Kind == lex.EOF || first.Is(",") {
		return value, err
	}
	skipItem(c)
	q, err := ss.planText(ctx, "SELECT "+stmt.Between(from, c.I))
	if err != nil {
		return value, err
	}
	enc := texters(q.node.Schema())
	value = lex.Token{Kind: lex.String, Line: value.Line, Col: value.Col}
	err = ss.server.engine.each(q, func(row sql.Row) error {
		text, null, err := enc[0].text(q.ctx, row[0])
		if null {
			text = "NULL"
		}
		value.Text = text
		return err
	})
	return value, err
}

// assignUser sets @name to the value of any expression.
func (ss *session) assignUser(ctx context.Context, c *lex.Cursor, stmt lex.Statement) error {
	c.Next()
	name, err := c.Name()
	if err != nil {
		return err
	}
	if !c.Try("=") && !c.Try(":=") {
		return lex.Unexpected(c.Peek(), "=")
	}
	from := c.I
	skipItem(c)
	q, err := ss.planText(ctx, "SELECT "+stmt.Between(from, c.I))
	if err != nil {
		return err
	}
	schema := q.node.Schema()
	if len(schema) != 1 {
		return lex.At(name, "a user variable takes one value, not %d", len(schema))
	}
	return ss.server.engine.each(q, func(row sql.Row) error {
		return ss.base.SetUserVariable(q.ctx, name.Text, row[0], schema[0].Type)
	})
}

// shownVariable is one item of SELECT @@a, @@b AS x.
type shownVariable struct {
	global bool
	name   lex.Token
	title  string
}

// variableList reads a SELECT that asks for nothing but system variables. Any
// other statement is left to the engine.
func variableList(toks []lex.Token) ([]shownVariable, bool) {
	c := &lex.Cursor{Toks: toks}
	if !c.Try("select") || !c.Peek().Is("@@") {
		return nil, false
	}
	var list []shownVariable
	for {
		if !c.Peek().Is("@@") {
			return nil, false
		}
		global, name, err := variableName(c)
		if err != nil {
			return nil, false
		}
		v := shownVariable{global: global, name: name, title: "@@" + name.Text}
		if c.Try("as") || c.Peek().IsName() && !c.Peek().Is("limit") {
			alias := c.Next()
			if !alias.IsName() && alias.Kind != lex.String {
				return nil, false
			}
			v.title = alias.Text
		}
		list = append(list, v)
		if !c.Try(",") {
			break
		}
	}
	if c.Try("limit") && c.Peek().Kind == lex.Number {
		c.Next()
	}
	return list, c.Peek().Kind == lex.EOF
}

func (ss *session) selectVariables(list []shownVariable, w *wire.Result) error {
	cols := make([]wire.Column, len(list))
	for i, v := range list {
		deflt, ok := known[strings.ToLower(v.name.Text)]
		if !ok {
			return wire.Errorf(1193, "HY000", "Unknown system variable '%s'", v.name.Text)
		}
		cols[i] = textColumn(v.title)
		if isNumber(deflt) || deflt == "true" || deflt == "false" {
			cols[i] = numberColumn(v.title)
		}
	}
	if err := w.Columns(cols); err != nil {
		return err
	}
	w.BeginRow()
	for _, v := range list {
		set := ss.vars
		if v.global {
			set = ss.server.globals
		}
		w.String(set.shown(v.name.Text, oneZero))
	}
	if err := w.EndRow(); err != nil {
		return err
	}
	return w.End()
}

func textColumn(name string) wire.Column {
	return wire.Column{Name: name, Type: wire.TypeVarString, Charset: wire.CharsetUTF8, Length: 3 * 1024}
}

func numberColumn(name string) wire.Column {
	return wire.Column{Name: name, Type: wire.TypeLongLong, Charset: wire.CharsetBinary, Length: 20}
}

// variableRows lists all variables for SHOW VARIABLES.
func (v *variables) variableRows() [][]any {
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(known)) {
		rows = append(rows, []any{name, v.shown(name, func(b bool) string { return fmt.Sprint(b) })})
	}
	return rows
}
