package change

import (
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	library "github.com/twmb/avro"
)

// avroEnvelope is the schema of a Debezium connector whose converter writes Avro.
const avroEnvelope = `{"type":"record","name":"Envelope","namespace":"s.d.t","connect.name":"s.d.t.Envelope","fields":[
	{"name":"before","default":null,"type":["null",{"type":"record","name":"Value","connect.name":"s.d.t.Value","fields":[
		{"name":"id","type":"long"},
		{"name":"day","type":["null",{"type":"int","connect.version":1,"connect.name":"io.debezium.time.Date"}],"default":null},
		{"name":"at","type":["null",{"type":"long","connect.version":1,"connect.name":"io.debezium.time.MicroTimestamp"}],"default":null},
		{"name":"seen","type":["null",{"type":"string","connect.version":1,"connect.name":"io.debezium.time.ZonedTimestamp"}],"default":null},
		{"name":"price","type":["null",{"type":"bytes","logicalType":"decimal","precision":10,"scale":2,"connect.name":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2"}}],"default":null},
		{"name":"stamp","type":["null",{"type":"long","logicalType":"timestamp-millis","connect.name":"org.apache.kafka.connect.data.Timestamp"}],"default":null},
		{"name":"any","type":["null",{"type":"record","name":"VariableScaleDecimal","namespace":"io.debezium.data","connect.name":"io.debezium.data.VariableScaleDecimal","fields":[{"name":"scale","type":"int"},{"name":"value","type":"bytes"}]}],"default":null}]}]},
	{"name":"after","default":null,"type":["null","Value"]},
	{"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"db","type":"string"},{"name":"table","type":"string"}]}},
	{"name":"op","type":"string"}]}`

func TestDebeziumAvro(t *testing.T) {
	schema := library.MustParse(avroEnvelope)
	client := decodetest.Registry(t, map[uint32]*registry.Schema{
		7: {Type: registry.Avro, Text: avroEnvelope}, 8: {Type: registry.Avro, Text: `{"type":"record","name":"R","fields":[{"name":"id","type":"long"}]}`},
		9: {Type: registry.Avro, Text: `{"type":"record","name":"R","fields":[{"name":"op","type":"string"},{"name":"after","type":{"type":"record","name":"N","fields":[{"name":"id","type":"int"},{"name":"next","type":["null","N"]},{"name":"more","type":["null","N"]}]}}]}`},
	})
	message := func(op string, before, after any) string {
		raw, err := schema.Encode(map[string]any{"op": op, "before": before, "after": after, "source": map[string]any{"db": "d", "table": "t"}})
		if err != nil {
			t.Fatal(err)
		}
		return string(decodetest.Frame(7, raw))
	}
	row := func(id int64) map[string]any {
		return map[string]any{"id": id, "day": int32(19000), "at": int64(1675853545411001), "seen": "2023-02-08T10:52:25Z", "price": "123.45",
			"stamp": int64(1675853545411), "any": map[string]any{"scale": int32(3), "value": []byte{0x30, 0x39}}}
	}
	nothing := map[string]any{"id": int64(1), "day": nil, "at": nil, "seen": nil, "price": nil, "stamp": nil, "any": nil}
	c := with(target(DebeziumAvro, "id", "day", "at datetime", "SEEN", "price", "stamp", "any"), func(c *Config) { c.Registry = client })
	const values = `"2022-01-08"|"2023-02-08 10:52:25.411001"|"2023-02-08 10:52:25"|"123.45"|"2023-02-08 10:52:25.411000"|"12.345"`
	run(t, []example{
		{"create", with(c, func(c *Config) { c.Table = []string{"db", "table"} }), "", message("c", nil, row(1)), "+ 1|" + values + " @d.t"},
		{"update of the key", c, "", message("u", row(1), row(2)), "- 1|" + values + "; + 2|" + values},
		{"update without image before", c, "", message("u", nil, nothing), "+ 1|NULL|NULL|NULL|NULL|NULL|NULL"},
		{"delete", c, "", message("d", row(1), nil), "- 1|" + values},
		{"delete without image", c, "", message("d", nil, nil), `dirty: operation "d" has no image of the row before it`},
		{"truncate", c, "", message("t", nil, nil), `fault: onTruncate: the message is a change of another kind than rows, TRUNCATE ("t"), of table d.t`},
		{"a document", with(documents(DebeziumAvro), func(c *Config) { c.Registry = client }), "", message("c", nil, nothing),
			`+ {"id":1,"day":null,"at":null,"seen":null,"price":null,"stamp":null,"any":null,"__op":0}`},
		{"tombstone", c, "", "", ""},
		{"JSON", c, "", `{"op":"c"}`, `dirty: looks like plain JSON, not like Confluent wire format (the first byte is '{', not 0): set "type": "json"`},
		{"another schema", c, "", string(decodetest.Frame(8, []byte{2})), "dirty: schema 8 cannot be used: the schema has no field after or before: it is not that of a change"},
		{"a type that contains itself", with(target(DebeziumAvro, "id"), func(c *Config) { c.Registry = client }), "", string(decodetest.Frame(9, []byte("\x02c\x02\x00\x00"))), "+ 1"},
	})
}
