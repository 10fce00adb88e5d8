package lex

// Statement is one statement of a script, with its tokens (ended by EOF).
// Token places are those of the whole script.
type Statement struct {
	Src  string // the whole script
	Toks []Token
}

// end is the offset behind the last token before EOF.
func (s Statement) end() int {
	if len(s.Toks) < 2 {
		return s.Toks[0].Pos
	}
	return s.Toks[len(s.Toks)-2].End
}

// From returns the source text from the i-th token to the end.
func (s Statement) From(i int) string { return s.Src[s.Toks[i].Pos:max(s.end(), s.Toks[i].Pos)] }

// Between returns the source text from the i-th token up to the j-th.
func (s Statement) Between(i, j int) string {
	if i >= j {
		return ""
	}
	return s.Src[s.Toks[i].Pos:s.Toks[j-1].End]
}

// Split cuts a script at its semicolons. Empty statements are left out.
func Split(src string) ([]Statement, error) {
	toks, err := Scan(src)
	if err != nil {
		return nil, err
	}
	var list []Statement
	start := 0
	for i, t := range toks {
		if t.Kind != EOF && !t.Is(";") {
			continue
		}
		if i > start {
			end := t
			end.Kind, end.Text, end.End = EOF, "", end.Pos
			list = append(list, Statement{Src: src, Toks: append(toks[start:i:i], end)})
		}
		start = i + 1
	}
	return list, nil
}
