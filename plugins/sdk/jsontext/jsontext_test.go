package jsontext

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a text holds, it reads back as it was.
func TestAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		got := Append([]byte("before"), []byte(text))
		var back string
		if err := json.Unmarshal(got[len("before"):], &back); err != nil || back != text {
			t.Fatalf("%q became %s: %q, %v", text, got, back, err)
		}
	})
	for text, want := range map[string]string{"": `""`, "a\"\\\n\r\t\x00\x1fé/": `"a\"\\\n\r\t\u0000\u001fé/"`} {
		if got := string(Append(nil, []byte(text))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
