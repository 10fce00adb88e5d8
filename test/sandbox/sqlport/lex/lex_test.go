package lex_test

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
)

func TestScan(t *testing.T) {
	kinds := map[lex.Kind]string{lex.Word: "w", lex.Quoted: "q", lex.String: "s", lex.Number: "n", lex.Symbol: "y", lex.Hint: "h"}
	for _, c := range []struct{ src, want string }{
		{"", ""},
		{"SELECT a.b", "w:SELECT w:a y:. w:b"},
		{"`a``b` `c d`", "q:a`b q:c d"},
		{`'it''s' "say ""x""" 'a\n\t\\\'\"\0\Z\q\%\_'`, "s:it's s:say \"x\" s:a\n\t\\'\"\x00\x1aq\\%\\_"},
		{"1 1.5 .5 1. 1e3 1.5E-3 1e 2x 2024_x", "n:1 n:1.5 n:.5 n:1. n:1e3 n:1.5E-3 w:1e w:2x w:2024_x"},
		{"a.1b `x`.5 = .5", "w:a y:. w:1b q:x y:. n:5 y:= n:.5"},
		{"-- c\na # d\n/* e */ b /*+ SET_VAR(x=1) */ --", "w:a w:b h: SET_VAR(x=1) "},
		{"@@a := @b >= <> ARRAY<ARRAY<INT>>", "y:@@ w:a y::= y:@ w:b y:> y:= y:< y:> w:ARRAY y:< w:ARRAY y:< w:INT y:> y:>"},
		{"été 漢字 $x", "w:été w:漢字 w:$x"},
		{"a-b a--b", "w:a y:- w:b w:a"},
	} {
		toks, err := lex.Scan(c.src)
		if err != nil {
			t.Errorf("%q: %v", c.src, err)
			continue
		}
		var got []string
		for _, tok := range toks[:len(toks)-1] {
			got = append(got, kinds[tok.Kind]+":"+tok.Text)
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%q\ngot  %q\nwant %q", c.src, g, c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	toks, err := lex.Scan("a\n  'x\ny'  b\n/* \n */ c")
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]int{{1, 0}, {2, 2}, {3, 4}, {5, 4}, {5, 5}}
	for i, tok := range toks {
		if tok.Line != want[i][0] || tok.Col != want[i][1] {
			t.Errorf("token %d %q at %d:%d, want %v", i, tok.Text, tok.Line, tok.Col, want[i])
		}
	}
}

func TestScanErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"select 'a", "Getting syntax error at line 1, column 7. Detail message: Unterminated string, a closing ' is missing."},
		{"\n \"a\\\"", "line 2, column 1. Detail message: Unterminated string, a closing \" is missing."},
		{"`a", "Unterminated name, a closing ` is missing."},
		{"a /* b", "line 1, column 2. Detail message: Unterminated comment."},
		{"a /*+ b", "Unterminated hint."},
	} {
		_, err := lex.Scan(c.src)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.src, err)
		}
	}
}

func TestSplit(t *testing.T) {
	list, err := lex.Split(" a ';' ; ;\n-- x ; y\nb /* ; */ `c;d` ;; e")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a ';'", "b /* ; */ `c;d`", "e"}
	if len(list) != len(want) {
		t.Fatalf("%d statements", len(list))
	}
	for i, s := range list {
		if got := s.Between(0, len(s.Toks)-1); got != want[i] {
			t.Errorf("statement %d: %q, want %q", i, got, want[i])
		}
		if got := s.From(0); got != want[i] {
			t.Errorf("statement %d: From gives %q", i, got)
		}
		if last := s.Toks[len(s.Toks)-1]; last.Kind != lex.EOF {
			t.Errorf("statement %d ends with %v", i, last)
		}
	}
}

// FuzzScan: tokens lie inside the text, in order, and do not overlap.
func FuzzScan(f *testing.F) {
	f.Add("SELECT `a` , 'b\\'' /*+ h */ FROM t -- c\n;")
	f.Fuzz(func(t *testing.T, src string) {
		toks, err := lex.Scan(src)
		if err != nil {
			return
		}
		at := 0
		for i, tok := range toks {
			if tok.Pos < at || tok.End < tok.Pos || tok.End > len(src) {
				t.Fatalf("token %d at %d:%d behind %d in %d bytes", i, tok.Pos, tok.End, at, len(src))
			}
			if tok.Kind != lex.EOF && tok.End == tok.Pos {
				t.Fatalf("token %d is empty", i)
			}
			at = tok.End
		}
		if _, err := lex.Split(src); err != nil {
			t.Fatalf("scans but does not split: %v", err)
		}
	})
}
