package message

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
)

type document struct {
	ID     int64  `json:"id"`
	City   string `json:"city"`
	Name   string `json:"name"`
	Amount string `json:"amount"`
	TS     string `json:"ts"`
	Tag    struct {
		Desc  string `json:"desc"`
		Level int    `json:"level"`
	} `json:"tag"`
	Channel string `json:"channel"`
	OK      *bool  `json:"ok"`
}

func TestDocuments(t *testing.T) {
	const n = 20_000
	s := Source{Seed: 1}
	var size, foreign, escaped int
	var buf []byte
	for id := range int64(n) {
		buf = s.Append(buf[:0], id)
		dec := json.NewDecoder(bytes.NewReader(buf))
		dec.DisallowUnknownFields()
		var d document
		if err := dec.Decode(&d); err != nil {
			t.Fatalf("id %d: %v in %s", id, err, buf)
		}
		if d.ID != id || d.City == "" || d.Name == "" || d.Tag.Desc == "" || d.Channel == "" || d.OK == nil {
			t.Fatalf("id %d: %s", id, buf)
		}
		if _, err := time.Parse(time.DateTime, d.TS); err != nil {
			t.Fatal(err)
		}
		if whole, cents, ok := strings.Cut(d.Amount, "."); !ok || whole == "" || len(cents) != 2 {
			t.Fatalf("id %d: amount %q", id, d.Amount)
		}
		if strings.IndexFunc(d.City, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
			foreign++
		}
		if bytes.IndexByte(buf, '\\') >= 0 {
			escaped++
		}
		size += len(buf)
	}
	if mean := float64(size) / n; mean < 180 || mean > 200 {
		t.Errorf("mean size is %.1f bytes, want about 190", mean)
	}
	if foreign < n/10 || foreign > n/6 {
		t.Errorf("%d of %d have letters outside ASCII, want about one in eight", foreign, n)
	}
	if escaped < n/100 || escaped > n/40 {
		t.Errorf("%d of %d have escapes, want about one in 64", escaped, n)
	}
}

// The bytes of a seed are stored in topics that outlive the program: when this test fails, Form must change too.
func TestFormIsFixed(t *testing.T) {
	const want = `{"id":17,"city":"São Paulo","name":"Noor Okafor","amount":"4051.15","ts":"2026-03-01 00:00:17",` +
		`"tag":{"desc":"express, signature of the receiver needed","level":1},"channel":"app","ok":false}`
	got := string(Source{Seed: 1}.Append(nil, 17))
	if Form != 1 || got != want {
		t.Errorf("form %d gives\n%s\nwant form 1 with\n%s", Form, got, want)
	}
	if other := string(Source{Seed: 2}.Append(nil, 17)); other == got {
		t.Error("another seed gives the same document")
	}
}

func BenchmarkAppend(b *testing.B) {
	var buf []byte
	for i := range int64(b.N) {
		buf = Source{Seed: 1}.Append(buf[:0], i)
	}
	b.SetBytes(int64(len(buf)))
}
