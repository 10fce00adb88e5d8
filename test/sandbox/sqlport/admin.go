package sqlport

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// constantConfigs are settings of a frontend that clients ask for and nothing here
// can change. Options.Configs adds those that steer something.
var constantConfigs = map[string]string{
	"run_mode": "shared_nothing", "edit_log_port": "9010", "rpc_port": "9020", "cluster_name": "StarRocks Cluster",
	"default_replication_num": "3", "lower_case_table_names": "0", "enable_load_profile": "false", "max_bucket_number_per_partition": "1024",
}

// configs returns the settings of the frontend, and which of them can be changed.
func (s *Server) configs() (all map[string]string, mutable map[string]bool) {
	all, mutable = maps.Clone(constantConfigs), map[string]bool{}
	if s.opts.Configs != nil {
		for name, value := range s.opts.Configs() {
			all[name], mutable[name] = value, s.opts.SetConfig != nil
		}
	}
	return all, mutable
}

// backendConfigs lists the settings of every backend for information_schema.be_configs.
func (s *Server) backendConfigs(context.Context) (rows [][]any) {
	var steering map[string]string
	if s.opts.BackendConfigs != nil {
		steering = s.opts.BackendConfigs()
	}
	for i, n := range s.backends() {
		id := firstBackendID + int64(i)
		row := func(name, value string, mutable bool) {
			rows = append(rows, []any{id, name, value, backendType(value), value, boolNumber(mutable)})
		}
		row("be_http_port", strconv.Itoa(n.HTTPPort), false)
		for _, name := range slices.Sorted(maps.Keys(steering)) {
			row(name, steering[name], s.opts.SetConfig != nil)
		}
	}
	return rows
}

func backendType(value string) string {
	switch configType(value) {
	case "boolean":
		return "bool"
	case "int":
		return "int32_t"
	}
	return "string"
}

// setBackendConfig runs UPDATE information_schema.be_configs SET value = v WHERE
// name = 'setting', which is how settings of backends are changed by SQL. All
// backends here have the same settings.
func (ss *session) setBackendConfig(c *lex.Cursor, w *wire.Result) error {
	if err := ss.may(store.OperatePriv, onSystem); err != nil {
		return err
	}
	if err := c.Expect("set", "value", "="); err != nil {
		return err
	}
	value, err := variableValue(c)
	if err != nil {
		return err
	}
	if err := c.Expect("where", "name", "="); err != nil {
		return err
	}
	name, err := c.Str()
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	s := ss.server
	if s.opts.BackendConfigs == nil || s.opts.SetConfig == nil {
		return wire.Errorf(1064, "42000", "set config failed: %s, no such config", name)
	}
	if _, ok := s.opts.BackendConfigs()[name]; !ok {
		return wire.Errorf(1064, "42000", "set config failed: %s, no such config", name)
	}
	if err := s.opts.SetConfig(name, value.Text); err != nil {
		return wire.Errorf(1064, "42000", "set config failed: %v", err)
	}
	return w.OK(uint64(len(s.backends())), 0, "")
}

// admin runs ADMIN SHOW FRONTEND CONFIG and ADMIN SET FRONTEND CONFIG.
func (ss *session) admin(c *lex.Cursor, w *wire.Result) error {
	switch at := c.Peek(); {
	case c.Try("show", "frontend", "config"):
		if err := ss.may(store.OperatePriv, onSystem); err != nil {
			return err
		}
		a := ss.server.frontendConfigs()
		if c.Try("like") {
			pattern, err := c.Str()
			if err != nil {
				return err
			}
			a.like(pattern)
		}
		if err := c.End(); err != nil {
			return err
		}
		return a.write(w)
	case c.Try("set", "frontend", "config"):
		if err := ss.may(store.OperatePriv, onSystem); err != nil {
			return err
		}
		return ss.setConfig(c, w)
	default:
		return lex.Unexpected(at, "SHOW FRONTEND CONFIG", "SET FRONTEND CONFIG")
	}
}

func (s *Server) frontendConfigs() *answer {
	a := &answer{cols: columnsOf("Key AliasNames Value Type IsMutable Comment")}
	all, mutable := s.configs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a.add(name, "[]", all[name], configType(all[name]), strconv.FormatBool(mutable[name]), "")
	}
	return a
}

func configType(value string) string {
	switch {
	case value == "true" || value == "false":
		return "boolean"
	case isNumber(value):
		return "int"
	}
	return "String"
}

func (ss *session) setConfig(c *lex.Cursor, w *wire.Result) error {
	if err := c.Expect("("); err != nil {
		return err
	}
	type setting struct{ name, value string }
	var list []setting
	for {
		name, err := c.Str()
		if err != nil {
			return err
		}
		if err := c.Expect("="); err != nil {
			return err
		}
		value, err := c.Str()
		if err != nil {
			return err
		}
		list = append(list, setting{name, value})
		if !c.Try(",") {
			break
		}
	}
	if err := c.Expect(")"); err != nil {
		return err
	}
	c.Try("with", "persistent")
	if err := c.End(); err != nil {
		return err
	}
	for _, set := range list {
		if _, mutable := ss.server.configs(); !mutable[set.name] {
			return wire.Errorf(5102, "F0000", "Config '%s' does not exist or is not mutable", set.name)
		}
		if err := ss.server.opts.SetConfig(set.name, strings.TrimSpace(set.value)); err != nil {
			return wire.Errorf(5101, "F0000", "Set config failed: %v", err)
		}
	}
	return w.OK(0, 0, "")
}
