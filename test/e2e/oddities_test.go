package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fate is what becomes of a message.
type fate byte

const (
	fateRow   fate = 'r'
	fateDirty fate = 'd'
	fateOut   fate = 'o' // left out on purpose
)

// oddity is a message that something once stumbled over. What becomes of it depends on how messages are read: json is its
// fate where values are JSON documents; a way of reading with rules of its own adds a field.
type oddity struct {
	name    string
	key     []byte
	value   []byte // nil: a message without a value
	headers []kgo.RecordHeader
	json    fate
}

// oddities is the corpus.
func oddities() []oddity {
	var all []oddity
	add := func(json fate, name string, values ...string) {
		for i, v := range values {
			all = append(all, oddity{name: fmt.Sprintf("%s %d", name, i), value: []byte(v), json: json})
		}
	}
	nest := func(open, core, end string, depth int) string {
		return `{"id":1,"v":` + strings.Repeat(open, depth) + core + strings.Repeat(end, depth) + `}`
	}
	all = append(all, oddity{name: "no value", json: fateOut}, oddity{name: "no value, with a key", key: []byte("k"), json: fateOut})
	for _, key := range [][]byte{nil, {}, {0}, {0xff, 0xfe}, []byte("the same"), []byte("the same"), []byte(strings.Repeat("k", 10_000)), []byte(`{"a":`)} {
		all = append(all, oddity{name: fmt.Sprintf("key %.10q", key), key: key, value: []byte(`{"id":1}`), json: fateRow})
	}
	for _, h := range []kgo.RecordHeader{{}, {Key: "", Value: []byte{}}, {Key: "h", Value: nil}, {Key: "h", Value: []byte{0xff, 0}},
		{Key: "\xff\xfe", Value: []byte("v")}, {Key: strings.Repeat("h", 20_000), Value: []byte(strings.Repeat("v", 20_000))}} {
		all = append(all, oddity{name: fmt.Sprintf("header %.10q", h.Key), value: []byte(`{"id":1}`), headers: []kgo.RecordHeader{h, h}, json: fateRow})
	}

	add(fateOut, "empty", "")
	add(fateDirty, "blanks", " ", "\n\n", "\t \r\n", "\u00a0", "\ufeff", "\x00", "\x00\x00\x00\x00")
	add(fateDirty, "no object", "17", "-0", "1.5e3", `"text"`, "null", "true", "false", "[]", `[{"id":1}]`, `[1,2]`)
	add(fateDirty, "not a number", "NaN", "Infinity", "-Infinity", `{"id":NaN}`, `{"id":Infinity}`, `{"id":-Infinity}`, `{"id":nan}`, `{"id":inf}`)
	add(fateDirty, "numbers that are none", `{"id":01}`, `{"id":-01}`, `{"id":+1}`, `{"id":.5}`, `{"id":1.}`, `{"id":1e}`, `{"id":1e+}`, `{"id":0x10}`,
		`{"id":1_000}`, `{"id":--1}`, `{"id":1,5}`, `{"id":１}`, `{"id":-}`)
	add(fateRow, "numbers", `{"id":0}`, `{"id":-0}`, `{"id":1e400}`, `{"id":-1e400}`, `{"id":1e-400}`, `{"id":12345678901234567890}`, `{"id":-9223372036854775809}`,
		`{"id":0.1}`, `{"id":1E5}`, `{"id":1e+5}`, `{"id":123456789012345678901234567890.123456789012345678901234567890}`, `{"id":5e-324}`,
		`{"id":`+strings.Repeat("9", 5000)+`}`, `{"id":0.`+strings.Repeat("0", 5000)+`1}`)
	add(fateRow, "the same key twice", `{"id":1,"id":2}`, `{"id":1,"id":"2"}`, `{"id":null,"id":1}`, `{"id":1,"v":1,"v":2,"v":3}`, `{"id":1,"ID":2,"Id":3}`, `{"id":1,"i\u0064":2}`)
	add(fateRow, "keys", `{}`, `{"":1}`, `{"id":1," ":2}`, `{"id":1,"a.b":2}`, `{"id":1,"$x":2}`, `{"id":1,"名":2}`, `{"id":1,"__op":7}`, `{"id":1,"\"":2}`,
		`{"id":1,"`+strings.Repeat("k", 20_000)+`":2}`)
	add(fateRow, "NUL", `{"id":1,"v":"\u0000"}`, `{"id":1,"v":"a\u0000b"}`, `{"id":1,"\u0000":"v"}`)
	add(fateDirty, "NUL bytes", "{\"id\":1,\"v\":\"a\x00b\"}", "{\"id\":1}\x00", "\x00{\"id\":1}", "{\x00\"id\":1}", "{\"i\x00d\":1}")
	for c := range byte(0x20) {
		add(fateDirty, fmt.Sprintf("control character %02x", c), "{\"id\":1,\"v\":\""+string(rune(c))+"\"}")
	}
	add(fateRow, "escapes", `{"id":1,"v":"\b\f\n\r\t\/\\\""}`, `{"id":1,"v":"\u00e9\u4e2d\ud83d\ude00"}`, `{"id":1,"v":"\u007f\u0080\u2028\u2029\ufeff\uffff"}`)
	add(fateDirty, "no escapes", `{"id":1,"v":"\x41"}`, `{"id":1,"v":"\u12"}`, `{"id":1,"v":"\u12g4"}`, `{"id":1,"v":"\'"}`, `{"id":1,"v":"\`, `{"id":1,"v":"\"}`, `{"id":1,"v":"\u{41}"}`)
	add(fateDirty, "no UTF-8", "{\"id\":1,\"v\":\"\xff\"}", "{\"id\":1,\"v\":\"\xc3\"}", "{\"id\":1,\"v\":\"\xc0\xaf\"}", "{\"id\":1,\"v\":\"\xed\xa0\x80\"}",
		"{\"id\":1,\"v\":\"\xf4\x90\x80\x80\"}", "{\"id\":1,\"v\":\"\xe4\xb8\"}", "{\"\xff\":1}", "{\"id\":1,\"v\":\"\x80\"}", "{\"id\":1,\"v\":\"caf\xe9\"}",
		"\xff\xfe{\x00\"\x00i\x00d\x00\"\x00:\x001\x00}\x00", "\xfe\xff\x00{\x00\"\x00i\x00d\x00\"\x00:\x001\x00}", "\xd6\xd0\xb9\xfa")
	add(fateRow, "texts", `{"id":1,"v":"中文 العربية 😀 e\u0301"}`, `{"id":1,"v":"\\N"}`, `{"id":1,"v":"NULL"}`, `{"id":1,"v":""}`, `{"id":1,"v":" "}`,
		`{"id":1,"v":"a\tb\nc\u0001d\u0002e"}`, `{"id":1,"v":"'; DROP TABLE t; --"}`, "{\"id\":1,\"v\":\"\x7f\"}", `{"id":1,"v":"${env:HOME}"}`)
	add(fateRow, "types", `{"id":1,"v":null}`, `{"id":1,"v":true}`, `{"id":1,"v":[]}`, `{"id":1,"v":{}}`, `{"id":1,"v":[null,{"a":[]}]}`, `{"id":null}`, `{"id":[]}`, `{"id":{"a":1}}`, `{"id":true}`)
	add(fateRow, "blanks around", ` {"id":1}`, `{"id":1} `, "\n{\"id\":1}\n", "\r\n{\r\n\"id\"\t:\t1\r\n}\r\n")
	add(fateDirty, "strange blanks", "\u00a0{\"id\":1}", "\ufeff{\"id\":1}", "{\"id\":1}\u3000", "{\"id\":\v1}", "{\"id\":\f1}")
	add(fateDirty, "cut off", `{`, `{"`, `{"id`, `{"id"`, `{"id":`, `{"id":1`, `{"id":1,`, `{"id":"`, `{"id":tru}`, `{"id":nul`, `{"id":[1,2}`, `{"id":{"a":1}`)
	add(fateDirty, "too much", `{"id":1}}`, `{"id":1}{"id":2}`, `{"id":1},{"id":2}`, "{\"id\":1}\n{\"id\":2}", `{"id":1} x`, `{"id":1}]`, `{"id":1,}`, `{,"id":1}`, `{"id":1,,"v":2}`)
	add(fateDirty, "not JSON", `{'id':1}`, `{id:1}`, `{"id":1 /* one */}`, `{"id":1} // one`, `{"id" 1}`, `{"id"=1}`, `{1:1}`, `{"id":undefined}`, `{"id":'a'}`, `{"id":True}`, `}`, `]`,
		`<row id="1"/>`, `id=1&v=2`, `1,2,3`, `---`+"\nid: 1", `)]}',{"id":1}`)
	add(fateDirty, "of a schema registry", "\x00\x00\x00\x00\x07\x02\x06abc", "\x00\x7f\xff\xff\xff\x02", "\x00\x00\x00\x00\x00", "\x00\x00\x00", "\x01\x00\x00\x00\x07\x02\x06abc",
		"\x02{\"id\":1}", "\x00\x00\x00\x00\x07{\"id\":1}", "\x00\x00\x00\x00\x07\x00{\"id\":1}", "\xc3\x01\x00\x00\x00\x00\x00\x00\x00\x07\x02", "Obj\x01\x04\x14avro.codec")
	add(fateDirty, "of other serializers", "\x08\x96\x01", "\x81\xa2id\x01", "\xa1bid\x01", "\xac\xed\x00\x05t\x00\x01a", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "(\xb5/\xfd", "PAR1", "bplist00")
	add(fateRow, "large", `{"id":1,"v":"`+strings.Repeat("x", 900_000)+`"}`, `{"id":1,"other":"`+strings.Repeat("\\n", 450_000)+`"}`,
		`{"id":1,"v":[`+strings.Repeat("1,", 200_000)+`1]}`, `{"id":1`+manyKeys(20_000)+`}`)
	add(fateRow, "deep", nest("[", "1", "]", 10), nest("[", "", "]", 100), nest(`{"a":`, "1", "}", 100), nest("[", "", "]", 900), nest(`{"a":[`, "1", "]}", 400))
	add(fateDirty, "deep and wrong", strings.Repeat("[", 10_000), strings.Repeat(`{"a":`, 10_000), nest("[", "", "]", 1000)+"]", nest("[", "NaN", "]", 100))
	return all
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"key %d":%d`, i, i)
	}
	return b.String()
}

// oddWays are ways to read the corpus: what is set in the reader, and what becomes of each message.
var oddWays = []struct {
	name string
	set  harness.Object
	fate func(oddity) fate // nil: any, as long as there is one
	// columns of the target, in the order of the reader's
	columns []string
}{
	{name: "documents", set: harness.Object{}, fate: func(o oddity) fate { return o.json }},
	{name: "columns", set: harness.Object{"column": []string{"__partition__", "__offset__", "id", "v"}}, columns: []string{"part", "place", "id", "v"},
		fate: func(o oddity) fate { return o.json }},
	{name: "nothing is left out", set: harness.Object{"column": []string{"__partition__", "__offset__", "id", "v"}, "emptyValue": "dirty"}, columns: []string{"part", "place", "id", "v"},
		fate: func(o oddity) fate {
			if o.json == fateOut {
				return fateDirty
			}
			return o.json
		}},
	{name: "keys and values", set: harness.Object{"column": []string{"__partition__", "__offset__", "__key__", "__value__"}}, columns: []string{"part", "place", "id", "v"},
		fate: func(o oddity) fate {
			if !utf8.Valid(o.key) || !utf8.Valid(o.value) {
				return fateDirty
			}
			return fateRow
		}},
	{name: "text", set: harness.Object{"messageFormat": "text", "column": []string{"__partition__", "__offset__", "__key__", "__value__"}}, columns: []string{"part", "place", "id", "v"}},
	{name: "csv", set: harness.Object{"messageFormat": "csv", "column": []string{"__partition__", "__offset__", "0", "1"}}, columns: []string{"part", "place", "id", "v"}},
	{name: "envelopes", set: harness.Object{"column": []string{"__partition__", "__offset__", "id", "v"}, "valueConverter": harness.Object{"type": "json", "schemasEnable": true}},
		columns: []string{"part", "place", "id", "v"}},
}

// Whatever comes, it ends as a row, as a dirty record with its place, or left out on purpose: nothing is lost, nothing is
// invented, and each message meets the fate that its kind has.
func TestEveryOddMessageIsAccountedFor(t *testing.T) {
	const partitions = 3
	all := oddities()
	if len(all) < 200 {
		t.Fatalf("%d odd messages", len(all))
	}
	for _, way := range oddWays {
		t.Run(way.name, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(partitions)
				c.CreateTable("part INT, place BIGINT, id STRING, v VARCHAR(1048576)", "")
				fates := map[string]fate{} // by place
				count := map[fate]int64{}
				kind := map[string]oddity{}
				for i, o := range all {
					p := int32(i % partitions)
					c.Broker.Produce(t, &kgo.Record{Topic: c.Topic, Partition: p, Key: o.key, Value: o.value, Headers: o.headers})
					place := fmt.Sprintf("topic %s, partition %d, offset %d", c.Topic, p, i/partitions)
					if kind[place] = o; way.fate != nil {
						fates[place] = way.fate(o)
						count[fates[place]]++
					}
				}
				d := c.Document()
				for k, v := range way.set {
					d.Reader[k] = v
				}
				if way.columns != nil {
					d.Writer["column"] = way.columns
				}
				d.Setting["errorLimit"] = harness.Object{"record": len(all)}
				d.Setting["speed"] = harness.Object{"concurrent": 2}
				r := c.Done(d)
				rep := r.Report
				t.Logf("of %d messages: landed %d, dirty %d, filtered %d", rep.Read, rep.Landed, rep.Dirty, rep.Filtered)
				if sum := rep.Landed + rep.Dirty + rep.Filtered; sum != int64(len(all)) || rep.Read != sum {
					t.Errorf("of %d messages: read %d, accounted for %d", len(all), rep.Read, sum)
				}
				if way.fate == nil {
					count = map[fate]int64{fateRow: rep.Landed, fateDirty: rep.Dirty, fateOut: rep.Filtered}
				} else if rep.Landed != count[fateRow] || rep.Dirty != count[fateDirty] || rep.Filtered != count[fateOut] {
					t.Errorf("of %d messages: landed %d, dirty %d, filtered %d; want %d, %d, %d", rep.Read, rep.Landed, rep.Dirty, rep.Filtered, count[fateRow], count[fateDirty], count[fateOut])
				}
				if got := c.Count(); int64(got) != count[fateRow] {
					t.Errorf("%d rows, want %d", got, count[fateRow])
				}
				met := map[string]fate{}
				meet := func(place string, f fate) {
					if met[place] != 0 {
						t.Errorf("%s came to an end twice: %c and %c", place, met[place], f)
					}
					met[place] = f
				}
				for _, l := range dirtyLines(t, rep.DirtyFile) {
					meet(l.Place, fateDirty)
					if got := l.bytes(t); string(got) != string(kind[l.Place].value) || l.Reason == "" {
						t.Errorf("%s (%s): dirty record %.100q, reason %q", l.Place, kind[l.Place].name, got, l.Reason)
					}
				}
				if way.columns != nil {
					for _, at := range c.Query("SELECT part, place FROM @t") {
						part, off, _ := strings.Cut(at, "|")
						meet(fmt.Sprintf("topic %s, partition %s, offset %s", c.Topic, part, off), fateRow)
					}
				}
				if lost := int64(len(all)-len(met)) - count[fateOut]; way.columns != nil && lost != 0 {
					t.Errorf("%d messages are neither in the table nor in the dirty file", lost)
				}
				var wrong []string
				for place, want := range fates {
					got := met[place]
					if got == 0 && (want == fateOut || want == fateRow && way.columns == nil) {
						continue // only counted
					}
					if got != want {
						wrong = append(wrong, fmt.Sprintf("%s: %c, want %c", kind[place].name, max(got, '-'), want))
					}
				}
				slices.Sort(wrong)
				if len(wrong) > 0 {
					t.Errorf("%d messages met another fate:\n%s", len(wrong), strings.Join(wrong, "\n"))
				}
				for p, at := range c.Broker.Committed(t, c.Group, c.Topic, partitions) {
					if want := int64((len(all) + partitions - 1 - int(p)) / partitions); at != want {
						t.Errorf("partition %d is at %d, want %d", p, at, want)
					}
				}
			})
		})
	}
}
