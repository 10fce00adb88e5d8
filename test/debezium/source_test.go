package debezium

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/go-sql-driver/mysql" // registers itself
	"github.com/gx-etl/gx/test/e2e/built"
	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/gx-etl/gx/test/mariadb"
	_ "github.com/jackc/pgx/v5/stdlib" // registers itself
)

// source is a database whose changes Debezium reads.
type source struct {
	name   string
	db     *sql.DB
	prefix string // of table names in SQL
	schema string // between the prefix of a topic and the table's name
	tables []table
	feeds  []feed
	config Config // of a connector, but for what differs from one to the next
	stop   func() error

	// end tells how far the database's log is now.
	end func(ctx context.Context) (position, error)
	// place tells how far an offset of a connector is in that log.
	place func(offset map[string]any) (position, error)
}

// feed is a connector, and the jobs that read its topics.
type feed struct {
	id      string // its topics begin with it
	schemas bool   // messages come in an envelope with their schema
	config  Config
	jobs    []following
}

// following is a job of gx.
type following struct {
	tables []string
	reader harness.Object // more parameters
	crash  bool           // gx is killed in the middle, and started again
}

// position is a place in the log of a database: its file, for logs in files, and the byte.
type position struct {
	file string
	at   uint64
}

func (p position) before(q position) bool {
	return cmp.Or(cmp.Compare(p.file, q.file), cmp.Compare(p.at, q.at)) < 0
}

func (s *source) execute(ctx context.Context, statements string) error {
	if _, err := s.db.ExecContext(ctx, statements); err != nil {
		return fmt.Errorf("%s: %w\n%.2000s", s.name, err, statements)
	}
	return nil
}

// setup makes the tables. The table ticks is for changes that come after all others.
func (s *source) setup(ctx context.Context, first ...string) error {
	for i := range s.tables {
		first = append(first, s.tables[i].create(s.prefix))
		if s.tables[i].options != "" {
			first = append(first, s.tables[i].options)
		}
	}
	return s.execute(ctx, strings.Join(append(first, "CREATE TABLE "+s.prefix+"ticks (id int PRIMARY KEY)"), ";\n"))
}

func startPostgresSource(ctx context.Context, dir string) (*source, error) {
	server, err := StartPostgres(ctx, built.Root(), filepath.Join(dir, "postgres"), "TimeZone=Asia/Kolkata")
	if err != nil {
		return nil, err
	}
	s := &source{name: "postgres", schema: "public", tables: postgresTables, stop: server.Stop, feeds: []feed{
		{id: "postgres", schemas: true, config: Config{"slot.name": "with_schema", "publication.name": "with_schema"}, jobs: []following{
			{tables: []string{"accounts", "lines", "words", "kinds", "papers"}}}},
		// Without schemas the job says what numbers and bytes mean.
		{id: "postgres_plain", config: Config{"slot.name": "without_schema", "publication.name": "without_schema", "table.include.list": "public.accounts,public.ticks"}, jobs: []following{
			{tables: []string{"accounts"}, reader: harness.Object{"timePrecision": "us", "decimalHandling": "precise", "decimalScales": harness.Object{"balance": "4"}}}}},
	}}
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		return s, err
	}
	s.config = Config{"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": host, "database.port": port,
		"database.user": "postgres", "database.password": "", "database.dbname": "postgres", "plugin.name": "pgoutput", "publication.autocreate.mode": "filtered", "schema.include.list": "public"}
	s.end = func(ctx context.Context) (p position, err error) {
		err = s.db.QueryRowContext(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").Scan(&p.at)
		return p, err
	}
	s.place = func(offset map[string]any) (p position, err error) {
		p.at, err = unsigned(offset, "lsn")
		return p, err
	}
	if s.db, err = sql.Open("pgx", "postgres://postgres@"+server.Addr+"/postgres"); err != nil {
		return s, err
	}
	return s, s.setup(ctx, `CREATE TYPE mood AS ENUM ('sad', 'so, so', 'it''s "fine"', 'größe')`)
}

func startMariaDBSource(ctx context.Context, dir string) (*source, error) {
	server, err := mariadb.Start(ctx, built.Root(), filepath.Join(dir, "mariadb"), "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW",
		"--binlog-row-image=FULL", "--character-set-server=utf8mb4", "--sql-mode=STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES", "--default-time-zone=+00:00")
	if err != nil {
		return nil, err
	}
	s := &source{name: "mariadb", schema: "shop", prefix: "shop.", tables: mariadbTables, stop: server.Stop, feeds: []feed{
		{id: "mariadb", schemas: true, config: Config{"database.server.id": "5001", "schema.history.internal.file.filename": filepath.Join(dir, "history")}, jobs: []following{
			{tables: []string{"accounts", "lines", "words", "papers"}, crash: true},
			// Debezium does not say of MariaDB's JSON that it is some; gx sees it by the column, which a job of one table knows.
			{tables: []string{"kinds"}, crash: true}}},
		{id: "mariadb_plain", config: Config{"database.server.id": "5002", "schema.history.internal.file.filename": filepath.Join(dir, "history_plain"),
			"table.include.list": "shop.accounts,shop.ticks", "decimal.handling.mode": "string"}, jobs: []following{
			{tables: []string{"accounts"}, reader: harness.Object{"timePrecision": "us", "decimalHandling": "string"}}}},
	}}
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		return s, err
	}
	s.config = Config{"connector.class": "io.debezium.connector.mariadb.MariaDbConnector", "database.hostname": host, "database.port": port,
		"database.user": "root", "database.password": "", "database.ssl.mode": "disable", "database.include.list": "shop",
		"bigint.unsigned.handling.mode": "precise", // or numbers from 2^63 on would come as negative ones
		"schema.history.internal":       "io.debezium.storage.file.history.FileSchemaHistory"}
	s.end = func(ctx context.Context) (p position, err error) {
		var others [2]sql.RawBytes
		rows, err := s.db.QueryContext(ctx, "SHOW MASTER STATUS")
		if err != nil {
			return p, err
		}
		defer func() { _ = rows.Close() }()
		if rows.Next() {
			err = rows.Scan(&p.file, &p.at, &others[0], &others[1])
		}
		return p, cmp.Or(err, rows.Err())
	}
	s.place = func(offset map[string]any) (p position, err error) {
		p.file, _ = offset["file"].(string)
		p.at, err = unsigned(offset, "pos")
		return p, err
	}
	if s.db, err = sql.Open("mysql", "root@tcp("+server.Addr+")/?multiStatements=true&collation=utf8mb4_bin"); err != nil {
		return s, err
	}
	return s, s.setup(ctx, "CREATE DATABASE shop CHARACTER SET utf8mb4")
}

// unsigned is a number of an offset; 0 when it is not there.
func unsigned(offset map[string]any, name string) (uint64, error) {
	n, found := offset[name].(json.Number)
	if !found {
		return 0, nil
	}
	return strconv.ParseUint(n.String(), 10, 64)
}
