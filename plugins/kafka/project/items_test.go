package project

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestItems(t *testing.T) {
	for doc, want := range map[string][]string{
		` [ 1 , "a,]" , {"b":[2]} ,null] `: {"1", `"a,]"`, `{"b":[2]}`, "null"}, `[]`: nil, "[ \n]": nil,
	} {
		items, err := Items([]byte(doc), nil)
		var got []string
		for _, i := range items {
			got = append(got, string(i))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v", doc, got, err)
		}
	}
	for doc, want := range map[string]string{
		``:           "invalid JSON: nothing but white space at byte 0",
		`{"a":1}`:    "not a JSON array but an object at byte 0",
		`{"a"`:       "invalid JSON: a colon is missing (the text ends too early) at byte 4",
		`[1`:         "invalid JSON: a comma or ] is missing (the text ends too early) at byte 2",
		`[1,]`:       "invalid JSON: a value is missing at byte 3",
		`[1] [2]`:    "invalid JSON: more text behind the array at byte 4",
		"[\"\xff\"]": "invalid UTF-8 at byte 2",
		`[1 2]`:      "invalid JSON: a comma or ] is missing at byte 3",
		`[]x`:        "invalid JSON: more text behind the array at byte 2",
	} {
		items, err := Items([]byte(doc), [][]byte{{'x'}})
		var wrong *Error
		if !errors.As(err, &wrong) || err.Error() != want || len(items) > 1 {
			t.Errorf("%q: %q %v, want %s", doc, items, err, want)
		}
	}
}

// Items and Value take what encoding/json takes, and nothing else.
func TestItemsAndValuesAreThoseOfTheStandardLibrary(t *testing.T) {
	letters := rapid.SliceOfN(rapid.SampledFrom([]byte(`[]{},:"1 -e.atrufln\`)), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		doc := letters.Draw(t, "doc")
		if got, want := Value(doc) == nil, json.Valid(doc); got != want {
			t.Fatalf("%q: %t, want %t", doc, got, want)
		}
		var want []json.RawMessage
		err := json.Unmarshal(doc, &want)
		items, got := Items(doc, nil)
		if (got == nil) != (err == nil && want != nil) || got == nil && len(items) != len(want) {
			t.Fatalf("%q: %q %v, want %q %v", doc, items, got, want, err)
		}
	})
}
