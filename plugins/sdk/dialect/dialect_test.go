package dialect_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/sdk/dialect"
	"pgregory.net/rapid"
)

func must(t testing.TB, delimiter, quote, escape, null string) dialect.Dialect {
	t.Helper()
	d, at, err := dialect.New(delimiter, quote, escape, &null)
	if err != nil {
		t.Fatal(at, err)
	}
	return d
}

// show writes cells as [bare] and <quoted>.
func show(r *dialect.Record) string {
	var b strings.Builder
	for _, c := range r.Cells {
		if c.Quoted {
			fmt.Fprintf(&b, "<%s>", c.Text)
		} else {
			fmt.Fprintf(&b, "[%s]", c.Text)
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ delimiter, quote, escape, data, want string }{
		{",", `"`, "", "a,b\nc", "[a][b] 4"},
		{",", `"`, "", "a,\r\n", "[a][] 4"},
		{",", `"`, "", "\n", "[] 1"},
		{",", `"`, "", "\"a\nb\",c\r\nd", "<a\nb>[c] 9"},
		{",", `"`, "", `"say ""hi""",""`, `<say "hi"><> 15`},
		{",", `"`, "", `a"b,c"` + "\n", `[a"b][c"] 7`},
		{",", `"`, "", "\"a\"b\nc\n", "text stands behind the closing quote of a value 5"},
		{",", `"`, "", "\"a,b\nc\n", "a quoted value is not closed 5"},
		{",", `"`, `\`, `"a\"b\\",\N` + "\n", `<a"b\>[\N] 12`},
		{",", `"`, `\`, `"a\`, "a quoted value is not closed 3"},
		{"||", `"`, "", `"a|"||b|||c`, `<a|>[b][|c] 11`},
		{"\\x01", "", "", "a\x01\"b\n", `[a]["b] 5`},
		{"\\t", `'`, "", "'a\tb'\t'c'\r", "<a\tb><c> 10"},
	} {
		d := must(t, c.delimiter, c.quote, c.escape, `\N`)
		var r dialect.Record
		n, reason := d.Parse([]byte(c.data), true, &r)
		if got := fmt.Sprint(show(&r)+reason, " ", n); got != c.want {
			t.Errorf("%q: %q, want %q", c.data, got, c.want)
		}
	}
}

func TestRefusedDialects(t *testing.T) {
	for _, c := range []struct{ delimiter, quote, escape, null, at string }{
		{"", `"`, "", "", "fieldDelimiter"}, {"\n", `"`, "", "", "fieldDelimiter"}, {`\q`, `"`, "", "", "fieldDelimiter"},
		{`\x0`, `"`, "", "", "fieldDelimiter"}, {`\xzz`, `"`, "", "", "fieldDelimiter"},
		{",", "ab", "", "", "quote"}, {",", ",", "", "", "quote"}, {",", "é", "", "", "quote"},
		{",", "", `\`, "", "escape"}, {",", `"`, ",", "", "escape"},
		{",", `"`, "", "a,b", "nullFormat"}, {",", `"`, "", `"`, "nullFormat"}, {",", `"`, "", "\n", "nullFormat"},
	} {
		if _, at, err := dialect.New(c.delimiter, c.quote, c.escape, &c.null); err == nil || at != c.at {
			t.Errorf("%q: %s, %v; want a complaint about %s", c, at, err, c.at)
		}
	}
	for in, want := range map[string]string{`\t`: "\t", `\\x01`: "\x01", `\u00e9|`: "é|", `\\`: `\`, "a": "a"} {
		if got, err := dialect.Unescape(in); string(got) != want || err != nil {
			t.Errorf("%q is %q, %v, want %q", in, got, err, want)
		}
	}
}

// draw makes a dialect and the text it is tried with: little letters, so that they meet.
func draw(t *rapid.T) dialect.Dialect {
	d, _, err := dialect.New(
		rapid.SampledFrom([]string{",", "||", `\t`, `\x01`, "aab", "日"}).Draw(t, "delimiter"),
		rapid.SampledFrom([]string{"", `"`, "'"}).Draw(t, "quote"), "",
		new(rapid.SampledFrom([]string{`\N`, "", "null"}).Draw(t, "null")))
	if err != nil {
		t.Fatal(err)
	}
	if d.Quote != 0 && rapid.Bool().Draw(t, "escape") {
		d.Escape = '\\'
	}
	return d
}

var letters = rapid.StringOfN(rapid.RuneFrom([]rune(",|\t\x01ab'\"\\N\r\nnul 日")), 0, 8, -1)

// What is written reads back as the same rows, in every dialect, wherever the reading pauses.
func TestRowsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		width := rapid.IntRange(1, 4).Draw(t, "columns")
		var file []byte
		var want [][]*string
		for range rapid.IntRange(0, 6).Draw(t, "rows") {
			row, start, good := make([]*string, width), len(file), true
			for i := range row {
				if i > 0 {
					file = append(file, d.Delimiter...)
				}
				ok, reason := true, ""
				if rapid.Bool().Draw(t, "null") {
					file, ok = d.AppendNull(file)
				} else {
					row[i] = new(letters.Draw(t, "value"))
					file, reason = d.AppendText(file, []byte(*row[i]), width == 1)
				}
				good = good && ok && reason == ""
			}
			if file = append(file, '\n'); !good {
				file = file[:start]
				continue
			}
			want = append(want, row)
		}
		var r dialect.Record
		for i := 0; len(file) > 0; i++ {
			if cut := rapid.IntRange(0, len(file)-1).Draw(t, "pause"); cut > 0 {
				whole := i < len(want)
				if n, reason := d.Parse(file[:cut], false, &r); whole && (reason != "" || n > cut) {
					t.Fatalf("%q, and more to come: %d, %s", file[:cut], n, reason)
				}
			}
			n, reason := d.Parse(file, true, &r)
			if reason != "" || i >= len(want) || len(r.Cells) != width {
				t.Fatalf("record %d of %q: %s%s", i, file, show(&r), reason)
			}
			for j, c := range r.Cells {
				null := !c.Quoted && d.Null != nil && bytes.Equal(c.Text, d.Null)
				if w := want[i][j]; null != (w == nil) || w != nil && *w != string(c.Text) {
					t.Fatalf("record %d of %q: cell %d of %s is wrong", i, file, j, show(&r))
				}
			}
			if file = file[n:]; len(file) == 0 && i != len(want)-1 {
				t.Fatalf("%d rows came back, %d were written", i+1, len(want))
			}
		}
	})
}

// Any bytes are taken apart without loss: records and bad lines follow each other to the end of the file, and what was
// decided from a part of the file holds for the whole.
func FuzzParse(f *testing.F) {
	f.Add([]byte("a,\"b\nc\"\r\nd,\"e\nf,g\"h\n\"\"\"\""), byte(0), 3)
	f.Add([]byte("a||\"b|\"||c\n|||\n\"x\\\"\ny\"||"), byte(1), 7)
	f.Add([]byte("a\x01b\r\r\n\n\x01"), byte(2), 1)
	f.Fuzz(func(t *testing.T, file []byte, which byte, cut int) {
		kinds := []dialect.Dialect{must(t, ",", `"`, "", `\N`), must(t, "||", `"`, `\`, ""), must(t, `\x01`, "", "", "null")}
		d := kinds[int(which)%len(kinds)]
		var r, early dialect.Record
		for len(file) > 0 {
			n, reason := d.Parse(file, true, &r)
			if n <= 0 || n > len(file) || (reason == "") != (len(r.Cells) > 0) {
				t.Fatalf("%q: length %d, %d cells, %s", file, n, len(r.Cells), reason)
			}
			if p := max(cut, 0) % (len(file) + 1); p < len(file) {
				m, why := d.Parse(file[:p], false, &early)
				if m != dialect.More && (m != n || why != reason || show(&early) != show(&r)) {
					t.Fatalf("%q: %d %s %s, and from its first %d bytes %d %s %s", file, n, show(&r), reason, p, m, show(&early), why)
				}
			}
			file = file[n:]
		}
	})
}
