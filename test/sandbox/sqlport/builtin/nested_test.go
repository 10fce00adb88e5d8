package builtin

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// TestQuoteKeys: the text of a map with bare keys becomes JSON, and JSON stays as it is.
func TestQuoteKeys(t *testing.T) {
	for text, want := range map[string]string{
		`{1:"a",2:{3:[{4:null}]}}`:     `{"1":"a","2":{"3":[{"4":null}]}}`,
		`{"a,b":"{1:2}","c\"":[1,2]}`:  `{"a,b":"{1:2}","c\"":[1,2]}`,
		`{}`:                           `{}`,
		"{ \"a\" :1,\n\"b\":2}":        "{ \"a\" :1,\n\"b\":2}",
		`[1,{-2.5:true, 7 : "x:y,z"}]`: `[1,{"-2.5":true, "7": "x:y,z"}]`,
		`{"a`:                          `{"a`,
		`{"a\`:                         `{"a\`,
		`{1`:                           `{1`,
	} {
		if got := QuoteKeys(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		any := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(t, "document")
		text, err := json.Marshal(any)
		if err != nil {
			t.Fatal(err)
		}
		if got := QuoteKeys(string(text)); got != string(text) {
			t.Fatalf("%s became %s", text, got)
		}
	})
}

func FuzzQuoteKeys(f *testing.F) {
	for _, s := range []string{`{1:"a"}`, `{"a":[{2:3}]}`, `{`, `"\`, `{,:}`, `{ "a":1}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if once := QuoteKeys(s); json.Valid([]byte(s)) && once != s {
			t.Errorf("%q became %q", s, once)
		}
	})
}
