package compose

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// heads are the headers that a text holds, or why it holds none.
func heads(text string) string {
	var b Buffer
	if reason := b.ReadHeaders([]byte(text)); reason != "" {
		return "! " + reason
	}
	var out []string
	for _, h := range b.Headers {
		value := "NULL"
		if !h.Value.IsNull() {
			value = fmt.Sprintf("%q", h.Value.In(b.Data))
		}
		out = append(out, fmt.Sprintf("%q=%s", h.Name.In(b.Data), value))
	}
	return strings.Join(out, " ")
}

func TestHeaders(t *testing.T) {
	for text, want := range map[string]string{
		``:                                ``,
		`[]`:                              ``,
		`{}`:                              ``,
		"\x00":                            ``,
		`[["a","x"],["b",null],["a",""]]`: `"a"="x" "b"=NULL "a"=""`,
		`[["a",{"base64":"/wA="}],[{"base64":"/w=="},1.50],["c",true]]`: `"a"="\xff\x00" "\xff"="1.50" "c"="true"`,
		`{"a":"\u00e9\n","b":["1",null,{"base64":""}],"c":[]}`:          `"a"="é\n" "b"="1" "b"=NULL "b"=""`,
		"\x04\x02a\x02b\x02c\x01":                                       `"a"="b" "c"=NULL`,
		"\x02\x00\x00":                                                  `""=""`,

		`[1]`:                       `! holds 1, which is no pair of a name and a value`,
		`[["a"]]`:                   `! holds ["a"], which is no pair of a name and a value`,
		`[[1,"a"]]`:                 `! holds 1 as the name of a header`,
		`{"a":{"b":1}}`:             `! holds {"b":1}, which is neither a text, null, nor {"base64": …}`,
		`{"a":{"base64":"!"}}`:      `! holds base64 that cannot be read: !`,
		`{"a":{"base64":"","b":1}}`: `! holds {"base64":"","b":1}, which is neither a text, null, nor {"base64": …}`,
		`[["a",["b"]]]`:             `! holds ["b"], which is neither a text, null, nor {"base64": …}`,
		`{"a":1`:                    `! holds JSON that cannot be read`,
		"{\"a\":\"\xff\"}":          `! holds bytes that are not UTF-8`,
		"\x02":                      `! ` + badRecord,
		"\x02\x02a":                 `! ` + badRecord,
		"\x02\x01\x02b":             `! ` + badRecord,
		"\x02\x02a\x02b\x00":        `! ` + badRecord,
		"\x02\x02a\x03":             `! ` + badRecord,
		"text":                      `! ` + badRecord,
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01": `! ` + badRecord,
	} {
		if got := heads(text); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// What one writes in Kafka's encoding, and in JSON, reads back as it was.
func TestHeadersReadBack(t *testing.T) {
	type header struct {
		name  string
		value []byte
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5).Draw(t, "headers")
		record := binary.AppendVarint(nil, int64(n))
		pairs, want := [][2]any{}, ""
		for range n {
			h := header{name: rapid.StringN(0, 20, -1).Draw(t, "name")}
			if rapid.Bool().Draw(t, "has a value") {
				h.value = append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "value")...)
			}
			record = AppendHeader(record, []byte(h.name), h.value)
			if want != "" {
				want += " "
			}
			if want += fmt.Sprintf("%q=", h.name); h.value == nil {
				pairs, want = append(pairs, [2]any{h.name, nil}), want+"NULL"
				continue
			}
			pairs, want = append(pairs, [2]any{h.name, map[string][]byte{"base64": h.value}}), want+fmt.Sprintf("%q", h.value)
		}
		text, err := json.Marshal(pairs)
		if err != nil {
			t.Fatal(err)
		}
		if got := heads(string(record)); got != want {
			t.Fatalf("record: got %s, want %s", got, want)
		}
		if got := heads(string(text)); got != want {
			t.Fatalf("JSON: got %s, want %s", got, want)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	for _, text := range []string{"", "{}", `[["a","x"]]`, `{"a":["x",null,{"base64":"/w=="}]}`, "\x02\x02a\x02b", "\x04\x02a\x02b\x02c\x01", "\x80", `[["a",{"base64":1}]]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var b Buffer
		if reason := b.ReadHeaders(text); reason != "" {
			return
		}
		record := binary.AppendVarint(nil, int64(len(b.Headers)))
		for _, h := range b.Headers {
			if h.Name.IsNull() {
				t.Fatal("a header without a name")
			}
			record = AppendHeader(record, h.Name.In(b.Data), h.Value.In(b.Data))
		}
		if got, want := heads(string(record)), heads(string(text)); got != want {
			t.Fatalf("%q reads as %s, and again as %s", text, want, got)
		}
	})
}

func FuzzToken(f *testing.F) {
	for _, text := range []string{`"a"`, `"\ud83d\ude00"`, `"\ud83d"`, `null`, ` 1 `, `{"a":`, `"\\ud800"`, `"\\\ud800x"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, as, reason := token(nil, text)
		if reason != "" || as != isText {
			return
		}
		var want string
		if err := json.Unmarshal(text, &want); err != nil || string(out) != want {
			t.Fatalf("%q reads as %q, want %q (%v)", text, out, want, err)
		}
	})
}
