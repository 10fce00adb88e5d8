package rowcount

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// verdict is all that a JSON counter has to say.
type verdict struct {
	rows                int64
	broken              bool
	strayObj, strayList bool
}

// byteWise is the same counter, one byte after the other.
func byteWise(data []byte, elements bool) (v verdict) {
	at, depth, documents := 0, 0, 0
	if elements {
		at = 1
	}
	inString, escaped := false, false
	for _, b := range data {
		was := escaped
		escaped = b == '\\' && !was
		switch {
		case b == '"' && !was:
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			switch {
			case depth < at:
				documents++
				v.strayObj = b == '{'
			case depth > at || documents > 1: // of the documents behind the first nothing is read
			case b == '{':
				v.rows++
			default:
				v.strayList = true
			}
			depth++
		case b == '}' || b == ']':
			depth--
			v.broken = v.broken || depth < 0
		}
	}
	v.broken = v.broken || depth != 0 || inString
	return v
}

func counted(pieces [][]byte, elements bool) verdict {
	c := NewJSON(elements)
	for _, p := range pieces {
		c.Feed(p)
	}
	rows := c.End()
	object, array := c.Strays()
	return verdict{rows, c.Broken(), object, array}
}

// cut draws borders and cuts data at them.
func cut(t *rapid.T, data []byte) (pieces [][]byte) {
	for len(data) > 0 {
		n := rapid.OneOf(rapid.IntRange(1, len(data)), rapid.Just(min(64, len(data)))).Draw(t, "piece")
		pieces = append(pieces, bytes.Clone(data[:n]))
		data = data[n:]
	}
	return pieces
}

// value draws JSON: white space anywhere, brackets and escapes in strings.
func value(depth int) *rapid.Generator[string] {
	text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "{", "}", "[", "]", ",", ":", `\"`, `\\`, `\\\\`, `\\\"`, `\u00e9`, "é", "long enough to fill a block "}), 0, 8),
		func(s []string) string { return `"` + strings.Join(s, "") + `"` })
	scalar := rapid.OneOf(text, rapid.SampledFrom([]string{"0", "-1.5e3", "true", "null", `""`}))
	if depth == 0 {
		return scalar
	}
	member := rapid.Custom(func(t *rapid.T) string {
		return text.Draw(t, "key") + space.Draw(t, "") + ":" + space.Draw(t, "") + value(depth-1).Draw(t, "value")
	})
	return rapid.OneOf(scalar, list("[", value(depth-1), "]"), list("{", member, "}"))
}

var space = rapid.SampledFrom([]string{"", " ", "\n", "\r\n\t", strings.Repeat(" ", 70)})

func list(open string, item *rapid.Generator[string], closing string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		b.WriteString(open)
		for i := range rapid.IntRange(0, 3).Draw(t, "items") {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(space.Draw(t, "") + item.Draw(t, "item") + space.Draw(t, ""))
		}
		return b.String() + closing
	})
}

func row(t *rapid.T) string {
	member := rapid.Custom(func(t *rapid.T) string { return `"k":` + value(2).Draw(t, "value") })
	return list("{", member, "}").Draw(t, "row")
}

// Valid streams give their rows, and nothing to complain about, in whatever
// pieces they come.
func TestJSONCountsValidStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		elements := rapid.Bool().Draw(t, "elements")
		var stream strings.Builder
		want := int64(0)
		for document := range rapid.IntRange(0, 5).Draw(t, "documents") {
			stream.WriteString(space.Draw(t, ""))
			if !elements {
				stream.WriteString(row(t))
				want++
				continue
			}
			n := rapid.IntRange(0, 8).Draw(t, "elements of it")
			rows := make([]string, n)
			for i := range rows {
				rows[i] = row(t)
			}
			stream.WriteString("[" + strings.Join(rows, ",") + "]")
			if document == 0 {
				want = int64(n)
			}
		}
		data := []byte(stream.String())
		for d := json.NewDecoder(bytes.NewReader(data)); d.More(); {
			var doc json.RawMessage
			if err := d.Decode(&doc); err != nil {
				t.Fatalf("the test made bad JSON: %q: %v", data, err)
			}
		}
		if got := counted(cut(t, data), elements); got != (verdict{rows: want}) {
			t.Fatalf("%q: %+v, want %d rows", data, got, want)
		}
	})
}

// Whatever the bytes, counting by blocks says what counting by bytes says.
func TestJSONAgreesWithBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := []string{"{", "}", "[", "]", "{}", "[]", "{}\n{", `"`, "aY_y,: \x7f\xff\x80"}
		if rapid.Bool().Draw(t, "backslashes") {
			alphabet = append(alphabet, `\`, `\"`, `\\`)
		}
		data := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 300).Draw(t, "data"), ""))
		elements := rapid.Bool().Draw(t, "elements")
		want := byteWise(data, elements)
		if got := counted(cut(t, data), elements); got != want {
			t.Fatalf("%q: %+v, byte by byte %+v", data, got, want)
		}
	})
}

// The two ways to find brackets agree on every word and on what they carry over.
func TestFindAgreesWithPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "blocks")
		data := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte(`"\{}[]`)), rapid.Byte()), n*blockSize, n*blockSize).Draw(t, "data")
		before := carry{escaped: rapid.Uint64Range(0, 1).Draw(t, "escaped"), inString: -rapid.Uint64Range(0, 1).Draw(t, "in string")}
		got, want := make([]brackets, n), make([]brackets, n)
		gotCarry, wantCarry := before, before
		find(data, got, &gotCarry)
		findPlain(data, want, &wantCarry)
		if gotCarry != wantCarry {
			t.Fatalf("%q after %+v leaves %+v, plainly %+v", data, before, gotCarry, wantCarry)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("block %d of %q after %+v: %x, plainly %x", i, data, before, got[i], want[i])
			}
		}
	})
}

func TestJSON(t *testing.T) {
	far := strings.Repeat(" ", 100)
	for _, c := range []struct {
		text     string
		elements bool
		want     verdict
	}{
		{"", false, verdict{}},
		{"", true, verdict{}},
		{"[]", true, verdict{}},
		{`{"a":[{},{}]}` + far + `{"b":{"c":{}}}`, false, verdict{rows: 2}},
		{`[{"a":[{},{}]},` + far + `{"b":{"c":{}}}][{},[]]`, true, verdict{rows: 2}},
		{`{"a":"` + far + `\\"}{"a":"}\"{"}`, false, verdict{rows: 2}},
		{`{"a":1`, false, verdict{rows: 1, broken: true}},
		{`{"a":"}`, false, verdict{rows: 1, broken: true}},
		{`{}}`, false, verdict{rows: 1, broken: true}},
		{`[{}`, true, verdict{rows: 1, broken: true}},
		{`{}` + far + `[{}]`, false, verdict{rows: 1, strayList: true}},
		{`[{},[{}]]`, true, verdict{rows: 1, strayList: true}},
		{`[{}]` + far + `{"a":{}}`, true, verdict{rows: 1, strayObj: true}},
		{`[{}]{}` + far + `[{}]`, true, verdict{rows: 1}},
	} {
		if got := counted([][]byte{[]byte(c.text)}, c.elements); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"a":"\\\"}"},{"b":[{}]}]`), 7, true)
	f.Add([]byte(`{"a":1}`+"\n"+`{"a":{"b":"é\u00e9"}}`), 64, false)
	f.Fuzz(func(t *testing.T, data []byte, piece int, elements bool) {
		var pieces [][]byte
		piece = max(1, piece&0xff)
		for rest := data; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			pieces = append(pieces, rest[:min(piece, len(rest))])
		}
		want := byteWise(data, elements)
		if got := counted(pieces, elements); got != want {
			t.Fatalf("%q by %d: %+v, byte by byte %+v", data, piece, got, want)
		}
	})
}
