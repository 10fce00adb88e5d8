package load

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
)

// Planner checks the SQL of a _query_plan request and names the tablets that it
// reads. The error is a *PlanError.
type Planner func(ctx context.Context, user, db, table, sql string) ([]PlanTablet, error)

// PlanTablet is a tablet to scan, at a version that stays readable for a while.
type PlanTablet struct {
	ID, Version int64
	// Backend is the number of the BE that holds it.
	Backend int
}

// PlanError is the refusal of a query plan, with an HTTP status.
type PlanError struct {
	Status int
	Text   string
}

func (e *PlanError) Error() string { return e.Text }

// bePort is the thrift port of real BEs; nothing here listens on it.
const bePort = 9060

type planAnswer struct {
	Partitions map[string]planRouting `json:"partitions,omitempty"`
	Plan       string                 `json:"opaqued_query_plan,omitempty"`
	Status     int                    `json:"status"`
	Exception  string                 `json:"exception,omitempty"`
}

type planRouting struct {
	Routings   []string `json:"routings"`
	Version    int64    `json:"version"`
	SchemaHash int      `json:"schemaHash"`
}

// queryPlan answers /api/db/table/_query_plan. The plan in it is not one: the
// stand-in has no thrift port that would read it.
func (f *frontend) queryPlan(w http.ResponseWriter, r *http.Request, db, table string) {
	user, ok := f.user(w, r)
	if !ok {
		return
	}
	a, err := f.planned(r, user, db, table)
	var bad *PlanError
	switch {
	case errors.As(err, &bad) && bad.Status == http.StatusUnauthorized:
		unauthorized(w, bad.Text)
		return
	case errors.As(err, &bad):
		a = &planAnswer{Status: bad.Status, Exception: bad.Text}
	case err != nil:
		a = &planAnswer{Status: http.StatusInternalServerError, Exception: err.Error()}
	}
	writeJSON(w, a.Status, a)
}

func (f *frontend) planned(r *http.Request, user, db, table string) (*planAnswer, error) {
	var body struct {
		SQL string `json:"sql"`
	}
	raw := drained(r)
	if len(raw) == 0 {
		return nil, &PlanError{http.StatusBadRequest, "POST body must contains [sql] root object"}
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, &PlanError{http.StatusBadRequest, "malformed json [ " + string(raw) + " ]"}
	}
	if body.SQL == "" {
		return nil, &PlanError{http.StatusBadRequest, "POST body must contains [sql] root object"}
	}
	if !f.s.store.HasDatabase(db) {
		return nil, &PlanError{http.StatusNotFound, "Database [" + db + "] does not exists"}
	}
	if _, err := f.s.store.Table(db, table); err != nil {
		return nil, &PlanError{http.StatusNotFound, "Table [" + table + "] does not exists"}
	}
	tablets, err := f.s.plan(r.Context(), user, db, table, body.SQL)
	if err != nil {
		return nil, err
	}
	var plan [64]byte
	_, _ = rand.Read(plan[:]) // never fails
	a := &planAnswer{Status: http.StatusOK, Plan: base64.StdEncoding.EncodeToString(plan[:]), Partitions: map[string]planRouting{}}
	for _, t := range tablets {
		host, _, err := net.SplitHostPort(f.s.backends[t.Backend%len(f.s.backends)].node.Addr())
		if err != nil {
			return nil, err
		}
		a.Partitions[strconv.FormatInt(t.ID, 10)] = planRouting{Version: t.Version, Routings: []string{net.JoinHostPort(host, strconv.Itoa(bePort))}}
	}
	return a, nil
}
