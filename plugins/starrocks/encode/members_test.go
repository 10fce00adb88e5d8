package encode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func document(t testing.TB, text []byte) *Documents {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	b.Append(text)
	d, err := NewDocuments(b.NewArray())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMembers(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: "",
		` { "a" : 1 , "b":"x,}\"" ,"c":[{"a":2},"]"],"d":{"e":{}},"f":null } `: `a=1|b="x,}\""|c=[{"a":2},"]"]|d={"e":{}}|f=null`,
		`{"\u0061b":-1.5e3,"":true}`: `ab=-1.5e3|=true`,
		`{"a":1`:                     "no", `{"a"}`: "no", `{"a":}`: "no", `{"a":1,}`: "no", `{a:1}`: "no", `{"a":1}x`: "no", `[1]`: "no", `{"a":1]}`: "no", `{"a":[}`: "no", "": "no", `{"a":"x}`: "no",
	} {
		var got []string
		ok := document(t, []byte(in)).Members(0, func(name, value []byte) { got = append(got, fmt.Sprintf("%s=%s", name, value)) })
		if text := strings.Join(got, "|"); ok != (want != "no") || (ok && text != want) {
			t.Errorf("%s: %s, %v, want %s", in, text, ok, want)
		}
	}
}

// Of whatever is an object, the members are those that encoding/json sees.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":[{}],"b":"\"","a":null}`, `{"\n":{"x":[1,2]}}`, `{`, `{"a":tru`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		got := map[string]string{}
		ok := document(t, s).Members(0, func(name, value []byte) { got[string(name)] = string(bytes.TrimSpace(value)) })
		var want map[string]json.RawMessage
		if json.Unmarshal(s, &want) != nil || want == nil || !bytes.Equal(s, bytes.ToValidUTF8(s, nil)) || bytes.Contains(s, []byte(`\ud`)) || bytes.Contains(s, []byte(`\uD`)) {
			return
		}
		if !ok || len(got) != len(want) {
			t.Fatalf("%s: %v, %v", s, got, ok)
		}
		for name, value := range want {
			if got[name] != string(value) {
				t.Fatalf("%s: %s is %s, want %s", s, name, got[name], value)
			}
		}
	})
}
