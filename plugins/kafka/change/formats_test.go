package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/protocol"
	"pgregory.net/rapid"
)

func TestMongoDB(t *testing.T) {
	c := target(DebeziumJSON, "_id", "n", "at")
	message := func(op, before, after string) string {
		return `{"op":"` + op + `","before":` + before + `,"after":` + after + `,"source":{"db":"d","collection":"c"}}`
	}
	run(t, []example{
		{"insert", with(c, func(c *Config) { c.Table = []string{"db", "table"} }), "",
			message("c", "null", `"{\"_id\":{\"$oid\":\"596e275826f08b2730779e1f\"},\"n\":{\"$numberLong\":\"5\"},\"at\":{\"$date\":1675853545411}}"`),
			`+ "596e275826f08b2730779e1f"|5|"2023-02-08 10:52:25.411000" @d.c`},
		{"other numbers", c, "", message("r", "null", `"{\"_id\":1,\"n\":{\"$numberDecimal\":\"1.50\"},\"at\":{\"$date\":{\"$numberLong\":\"0\"}}}"`), `+ 1|1.50|"1970-01-01 00:00:00"`},
		{"a number that is none", c, "", message("r", "null", `"{\"_id\":1,\"n\":{\"$numberDecimal\":\"NaN\"}}"`), `dirty: column n: {"$numberDecimal":"NaN"} is no number that can be written`},
		{"nested", c, "", message("u", "null", `"{\"_id\":1,\"n\":{\"a\":1,\"b\":[2]},\"at\":{\"$date\":\"2023-02-08T10:52:25Z\"}}"`), `+ 1|{"a":1,"b":[2]}|"2023-02-08 10:52:25"`},
		{"update without document", c, "", message("u", "null", "null"), `dirty: operation "u" has no document after it: set capture.mode of the connector to one that sends whole documents`},
		{"delete", c, `{"id":"{\"$oid\":\"596e275826f08b2730779e1f\"}"}`, message("d", "null", "null"), `- "596e275826f08b2730779e1f"|NULL|NULL`},
		{"delete by number", c, `{"id":"1004"}`, message("d", "null", "null"), `- 1004|NULL|NULL`},
		{"delete by text", c, `{"id":"x y"}`, message("d", "null", "null"), `- "x y"|NULL|NULL`},
		{"delete with the document", c, `{"id":"1"}`, message("d", `"{\"_id\":1,\"n\":2}"`, "null"), `- 1|2|NULL`},
		{"a document", documents(DebeziumJSON), "", message("c", "null", `"{\"_id\":{\"$oid\":\"59\"},\"n\":null}"`), `+ {"_id":"59","n":null,"__op":0}`},
		{"not JSON", c, "", message("c", "null", `"{"`), `dirty: the document in the image: invalid JSON: a key in quotes is missing (the text ends too early) at byte 1`},
	})
}

func TestCanal(t *testing.T) {
	c := target(CanalJSON, "id", "name", "at datetime")
	message := func(typ, more string) string {
		return `{"type":"` + typ + `","database":"d","table":"t","pkNames":["id"],"isDdl":false,` + more + `}`
	}
	run(t, []example{
		{"insert of two", with(c, func(c *Config) { c.Table = []string{"db", "table"} }), "",
			message("INSERT", `"data":[{"id":"1","name":"a","at":"2023-02-08 10:52:25"},{"id":"2","name":null}],"old":null`), `+ "1"|"a"|"2023-02-08 10:52:25" @d.t; + "2"|NULL|NULL @d.t`},
		{"update", c, "", message("UPDATE", `"data":[{"id":"1","name":"b"}],"old":[{"name":"a"}]`), `+ "1"|"b"|NULL`},
		{"update of the key", c, "", message("UPDATE", `"data":[{"id":"2","name":"b"},{"id":"3","name":"c"}],"old":[{"id":"1"},{"name":"x"}]`), `- "1"|"b"|NULL; + "2"|"b"|NULL; + "3"|"c"|NULL`},
		{"update of the key, as documents", documents(CanalJSON), "", message("UPDATE", `"data":[{"id":"2","name":"b"}],"old":[{"id":"1"}]`),
			`- {"id":"1","name":"b","__op":1}; + {"id":"2","name":"b","__op":0}`},
		{"update, before first", with(c, func(c *Config) { c.Before = true }), "", message("UPDATE", `"data":[{"id":"1","name":"b"}],"old":[{"name":"a"}]`), `- "1"|"a"|NULL; + "1"|"b"|NULL`},
		{"delete", c, "", message("DELETE", `"data":[{"id":"1","name":"b"}]`), `- "1"|"b"|NULL`},
		{"one bad row spoils the message", c, "", message("INSERT", `"data":[{"id":"1"},{"name":"b"}]`), `dirty: missing primary key column id`},
		{"a row that is no object", c, "", message("INSERT", `"data":[{"id":"1"},2]`), `dirty: operation "INSERT": the image of the row is no JSON object`},
		{"no rows", c, "", message("INSERT", `"data":null`), `dirty: the message has no list of rows`},
		{"lists that differ", c, "", message("UPDATE", `"data":[{"id":1}],"old":[{},{}]`), `dirty: 1 rows and 2 former ones`},
		{"no list", c, "", message("INSERT", `"data":{"id":1}`), `dirty: the list of rows: not a JSON array but an object at byte 0`},
		{"a number for a time", c, "", message("INSERT", `"data":[{"id":"1","at":5}]`), `dirty: column at: a number for a column of type datetime, and nothing says what it counts: set timePrecision, or let the source send schemas`},
		{"truncate", c, "", `{"type":"TRUNCATE","isDdl":true,"database":"d","table":"t","sql":"truncate table t"}`, `fault: onTruncate: the message is a change of another kind than rows, TRUNCATE ("TRUNCATE"), of table d.t`},
		{"DDL", c, "", `{"type":"ALTER","isDdl":true,"database":"d","table":"t"}`, `fault: onDdl: the message is a change of another kind than rows, DDL ("ALTER"), of table d.t`},
		{"DDL of an unknown kind", with(c, func(c *Config) { c.OnDDL = Ignore }), "", `{"type":"NEW","isDdl":true}`, ``},
		{"unknown", c, "", message("MERGE", `"data":[]`), `dirty: unknown operation "MERGE"`},
		{"tombstone", c, `1`, ``, ``},
	})
	run(t, []example{
		{"watermark", target(TiCDCCanalJSON, "id"), "", `{"id":0,"database":"","table":"","pkNames":null,"isDdl":false,"type":"TIDB_WATERMARK","data":null,"_tidb":{"watermarkTs":1}}`, ``},
		{"update with all former values", target(TiCDCCanalJSON, "id", "v"), "", `{"type":"UPDATE","pkNames":["id"],"data":[{"id":"1","v":"b"}],"old":[{"id":"1","v":"a"}],"_tidb":{"commitTs":1}}`, `+ "1"|"b"`},
	})
}

func TestCloudCanal(t *testing.T) {
	c := target(CloudCanalJSON, "col_pk", "col1")
	message := func(action, before, data string) string {
		return `{"action":"` + action + `","before":` + before + `,"bid":0,"data":` + data + `,"db":"db_test","ddl":false,"entryType":"ROWDATA","pks":["col_pk"],"schema":"s","sql":"","table":"table_test"}`
	}
	run(t, []example{
		{"insert", with(c, func(c *Config) { c.Table = []string{"db", "schema", "table"} }), "", message("INSERT", "[]", `[{"col1":"11","col_pk":"1"}]`), `+ "1"|"11" @db_test.s.table_test`},
		{"update", c, "", message("UPDATE", `[{"col1":"22","col_pk":"1"}]`, `[{"col1":"11","col_pk":"1"}]`), `+ "1"|"11"`},
		{"update of the key", c, "", message("UPDATE", `[{"col1":"22","col_pk":"2"}]`, `[{"col1":"11","col_pk":"1"}]`), `- "2"|"22"; + "1"|"11"`},
		{"delete", c, "", message("DELETE", "[]", `[{"col1":"11","col_pk":"1"}]`), `- "1"|"11"`},
		{"delete, before", c, "", message("DELETE", `[{"col1":"11","col_pk":"1"}]`, `[]`), `- "1"|"11"`},
		{"ddl", c, "", `{"action":"ALTER","ddl":true,"db":"d","table":"t","sql":"ALTER TABLE"}`, `fault: onDdl: the message is a change of another kind than rows, DDL ("ALTER"), of table d.t`},
		{"isDdl", with(c, func(c *Config) { c.OnDDL = Ignore }), "", `{"action":"ALTER","isDdl":true}`, ``},
		{"truncate", c, "", `{"action":"TRUNCATE","ddl":true,"table":"t"}`, `fault: onTruncate: the message is a change of another kind than rows, TRUNCATE ("TRUNCATE"), of table t`},
		{"end of a transaction", c, "", `{"entryType":"TRANSACTIONEND"}`, ``},
		{"unknown", c, "", message("MERGE", "[]", "[]"), `dirty: unknown operation "MERGE"`},
	})
}

func TestMaxwell(t *testing.T) {
	c := target(MaxwellJSON, "id", "name")
	run(t, []example{
		{"insert", with(c, func(c *Config) { c.Table = []string{"table"} }), "", `{"database":"d","table":"t","type":"insert","data":{"id":1,"name":"a"}}`, `+ 1|"a" @t`},
		{"bootstrap", c, "", `{"type":"bootstrap-insert","data":{"id":1,"name":"a"}}`, `+ 1|"a"`},
		{"begin of bootstrap", c, "", `{"type":"bootstrap-start","data":{}}`, ``},
		{"update", c, "", `{"type":"update","data":{"id":1,"name":"b"},"old":{"name":"a"}}`, `+ 1|"b"`},
		{"update of the key", c, "", `{"type":"update","data":{"id":2,"name":"b"},"old":{"id":1}}`, `- 1|"b"; + 2|"b"`},
		{"delete", c, "", `{"type":"delete","data":{"id":1,"name":"b"}}`, `- 1|"b"`},
		{"ddl", c, "", `{"type":"table-alter","database":"d","table":"t"}`, `fault: onDdl: the message is a change of another kind than rows, DDL ("table-alter"), of table d.t`},
		{"unknown", c, "", `{"type":"upsert"}`, `dirty: unknown operation "upsert"`},
		{"nothing", c, "", `{}`, `dirty: no change: the message does not say which operation it is`},
	})
}

func TestGoldenGate(t *testing.T) {
	c := target(OGGJSON, "ID", "NAME", "AT datetime")
	run(t, []example{
		{"insert", with(c, func(c *Config) { c.Table = []string{"schema", "table"} }), "", `{"table":"OWNER.T","op_type":"I","after":{"ID":1,"NAME":"a","AT":"2017-04-24T09:15:00.5"}}`, `+ 1|"a"|"2017-04-24 09:15:00.500000" @OWNER.T`},
		{"update", c, "", `{"table":"O.T","op_type":"U","before":{"ID":1,"NAME":"a","AT":null},"after":{"ID":1,"NAME":"b","AT":null}}`, `+ 1|"b"|NULL`},
		{"update of some columns", c, "", `{"table":"O.T","op_type":"U","before":{"ID":1,"NAME":"a","AT":"2017-04-24 09:15:00"},"after":{"ID":1,"NAME":"b"}}`, `+ 1|"b"|"2017-04-24 09:15:00"`},
		{"update that lacks a column", c, "", `{"table":"O.T","op_type":"U","before":{"ID":1},"after":{"ID":1,"NAME":"b"}}`, `dirty: column AT: it is in no image of the update; let the trail have all columns of updates`},
		{"update of the key", c, "", `{"table":"O.T","op_type":"U","before":{"ID":1,"NAME":"a","AT":null},"after":{"ID":2,"NAME":"a","AT":null}}`, `- 1|"a"|NULL; + 2|"a"|NULL`},
		{"delete", c, "", `{"table":"O.T","op_type":"D","before":{"ID":1}}`, `- 1|NULL|NULL`},
		{"delete without image", c, "", `{"table":"O.T","op_type":"D"}`, `dirty: operation "D" has no image of the row before it`},
		{"truncate", c, "", `{"table":"O.T","op_type":"T"}`, `fault: onTruncate: the message is a change of another kind than rows, TRUNCATE ("T"), of table O.T`},
	})
}

// encoders write one change of a row {"id", "v"}; a nil image is none.
var encoders = map[string]func(before, after map[string]any) any{
	DebeziumJSON: func(before, after map[string]any) any {
		op := "u"
		if before == nil {
			op = "c"
		} else if after == nil {
			op = "d"
		}
		return map[string]any{"op": op, "before": before, "after": after}
	},
	CanalJSON:      canalOf,
	TiCDCCanalJSON: canalOf,
	CloudCanalJSON: func(before, after map[string]any) any {
		m := map[string]any{"action": word("INSERT", "UPDATE", "DELETE", before, after), "data": []any{latest(before, after)}, "entryType": "ROWDATA"}
		if before != nil && after != nil {
			m["before"] = []any{before}
		}
		return m
	},
	MaxwellJSON: func(before, after map[string]any) any {
		return map[string]any{"type": word("insert", "update", "delete", before, after), "data": latest(before, after), "old": different(before, after)}
	},
	OGGJSON: func(before, after map[string]any) any {
		return map[string]any{"op_type": word("I", "U", "D", before, after), "before": before, "after": after, "table": "O.T"}
	},
}

func canalOf(before, after map[string]any) any {
	m := map[string]any{"type": word("INSERT", "UPDATE", "DELETE", before, after), "data": []any{latest(before, after)}}
	if old := different(before, after); old != nil {
		m["old"] = []any{old}
	}
	return m
}

func word(insert, update, del string, before, after map[string]any) string {
	switch {
	case before == nil:
		return insert
	case after == nil:
		return del
	}
	return update
}

func latest(before, after map[string]any) map[string]any {
	if after == nil {
		return before
	}
	return after
}

func different(before, after map[string]any) map[string]any {
	if before == nil || after == nil {
		return nil
	}
	old := map[string]any{}
	for k, v := range before {
		if after[k] != v {
			old[k] = v
		}
	}
	return old
}

// A random history of a table, told in every format and applied, ends in the same rows.
func TestHistoriesEndAlike(t *testing.T) {
	for format, encode := range encoders {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				table, applied := map[int]string{}, map[string]string{}
				d := New(target(format, "id", "v"))
				for range rapid.IntRange(1, 40).Draw(t, "changes") {
					id := rapid.IntRange(0, 5).Draw(t, "id")
					v := rapid.SampledFrom([]string{"a", "b", `q"\`, "é", ""}).Draw(t, "v")
					old, there := table[id]
					var before, after map[string]any
					if there {
						before = map[string]any{"id": id, "v": old}
						delete(table, id)
					}
					if to := rapid.IntRange(0, 5).Draw(t, "to"); !there || rapid.Bool().Draw(t, "keep") {
						if _, taken := table[to]; !there || taken {
							to = id // an insert, or a key that is in use
						}
						after = map[string]any{"id": to, "v": v}
						table[to] = v
					}
					text, err := json.Marshal(encode(before, after))
					if err != nil {
						t.Fatal(err)
					}
					if err := d.Open(context.Background(), text); err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					var row decode.Row
					for d.Next(&row) {
						if row.Delete {
							delete(applied, string(row.Cells[0]))
						} else {
							applied[string(row.Cells[0])] = string(row.Cells[1])
						}
					}
				}
				want := map[string]string{}
				for id, v := range table {
					text, _ := json.Marshal(v)
					want[fmt.Sprint(id)] = string(text)
				}
				if fmt.Sprint(applied) != fmt.Sprint(want) {
					t.Fatalf("%v, want %v", applied, want)
				}
			})
		})
	}
}

// Whatever the bytes are, a message is rows, nothing on purpose, or refused; and rows are JSON.
func FuzzOpen(f *testing.F) {
	for i, value := range []string{customers, typed(`"type":"bytes","name":"io.debezium.data.Bits"`, `"AYA="`), `{"op":"d","before":null}`, `{"type":"UPDATE","data":[{"id":1}],"old":[{"id":2}]}`,
		`{"action":"DELETE","before":[{"id":1}],"data":[]}`, `{"type":"update","data":{"id":1},"old":{"id":2}}`, `{"op_type":"U","table":"O.T","before":{"id":1},"after":{"v":2}}`,
		`{"op":"c","source":{"collection":"c"},"after":"{\"id\":{\"$date\":1}}"}`} {
		f.Add(uint8(i), value, `{"id":"1"}`)
	}
	f.Fuzz(func(t *testing.T, which uint8, value, key string) {
		c := target(Formats[int(which)%(len(Formats)-1)], "id", "v datetime", "w json", "x decimal128")
		c.Tombstones, c.Table = Delete, []string{"db", "table"}
		if which >= 128 {
			c = documents(c.Format)
		}
		d := New(c)
		for range 2 {
			d.Key([]byte(key))
			err := d.Open(t.Context(), []byte(value))
			var refusal *decode.Refusal
			if err != nil && !errors.As(err, &refusal) && protocol.AsFault(err) == nil {
				t.Fatal(err)
			}
			var row decode.Row
			rows := 0
			for d.Next(&row) {
				rows++
				for _, cell := range append(row.Cells, row.Document) {
					if cell != nil && !json.Valid(cell) {
						t.Fatalf("%q", cell)
					}
				}
			}
			if err != nil && rows > 0 {
				t.Fatalf("%d rows and %v", rows, err)
			}
		}
	})
}

func BenchmarkDebezium(b *testing.B) {
	plain := `{"before":null,"after":{"id":1,"first_name":"name1","snapshot":"last"},"source":{"version":"1.9.7.Final","connector":"postgresql","name":"test","ts_ms":1675853545411,"snapshot":"false","db":"test","schema":"public","table":"customers","txId":492,"lsn":24277568,"xmin":null},"op":"c","ts_ms":1675853545411,"transaction":null}`
	for name, value := range map[string]string{"with schema": customers, "without schema": plain} {
		b.Run(name, func(b *testing.B) {
			d := New(target(DebeziumJSON, "id", "first_name", "snapshot"))
			text := []byte(value)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				var row decode.Row
				if err := d.Open(b.Context(), text); err != nil || !d.Next(&row) {
					b.Fatal(err)
				}
			}
		})
	}
}
