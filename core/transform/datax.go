package transform

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// dataxOptions are the parameters of the transformers that DataX has.
type dataxOptions struct {
	ColumnIndex *int     `json:"columnIndex" gx:"min=0" doc:"The column by its place, counted from 0. This or columnName is needed."`
	ColumnName  string   `json:"columnName" doc:"The column by its name."`
	Paras       []string `json:"paras" gx:"required" doc:"What the transformer needs besides, in order; see the table of transformers."`
}

// Check holds the two ways to name the column apart.
func (o *dataxOptions) Check(path string) []options.Problem {
	switch {
	case o.ColumnIndex != nil && o.ColumnName != "":
		return []options.Problem{{Code: options.CodeConflict, Path: options.Join(path, "columnName"), Seen: "columnIndex names the column too", Try: "keep one of the two"}}
	case o.ColumnIndex == nil && o.ColumnName == "":
		return []options.Problem{{Code: options.CodeMissing, Path: options.Join(path, "columnIndex"), Seen: "not given, and columnName is not either",
			Want: "columnIndex, counted from 0, or columnName"}}
	}
	return nil
}

// Reference describes the parameters of the dx_ transformers and of expr.
func Reference() (datax, expr []options.Param) {
	return options.Describe(dataxOptions{}), options.Describe(exprOptions{})
}

// target is the column that a transformer works on.
type target struct {
	index int // counts when name is empty
	name  string
	path  string // of the key that says which
	dates *job.Dates
}

func (t *target) resolve(cols []string) (int, error) {
	if t.name != "" {
		i, ok := find(cols, t.name)
		if !ok {
			return 0, missing(cols, t.name, t.path)
		}
		return i, nil
	}
	if t.index >= len(cols) {
		return 0, protocol.Faultf(protocol.Config, "there is no column %d; rows have the columns 0 to %d", t.index, len(cols)-1).At(t.path).
			Hint("columns are counted from 0: %s", strings.Join(cols, ", "))
	}
	return t.index, nil
}

// columns and reshapes: whoever works on one column keeps all of them, under their names.
func (t *target) columns(in []string) ([]string, error) {
	_, err := t.resolve(in)
	return in, err
}

func (t *target) reshapes() bool { return false }

// open finds the column among the fields of a batch, and how its values are read.
func (t *target) open(fields []arrow.Field) (int, column, error) {
	i, err := t.resolve(namesOf(fields))
	if err != nil {
		return 0, column{}, err
	}
	c, err := columnOf(fields[i], t.dates)
	if err != nil {
		return 0, column{}, protocol.Faultf(protocol.Data, "column %s: %w", fields[i].Name, err).At(t.path)
	}
	return i, c, nil
}

// counts of paras, and their meaning for messages.
var paras = map[string]struct {
	n    int
	want string
}{
	"dx_substr":  {2, `start and length: ["0", "4"]`},
	"dx_pad":     {3, `side, length and text: ["l", "8", "0"]`},
	"dx_replace": {3, `start, length and text: ["3", "4", "****"]`},
	"dx_filter":  {2, `operator and value: ["like", "a.*"]`},
	"dx_digest":  {2, `digest and case: ["md5", "toLowerCase"]`},
}

func compileDataX(name string, s Spec, dates *job.Dates, opts []options.Option) (step, []options.Problem) {
	var o dataxOptions
	problems := options.Decode(s.Parameter, s.Path, &o, opts...)
	if options.Failed(problems) {
		return nil, problems
	}
	at := options.Join(s.Path, "paras")
	if want := paras[name]; len(o.Paras) != want.n {
		return nil, append(problems, options.Problem{Code: options.CodeNotAllowed, Path: at,
			Seen: fmt.Sprintf("has %d elements", len(o.Paras)), Want: fmt.Sprintf("%d of them, %s", want.n, want.want)})
	}
	r := parasReader{values: o.Paras, at: at}
	t := target{dates: dates, name: o.ColumnName, path: options.Join(s.Path, "columnName")}
	if o.ColumnIndex != nil {
		t.index, t.path = *o.ColumnIndex, options.Join(s.Path, "columnIndex")
	}
	var st step
	switch name {
	case "dx_filter":
		st = &filterStep{target: t, test: r.test()}
	default:
		st = &textStep{name: name, target: t, edit: r.edit(name)}
	}
	if problems = append(problems, r.problems...); options.Failed(problems) {
		return nil, problems
	}
	return st, problems
}

// parasReader reads the elements of paras and says what is wrong with them.
type parasReader struct {
	values   []string
	at       string
	problems []options.Problem
}

func (r *parasReader) wrong(i int, code, seen, want string) {
	r.problems = append(r.problems, options.Problem{Code: code, Path: options.At(r.at, i), Seen: seen, Want: want})
}

func (r *parasReader) int(i int) int {
	n, err := strconv.ParseInt(strings.TrimSpace(r.values[i]), 10, 32)
	if err != nil {
		r.wrong(i, options.CodeWrongType, fmt.Sprintf("%q is not an integer", r.values[i]), "")
	}
	return int(n)
}

// atLeast0 is int for what makes every row fail when it is negative.
func (r *parasReader) atLeast0(i int, what string) int {
	n := r.int(i)
	if n < 0 {
		r.wrong(i, options.CodeOutOfRange, fmt.Sprintf("the %s %d lies before the text", what, n), "0 or more")
	}
	return n
}

func (r *parasReader) oneOf(i int, allowed ...string) string {
	for _, a := range allowed {
		if strings.EqualFold(strings.TrimSpace(r.values[i]), a) {
			return a
		}
	}
	r.wrong(i, options.CodeNotAllowed, fmt.Sprintf("%q is not allowed", r.values[i]), strings.Join(allowed, ", "))
	return ""
}

// edit makes what a text transformer does to one value.
func (r *parasReader) edit(name string) edit {
	switch name {
	case "dx_substr":
		return substr{r.atLeast0(0, "start"), r.atLeast0(1, "length")}
	case "dx_pad":
		p := pad{left: r.oneOf(0, "l", "r") == "l", length: r.atLeast0(1, "length"), with: []rune(r.values[2])}
		if p.length > longest {
			r.wrong(1, options.CodeOutOfRange, fmt.Sprintf("%d characters are too many", p.length), fmt.Sprintf("up to %d", longest))
		}
		if len(p.with) == 0 {
			r.wrong(2, options.CodeMissing, "there is nothing to fill up with", "a text of one character or more")
		}
		return p
	case "dx_replace":
		p := replace{r.atLeast0(0, "start"), r.int(1), []byte(r.values[2])}
		if p.start+p.length < 0 {
			r.wrong(1, options.CodeOutOfRange, fmt.Sprintf("the length %d leads before the text", p.length), fmt.Sprintf("%d or more", -p.start))
		}
		return p
	default:
		return digest{sha1: r.oneOf(0, "md5", "sha1") == "sha1", upper: r.oneOf(1, "toUpperCase", "toLowerCase") == "toUpperCase"}
	}
}

// longest is how far dx_pad fills up, in characters: a value that is longer fits no message.
const longest = 1 << 20

// textStep replaces the values of a column by texts.
type textStep struct {
	name string
	target
	edit edit
}

func (s *textStep) bind(fields []arrow.Field) (worker, []arrow.Field, error) {
	i, c, err := s.open(fields)
	if err != nil {
		return nil, nil, err
	}
	out := append([]arrow.Field(nil), fields...)
	if !c.json {
		out[i] = arrow.Field{Name: fields[i].Name, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	return &textWorker{step: s, col: i, in: c, out: out[i].Type}, out, nil
}

type textWorker struct {
	step  *textStep
	col   int
	in    column
	out   arrow.DataType
	value value
	plain []byte // the value as text
	fresh []byte // what became of it
	store store
}

func (w *textWorker) run(b *batch) error {
	a := b.cols[w.col]
	w.store.begin(b.rows)
	for row := range b.rows {
		if b.state[row] != alive {
			w.store.endBytes(false)
			continue
		}
		w.in.read(a, row, &w.value)
		w.plain = w.value.appendText(w.plain[:0])
		out, reason := w.step.edit.apply(w.fresh[:0], w.plain, w.value.kind == null)
		if reason == "" && out != nil && !utf8.Valid(out) {
			reason = "the value is not text in UTF-8"
		}
		if reason == "" && out != nil && !w.store.fits(6*len(out)+2) {
			reason = "the values of one batch come to over 2 GiB"
		}
		switch {
		case reason != "":
			b.refuse(row, w.in.name, w.step.name+": "+reason)
			w.store.endBytes(false)
			continue
		case out == nil:
			w.store.endBytes(false)
			continue
		case w.in.json:
			w.store.data = appendQuoted(w.store.data, out)
		default:
			w.store.data = append(w.store.data, out...)
		}
		w.fresh = out
		w.store.endBytes(true)
	}
	b.put(w.col, w.store.array(w.out))
	return nil
}

// appendQuoted writes text, which must be UTF-8, as a JSON string.
func appendQuoted(dst, s []byte) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
