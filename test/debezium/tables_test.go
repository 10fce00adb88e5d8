package debezium

import "strings"

// column is a column of a source's table and of the target's.
type column struct {
	name   string
	source string // type and constraints in the source
	target string // type in StarRocks
	make   maker
	read   string // the source's expression for a text of the value; empty: the column itself
	same   form   // how texts of equal values differ
}

// table is a table of a source, and of the target under the same name.
type table struct {
	name     string
	keys     int // so many of the columns are the primary key
	distinct int // so many keys are tried: deleted ones come back
	columns  []column
	options  string // a statement that follows CREATE TABLE
}

func (t *table) names(from, to int) string {
	names := make([]string, 0, to-from)
	for _, c := range t.columns[from:to] {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// create is the statement that makes the table in the source.
func (t *table) create(prefix string) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + prefix + t.name + " (")
	for _, c := range t.columns {
		b.WriteString(c.name + " " + c.source + ", ")
	}
	b.WriteString("PRIMARY KEY (" + t.names(0, t.keys) + "))")
	return b.String()
}

// createTarget is the statement that makes the table in StarRocks.
func (t *table) createTarget(database string) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + database + "." + t.name + " (")
	for i, c := range t.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.name + " " + c.target)
		if i < t.keys {
			b.WriteString(" NOT NULL")
		}
	}
	keys := t.names(0, t.keys)
	b.WriteString(") PRIMARY KEY (" + keys + ") DISTRIBUTED BY HASH (" + keys + ")")
	return b.String()
}

// query reads the table in the source: the keys, then the rest.
func (t *table) query(prefix string) string {
	read := make([]string, len(t.columns))
	for i, c := range t.columns {
		if read[i] = c.read; c.read == "" {
			read[i] = c.name
		}
	}
	return "SELECT " + strings.Join(read, ", ") + " FROM " + prefix + t.name
}

const (
	micros = "2006-01-02 15:04:05.000000"
	millis = "2006-01-02 15:04:05.000"
	second = "2006-01-02 15:04:05"
	day    = "2006-01-02"
	clock  = "15:04:05.000000"
)

// postgresTables go to PostgreSQL. Debezium takes some timestamps before October 1582 for dates of the Julian calendar, so there
// are none.
var postgresTables = []table{
	{name: "accounts", keys: 1, distinct: 20000, columns: []column{
		{name: "id", source: "integer", target: "INT", make: whole(1, 30000)},
		{name: "name", source: "varchar(200) NOT NULL", target: "VARCHAR(800)", make: texts(8)},
		{name: "balance", source: "numeric(20,4)", target: "DECIMAL(20,4)", make: decimals(20, 4).orNull(), same: number},
		{name: "active", source: "boolean DEFAULT true", target: "BOOLEAN", make: these("true", "false", "NULL"), read: "active::int"},
		{name: "made", source: "timestamp(6)", target: "DATETIME", make: moments(1583, 9999, micros).orNull(), read: "to_char(made, 'YYYY-MM-DD HH24:MI:SS.US')", same: instant},
		{name: "born", source: "date", target: "DATE", make: moments(1, 9999, day).orNull(), read: "to_char(born, 'YYYY-MM-DD')"},
	}},
	{name: "lines", keys: 2, distinct: 20000, columns: []column{
		{name: "o", source: "integer", target: "INT", make: whole(-100, 400)},
		{name: "l", source: "smallint", target: "SMALLINT", make: whole(-32768, 60)},
		{name: "qty", source: "bigint NOT NULL DEFAULT 7", target: "BIGINT", make: whole(-1<<62, 1<<62)},
		{name: "seen", source: "timestamptz", target: "DATETIME", make: moments(1901, 9999, micros+"+00").orNull(), read: "to_char(seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')", same: instant},
	}},
	{name: "words", keys: 1, distinct: 20000, columns: []column{
		{name: "word", source: "text", target: "VARCHAR(1000)", make: texts(5)},
		{name: "n", source: "integer", target: "INT", make: whole(-1<<31, 1<<31-1).orNull()},
		{name: "note", source: "varchar(300)", target: "STRING", make: texts(10).orNull()},
	}},
	{name: "kinds", keys: 1, distinct: 20000, columns: []column{
		{name: "id", source: "bigint", target: "BIGINT", make: oneOf(whole(-1<<63, -1<<63+9000), whole(1<<53, 1<<53+9000))},
		{name: "ratio", source: "double precision", target: "DOUBLE", make: doubles(64).orNull(), same: float64s},
		{name: "small", source: "real", target: "FLOAT", make: doubles(32).orNull(), same: float32s},
		{name: "exact", source: "numeric(38,10)", target: "DECIMAL(38,10)", make: decimals(38, 10).orNull(), same: number},
		{name: "loose", source: "numeric", target: "DECIMAL(38,10)", make: decimals(18, 3).orNull(), same: number},
		{name: "born", source: "date", target: "DATE", make: moments(1, 9999, day).orNull(), read: "to_char(born, 'YYYY-MM-DD')"},
		{name: "tick", source: "timestamp(3)", target: "DATETIME", make: moments(1583, 9999, millis).orNull(), read: "to_char(tick, 'YYYY-MM-DD HH24:MI:SS.US')", same: instant},
		{name: "opens", source: "time(6)", target: "VARCHAR(40)", make: moments(2000, 2000, clock).orNull(), read: "to_char(opens, 'HH24:MI:SS.US')", same: instant},
		{name: "mood", source: "mood", target: "VARCHAR(40)", make: these("'sad'", "'so, so'", `'it''s "fine"'`, "'größe'").orNull()},
		{name: "doc", source: "jsonb", target: "JSON", make: maker(documents).orNull(), same: document},
		{name: "raw", source: "bytea", target: "VARCHAR(200)", make: octets(`'\x`, "'", 40).orNull(), read: "translate(encode(raw, 'base64'), chr(10), '')"},
		{name: "uid", source: "uuid", target: "VARCHAR(40)", make: these("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'").orNull()},
		{name: "short", source: "char(5)", target: "CHAR(20)", make: these("'a'", "'abcde'", "'漢字'").orNull(), read: "rpad(short, 5)"},
	}},
	// Long values that an update leaves alone are in its event only when the identity of a row is the whole row.
	{name: "papers", keys: 1, distinct: 1500, options: "ALTER TABLE papers REPLICA IDENTITY FULL", columns: []column{
		{name: "id", source: "integer", target: "INT", make: whole(1, 2000)},
		{name: "body", source: "text", target: "STRING", make: oneOf(texts(20), texts(2000)).orNull()},
		{name: "doc", source: "json", target: "JSON", make: maker(documents).orNull(), same: document},
		{name: "scan", source: "bytea", target: "VARCHAR(20000)", make: octets(`'\x`, "'", 6000).orNull(), read: "translate(encode(scan, 'base64'), chr(10), '')"},
		{name: "edits", source: "integer NOT NULL DEFAULT 0", target: "INT", make: whole(0, 1000)},
	}},
}

// mariadbTables go to MariaDB.
var mariadbTables = []table{
	{name: "accounts", keys: 1, distinct: 20000, columns: []column{
		{name: "id", source: "int", target: "INT", make: whole(1, 30000)},
		{name: "name", source: "varchar(200) NOT NULL", target: "VARCHAR(800)", make: texts(8)},
		{name: "balance", source: "decimal(20,4)", target: "DECIMAL(20,4)", make: decimals(20, 4).orNull(), same: number},
		{name: "active", source: "boolean DEFAULT true", target: "TINYINT", make: these("true", "false", "NULL")},
		{name: "made", source: "datetime(6)", target: "DATETIME", make: moments(1000, 9999, micros).orNull(), same: instant},
		{name: "born", source: "date", target: "DATE", make: moments(1000, 9999, day).orNull()},
	}},
	{name: "lines", keys: 2, distinct: 20000, columns: []column{
		{name: "o", source: "int", target: "INT", make: whole(-100, 400)},
		{name: "l", source: "tinyint unsigned", target: "SMALLINT", make: whole(0, 255)},
		{name: "qty", source: "bigint NOT NULL DEFAULT 7", target: "BIGINT", make: whole(-1<<62, 1<<62)},
		{name: "seen", source: "timestamp(6) NULL", target: "DATETIME", make: moments(1971, 2037, micros).orNull(), same: instant},
	}},
	{name: "words", keys: 1, distinct: 20000, columns: []column{
		{name: "word", source: "varchar(200) COLLATE utf8mb4_nopad_bin", target: "VARCHAR(1000)", make: texts(5)},
		{name: "n", source: "mediumint", target: "INT", make: whole(-1<<23, 1<<23-1).orNull()},
		{name: "note", source: "varchar(300)", target: "STRING", make: texts(10).orNull()},
	}},
	{name: "kinds", keys: 1, distinct: 20000, columns: []column{
		{name: "id", source: "bigint unsigned", target: "LARGEINT", make: oneOf(whole(0, 9000), these("18446744073709551615", "9223372036854775808"), whole(1<<53, 1<<53+9000))},
		{name: "ratio", source: "double", target: "DOUBLE", make: doubles(64).orNull(), same: float64s},
		{name: "many", source: "int unsigned", target: "BIGINT", make: whole(0, 1<<32-1).orNull()},
		{name: "port", source: "smallint unsigned", target: "INT", make: whole(0, 1<<16-1).orNull()},
		{name: "exact", source: "decimal(38,10)", target: "DECIMAL(38,10)", make: decimals(38, 10).orNull(), same: number},
		{name: "born", source: "date", target: "DATE", make: moments(1000, 9999, day).orNull()},
		{name: "plain", source: "datetime", target: "DATETIME", make: moments(1000, 9999, second).orNull(), same: instant},
		{name: "tick", source: "datetime(3)", target: "DATETIME", make: moments(1000, 9999, millis).orNull(), same: instant},
		{name: "opens", source: "time(6)", target: "VARCHAR(40)", make: moments(2000, 2000, clock).orNull(), same: instant},
		{name: "mood", source: `enum('sad', 'so; so', 'it''s "fine"', 'größe')`, target: "VARCHAR(40)", make: these("'sad'", "'so; so'", `'it''s "fine"'`, "'größe'").orNull()},
		{name: "picks", source: "set('a', 'b', 'c d')", target: "VARCHAR(40)", make: these("''", "'a'", "'a,c d'", "'a,b,c d'").orNull()},
		{name: "doc", source: "json", target: "JSON", make: maker(documents).orNull(), same: document},
		{name: "raw", source: "varbinary(60)", target: "VARCHAR(200)", make: octets("x'", "'", 40).orNull(), read: "REPLACE(TO_BASE64(raw), '\n', '')"},
		{name: "since", source: "year", target: "INT", make: whole(1901, 2155).orNull()},
		{name: "short", source: "char(5)", target: "CHAR(20)", make: these("'a'", "'abcde'", "'漢字'").orNull()},
	}},
	{name: "papers", keys: 1, distinct: 1500, columns: []column{
		{name: "id", source: "int unsigned", target: "BIGINT", make: whole(1, 2000)},
		{name: "body", source: "mediumtext", target: "STRING", make: oneOf(texts(20), texts(2000)).orNull()},
		{name: "scan", source: "mediumblob", target: "VARCHAR(20000)", make: octets("x'", "'", 6000).orNull(), read: "REPLACE(TO_BASE64(scan), '\n', '')"},
		{name: "edits", source: "int NOT NULL DEFAULT 0", target: "INT", make: whole(0, 1000)},
	}},
}
