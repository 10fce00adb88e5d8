package observe

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestNumbersForPeople(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{Count(0), "0"}, {Count(9999), "9999"}, {Count(12345), "12.3k"}, {Count(4_560_000), "4.56M"}, {Count(7_000_000_000), "7.00G"},
		{Bytes(12), "12 B"}, {Bytes(2048), "2.0 KiB"}, {Bytes(5 << 20), "5.0 MiB"}, {Bytes(3 << 30), "3.00 GiB"},
		{Waiting(5, 1), "the writer is the slower side"}, {Waiting(1, 5), "the reader is the slower side"}, {Waiting(1, 1), "both sides keep up"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestJSONLines(t *testing.T) {
	var b bytes.Buffer
	l := Logger(&b, "warn", "json")
	l.Info("quiet")
	l.Warn("loud")
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil || line["message"] != "loud" || line["level"] != "warn" {
		t.Fatalf("%q: %v", b.String(), err)
	}
}
