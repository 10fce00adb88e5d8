package change

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/protocol"
)

// target is a Primary Key table with the columns given as "name" or "name type"; the first is its key.
func target(format string, columns ...string) Config {
	c := Config{Format: format, Operations: true, OnDelete: Fail, OnTruncate: Fail, OnDDL: Fail, Tombstones: Drop, Target: "table d.t is DUPLICATE KEY"}
	c.Wanted.Fold = true
	for i, text := range columns {
		name, typ, _ := strings.Cut(text, " ")
		c.Wanted.Paths = append(c.Wanted.Paths, paths(name)[0])
		c.Values = append(c.Values, Value{Type: typ, Scale: -1})
		if i == 0 {
			c.Keys = []Key{{name, 0}}
		}
	}
	return c
}

// documents is a target that takes whole documents.
func documents(format string) Config {
	c := target(format)
	c.Wanted = decode.Wanted{Document: true}
	return c
}

// decoded is the rows of a message, "+ a|b" for an upsert and "- a|b" for a delete, or what was wrong with it.
func decoded(t testing.TB, d *Decoder, key, value string) string {
	t.Helper()
	d.Key([]byte(key))
	err := d.Open(t.Context(), []byte(value))
	var refusal *decode.Refusal
	if errors.As(err, &refusal) {
		return "dirty: " + refusal.Reason
	}
	if f := protocol.AsFault(err); f != nil {
		if f.Code != protocol.Data || f.Try == "" {
			t.Errorf("%+v", f)
		}
		return "fault: " + f.Error()
	} else if err != nil {
		t.Fatal(err)
	}
	var out []string
	var row decode.Row
	for d.Next(&row) {
		text := "+ "
		if row.Delete {
			text = "- "
		}
		for i, c := range row.Cells {
			if i > 0 {
				text += "|"
			}
			if c == nil {
				text += "NULL"
			} else {
				text += string(c)
			}
		}
		text += string(row.Document)
		if len(d.Table) > 0 {
			text += " @" + string(row.Destination)
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

type example struct {
	name   string
	config Config
	key    string
	value  string
	want   string
}

func run(t *testing.T, examples []example) {
	for _, e := range examples {
		t.Run(e.config.Format+" "+e.name, func(t *testing.T) {
			d := New(e.config)
			for range 2 { // the second by what the first left behind
				if got := decoded(t, d, e.key, e.value); got != e.want {
					t.Errorf("got  %s\nwant %s", got, e.want)
				}
			}
		})
	}
}

func with(c Config, change func(*Config)) Config {
	change(&c)
	return c
}

// customers is the message of a Debezium connector for PostgreSQL with its schema, as a snapshot sends it.
const customers = `{"schema":{"type":"struct","fields":[` +
	`{"type":"struct","fields":[{"type":"int32","optional":false,"default":0,"field":"id"},{"type":"string","optional":false,"field":"first_name"},{"type":"string","optional":false,"name":"io.debezium.data.Enum","version":1,"parameters":{"allowed":"true,false,last"},"field":"snapshot"}],"optional":true,"name":"test.public.customers.Value","field":"before"},` +
	`{"type":"struct","fields":[{"type":"int32","optional":false,"default":0,"field":"id"},{"type":"string","optional":false,"field":"first_name"},{"type":"string","optional":false,"name":"io.debezium.data.Enum","version":1,"parameters":{"allowed":"true,false,last"},"field":"snapshot"}],"optional":true,"name":"test.public.customers.Value","field":"after"},` +
	`{"type":"struct","fields":[{"type":"string","optional":false,"field":"version"}],"optional":false,"field":"source"},` +
	`{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"}],"optional":false,"name":"test.public.customers.Envelope","version":1},` +
	`"payload":{"before":null,"after":{"id":1,"first_name":"name1","snapshot":"last"},"source":{"version":"1.9.7.Final","connector":"postgresql","name":"test","ts_ms":1675853545411,"snapshot":"false","db":"test","sequence":"[\"24277568\",\"24277568\"]","schema":"public","table":"customers","txId":492,"lsn":24277568,"xmin":null},"op":"r","ts_ms":1675853545411,"transaction":null}}`

func TestDebezium(t *testing.T) {
	pk := target(DebeziumJSON, "id", "name")
	run(t, []example{
		{"snapshot with schema", target(DebeziumJSON, "id", "first_name", "SNAPSHOT"), "", customers, `+ 1|"name1"|"last"`},
		{"snapshot as a document", with(documents(DebeziumJSON), func(c *Config) { c.Table = []string{"db", "schema", "table"} }), "", customers,
			`+ {"id":1,"first_name":"name1","snapshot":"last","__op":0} @test.public.customers`},
		{"create", pk, "", `{"op":"c","before":null,"after":{"id":1,"name":"a"},"source":{"db":"d","table":"t"}}`, `+ 1|"a"`},
		{"update", pk, "", `{"op":"u","before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"}}`, `+ 1|"b"`},
		{"update without image before", pk, "", `{"op":"u","before":null,"after":{"id":1,"name":"b"}}`, `+ 1|"b"`},
		{"update of the key", pk, "", `{"op":"u","before":{"id":1,"name":"a"},"after":{"id":2,"name":"a"}}`, `- 1|"a"; + 2|"a"`},
		{"update, before first", with(pk, func(c *Config) { c.Before = true }), "", `{"op":"u","before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"}}`, `- 1|"a"; + 1|"b"`},
		{"delete", pk, `{"id":1}`, `{"op":"d","before":{"id":1,"name":"a"},"after":null}`, `- 1|"a"`},
		{"delete by key", pk, `{"id":7}`, `{"op":"d","before":null,"after":null}`, `- 7|NULL`},
		{"delete by key with schema", pk, `{"schema":{"type":"struct","fields":[{"type":"int32","field":"id"}]},"payload":{"id":7}}`, `{"op":"d","before":null,"after":null}`, `- 7|NULL`},
		{"delete without key", pk, ``, `{"op":"d","before":null,"after":null}`, `dirty: a delete without an image of the row, and the message has no key: missing primary key column`},
		{"delete as a document", documents(DebeziumJSON), "", `{"op":"d","before":{ "id" : 1 },"after":null}`, `- {"id":1,"__op":1}`},
		{"an empty document", documents(DebeziumJSON), "", `{"op":"c","after":{}}`, `+ {"__op":0}`},
		{"no key column", pk, "", `{"op":"c","after":{"name":"a"}}`, `dirty: missing primary key column id`},
		{"null key column", pk, "", `{"op":"c","after":{"id":null,"name":"a"}}`, `dirty: missing primary key column id`},
		{"a key that nothing fills", with(pk, func(c *Config) { c.Keys = []Key{{"tenant", -1}} }), "", `{"op":"c","after":{"id":1}}`, `dirty: missing primary key column tenant`},
		{"unknown operation", pk, "", `{"op":"x","after":{"id":1}}`, `dirty: unknown operation "x"`},
		{"no operation", pk, "", `{"id":1}`, `dirty: no change: the message does not say which operation it is`},
		{"no image", pk, "", `{"op":"c","after":null}`, `dirty: operation "c" has no image of the row after it`},
		{"not JSON", pk, "", `{"op":`, `dirty: invalid JSON: a value is missing (the text ends too early) at byte 6`},
		{"truncate", pk, "", `{"op":"t","source":{"db":"d","schema":"s","table":"t"}}`, `fault: onTruncate: the message is a change of another kind than rows, TRUNCATE ("t"), of table d.s.t`},
		{"truncate ignored", with(pk, func(c *Config) { c.OnTruncate = Ignore }), "", `{"op":"t"}`, ``},
		{"message", pk, "", `{"op":"m","message":{}}`, `fault: onDdl: the message is a change of another kind than rows, DDL ("m"), of table unknown name`},
		{"ddl ignored", with(pk, func(c *Config) { c.OnDDL = Ignore }), "", `{"source":{"db":"d"},"ddl":"ALTER TABLE t","tableChanges":[]}`, ``},
		{"transaction", pk, "", `{"status":"BEGIN","id":"571"}`, ``},
		{"tombstone dropped", pk, `{"id":1}`, ``, ``},
		{"tombstone dirty", with(pk, func(c *Config) { c.Tombstones = Dirty }), `{"id":1}`, ``, `dirty: a tombstone: the message has no value`},
		{"tombstone deletes", with(pk, func(c *Config) { c.Tombstones = Delete }), `{"id":1}`, ``, `- 1|NULL`},
		{"null payload", pk, "", `{"schema":null,"payload":null}`, ``},
		{"payload without schema", pk, "", `{"schema":null,"payload":{"op":"c","after":{"id":1,"name":"a"}}}`, `+ 1|"a"`},
		{"a value that was not sent", pk, "", `{"op":"u","before":null,"after":{"id":1,"name":"__debezium_unavailable_value"}}`,
			`dirty: column name: the source did not send the value, because the update left it as it was (a large value of PostgreSQL); REPLICA IDENTITY FULL makes it send all`},
		{"SQL Server", with(pk, func(c *Config) { c.Table = []string{"schema", "table"} }), "", `{"before":null,"after":{"id":1,"name":"a"},"source":{"connector":"sqlserver","db":"d","schema":"dbo","table":"t"},"op":"c"}`, `+ 1|"a" @dbo.t`},
		{"MySQL has no schema", with(pk, func(c *Config) { c.Table = []string{"db", "schema", "table"} }), "", `{"before":null,"after":{"id":1},"source":{"connector":"mysql","db":"d","table":"t"},"op":"c"}`, `+ 1|NULL @d.t`},
	})
}

func TestDeletesOfOtherModels(t *testing.T) {
	const del = `{"op":"d","before":{"id":1,"name":"a"},"after":null}`
	other := func(on string) Config {
		return with(target(DebeziumJSON, "id", "name"), func(c *Config) { c.Operations, c.OnDelete = false, on })
	}
	run(t, []example{
		{"error", other(Fail), "", del, `fault: onDelete: table d.t is DUPLICATE KEY, deletes cannot be applied`},
		{"ignore", other(Ignore), "", del, ``},
		{"append", other(Append), "", del, `- 1|"a"`},
		{"inserts", other(Fail), "", `{"op":"c","after":{"id":1,"name":"a"}}`, `+ 1|"a"`},
		{"documents", with(documents(DebeziumJSON), func(c *Config) { c.Operations, c.OnDelete = false, Append }), "", del, `- {"id":1,"name":"a"}`},
	})
}

// typed is a message with one column v of a type in its schema.
func typed(typ, value string) string {
	return `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int32","field":"id"},{` + typ + `,"field":"v"}],"field":"after"}]},"payload":{"op":"c","after":{"id":1,"v":` + value + `}}}`
}

func TestLogicalTypes(t *testing.T) {
	plus8 := literal.Style{Zone: time.FixedZone("", 8*3600), Hex: true}
	for _, c := range []struct{ typ, value, want string }{
		{`"type":"int32","name":"io.debezium.time.Date"`, `19000`, `"2022-01-08"`},
		{`"type":"int32","name":"org.apache.kafka.connect.data.Date"`, `-1`, `"1969-12-31"`},
		{`"type":"int32","name":"io.debezium.time.Time"`, `3723004`, `"01:02:03.004000"`},
		{`"type":"int64","name":"io.debezium.time.MicroTime"`, `-3723000000`, `"-01:02:03"`},
		{`"type":"int64","name":"io.debezium.time.MicroTime"`, `90000000001`, `"25:00:00.000001"`},
		{`"type":"int64","name":"io.debezium.time.NanoTime"`, `1000000000`, `"00:00:01"`},
		{`"type":"int64","name":"io.debezium.time.Timestamp"`, `1675853545411`, `"2023-02-08 10:52:25.411000"`},
		{`"type":"int64","name":"org.apache.kafka.connect.data.Timestamp"`, `0`, `"1970-01-01 00:00:00"`},
		{`"type":"int64","name":"io.debezium.time.MicroTimestamp"`, `1675853545411001`, `"2023-02-08 10:52:25.411001"`},
		{`"type":"int64","name":"io.debezium.time.NanoTimestamp"`, `1675853545411001999`, `"2023-02-08 10:52:25.411001"`},
		{`"type":"string","name":"io.debezium.time.ZonedTimestamp"`, `"2023-02-08T10:52:25.5Z"`, `"2023-02-08 18:52:25.500000"`},
		{`"type":"string","name":"io.debezium.time.ZonedTimestamp"`, `"2023-02-08T10:52:25+08:00"`, `"2023-02-08 10:52:25"`},
		{`"type":"string","name":"io.debezium.time.ZonedTime"`, `"10:52:25Z"`, `"10:52:25Z"`},
		{`"type":"int32","name":"io.debezium.time.Year"`, `2023`, `2023`},
		{`"type":"string","name":"io.debezium.time.Interval"`, `"P1Y"`, `"P1Y"`},
		{`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}`, `"MDk="`, `"123.45"`},
		{`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}`, `"z8c="`, `"-123.45"`},
		{`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal"`, `"MDk="`, `dirty: column v: values of type a Decimal whose schema has no scale of 0 to 1000 cannot be read`},
		{`"type":"struct","name":"io.debezium.data.VariableScaleDecimal","fields":[{"type":"int32","field":"scale"},{"type":"bytes","field":"value"}]`, `{"scale":3,"value":"MDk="}`, `"12.345"`},
		{`"type":"struct","name":"io.debezium.data.VariableScaleDecimal"`, `{"scale":-2,"value":"MDk="}`, `"1234500"`},
		{`"type":"bytes","name":"io.debezium.data.Bits","parameters":{"length":"16"}`, `"AYA="`, `"32769"`},
		{`"type":"bytes"`, `"AYA="`, `"0180"`},
		{`"type":"string","name":"io.debezium.data.Enum"`, `"a"`, `"a"`},
		{`"type":"string","name":"io.debezium.data.EnumSet"`, `"a,b"`, `"a,b"`},
		{`"type":"string","name":"io.debezium.data.Uuid"`, `"6f"`, `"6f"`},
		{`"type":"string","name":"io.debezium.data.Xml"`, `"<a/>"`, `"<a/>"`},
		{`"type":"struct","name":"io.debezium.data.geometry.Point"`, `{"x":1}`, `dirty: column v: values of type io.debezium.data.geometry.Point cannot be read`},
		{`"type":"array","items":{"type":"int32"}`, `[1]`, `[1]`},
		{`"type":"array","items":{"type":"int32","name":"io.debezium.time.Date"}`, `[1]`, `dirty: column v: values of type a list or a structure of io.debezium.time.Date cannot be read`},
		{`"type":"int32","name":"io.debezium.time.Date"`, `null`, `NULL`},
		{`"type":"int32","name":"io.debezium.time.Date"`, `"x"`, `dirty: column v: "x" is no whole number, and the schema says io.debezium.time.Date`},
		{`"type":"int64","name":"io.debezium.time.Timestamp"`, `9223372036854775807`, `dirty: column v: 9223372036854775807 is no value of io.debezium.time.Timestamp that can be written`},
		{`"type":"bytes","name":"io.debezium.data.Bits"`, `"!"`, `dirty: column v: "!" is no value of io.debezium.data.Bits that can be written`},
	} {
		t.Run(c.typ+" "+c.value, func(t *testing.T) {
			want := c.want
			if !strings.HasPrefix(want, "dirty") {
				want = "+ 1|" + want
			}
			cells := with(target(DebeziumJSON, "id", "v"), func(c *Config) { c.Style = plus8 })
			if got := decoded(t, New(cells), "", typed(c.typ, c.value)); got != want {
				t.Errorf("cells: got %s, want %s", got, want)
			}
			if want = c.want; want == "NULL" {
				want = "null"
			}
			if !strings.HasPrefix(want, "dirty") {
				want = fmt.Sprintf(`+ {"id":1,"v":%s,"__op":0}`, want)
			}
			if got := decoded(t, New(with(documents(DebeziumJSON), func(c *Config) { c.Style = plus8 })), "", typed(c.typ, c.value)); got != want {
				t.Errorf("document: got %s, want %s", got, want)
			}
		})
	}
}

// A text that holds JSON becomes that JSON where the column takes any, and in documents when the schema tells of it: PostgreSQL's
// is marked, MariaDB's is a text like any other.
func TestJSONInTexts(t *testing.T) {
	marked, text := `"type":"string","name":"io.debezium.data.Json"`, `"type":"string"`
	value, broken := `"{\"a\":1}"`, `"{"`
	run(t, []example{
		{"marked, unknown column", target(DebeziumJSON, "id", "v"), "", typed(marked, value), "+ 1|" + value},
		{"marked, text column", target(DebeziumJSON, "id", "v varchar"), "", typed(marked, value), "+ 1|" + value},
		{"marked, JSON column", target(DebeziumJSON, "id", "v json"), "", typed(marked, value), `+ 1|{"a":1}`},
		{"marked, document", documents(DebeziumJSON), "", typed(marked, value), `+ {"id":1,"v":{"a":1},"__op":0}`},
		{"text, text column", target(DebeziumJSON, "id", "v varchar"), "", typed(text, value), "+ 1|" + value},
		{"text, JSON column", target(DebeziumJSON, "id", "v json"), "", typed(text, value), `+ 1|{"a":1}`},
		{"no JSON, JSON column", target(DebeziumJSON, "id", "v json"), "", typed(text, broken), "+ 1|" + broken},
		{"name, JSON column", target(DebeziumJSON, "id", "v json"), "", typed(`"type":"string","name":"io.debezium.data.Enum"`, `"1"`), `+ 1|"1"`},
		{"text, document", documents(DebeziumJSON), "", typed(text, value), `+ {"id":1,"v":"{\"a\":1}","__op":0}`},
	})
}

// Messages of two tables in turns, and one that only begins like the last.
func TestSchemasInTurns(t *testing.T) {
	d := New(target(DebeziumJSON, "id", "v"))
	days, millis := typed(`"type":"int32","name":"io.debezium.time.Date"`, `1`), typed(`"type":"int64","name":"io.debezium.time.Timestamp"`, `1`)
	for range 3 {
		for value, want := range map[string]string{
			days: `+ 1|"1970-01-02"`, millis: `+ 1|"1970-01-01 00:00:00.001000"`,
			days[:len(days)-1] + `,"schema":null}`: `+ 1|1`, // the last of two counts
			days + " ":                             `+ 1|"1970-01-02"`,
		} {
			if got := decoded(t, d, "", value); got != want {
				t.Errorf("%s: %s, want %s", value, got, want)
			}
		}
		if got := decoded(t, d, "", days[:len(days)-1]); !strings.HasPrefix(got, "dirty: invalid JSON") {
			t.Error(got)
		}
		if got := decoded(t, d, "", days+"}"); !strings.HasPrefix(got, "dirty: invalid JSON") {
			t.Error(got)
		}
	}
}

func TestWithoutSchema(t *testing.T) {
	value := func(v string) string { return `{"op":"c","after":{"id":1,"v":` + v + `}}` }
	for _, c := range []struct {
		typ    string
		change func(*Value)
		value  string
		want   string
	}{
		{"date", nil, `19000`, `"2022-01-08"`},
		{"date", nil, `1675853545411`, `dirty: column v: 1675853545411 is no number of days of a date; a date that is a time of day too needs timePrecision`},
		{"date", func(v *Value) { v.PerSecond = 1e3 }, `1675853545411`, `"2023-02-08 10:52:25.411000"`},
		{"datetime", nil, `1675853545411`, `dirty: column v: a number for a column of type datetime, and nothing says what it counts: set timePrecision, or let the source send schemas`},
		{"datetime", func(v *Value) { v.PerSecond = 1e6 }, `1675853545411001`, `"2023-02-08 10:52:25.411001"`},
		{"datetime", nil, `"2023-02-08T10:52:25Z"`, `"2023-02-08 10:52:25"`},
		{"datetime", nil, `"2023-02-08 10:52:25"`, `"2023-02-08 10:52:25"`},
		{"decimal128", nil, `1.5`, `1.5`},
		{"decimal128", nil, `"MDk="`, `dirty: column v: a text for a column of type decimal128, and nothing says whether it holds digits or bytes: set decimalHandling, or let the source send schemas`},
		{"decimal128", func(v *Value) { v.Decimal = DecimalText }, `"1.5"`, `"1.5"`},
		{"decimal128", func(v *Value) { v.Decimal = DecimalBytes }, `"MDk="`, `dirty: column v: bytes of a decimal, and nothing says its scale: set decimalScales, or let the source send schemas`},
		{"decimal128", func(v *Value) { v.Decimal, v.Scale = DecimalBytes, 2 }, `"MDk="`, `"123.45"`},
		{"json", nil, `"{\"a\":1}"`, `{"a":1}`},
		{"json", nil, `"{"`, `"{"`},
		{"varchar", nil, `19000`, `19000`},
		{"", nil, `19000`, `19000`},
	} {
		config := target(DebeziumJSON, "id", "v "+c.typ)
		if c.change != nil {
			c.change(&config.Values[1])
		}
		want := c.want
		if !strings.HasPrefix(want, "dirty") {
			want = "+ 1|" + want
		}
		if got := decoded(t, New(config), "", value(c.value)); got != want {
			t.Errorf("%s %s: got %s, want %s", c.typ, c.value, got, want)
		}
	}
}
