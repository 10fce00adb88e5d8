package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func whole(b []byte) error {
	i := Space(b, 0)
	end, err := Value(b, i)
	if err != nil {
		return err
	}
	if Space(b, end) != len(b) {
		return &SyntaxError{Offset: end, Want: "the end"}
	}
	return nil
}

func TestValueAgreesWithTheStandardLibrary(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `{"a":[1,-0.5e+3,true,false,null,"x\u00e9\n\"\\\/"]}`, ` [ 1 , 2 ] `, `"\ud83d\ude00"`, `0`, `-0`, `1e5`, `[[[]]]`,
		``, ` `, `{`, `[`, `[1`, `[1,`, `[1,]`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`,
		`tru`, `nul`, `falsy`, `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\x00\"", `1 2`, `]`, `}`, `[}`, `{"a":1]`, `NaN`, `'a'`, "\x00", "[1\x00]",
	} {
		if err := whole([]byte(text)); (err == nil) != json.Valid([]byte(text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	deep := strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)
	var syntax *SyntaxError
	if err := whole([]byte(deep)); !errors.As(err, &syntax) || syntax.Offset != MaxDepth {
		t.Errorf("deep nesting: %v", err)
	}
	if err := whole([]byte(deep[1 : len(deep)-1])); err != nil {
		t.Errorf("allowed nesting: %v", err)
	}
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e-3,"\u00e9\ud83d\ude00"],"b":null}`, `[true,false]`, `"\ud800"`, `{"a":{}}x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := whole(data)
		valid := json.Valid(data)
		if err != nil && valid && bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > MaxDepth {
			return
		}
		if (err == nil) != valid {
			t.Fatalf("%q: %v, the standard library says %v", data, err, valid)
		}
		if err != nil {
			return
		}
		var want, got any
		if err := json.Unmarshal(data, &want); err != nil {
			return // a number too large for a float
		}
		compact := Compact(nil, data)
		if err := json.Unmarshal(compact, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q compacts to %q: %v", data, compact, err)
		}
		text := bytes.TrimSpace(data)
		if s, ok := want.(string); ok && bytes.ContainsRune(text, '"') {
			if got := strings.ToValidUTF8(string(Unquote(nil, text)), "\uFFFD"); strings.ToValidUTF8(s, "\uFFFD") != got && !bytes.ContainsFunc(text, func(r rune) bool { return r == '\uFFFD' }) {
				t.Fatalf("%q reads as %q, want %q", text, got, s)
			}
			var back string
			if err := json.Unmarshal(Quote(nil, []byte(s)), &back); err != nil || back != s {
				t.Fatalf("%q quotes to %q", s, Quote(nil, []byte(s)))
			}
		}
	})
}
