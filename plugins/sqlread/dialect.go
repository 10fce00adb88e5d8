// Package sqlread reads tables over the MySQL protocol: the reader behind plugins/starrocks and plugins/mysql, which each
// bring a Dialect. A table is cut into shards by a column (package cut) or by what the dialect offers; each shard is one
// SELECT whose rows are turned into Arrow as they arrive.
package sqlread

import (
	"context"
	"database/sql"
	"time"
)

// Dialect is what one kind of server does in its own way.
type Dialect struct {
	Plugin  string // name of the plugin, "starrocks-reader"
	Product string // name for people
	Port    string // where it listens when nothing is said
	// Column judges a column by its COLUMN_TYPE in information_schema.
	Column func(columnType string) Type
	// Computed judges the result of an expression by the name of its type in the protocol, as the driver gives it.
	Computed func(wireType string) Type
	// Select is how a column of the type is asked for; quoted is its name.
	Select func(t Type, quoted string) string
	// Hints tells that a SELECT may begin with a hint that sets variables, which is where the timeout goes.
	Hints bool
	// Session gives statements that prepare a connection for a read of at most this long; hinted tells that the time
	// stands in the statement itself.
	Session func(timeout time.Duration, hinted bool) []string
	// Tablets lists the parts of a table as the server stores them; nil when there is no such list.
	Tablets func(ctx context.Context, conn *sql.Conn, table string) (ids []string, err error)
}
