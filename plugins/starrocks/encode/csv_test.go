package encode

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"
)

// cell is a text value or NULL.
type cell struct {
	text string
	null bool
}

func (c cell) String() string {
	if c.null {
		return "NULL"
	}
	return c.text
}

func texts(names []string, rows [][]cell) arrow.RecordBatch {
	fields := make([]arrow.Field, len(names))
	cols := make([]arrow.Array, len(names))
	for i, n := range names {
		fields[i] = arrow.Field{Name: n, Type: arrow.BinaryTypes.Binary, Nullable: true}
		b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		for _, r := range rows {
			if r[i].null {
				b.AppendNull()
			} else {
				b.AppendString(r[i].text)
			}
		}
		cols[i] = b.NewArray()
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, int64(len(rows)))
}

func dialectOf(t testing.TB, column, row, enclose, escape string) *Dialect {
	t.Helper()
	c, err := ParseDelimiter(column)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseDelimiter(row)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDialect(c, r, enclose, escape)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// readCSV reads a body as StarRocks does: rows first, then fields; with enclose, a state machine over bytes.
func readCSV(d *Dialect, body []byte) (rows [][]cell) {
	if d.encloses {
		return readEnclosed(d, body)
	}
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, d.row)
		body = rest
		if len(line) == 0 {
			continue
		}
		var r []cell
		for field := range bytes.SplitSeq(line, d.column) {
			r = append(r, cellOf(string(field)))
		}
		rows = append(rows, r)
	}
	return rows
}

func cellOf(s string) cell {
	if s == `\N` {
		return cell{null: true}
	}
	return cell{text: s}
}

func readEnclosed(d *Dialect, body []byte) (rows [][]cell) {
	var row []cell
	var field []byte
	start, quoted := true, false
	end := func() {
		row = append(row, cellOf(string(field)))
		field, start, quoted = nil, true, false
	}
	for i := 0; i < len(body); {
		rest := body[i:]
		b := rest[0]
		switch {
		case d.escapes && b == d.escape && len(rest) > 1:
			field = append(field, rest[1])
			start = false
			i += 2
		case quoted && b == d.enclose && len(rest) > 1 && rest[1] == d.enclose:
			field = append(field, b)
			i += 2
		case quoted && b == d.enclose:
			quoted = false
			i++
		case quoted:
			field = append(field, b)
			i++
		case start && b == d.enclose:
			quoted, start = true, false
			i++
		case bytes.HasPrefix(rest, d.column):
			end()
			i += len(d.column)
		case bytes.HasPrefix(rest, d.row):
			end()
			rows = append(rows, row)
			row = nil
			i += len(d.row)
		default:
			field = append(field, b)
			start = false
			i++
		}
	}
	return rows
}

// Whatever the texts hold: a row arrives as it was, or it is refused for a reason that is true.
func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"a", "b", "|", "\x01", "\x02", "\t", "\n", "\\", "N", "\"", ",", "é", "\xff", "", "-", "1"})
		text := rapid.Custom(func(t *rapid.T) cell {
			if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
				return cell{null: true}
			}
			return cell{text: strings.Join(rapid.SliceOfN(alphabet, 0, 40).Draw(t, "letters"), "")}
		})
		pair := rapid.SampledFrom([][2]string{{`\x01`, `\x02`}, {`\t`, `\n`}, {"||", `\n`}, {"ab", "ba"}, {"é", `\x0102`}, {",", `\x0D0A`}, {"-", `\n`}}).Draw(t, "delimiters")
		quote := rapid.SampledFrom([][2]string{{"", ""}, {`"`, ""}, {`"`, "!"}}).Draw(t, "quotes")
		c, _ := ParseDelimiter(pair[0])
		r, _ := ParseDelimiter(pair[1])
		d, err := NewDialect(c, r, quote[0], quote[1])
		if err != nil {
			t.Fatal(err)
		}
		width := rapid.IntRange(1, 4).Draw(t, "columns")
		names := []string{"c0", "c1", "c2", "c3"}[:width]
		in := rapid.SliceOfN(rapid.SliceOfN(text, width, width), 1, 6).Draw(t, "rows")

		rec := texts(names, in)
		e, err := NewCSV(rec.Schema(), names, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		var body []byte
		var want [][]cell
		for i, row := range in {
			before := len(body)
			var ok bool
			body, ok = e.Append(body, i)
			if ok {
				want = append(want, row)
				continue
			}
			if len(body) != before {
				t.Fatalf("a refused row left %q", body[before:])
			}
			if !justified(d, row) {
				t.Fatalf("row %+q was refused: %+v", row, e.Bad())
			}
		}
		got := readCSV(d, body)
		if len(got) != len(want) {
			t.Fatalf("%d rows arrive, want %d: %q", len(got), len(want), body)
		}
		for i := range got {
			if len(got[i]) != width {
				t.Fatalf("row %q arrives as %q", want[i], got[i])
			}
			for k := range got[i] {
				if got[i][k] != want[i][k] {
					t.Fatalf("value %q arrives as %q", want[i][k], got[i][k])
				}
			}
		}
	})
}

// justified tells whether a row could not have been read back.
func justified(d *Dialect, row []cell) bool {
	var line []byte
	for i, c := range row {
		switch {
		case c.null:
		case !utf8.ValidString(c.text), c.text == null:
			return true
		}
		if i > 0 {
			line = append(line, d.column...)
		}
		if c.null {
			line = append(line, null...)
		} else {
			line = append(line, c.text...)
		}
	}
	if d.encloses {
		return false
	}
	if len(line) == 0 {
		return true
	}
	back := readCSV(d, append(line, d.row...))
	if len(back) != 1 || len(back[0]) != len(row) {
		return true
	}
	for i := range row {
		if back[0][i] != row[i] {
			return true
		}
	}
	return false
}

func TestCSVReasons(t *testing.T) {
	for _, tc := range []struct {
		name, column, row, enclose string
		in                         []cell
		wantColumn, want           string
	}{
		{"column separator", `\t`, `\n`, "", []cell{{text: "x"}, {text: "a\tb"}}, "b", holdsDelimiter},
		{"row delimiter", `\t`, `\n`, "", []cell{{text: "a\nb"}, {text: "x"}}, "a", holdsDelimiter},
		{"a long text with a delimiter at its end", `\t`, `\n`, "", []cell{{text: "x"}, {text: strings.Repeat("y", 100) + "\t"}}, "b", holdsDelimiter},
		{"half a delimiter at a border", "||", `\n`, "", []cell{{text: "a|"}, {text: "b"}}, "a", holdsDelimiter},
		{"delimiter across two values", "é,", `\n`, "", []cell{{text: "x"}, {text: "é,y"}}, "b", holdsDelimiter},
		{"null text", `\t`, `\n`, "", []cell{{text: `\N`}, {text: "x"}}, "a", looksNull},
		{"null text in quotes", `\t`, `\n`, `"`, []cell{{text: "x"}, {text: `\N`}}, "b", looksNull},
		{"binary", `\t`, `\n`, `"`, []cell{{text: "\xff"}, {text: "x"}}, "a", notUTF8},
		{"quotes make it safe", `\t`, `\n`, `"`, []cell{{text: "a\t\n\"b"}, {text: "||"}}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			names := []string{"a", "b"}
			rec := texts(names, [][]cell{tc.in})
			e, err := NewCSV(rec.Schema(), names, dialectOf(t, tc.column, tc.row, tc.enclose, ""))
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Bind(rec); err != nil {
				t.Fatal(err)
			}
			_, ok := e.Append(nil, 0)
			if ok != (tc.want == "") {
				t.Fatalf("accepted %v, reason %+v", ok, e.Bad())
			}
			if !ok && (e.Bad().Column != tc.wantColumn || e.Bad().Reason != tc.want) {
				t.Errorf("refused for %+v, want column %s: %s", e.Bad(), tc.wantColumn, tc.want)
			}
		})
	}
}

// A row of one empty text would be a blank line, which StarRocks skips.
func TestCSVBlankLine(t *testing.T) {
	rec := texts([]string{"a"}, [][]cell{{{text: ""}}})
	for enclose, want := range map[string]string{"": "", `"`: "\"\"\n"} {
		e, err := NewCSV(rec.Schema(), []string{"a"}, dialectOf(t, ",", `\n`, enclose, ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		got, ok := e.Append(nil, 0)
		if string(got) != want || ok != (want != "") {
			t.Errorf("enclose %q: %q, %v", enclose, got, ok)
		}
	}
}

func TestDialectConflicts(t *testing.T) {
	for _, tc := range [][4]string{
		{",", ",", "", ""}, {"|", "||", "", ""}, {`\x0102`, `\x01`, "", ""}, {"N", "|", "", ""}, {`\`, "|", "", ""},
		{"Nx", "|", "", ""}, {"|", `x\`, "", ""}, {",", "|", ",", ""}, {",", "|", `""`, ""}, {",", "|", "é", ""},
		{",", "|", `"`, `"`}, {",", "|", "", "!"}, {",", "|", `"`, `\`}, {",", "|", "1", ""},
	} {
		c, _ := ParseDelimiter(tc[0])
		r, _ := ParseDelimiter(tc[1])
		if _, err := NewDialect(c, r, tc[2], tc[3]); err == nil {
			t.Errorf("%q was accepted", tc)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("a\tb", `\N`, ",", "\n", "")
	f.Add("|", "|", "||", `\x0D0A`, "")
	f.Add(`"`, "x", `\x01`, `\x02`, `"`)
	f.Fuzz(func(t *testing.T, a, b, column, row, enclose string) {
		c, err := ParseDelimiter(column)
		if err != nil {
			return
		}
		r, err := ParseDelimiter(row)
		if err != nil {
			return
		}
		d, err := NewDialect(c, r, enclose, "")
		if err != nil {
			return
		}
		names := []string{"a", "b"}
		in := []cell{{text: a}, {text: b}}
		rec := texts(names, [][]cell{in, {{null: true}, {text: "z"}}})
		e, err := NewCSV(rec.Schema(), names, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		body, ok := e.Append(nil, 0)
		if !ok {
			if !justified(d, in) {
				t.Fatalf("%q was refused: %+v", in, e.Bad())
			}
			return
		}
		got := readCSV(d, body)
		if len(got) != 1 || len(got[0]) != 2 || got[0][0] != in[0] || got[0][1] != in[1] {
			t.Fatalf("%q arrives as %q", in, got)
		}
	})
}
