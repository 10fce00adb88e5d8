package fault

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Op names what a client wants of a server.
type Op string

// The operations. Prepare, Commit and the like are those of the transaction
// interface.
const (
	AnyOp      Op = "*"
	StreamLoad Op = "streamLoad"
	Begin      Op = "begin"
	Load       Op = "load"
	Prepare    Op = "prepare"
	Commit     Op = "commit"
	Rollback   Op = "rollback"
	List       Op = "list"
	State      Op = "state"     // get_load_state
	Cancel     Op = "cancel"    // _cancel
	QueryPlan  Op = "queryPlan" // _query_plan
	Meta       Op = "meta"      // _stream_load_meta
	ErrorLog   Op = "errorLog"  // _load_error_log
	Health     Op = "health"
	Other      Op = "other"
)

// Writes are the operations that move data towards a table; a fault on requests
// without an op is aimed at these.
var Writes = []Op{StreamLoad, Begin, Load, Prepare, Commit, Rollback}

var allOps = append(slices.Clone(Writes), List, State, Cancel, QueryPlan, Meta, ErrorLog, Health, Other)

func joinOps(ops []Op) string {
	names := make([]string, len(ops))
	for i, op := range ops {
		names[i] = string(op)
	}
	return strings.Join(names, ", ")
}

// Role is the part a server plays.
type Role string

// The roles. SQL is the MySQL port of a frontend.
const (
	FE  Role = "fe"
	BE  Role = "be"
	SQL Role = "sql"
)

// Node is one server: its role, its number among those of the role, counted from
// 0, and its host:port.
type Node struct {
	Role  Role
	Index int
	Addr  string
}

// Event is something a fault can be aimed at. Fields that do not apply are empty.
type Event struct {
	Node  Node
	Op    Op
	DB    string
	Table string
	// Tables are those of a transaction of several, in place of Table.
	Tables    []string
	Label     string
	User      string
	Statement string
	// At is the point reached, for kinds that can show at several.
	At string
	// Answered, Redirected and Committed say what the server has done, once it
	// has: faults on an answer ask for them.
	Redirected, Committed bool
}

// hits says whether the event is in aim.
func (f *Fault) hits(e *Event, info *Info) bool {
	if f.At != "" && e.At != "" && f.At != e.At {
		return false
	}
	if !f.hitsNode(e.Node, info) || !f.hitsOp(e.Op, info) {
		return false
	}
	if f.DB != "" && f.DB != e.DB || f.User != "" && f.User != e.User {
		return false
	}
	if f.Table != "" && f.Table != e.Table && !slices.Contains(e.Tables, f.Table) {
		return false
	}
	if !strings.Contains(e.Label, f.Label) || f.label != nil && !f.label.MatchString(e.Label) {
		return false
	}
	if f.Statement != "" && !strings.Contains(strings.ToLower(e.Statement), strings.ToLower(f.Statement)) {
		return false
	}
	return (!info.OnRedirect || e.Redirected) && (!info.OnCommit || e.Committed)
}

func (f *Fault) hitsOp(op Op, info *Info) bool {
	switch {
	case f.Op == AnyOp || len(info.Ops) == 0:
		return true
	case f.Op != "":
		return f.Op == op
	case len(info.Default) > 0:
		return slices.Contains(info.Default, op)
	}
	return slices.Contains(info.Ops, op)
}

func (f *Fault) hitsNode(n Node, info *Info) bool {
	if f.Node == "" {
		return info.Role == "" || info.Role == n.Role
	}
	if f.Node == string(n.Role) || f.Node == n.Addr {
		return true
	}
	role, number, _ := strings.Cut(f.Node, ":")
	return role == string(n.Role) && number == strconv.Itoa(n.Index)
}

func checkNode(node string, info Info) error {
	if node == "" {
		return nil
	}
	role, number, numbered := strings.Cut(node, ":")
	if !slices.Contains([]Role{FE, BE, SQL}, Role(role)) {
		if !numbered {
			return fmt.Errorf("node must be fe, be, sql, one of these with a number as in be:1, or host:port, got %q", node)
		}
		return nil
	}
	if _, err := strconv.ParseUint(number, 10, 16); numbered && err != nil {
		return fmt.Errorf("node %q: the number counts from 0", node)
	}
	if len(info.Roles) > 0 && !slices.Contains(info.Roles, Role(role)) {
		return fmt.Errorf("node %q never shows it, only %v do", node, info.Roles)
	}
	return nil
}
