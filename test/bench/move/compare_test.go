package main

import (
	"encoding/json"
	"testing"
)

func TestSameNumber(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"499999500000", "499999500000", true},
		{"4.999995e+11", "499999500000", true},
		{"10.00", "10", true},
		{"499999500001", "499999500000", false},
		{"", "0", false}, // SUM of an empty table is NULL
	} {
		if got := sameNumber(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}

func TestSameRow(t *testing.T) {
	d := document{ID: 7, City: "東京", Name: "Yuki", Amount: "1.50", TS: "2026-03-01 00:00:07", Tag: json.RawMessage(`{"desc":"a\"b","level":1}`), Channel: "web", OK: true}
	good := []any{"7", "東京", "Yuki", "1.50", "2026-03-01 00:00:07", `{"level": 1, "desc": "a\"b"}`, "web", "1"}
	if !sameRow(good, documents.row(d)) {
		t.Error("the same row counts as another")
	}
	if !sameRow([]any{"7", "東京", "Yuki", "1.50", `a"b`}, projected.row(d)) {
		t.Error("the same projected row counts as another")
	}
	for i, other := range []any{"8", "東", nil, "1.5", "2026-03-01 00:00:08", `{"desc":"a\"b","level":1.0}`, "app", "0"} {
		bad := append([]any(nil), good...)
		bad[i] = other
		if sameRow(bad, documents.row(d)) {
			t.Errorf("column %d with %v counts as the same", i, other)
		}
	}
	if sameRow(nil, documents.row(d)) {
		t.Error("a missing row counts as the same")
	}
}
