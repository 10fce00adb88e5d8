package builtin

import (
	"context"
	"math/big"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
)

type sqlType = sql.Type

// Env is what functions see of the session that runs them.
type Env struct {
	Zone         *time.Location // of the session
	Version      string         // of StarRocks
	MySQLVersion string         // what version() says
	User         string         // 'name'@'%'
}

type envKey struct{}

// WithEnv returns a context whose queries see env.
func WithEnv(ctx context.Context, env *Env) context.Context {
	return context.WithValue(ctx, envKey{}, env)
}

func (c *call) env() *Env {
	if env, ok := c.ctx.Value(envKey{}).(*Env); ok {
		return env
	}
	return &Env{Zone: time.UTC}
}

// zone is the time zone of the session.
func (c *call) zone() *time.Location {
	if z := c.env().Zone; z != nil {
		return z
	}
	return time.UTC
}

// now is the moment the statement began, as the session's clock shows it. Moments
// have no zone: the digits of the session's zone are put into UTC.
func (c *call) now(zone *time.Location) time.Time { return floating(c.ctx.QueryTime().In(zone)) }

func floating(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is the reverse of floating: the point in time at which clocks in a zone
// show t.
func instant(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
}

func bigFromBytes(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

func init() {
	user := &function{result: varchar, eval: func(c *call) any { return c.env().User }}
	database := &function{result: varchar, eval: func(c *call) any {
		if db := c.ctx.GetCurrentDatabase(); db != "" {
			return db
		}
		return nil
	}}
	register(map[string]*function{
		"version":         {result: varchar, eval: func(c *call) any { return c.env().MySQLVersion }},
		"current_version": {result: varchar, eval: func(c *call) any { return c.env().Version }},
		"user":            user, "current_user": user, "session_user": user, "system_user": user,
		"database": database, "schema": database,
		"catalog":       {result: varchar, eval: func(*call) any { return "default_catalog" }},
		"connection_id": {result: bigint, eval: func(c *call) any { return int64(c.ctx.Session.ID()) }},
		"last_query_id": {result: varchar, eval: func(*call) any { return nil }},
		"current_role":  {result: varchar, eval: func(*call) any { return "root" }},
		"sleep":         {min: 1, max: 1, volatile: true, result: boolean, eval: sleep},
	})
}

// sleep ends early with the statement.
func sleep(c *call) any {
	t := time.NewTimer(time.Duration(c.double(0) * float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return int64(1)
	case <-c.ctx.Done():
		c.err = context.Cause(c.ctx)
		return nil
	}
}
