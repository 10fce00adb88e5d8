package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func readClock(o *Options, _ *http.Request) (any, error) { return o.clock(), nil }

func jump(o *Options, r *http.Request) (any, error) {
	var body struct {
		Jump string `json:"jump"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		return nil, missing("the clock")
	}
	d, err := time.ParseDuration(body.Jump)
	if err != nil {
		return nil, fmt.Errorf(`jump must be a duration such as "26h" or "-30m", got %q`, body.Jump)
	}
	o.Clock.Jump(d)
	return o.clock(), nil
}

func nodes(o *Options, _ *http.Request) (any, error) {
	if o.Cluster == nil {
		return nil, missing("the list of servers")
	}
	return o.Cluster.Nodes(), nil
}

var nodeVerbs = []string{"stop", "start", "restart", "lead"}

func moveNode(o *Options, r *http.Request) (any, error) {
	var body struct {
		Node string `json:"node"`
		Do   string `json:"do"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if o.Cluster == nil {
		return nil, missing("stopping and starting servers")
	}
	role, number, _ := strings.Cut(body.Node, ":")
	index, err := strconv.Atoi(number)
	if err != nil || index < 0 || role != "fe" && role != "be" {
		return nil, fmt.Errorf(`node must be fe:N or be:N, counted from 0, got %q`, body.Node)
	}
	if !slices.Contains(nodeVerbs, body.Do) {
		return nil, fmt.Errorf("do must be one of %s, got %q", strings.Join(nodeVerbs, ", "), body.Do)
	}
	if err := o.Cluster.Do(r.Context(), role, index, body.Do); err != nil {
		return nil, err
	}
	return o.Cluster.Nodes(), nil
}

func readConfig(o *Options, _ *http.Request) (any, error) {
	if o.Config == nil {
		return nil, missing("the configuration")
	}
	return o.Config.Settings(), nil
}

// writeConfig takes values as they stand in a configuration file: numbers, words,
// true and false, with or without quotes.
func writeConfig(o *Options, r *http.Request) (any, error) {
	var body map[string]json.RawMessage
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if o.Config == nil {
		return nil, missing("the configuration")
	}
	known := o.Config.Settings()
	for name := range body {
		if _, ok := known[name]; !ok {
			return nil, fmt.Errorf("unknown setting %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		value := string(body[name])
		if text := ""; json.Unmarshal(body[name], &text) == nil {
			value = text
		}
		if err := o.Config.Set(name, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return o.Config.Settings(), nil
}

func sweep(o *Options, _ *http.Request) (any, error) {
	if o.Labels == nil {
		return nil, missing("the memory of labels")
	}
	o.Labels.Sweep()
	return ok, nil
}

func evict(o *Options, r *http.Request) (any, error) {
	var body struct {
		DB    string `json:"db"`
		Label string `json:"label"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if o.Labels == nil {
		return nil, missing("the memory of labels")
	}
	if !o.Labels.Forget(body.DB, body.Label) {
		return nil, &problem{http.StatusNotFound, fmt.Errorf("database %q has no finished label %q", body.DB, body.Label)}
	}
	return ok, nil
}

func setUser(o *Options, r *http.Request) (any, error) {
	var body struct {
		Name     string  `json:"name"`
		Password *string `json:"password"`
		ReadOnly *bool   `json:"readOnly"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if o.Users == nil {
		return nil, missing("the list of users")
	}
	if body.Name == "" || body.Password == nil && body.ReadOnly == nil {
		return nil, errors.New(`the body must be {"name": "...", "password": "...", "readOnly": false}, without password or without readOnly to leave it`)
	}
	if body.Password != nil {
		o.Users.Add(body.Name, *body.Password)
	}
	if _, known := o.Users.Password(body.Name); !known {
		return nil, &problem{http.StatusNotFound, fmt.Errorf("there is no user %q", body.Name)}
	}
	if body.ReadOnly != nil {
		o.Users.SetReadOnly(body.Name, *body.ReadOnly)
	}
	return ok, nil
}

func runSQL(o *Options, r *http.Request) (any, error) {
	var body struct {
		SQL string `json:"sql"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if o.Querier == nil {
		return nil, missing("SQL")
	}
	return o.Querier.Query(r.Context(), body.SQL)
}

func save(o *Options, _ *http.Request) (any, error) {
	if o.Saver == nil {
		return nil, missing("saving, which needs a data folder,")
	}
	if err := o.Saver.Save(); err != nil {
		return nil, &problem{http.StatusInternalServerError, err}
	}
	return ok, nil
}
