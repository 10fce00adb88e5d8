package decode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/sdk/dialect"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// said is what a value comes to: its rows, or why it has none.
func said(t testing.TB, d decode.Decoder, value string) string {
	t.Helper()
	rows, err := decodetest.Rows(t, d, []byte(value))
	var refused *decode.Refusal
	if errors.As(err, &refused) {
		return "dirty: " + refused.Reason
	}
	if err != nil {
		return "fault: " + err.Error()
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, r.Text())
	}
	return strings.Join(lines, " ; ")
}

func TestJSON(t *testing.T) {
	plain := decode.JSON{Guard: true, Option: "valueConverter"}
	envelope := decode.JSON{Envelope: true, Option: "keyConverter"}
	document, id, anything := decodetest.Wanted(t), decodetest.Wanted(t, "id"), decode.Wanted{Document: true, Any: true}
	for _, c := range []struct {
		how    decode.JSON
		wanted decode.Wanted
		value  string
		want   string
	}{
		{plain, document, `{"id":1}`, `{"id":1}`},
		{plain, id, `{"id":1}`, `1`},
		{plain, id, `{"x":1}`, `NULL`},
		{plain, document, `[1]`, "dirty: not a JSON object but an array at byte 0"},
		{plain, document, "\x00\x00\x00\x00\x07{}", `dirty: looks like Confluent wire format (magic byte 0, schema id 7), not like plain JSON: set "type": "jsonschema", "avro" or "protobuf" and schemaRegistryUrl in valueConverter`},
		{plain, document, `{"schema":null,"payloads":{}}`, `{"schema":null,"payloads":{}}`},
		{plain, document, `{"payload":{},"schema":{}}`, `dirty: holds exactly the keys schema and payload, as JSON with schemas does: set "valueConverter": {"schemasEnable": true}`},
		{plain, document, `{"payload":{},"schema":{},"more":1}`, `{"payload":{},"schema":{},"more":1}`},
		{envelope, document, `{"schema":{},"payload":{"id":1}}`, `{"id":1}`},
		{envelope, id, `{"payload":{"id":1},"schema":null}`, `1`},
		{envelope, document, `{"schema":null,"payload":null}`, ``},
		{envelope, document, `{"id":1}`, "dirty: not an envelope of schema and payload, which keyConverter.schemasEnable asks for"},
		{envelope, document, `{"schema":{},"payload":[1]}`, "dirty: the payload of the envelope is not a JSON object"},
		{envelope, decode.Wanted{Document: true, List: true}, `{"schema":{},"payload":[1]}`, `[1]`},
		{envelope, decode.Wanted{Document: true, List: true}, `{"schema":{},"payload":{}}`, "dirty: the payload of the envelope is not a JSON array"},
		{envelope, anything, `{"schema":{},"payload":7}`, `7`},
		{plain, anything, `"k"`, `"k"`},
		{plain, anything, `"k" 1`, `dirty: invalid JSON: more text behind the value at byte 4`},
		{plain, anything, `{"schema":{},"payload":1}`, `dirty: holds exactly the keys schema and payload, as JSON with schemas does: set "valueConverter": {"schemasEnable": true}`},
	} {
		if got := said(t, decode.NewJSON(c.how, c.wanted), c.value); got != c.want {
			t.Errorf("%q: %s, want %s", c.value, got, c.want)
		}
	}
}

func explode(t testing.TB, text string, wanted decode.Wanted, outer ...bool) decode.Decoder {
	t.Helper()
	e, err := decode.ParseExplode(text)
	if err != nil {
		t.Fatal(err)
	}
	var around []project.Path
	for i, is := range outer {
		if is {
			around = append(around, wanted.Paths[i])
		}
	}
	return decode.NewExplode(e, decode.NewJSON(decode.JSON{Guard: true, Option: "valueConverter"}, e.Source(around, wanted.Fold)), wanted, outer)
}

func TestExplode(t *testing.T) {
	fold := decodetest.Wanted(t, "SKU")
	fold.Fold = true
	for _, c := range []struct {
		path   string
		wanted decode.Wanted
		outer  []bool
		value  string
		want   string
	}{
		{"$[*]", decodetest.Wanted(t), nil, ` [ {"a":1} , {"b":[2]} ] `, `{"a":1} ; {"b":[2]}`},
		{"$[*]", decodetest.Wanted(t, "a", "b[0]"), nil, `[{"a":1},{"b":[2]}]`, `1|NULL ; NULL|2`},
		{"$[*]", decodetest.Wanted(t), nil, `[]`, ``},
		{"$[*]", decodetest.Wanted(t), nil, `{"a":1}`, `dirty: not a JSON array but an object at byte 0`},
		{"$[*]", decodetest.Wanted(t), nil, `[{},7]`, `dirty: element 1 of $[*] is not a JSON object`},
		{"$[*]", decodetest.Wanted(t), nil, `[{}`, `dirty: invalid JSON: a comma or ] is missing (the text ends too early) at byte 3`},
		{"$[*]", decodetest.Wanted(t), nil, `[{}]x`, `dirty: invalid JSON: more text behind the array at byte 4`},
		{"$.o.items[*]", decodetest.Wanted(t, "sku", "id", "n"), []bool{false, true, false}, `{"id":9,"o":{"items":[{"sku":"a","n":1},{"n":2}]}}`, `"a"|9|1 ; NULL|9|2`},
		{"$.items[*]", fold, nil, `{"items":[{"sku":"a"}]}`, `"a"`},
		{"$.items[*]", decodetest.Wanted(t), nil, `{"items":[]}`, ``},
		{"$.items[*]", decodetest.Wanted(t), nil, `{"items":null}`, `dirty: there is no array at $.items[*], which explode asks for`},
		{"$.items[*]", decodetest.Wanted(t), nil, `{"id":1}`, `dirty: there is no array at $.items[*], which explode asks for`},
		{"$.items[*]", decodetest.Wanted(t), nil, `{"items":{}}`, `dirty: what is at $.items[*] is no array, which explode asks for`},
		{"$.items[*]", decodetest.Wanted(t), nil, `[{}]`, `dirty: not a JSON object but an array at byte 0`},
	} {
		if got := said(t, explode(t, c.path, c.wanted, c.outer...), c.value); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.path, c.value, got, c.want)
		}
	}
}

// Exploding a list gives its elements, whatever they are.
func TestExplodeGivesAllElements(t *testing.T) {
	d := explode(t, "$.a.list[*]", decodetest.Wanted(t))
	rapid.Check(t, func(r *rapid.T) {
		var items []map[string]string
		for range rapid.IntRange(0, 6).Draw(r, "n") {
			items = append(items, rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(r, "item"))
		}
		value, err := json.Marshal(map[string]any{"a": map[string]any{"list": append([]map[string]string{}, items...)}})
		if err != nil {
			r.Fatal(err)
		}
		rows, err := decodetest.Rows(t, d, value)
		if err != nil || len(rows) != len(items) {
			r.Fatalf("%s: %d rows, %v", value, len(rows), err)
		}
		for i := range rows {
			var got map[string]string
			if err := json.Unmarshal([]byte(rows[i].Document), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(items[i]) {
				r.Fatalf("%s: row %d is %s", value, i, rows[i].Document)
			}
		}
	})
}

func cells(t testing.TB, delimiter, quote, null string, width int, index ...int) decode.Decoder {
	t.Helper()
	d, _, err := dialect.New(delimiter, quote, "", &null)
	if err != nil {
		t.Fatal(err)
	}
	return decode.NewCells(decode.Cells{Dialect: d, Width: width, Index: index})
}

func TestCells(t *testing.T) {
	csv, text, picked := cells(t, ",", `"`, `\N`, 3), cells(t, `\x01\x02`, "", "", 2), cells(t, "|", `"`, `\N`, 0, 2, 0, 2)
	for _, c := range []struct {
		d           decode.Decoder
		value, want string
	}{
		{csv, `1,"a,""b""",\N`, `1|a,"b"|NULL`},
		{csv, "1,,\"\\N\"\r\n", `1||\N`},
		{csv, `1,2`, "dirty: 2 cells where 3 are wanted"},
		{csv, "1,2,3\n4,5,6", "dirty: the value holds more than one record: 5 bytes stand behind the first"},
		{csv, `1,"2,3`, "dirty: a quoted value is not closed"},
		{csv, "1,2,\xff", "dirty: the value is not valid UTF-8"},
		{text, "a\x01\x02\"b\"", `a|"b"`},
		{text, "\x01\x02x", `NULL|x`},
		{picked, "a|b|c", "c|a|c"},
		{picked, "a|b", "dirty: there is no cell 2: the record has 2"},
	} {
		if got := said(t, c.d, c.value); got != c.want {
			t.Errorf("%q: %s, want %s", c.value, got, c.want)
		}
	}
}

func TestCharsets(t *testing.T) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("东京, abc")
	if err != nil {
		t.Fatal(err)
	}
	gb18030, err := simplifiedchinese.GB18030.NewEncoder().String("😀 \ufffd")
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("é😀\ufffd")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, in, want string }{
		{"GBK", gbk, "东京, abc"}, {"gb2312", gbk, "东京, abc"}, {"GB18030", gb18030, "😀 \ufffd"}, {"utf-16", utf16, "é😀\ufffd"},
		{"UTF_16BE", "\x00a\x20\xac", "a€"}, {"UTF-16LE", "a\x00", "a"}, {"utf16", "\x00a", "a"}, {"latin-1", "\xe9", "é"}, {"ISO-8859-1", "", ""},
		{"GBK", "a\xff", "is not valid GBK"}, {"GB18030", "\x81", "is not valid GB18030"}, {"UTF-16", "\xd8\x00\x00a", "is not valid UTF-16"}, {"UTF-16LE", "a", "is not valid UTF-16LE"},
	} {
		charset, known := decode.CharsetOf(c.name)
		got, reason := charset.Text().UTF8([]byte(c.in))
		if reason != "" {
			got = []byte(reason)
		}
		if !known || string(got) != c.want {
			t.Errorf("%s %x: %q, want %q", c.name, c.in, got, c.want)
		}
	}
	if _, known := decode.CharsetOf("klingon"); known {
		t.Error("klingon is known")
	}
	utf8, _ := decode.CharsetOf("utf8")
	if got, reason := utf8.Text().UTF8([]byte("x\xff")); string(got) != "x\xff" || reason != "" || !utf8.Plain() {
		t.Errorf("UTF-8 stays as it is: %q %s", got, reason)
	}
}

// echo is a Program that knows the id of its schema.
type echo struct{ text string }

func (e echo) Run(value []byte, s *decode.Sheet) error {
	s.Text = append(append(s.Text, e.text...), value...)
	s.Fill([]int{0}, 0)
	return nil
}

func TestEachValueHasItsSchema(t *testing.T) {
	compiled := 0
	compile := func(s *registry.Schema, _ *decode.Wanted) (decode.Program, error) {
		if compiled++; s.Text == "bad" {
			return nil, errors.New("no sense")
		}
		return echo{s.Text}, nil
	}
	client := decodetest.Registry(t, map[uint32]*registry.Schema{1: {Type: "AVRO", Text: "a"}, 2: {Type: "AVRO", Text: "b"}, 3: {Type: "JSON"}, 4: {Type: "AVRO", Text: "bad"}})
	d := decode.NewFramed(client, registry.Avro, compile, decode.Wanted{Document: true})
	for range 2 {
		for _, c := range []struct{ value, want string }{
			{"\x00\x00\x00\x00\x01x", "ax"}, {"\x00\x00\x00\x00\x02y", "by"}, {"\x00\x00\x00\x00\x01z", "az"},
			{"\x00\x00\x00\x00\x03", "dirty: schema 3 is of type JSON, and the converter reads AVRO"},
			{"\x00\x00\x00\x00\x04", "dirty: schema 4 cannot be used: no sense"},
			{"\x00\x00\x00\x00\x05", "dirty: the schema registry has no schema 5"},
			{"\x00\x00", "dirty: 2 bytes are too short for the Confluent wire format"},
			{`{"a":1}`, `dirty: looks like plain JSON, not like Confluent wire format (the first byte is '{', not 0): set "type": "json"`},
			{"\x07abcdef", "dirty: not in Confluent wire format: the first byte is 0x07, not 0"},
		} {
			if got := said(t, d, c.value); got != c.want {
				t.Errorf("%q: %s, want %s", c.value, got, c.want)
			}
		}
	}
	if compiled != 3 {
		t.Errorf("compiled %d times, want once for each of three", compiled)
	}
}

// A registry that is away makes no message dirty.
func TestARegistryThatIsAway(t *testing.T) {
	c, err := registry.New(registry.Config{URLs: []string{"http://127.0.0.1:1"}, Username: "x"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	d := decode.NewFramed(c, registry.Avro, nil, decode.Wanted{Document: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = d.Open(ctx, []byte("\x00\x00\x00\x00\x01x"))
	var refused *decode.Refusal
	if !errors.Is(err, context.Canceled) || errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}

// Foreign bytes: whatever a decoder makes of them, its documents are JSON and its cells are UTF-8.
func FuzzDecoders(f *testing.F) {
	f.Add([]byte(`{"schema":{},"payload":[{"a":1}]}`))
	f.Add([]byte(`[{"a":[1,2]},{"b":"\u0041"}]`))
	f.Add([]byte("a,\"b\"\n"))
	f.Add([]byte("\x00\x00\x00\x00\x01{}"))
	list := decodetest.Wanted(f)
	list.List = true
	decoders := []decode.Decoder{
		decode.NewJSON(decode.JSON{Guard: true}, decodetest.Wanted(f)), decode.NewJSON(decode.JSON{Envelope: true}, list),
		explode(f, "$[*]", decodetest.Wanted(f)), explode(f, "$.payload[*]", decodetest.Wanted(f, "a", "schema"), false, true), cells(f, ",", `"`, `\N`, 2),
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) == 0 {
			return
		}
		for i, d := range decoders {
			rows, err := decodetest.Rows(t, d, value)
			var refused *decode.Refusal
			if err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
			for _, r := range rows {
				if r.Document != "" && !json.Valid([]byte(r.Document)) {
					t.Fatalf("decoder %d makes %q of %q", i, r.Document, value)
				}
				for _, c := range r.Cells {
					if !bytes.Equal([]byte(c), bytes.ToValidUTF8([]byte(c), nil)) {
						t.Fatalf("decoder %d makes %q of %q", i, c, value)
					}
				}
			}
		}
	})
}
