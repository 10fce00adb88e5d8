package sqlport

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// ScanTablet is a tablet that a query plan reads, at the version the plan saw.
type ScanTablet struct{ ID, Version int64 }

// ScanError is the refusal of a query plan, with the HTTP status it is given.
type ScanError struct {
	Status int
	Text   string
}

func (e *ScanError) Error() string { return e.Text }

// PlanScan checks the SQL that a reader of tablets hands to _query_plan, as user, and
// names the tablets to read. Only columns of the one table with a WHERE can be
// planned; tablets are not pruned by it. The error is a *ScanError.
func (s *Server) PlanScan(ctx context.Context, user, db, table, text string) ([]ScanTablet, error) {
	users := s.st.Users()
	if !users.Can(user, users.DefaultRoles(user), store.SelectPriv, onTable(db, table)) {
		return nil, &ScanError{http.StatusUnauthorized, "Access denied; you need (at least one of) the SELECT privilege(s) on TABLE " + table + " for this operation"}
	}
	invalid := &ScanError{http.StatusInternalServerError, "The Sql is invalid"}
	list, err := lex.Split(text)
	if err != nil || len(list) != 1 {
		return nil, invalid
	}
	if first := list[0].Toks[0]; !strings.EqualFold(first.Text, "select") {
		return nil, &ScanError{http.StatusBadRequest, "Select statement needed, but found [" + text + " ]"}
	}
	ss := newSession(s, nil)
	ss.Reset()
	sql, _, err := ss.rewrite(list[0])
	if err != nil {
		return nil, invalid
	}
	q, err := s.engine.plan(ctx, ss, sql)
	if err != nil {
		return nil, planRefusal(err, invalid)
	}
	sc := asScan(q.node)
	if sc == nil || sc.limit >= 0 || sc.offset > 0 {
		return nil, &ScanError{http.StatusBadRequest, "only support single table filter-prune-scan, but found [ " + text + "]"}
	}
	t := sc.table.t
	if t.DB() != db || t.Name() != table {
		return nil, &ScanError{http.StatusBadRequest, "requested database and table must consistent with sql: request [ " +
			db + "." + table + "]and sql [" + t.DB() + "." + t.Name() + "]"}
	}
	var tablets []ScanTablet
	for _, p := range t.Partitions() {
		if p.Temporary {
			continue
		}
		for _, tablet := range p.Tablets {
			tablets = append(tablets, ScanTablet{ID: tablet.ID, Version: p.Version})
		}
	}
	return tablets, nil
}

// planRefusal tells a table that is not there from SQL that cannot be.
func planRefusal(err error, invalid *ScanError) error {
	var unknown *store.UnknownTable
	var noDB *store.UnknownDatabase
	var we *wire.Error
	if errors.As(err, &unknown) || errors.As(err, &noDB) || errors.As(err, &we) && we.Code == 5502 {
		return &ScanError{http.StatusNotFound, err.Error()}
	}
	return invalid
}
