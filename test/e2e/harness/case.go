package harness

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Case is the surroundings of one job: names that nobody else uses, and a folder.
type Case struct {
	T      *testing.T
	World  *World
	Broker *Broker

	ID              string
	Dir             string
	Topic, Group    string
	Database, Table string
	Env             []string // added to the environment of gx
}

var cases atomic.Int64

// Case makes the surroundings of a job on a broker. The database is there, topic and table are not.
func (w *World) Case(t *testing.T, b *Broker) *Case {
	t.Helper()
	id := fmt.Sprintf("c%d_%s", cases.Add(1), b.Name)
	c := &Case{T: t, World: w, Broker: b, ID: id, Dir: t.TempDir(), Topic: id, Group: "group_" + id, Database: "db_" + id, Table: "t_" + id}
	c.Exec("CREATE DATABASE " + c.Database)
	return c
}

// CreateTopic makes the case's topic.
func (c *Case) CreateTopic(partitions int) {
	c.T.Helper()
	c.Broker.CreateTopic(c.T, c.Topic, partitions)
}

// CreateTable makes the case's table from its columns and whatever follows the closing parenthesis.
func (c *Case) CreateTable(columns, model string) {
	c.T.Helper()
	c.Exec(fmt.Sprintf("CREATE TABLE %s.%s (%s) %s", c.Database, c.Table, columns, model))
}

// Values sends values to partition 0 of the case's topic, in order.
func (c *Case) Values(values ...string) {
	c.T.Helper()
	c.ValuesTo(0, values...)
}

// ValuesTo sends values to a partition of the case's topic, in order.
func (c *Case) ValuesTo(partition int32, values ...string) {
	c.T.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: c.Topic, Partition: partition, Value: []byte(v)}
	}
	c.Broker.Produce(c.T, records...)
}

// Exec runs a statement on the stand-in.
func (c *Case) Exec(statement string) {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := c.World.Sandbox.DB.ExecContext(ctx, statement); err != nil {
		c.T.Fatalf("%s: %v", statement, err)
	}
}

// Query gives the rows of a query, one text a row, its values separated by |, NULL as NULL. In the query @t stands for
// the case's table.
func (c *Case) Query(query string) []string {
	c.T.Helper()
	_, rows, err := c.query(query)
	if err != nil {
		c.T.Fatalf("%s: %v", query, err)
	}
	return rows
}

// Names gives the names of a query's columns.
func (c *Case) Names(query string) []string {
	c.T.Helper()
	names, _, err := c.query(query)
	if err != nil {
		c.T.Fatalf("%s: %v", query, err)
	}
	return names
}

func (c *Case) query(query string) (names, out []string, err error) {
	query = strings.ReplaceAll(query, "@t", c.Database+"."+c.Table)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rows, err := c.World.Sandbox.DB.QueryContext(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	if names, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	cells := make([]sql.RawBytes, len(names))
	into := make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, nil, err
		}
		line := make([]string, len(cells))
		for i, cell := range cells {
			if line[i] = string(cell); cell == nil {
				line[i] = "NULL"
			}
		}
		out = append(out, strings.Join(line, "|"))
	}
	return names, out, rows.Err()
}

// Count is the number of rows in the case's table.
func (c *Case) Count() int {
	c.T.Helper()
	var n int
	if _, err := fmt.Sscan(c.Query("SELECT COUNT(*) FROM @t")[0], &n); err != nil {
		c.T.Fatal(err)
	}
	return n
}

// WantRows compares the rows of a query with what they should be.
func (c *Case) WantRows(query string, want ...string) {
	c.T.Helper()
	got := c.Query(query)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		c.T.Errorf("%s\n got:\n  %s\nwant:\n  %s", query, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// WantNoLoads fails when a load for the case's table arrived at the stand-in.
func (c *Case) WantNoLoads() {
	c.T.Helper()
	if n := len(c.World.Sandbox.Loads(c.T, "be", c.Database, c.Table)); n != 0 {
		c.T.Errorf("%d loads arrived for %s.%s, none was to be sent", n, c.Database, c.Table)
	}
}

// Until waits until f is true; after a minute it fails with what was waited for.
func Until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
