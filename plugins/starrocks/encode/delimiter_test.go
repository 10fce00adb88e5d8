package encode

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestParseDelimiter(t *testing.T) {
	for _, tc := range []struct{ in, bytes, header string }{
		{`\x01`, "\x01", `\x01`},
		{`\\x01`, "\x01", `\x01`},
		{`\X01`, "\x01", `\x01`},
		{`0x01`, "\x01", `\x01`},
		{`0X02`, "\x02", `\x02`},
		{`\x0D0A`, "\r\n", `\x0D0A`},
		{`\x0d\x0a`, "\r\n", `\x0D0A`},
		{`\\x0d\\x0a`, "\r\n", `\x0D0A`},
		{`\t`, "\t", `\x09`},
		{`\\t`, "\t", `\x09`},
		{`\n`, "\n", `\x0A`},
		{`\r\n`, "\r\n", `\x0D0A`},
		{"\t", "\t", `\x09`},
		{"\x01", "\x01", `\x01`},
		{"\n", "\n", `\x0A`},
		{",", ",", ","},
		{"||", "||", "||"},
		{"，", "，", "，"},
		{`\xEFBC8C`, "，", "，"},
		{" ", " ", `\x20`},
		{"| |", "| |", `\x7C207C`},
		{"\x7f", "\x7f", `\x7F`},
		{`\`, `\`, `\`},
		{`\\`, `\\`, `\\`},
		{"0", "0", "0"},
		{strings.Repeat("ab", 25), strings.Repeat("ab", 25), strings.Repeat("ab", 25)},
	} {
		d, err := ParseDelimiter(tc.in)
		if err != nil || string(d.Bytes) != tc.bytes || d.Header != tc.header {
			t.Errorf("%q: %q %q %v, want %q %q", tc.in, d.Bytes, d.Header, err, tc.bytes, tc.header)
		}
	}
	for in, want := range map[string]string{
		"": "empty", `\x1`: "even number", `\x012`: "even number", `\xZZ`: "other than hexadecimal", `\x`: "no hexadecimal",
		`0x`: "no hexadecimal", `\xFF`: "UTF-8", strings.Repeat("a", 51): "51 bytes", `\x` + strings.Repeat("01", 51): "51 bytes",
		"é ": "mixes", "\n，": "mixes",
	} {
		if d, err := ParseDelimiter(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v, want an error with %q", in, d.Bytes, err, want)
		}
	}
}

// serverDelimiter reads a header as StarRocks' Delimiter does.
func serverDelimiter(h string) (string, bool) {
	if len(h) >= 2 && (h[:2] == `\x` || h[:2] == `\X` || h[:2] == "0x" || h[:2] == "0X") {
		raw, err := hex.DecodeString(h[2:])
		return string(raw), err == nil && len(raw) > 0
	}
	return h, len(h) > 0 && len(h) <= 50
}

func FuzzDelimiter(f *testing.F) {
	for _, s := range []string{`\x01`, `\\x01\\x02`, "0x", "，", " ", `\t`, "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDelimiter(s)
		if err != nil {
			return
		}
		if got, ok := serverDelimiter(d.Header); !ok || got != string(d.Bytes) {
			t.Fatalf("%q: the server reads %q from %q, want %q", s, got, d.Header, d.Bytes)
		}
		for _, b := range []byte(d.Header) {
			if b < ' ' || b == 0x7f {
				t.Fatalf("%q: header %q holds a control character", s, d.Header)
			}
		}
		if strings.TrimSpace(d.Header) != d.Header {
			t.Fatalf("%q: header %q would be trimmed", s, d.Header)
		}
	})
}
