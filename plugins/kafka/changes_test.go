package kafka

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// customers is a Primary Key table.
func customers() sdk.Peer {
	return sdk.Peer{Plugin: "starrocks-writer", Columns: []string{"id", "Name", "at"}, ColumnTypes: []string{"bigint", "varchar", "datetime"},
		Keys: []string{"id"}, Operations: sdk.OperationsApplied}
}

func duplicates() sdk.Peer {
	p := customers()
	p.Keys, p.Operations, p.NoOperations = nil, sdk.OperationsNone, "table d.t is DUPLICATE KEY"
	return p
}

const (
	insert    = `{"op":"c","before":null,"after":{"id":1,"name":"a","at":5},"source":{"db":"shop","table":"x"}}`
	update    = `{"op":"u","before":null,"after":{"id":1,"name":"b","at":null},"source":{"db":"shop","table":"x"}}`
	deleteRow = `{"op":"d","before":{"id":1,"name":"b"},"after":null,"source":{"db":"shop","table":"y"}}`
)

func TestChangesBecomeRows(t *testing.T) {
	for _, c := range []struct {
		name, options string
		peer          sdk.Peer
		messages      []message
		rows          []string
		dirty         string
		filtered      int64
	}{
		{"columns of the target", `"messageFormat":"debezium-json","timePrecision":"ms"`, customers(), values(insert, update, deleteRow, "-"),
			[]string{`1|"a"|"1970-01-01 00:00:00.005000"|0`, `1|"b"|null|0`, `1|"b"|null|1`}, "", 1},
		{"precision of one column", `"schemaFormat":"DEBEZIUM_ENVELOP_JSON_FOR_MQ","timePrecisionColumns":{"AT":"s"}`, customers(), values(insert),
			[]string{`1|"a"|"1970-01-01 00:00:05"|0`}, "", 0},
		{"dates count days", `"messageFormat":"debezium-json","timePrecision":"us","timePrecisionColumns":{"w":"ms"}`,
			sdk.Peer{Columns: []string{"u", "v", "w"}, ColumnTypes: []string{"date", "datetime", "date"}, Operations: sdk.OperationsApplied},
			values(`{"op":"c","after":{"u":19782,"v":1709209800000000,"w":1709209800000}}`), []string{`"2024-02-29"|"2024-02-29 12:30:00"|"2024-02-29 12:30:00"|0`}, "", 0},
		{"no precision", `"messageFormat":"debezium-json"`, customers(), values(insert), nil, "column at: a number for a column of type datetime", 0},
		{"columns of the job", `"messageFormat":"debezium-json","column":["id","'x'","__op__"]`, customers(), values(insert, deleteRow),
			[]string{`1|x|0|0`, `1|x|1|1`}, "", 0},
		{"the writer names __op", `"messageFormat":"debezium-json"`, func() sdk.Peer {
			p := customers()
			p.Columns, p.ColumnTypes = []string{"id", "name", "__op"}, []string{"bigint", "varchar", ""}
			return p
		}(), values(insert, deleteRow), []string{`1|"a"|0`, `1|"b"|1`}, "", 0},
		{"a key that the target does not name", `"messageFormat":"debezium-json","timePrecision":"ms"`, func() sdk.Peer {
			p := customers()
			p.Keys = []string{"tenant", "id"}
			return p
		}(), values(insert), nil, "missing primary key column tenant", 0},
		{"inserts into duplicates", `"messageFormat":"debezium-json","timePrecision":"ms"`, duplicates(), values(insert, update),
			[]string{`1|"a"|"1970-01-01 00:00:00.005000"`, `1|"b"|null`}, "", 0},
		{"deletes of duplicates ignored", `"messageFormat":"debezium-json","onDelete":"ignore"`, duplicates(), values(deleteRow, update), []string{`1|"b"|null`}, "", 1},
		{"deletes appended", `"messageFormat":"debezium-json","onDelete":"append","column":["id","name","__op__"]`, duplicates(), values(deleteRow, update), []string{`1|"b"|1`, `1|"b"|0`}, "", 0},
		{"tombstones are dirty", `"messageFormat":"debezium-json","tombstones":"dirty"`, customers(), values("-"), nil, "a tombstone: the message has no value", 0},
		{"ignored DDL", `"messageFormat":"canal-json","onDdl":"ignore"`, customers(), values(`{"type":"ALTER","isDdl":true}`), nil, "", 1},
		{"ignored TRUNCATE", `"messageFormat":"canal-json","onTruncate":"ignore","emptyValue":"dirty"`, customers(), values(`{"type":"TRUNCATE"}`), nil, "", 1},
		{"update before", `"messageFormat":"maxwell-json","ignoreUpdateBefore":false`, customers(), values(`{"type":"update","data":{"id":1,"name":"b"},"old":{"name":"a"}}`),
			[]string{`1|"a"|null|1`, `1|"b"|null|0`}, "", 0},
		{"decimals", `"messageFormat":"debezium-json","decimalHandling":"precise","decimalScales":{"v":"2"}`,
			sdk.Peer{Columns: []string{"v"}, ColumnTypes: []string{"decimal64"}, Operations: sdk.OperationsApplied}, values(`{"op":"c","after":{"v":"MDk="}}`), []string{`"123.45"|0`}, "", 0},
		{"zone", `"messageFormat":"debezium-json","valueConverter":{"type":"json","timeZone":"+08:00"}`,
			sdk.Peer{Columns: []string{"v"}, ColumnTypes: []string{"datetime"}, Operations: sdk.OperationsApplied}, values(`{"op":"c","after":{"v":"2023-02-08T10:52:25Z"}}`), []string{`"2023-02-08 18:52:25"|0`}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, dirty, filtered := rowsOf(t, c.options, c.peer, c.messages...)
			want(t, got, c.rows...)
			if filtered != c.filtered || (len(dirty) > 0) != (c.dirty != "") || c.dirty != "" && !strings.HasPrefix(dirty[0].Reason, c.dirty) {
				t.Errorf("filtered %d, dirty %+v", filtered, dirty)
			}
		})
	}
}

func TestChangesThatEndTheJob(t *testing.T) {
	for _, c := range []struct {
		options string
		peer    sdk.Peer
		value   string
		says    string
	}{
		{`"messageFormat":"debezium-json"`, duplicates(), deleteRow, "onDelete: topic orders, partition 3, offset 0: table d.t is DUPLICATE KEY, deletes cannot be applied"},
		{`"messageFormat":"canal-json"`, customers(), `{"type":"TRUNCATE","table":"x"}`, "onTruncate: topic orders, partition 3, offset 0: the message is"},
		{`"messageFormat":"maxwell-json"`, customers(), `{"type":"table-drop"}`, "onDdl: topic orders, partition 3, offset 0: the message is"},
	} {
		a := assemble(t, c.options, c.peer)
		_, err := a.add(t.Context(), &message{value: []byte(c.value)})
		if f := protocol.AsFault(err); f == nil || f.Code != protocol.Data || !strings.HasPrefix(f.Error(), c.says) || f.Try == "" {
			t.Errorf("%+v, want %s", f, c.says)
		}
	}
}

// Rows of several tables go each to its own, and no batch holds two.
func TestChangesGoWhereTheirTableSays(t *testing.T) {
	peer := sdk.Peer{Plugin: "starrocks-writer", WantsDestination: true, Operations: sdk.OperationsApplied}
	a := assemble(t, `"messageFormat":"debezium-json","tableField":"db.table"`, peer)
	if a.schema != rows.ChangeSchema {
		t.Fatal("the rows are no documents with operations")
	}
	var batches []string
	take := func(at int64) {
		out := a.take(position{Offset: at}, 0)
		var got []string
		for _, r := range table(t, out) {
			got = append(got, r[0])
		}
		batches = append(batches, out.Destination+" "+strings.Join(got, " "))
	}
	for _, m := range values(insert, update, deleteRow, insert) {
		done, err := a.add(t.Context(), &m)
		if err != nil {
			t.Fatal(err)
		}
		for ; !done; done = a.more(&m) {
			take(m.offset)
		}
	}
	take(4)
	want(t, batches,
		`shop.x {"id":1,"name":"a","at":5,"__op":0} {"id":1,"name":"b","at":null,"__op":0}`,
		`shop.y {"id":1,"name":"b","__op":1}`,
		`shop.x {"id":1,"name":"a","at":5,"__op":0}`)
}

func TestChangesNeedToKnowTheTarget(t *testing.T) {
	unknown := customers()
	unknown.Operations, unknown.NoOperations = sdk.OperationsUnknown, "the model of table d.t is not known: give jdbcUrl, or tableModel"
	for _, c := range []struct {
		options, place, says string
		peer                 sdk.Peer
	}{
		{`"messageFormat":"debezium-json"`, "messageFormat", "rows of debezium-json are upserts (__op 0) and deletes (__op 1), and the model of table d.t is not known", unknown},
		{`"messageFormat":"debezium-json","tableField":"table"`, "tableField", "the writer has a table of its own", customers()},
		{`"messageFormat":"debezium-json","timePrecisionColumns":{"x":"ms"}`, "timePrecisionColumns.x", "no column of the rows is named x", customers()},
		{`"messageFormat":"debezium-json","decimalHandling":"precise","decimalScales":{"x":"2"}`, "decimalScales.x", "no column of the rows is named x", customers()},
	} {
		s, problems := readOptions(t, with(c.options))
		for _, p := range problems {
			if !p.Warning {
				t.Fatal(p)
			}
		}
		_, _, err := newLayout(&s, c.peer)
		if f := protocol.AsFault(err); f == nil || f.Code != protocol.Config || f.Place != c.place || !strings.Contains(f.What, c.says) || f.Try == "" {
			t.Errorf("%s: %+v", c.options, f)
		}
	}
}

// The schemas of debezium-avro come from the registry of the job.
func TestDebeziumAvroAsksTheRegistry(t *testing.T) {
	const envelope = `{"type":"record","name":"E","fields":[{"name":"op","type":"string"},` +
		`{"name":"after","type":["null",{"type":"record","name":"V","fields":[{"name":"id","type":"long"},{"name":"name","type":"string"}]}]}]}`
	s := httptest.NewServer(decodetest.Handler(map[uint32]*registry.Schema{6: {Type: registry.Avro, Text: envelope}}))
	t.Cleanup(s.Close)
	got, dirty, _ := rowsOf(t, `"messageFormat":"debezium-avro","valueConverter":{"schemaRegistryUrl":"`+s.URL+`"},"column":["id","name","__offset__"]`, customers(),
		message{offset: 5, value: framed(6, "\x02c\x02\x02\x02a")}, message{offset: 6, value: framed(6, "\x02x\x00")})
	want(t, got, `1|"a"|5|0`)
	if len(dirty) != 1 || dirty[0].Reason != `unknown operation "x"` {
		t.Errorf("%+v", dirty)
	}
}
