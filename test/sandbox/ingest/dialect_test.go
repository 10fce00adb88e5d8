package ingest

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestDialects(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null", "w varchar(60) null")
	q := func(headers ...string) []string { return append([]string{"column_separator: ,"}, headers...) }
	enclosed := q(`enclose: "`)
	for _, s := range []scenario{
		{name: "carriage return is data", headers: q(), body: "1,a,b\r\n", want: "1|a|b\r"},
		{name: "two byte delimiter", headers: q(`row_delimiter: \x0D0A`), body: "1,a,b\r\n2,c,d", want: "1|a|b ; 2|c|d"},
		{name: "byte order mark is data", headers: q(), body: "\xef\xbb\xbf1,a,b\n", fails: "too many filtered", log: "NULL value in non-nullable column 'k'"},
		{name: "null and empty", headers: q(), body: "1,\\N,\n", want: "1|NULL|"},
		{name: "blank lines", headers: q(), body: "\n1,a,b\n\n\n2,a,b\n\n", want: "1|a|b ; 2|a|b"},
		{name: "blanks are no blank line", headers: q("trim_space: true"), body: "   \n", fails: "too many filtered", log: "source value column count: 1"},
		{name: "trim", headers: q("trim_space: true"), body: " 1 ,  a b , \\N \n", want: "1|a b|NULL"},
		{name: "count before encoding", headers: q(), body: "1,\xff\n", fails: "too many filtered", log: "Target column count: 3 doesn't match source value column count: 2. Column separator: ',', Row delimiter: '\\n'. Row: 1,?"},
		{name: "older count message", release: "3.1", headers: q(), body: "1,a\n", fails: "too many filtered", log: "Error: Value count does not match column count. Expect 3, but got 2. Row: 1,a"},
		{name: "delimiters in the message", headers: []string{`column_separator: \x01E4`, "row_delimiter: \\x0D0A"}, body: "1\r\n", fails: "too many filtered",
			log: `Column separator: '0x10xff0xe4', Row delimiter: '0xd\n'`},
		{name: "header", headers: q("skip_header: 2"), body: "a,b\n\n1,a,b\n", want: "1|a|b"},
		{name: "header longer than the body", headers: q("skip_header: 3"), body: "a\nb\n", fails: "The parameter 'skip_header' is set to 3, but there are only 2 rows in the csv file"},
		{name: "header not known", release: "2.5", headers: q("skip_header: 1", "max_filter_ratio: 1"), body: "k,v,w\n1,a,b\n", want: "1|a|b", log: "NULL value"},
		{name: "enclose not known", release: "2.5", headers: enclosed, body: "1,\"a\",b\n", want: `1|"a"|b`},

		{name: "enclosed", headers: enclosed, body: "1,\"a,\n\"\"b\"\"\",\"\"\n", want: "1|a,\n\"b\"|"},
		{name: "enclosed null", headers: enclosed, body: `1,"\N",\N` + "\n", want: "1|NULL|NULL"},
		{name: "starts with a doubled enclose", headers: enclosed, body: `1,"""a"" b","""` + `"""` + "\n", want: `1|"a" b|""`},
		{name: "starts with a doubled enclose, older", release: "3.1.6", headers: enclosed, body: `1,"""hello"" my world",1` + "\n", fails: "too many filtered",
			log: "Value count does not match column count. Expect 3, but got 2"},
		{name: "empty enclosed, older", release: "3.1.6", headers: enclosed, body: `1,"","a"` + "\n", want: "1||a"},
		{name: "doubled enclose of a plain field, older", release: "3.1.6", headers: enclosed, body: `1,""a,b` + "\n", want: `1|"a|b`},
		{name: "enclose inside a field is dropped", headers: enclosed, body: "1,x\"y,b\n", want: "1|xy|b"},
		{name: "and shields what follows", headers: enclosed, body: "1,x\",y,b\n", want: "1|x,y|b"},
		{name: "doubled in a plain field", headers: enclosed, body: "1,x\"\"y,b\n", want: `1|x"y|b`},
		{name: "carriage return costs the enclose", headers: enclosed, body: "1,a,\"b\"\r\n", want: `1|a|b"`},
		{name: "two byte delimiter after enclose", headers: q(`enclose: "`, `row_delimiter: \x0D0A`), body: "1,a,\"b\r\n\"\r\n2,c,d", want: "1|a|b\r\n ; 2|c|d"},
		{name: "left open", headers: enclosed, body: "1,a,\"b\n2,c,d", want: "1|a|b\n2,c,d"},
		{name: "another enclose", headers: q("enclose: 'x"), body: "1,'a,b','it''s'\n", want: "1|a,b|it's"},
		{name: "trim before enclose", headers: q(`enclose: "`, "trim_space: true"), body: " 1,  \" a \"  ,  b\n", want: "1| a |b"},
		{name: "no trim behind plain fields", headers: q(`enclose: "`, "trim_space: true"), body: "1, a ,b \n", want: "1|a |b "},
		{name: "blank line of blanks", headers: q(`enclose: "`, "trim_space: true"), body: "  \n1,a,b\n", want: "1|a|b"},
		{name: "header lines are not quoted", headers: q(`enclose: "`, "skip_header: 1"), body: "\"a\n1,\"b\",c\n", want: "1|b|c"},
		{name: "encoding", headers: enclosed, body: "1,\"\xff\",b\n", fails: "too many filtered", log: "Invalid UTF-8 row"},

		{name: "escape", headers: q(`escape: \`), body: "1,a\\,b,c\\\nd\n", want: "1|a,b|c\nd"},
		{name: "escape of escape", headers: q(`escape: \`), body: `1,a\\,b` + "\n", want: `1|a\|b`},
		{name: "escape of an ordinary byte", headers: q(`escape: \`), body: `1,a\b,\c` + "\n", want: `1|ab|c`},
		{name: "escape takes null away", headers: q(`escape: \`), body: `1,\N,b` + "\n", want: "1|N|b"},
		{name: "escape inside enclose", headers: q(`escape: \`, `enclose: "`), body: `1,"a\"b,\\",c` + "\n", want: `1|a"b,\|c`},
		{name: "escape of an ordinary byte ends the enclosed part", headers: q(`escape: \`, `enclose: "`), body: `1,"a\b,c` + "\n", want: `1|a|c`},
		{name: "escape at the end", headers: q(`escape: \`), body: `1,a,b\`, want: "1|a|b\n"},
		{name: "long delimiters and escape", headers: []string{"column_separator: ||", "row_delimiter: ##", `escape: \`}, body: `1||a\||b||c\##d##2||e||f`, want: "1|a||b|c##d ; 2|e|f"},
	} {
		s.tab = tab
		s.run(t)
	}
}

// One column: a blank line is no row, an enclosed empty field is one.
func TestSingleColumn(t *testing.T) {
	tab := table(t, store.Duplicate, "v varchar(9) null")
	scenario{name: "plain", tab: tab, body: "a\n\nb", want: "a ; b"}.run(t)
	scenario{name: "enclosed", tab: tab, headers: []string{`enclose: "`}, body: "\"\"\n\n\"b\"\n", want: " ; b"}.run(t)
}

// A field that is empty or ends in a delimiter's first byte keeps its meaning
// wherever the stream is cut.
func TestDelimitersAcrossPieces(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null")
	body := "1|#a\n|2|##\n|3|#|\n|5\n|4|#\n"
	headers := []string{"column_separator: |#", `row_delimiter: \x0A7C`}
	want, err := loadBodies(t, Options{}, tab, []string{body}, append(headers, "max_filter_ratio: 1")...)
	if err != nil || want.Loaded() != 4 || want.Filtered() != 1 {
		t.Fatal(err, want.Log())
	}
	for size := 1; size < len(body); size++ {
		var pieces []string
		for rest := body; rest != ""; {
			n := min(size, len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		l, err := loadBodies(t, Options{}, tab, pieces, append(headers, "max_filter_ratio: 1")...)
		if err != nil || l.Total() != want.Total() || l.Loaded() != want.Loaded() || strings.Join(l.Log(), "") != strings.Join(want.Log(), "") {
			t.Fatalf("pieces of %d bytes: %v, %d rows, %d loaded; whole: %d, %d", size, err, l.Total(), l.Loaded(), want.Total(), want.Loaded())
		}
	}
}

// textRows draws rows of an integer and two texts.
func textRows(t *rapid.T, cell *rapid.Generator[string]) [][]string {
	n := rapid.IntRange(1, 30).Draw(t, "rows")
	rows := make([][]string, n)
	for i := range rows {
		rows[i] = []string{fmt.Sprint(1000 + i), cell.Draw(t, "v"), cell.Draw(t, "w")}
	}
	return rows
}

func joined(rows [][]string) string {
	var lines []string
	for _, r := range rows {
		lines = append(lines, strings.Join(r, "|"))
	}
	return strings.Join(lines, " ; ")
}

// checkRows loads the body in pieces and compares the table.
func checkRows(t *rapid.T, tab *store.Table, q *Request, body []byte, rows [][]string) {
	sink, err := q.plan(tab)
	if err != nil {
		t.Fatal(err)
	}
	if err := feed(q, sink, &oddPieces{data: body, n: rapid.IntRange(0, 50).Draw(t, "seed")}); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	if err := tab.Commit(sink.batch); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(rowsOf(tab), " ; ")
	tab.Truncate()
	if got != joined(rows) {
		t.Fatalf("%q\nreads as %q\nwant     %q\n%q", body, got, joined(rows), sink.log)
	}
}

// What the standard library quotes reads back, but for the text \N.
func TestQuotedRowsReadBack(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(200) null", "w varchar(200) null")
	rapid.Check(t, func(t *rapid.T) {
		rows := textRows(t, rapid.StringOfN(rapid.SampledFrom([]rune("ab\",\n 名\\x")), 0, 20, -1).Filter(func(s string) bool { return s != `\N` }))
		var body bytes.Buffer
		w := csv.NewWriter(&body)
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		q := New(Options{}, "d", "t", "l")
		q.separator, q.enclose = []byte{','}, '"'
		checkRows(t, tab, q, body.Bytes(), rows)
	})
}

// Rows in any delimiters that the data does not touch read back.
func TestPlainRowsReadBack(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(200) null", "w varchar(200) null")
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.SampledFrom([][2]string{{"\x01", "\x02"}, {"\x01\x1e\x01\x02", "\x03\x04"}, {"||", "\r\n"}, {"，", "\n"}}).Draw(t, "dialect")
		rows := textRows(t, rapid.StringOfN(rapid.SampledFrom([]rune("ab\", 名\\t")), 0, 20, -1).Filter(func(s string) bool { return s != `\N` }))
		var body bytes.Buffer
		for i, r := range rows {
			body.WriteString(strings.Join(r, pair[0]))
			if i < len(rows)-1 || rapid.Bool().Draw(t, "last delimiter") {
				body.WriteString(pair[1])
			}
		}
		q := New(Options{}, "d", "t", "l")
		q.separator, q.delimiter = []byte(pair[0]), []byte(pair[1])
		checkRows(t, tab, q, body.Bytes(), rows)
	})
}

func TestEscapedRowsReadBack(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(200) null", "w varchar(200) null")
	rapid.Check(t, func(t *rapid.T) {
		rows := textRows(t, rapid.StringOfN(rapid.SampledFrom([]rune("ab,\n 名\\")), 0, 20, -1).Filter(func(s string) bool { return s != `\N` }))
		escape := strings.NewReplacer(`\`, `\\`, ",", `\,`, "\n", "\\\n")
		var body bytes.Buffer
		for _, r := range rows {
			fmt.Fprintf(&body, "%s,%s,%s\n", r[0], escape.Replace(r[1]), escape.Replace(r[2]))
		}
		q := New(Options{}, "d", "t", "l")
		q.separator, q.escape = []byte{','}, '\\'
		checkRows(t, tab, q, body.Bytes(), rows)
	})
}

// A reader that fails gives its failure, not a shorter load.
func TestCutBody(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(60) null")
	for _, headers := range [][]string{nil, {`enclose: "`}, {"format: json"}, {"format: gzip"}, {"format: lz4"}, {"format: zstd"}, {"format: bzip2"}, {"format: deflate"}} {
		for _, o := range []Options{{}, {Discard: true}} {
			q, err := request(t, o, headers...)
			if err != nil {
				t.Fatal(err)
			}
			l, err := q.Open(tab)
			if err != nil {
				t.Fatal(err)
			}
			src := io.MultiReader(strings.NewReader("1\ta\n2\t"), failing{})
			if err := l.Read(src, 100, func([]byte) {}); err == nil || !strings.Contains(err.Error(), ErrBodyCut.Error()) {
				t.Errorf("%v, discard %v: %v", headers, o.Discard, err)
			}
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
