package starrocks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/starrocks/encode"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

const (
	formatCSV  = "csv"
	formatJSON = "json"
)

// props is what loadProps say.
type props struct {
	header     http.Header // to be sent as they are
	format     string      // "": by the rows
	codec      streamload.Codec
	column     *encode.Delimiter // nil: not given
	row        *encode.Delimiter
	enclose    string
	escape     string
	columns    []string // source names in the columns property; nil: not given
	oneByOne   bool     // strip_outer_array is false: one object per load
	anySize    bool     // ignore_json_size
	loose      bool     // StarRocks may count other rows than are sent
	together   bool     // loads add up in one transaction, whose size StarRocks would check
	timeout    time.Duration
	partial    bool
	strict     bool // strict_mode: StarRocks refuses rows with values that do not fit
	setsOp     bool // columns computes __op
	pathOfProp map[string]string
}

// propReader judges one property and keeps it.
type propReader struct {
	props
	problems []options.Problem
}

func (r *propReader) wrong(path, seen, want, try string) {
	r.problems = append(r.problems, options.Problem{Code: options.CodeNotAllowed, Path: path, Seen: seen, Want: want, Try: try})
}

func (r *propReader) note(path, code, seen string) {
	r.problems = append(r.problems, options.Problem{Code: code, Path: path, Seen: seen, Warning: true})
}

// readProps reads loadProps and the keys of sink.properties.
func readProps(v options.Value, sink map[string]options.Value, path string) (props, []options.Problem) {
	r := propReader{props: props{header: http.Header{}, timeout: defaultLoadTimeout, pathOfProp: map[string]string{}}}
	at := options.Join(path, "loadProps")
	switch {
	case v.Kind() == options.String && strings.TrimSpace(v.Text()) != "":
		inner, problems := options.Parse([]byte(v.Text()))
		if options.Failed(problems) || inner.Kind() != options.Object {
			r.wrong(at, "the text holds no JSON object", "{ }", "write the object itself, without quotes around it")
			return r.props, r.problems
		}
		v = inner
	case v.Given() && v.Kind() != options.Object && v.Kind() != options.String:
		r.problems = append(r.problems, options.Problem{Code: options.CodeWrongType, Path: at, Seen: v.String() + " is not an object", Want: "{ }"})
		return r.props, r.problems
	case !v.Given() && len(sink) == 0:
		r.note(at, options.CodeAssumed, "not given, read as { }")
	}
	for _, m := range v.Members() {
		r.take(options.Join(at, m.Key), m.Key, m.Value)
	}
	names := make([]string, 0, len(sink))
	for name := range sink {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r.take(options.Join(path, "sink.properties."+name), name, sink[name])
	}
	r.together()
	return r.props, r.problems
}

func (r *propReader) take(path, key string, v options.Value) {
	name := strings.ToLower(strings.TrimSpace(key))
	switch known, instead := streamload.JudgeHeader(name); {
	case streamload.IsReserved(name):
		r.problems = append(r.problems, options.Problem{Code: options.CodeNotSupported, Path: path, Seen: "this header belongs to gx", Try: instead})
		return
	case instead != "":
		r.problems = append(r.problems, options.Problem{Code: options.CodeNotSupported, Path: path, Seen: "cannot be set: " + instead, Try: "leave it out"})
		return
	case !known:
		p := options.Problem{Code: options.CodeUnknownKey, Path: path, Seen: "no such load property"}
		if near, ok := options.Nearest(name, streamload.KnownHeaders()); ok {
			p.Try = near
		} else {
			p.Want = strings.Join(streamload.KnownHeaders(), ", ")
		}
		r.problems = append(r.problems, p)
		return
	}
	if _, twice := r.pathOfProp[name]; twice {
		r.problems = append(r.problems, options.Problem{Code: options.CodeDuplicateKey, Path: path, Seen: name + " is given twice", Try: "keep one"})
		return
	}
	var value string
	switch v.Kind() {
	case options.Missing, options.Null:
		return
	case options.String, options.Number, options.Bool:
		value = v.Text()
	case options.Array:
		if name == "jsonpaths" {
			value = string(v.JSON())
			break
		}
		fallthrough
	default:
		r.problems = append(r.problems, options.Problem{Code: options.CodeWrongType, Path: path, Seen: "is neither text, number nor boolean"})
		return
	}
	if name != "column_separator" && name != "row_delimiter" && !streamload.SafeHeaderValue(value) {
		r.wrong(path, "holds a line break or control character, which no header can carry", "", "write it on one line")
		return
	}
	r.pathOfProp[name] = path
	r.read(name, value, path)
}

// read keeps one property, after judging what the server would take silently for something else.
func (r *propReader) read(name, value, path string) {
	trimmed := strings.TrimSpace(value)
	switch name {
	case "format":
		switch f := strings.ToLower(trimmed); f {
		case formatCSV, formatJSON:
			r.format = f
		case "gzip", "bzip2", "lz4", "deflate", "zstd":
			r.wrong(path, strconv.Quote(value)+" is a compression", "csv, json", `"format":"csv" with "compression":"`+f+`"`)
		default:
			r.wrong(path, strconv.Quote(value)+" is not a format of rows", "csv, json", "")
		}
	case "column_separator", "row_delimiter":
		d, err := encode.ParseDelimiter(value)
		if err != nil {
			r.wrong(path, fmt.Sprintf("%q %v", value, err), `\x01, \t, a character, or up to 50 bytes`, `\x01`)
			return
		}
		if name == "row_delimiter" {
			r.row = &d
		} else {
			r.column = &d
		}
	case "enclose":
		r.enclose = value
	case "escape":
		r.escape = value
	case "compression":
		switch strings.ToLower(trimmed) {
		case "gzip":
			r.codec = streamload.Gzip
		case "lz4_frame", "lz4":
			r.codec = streamload.LZ4
		case "zstd":
			r.codec = streamload.Zstd
		case "", "none":
		case "bzip2", "deflate":
			r.problems = append(r.problems, options.Problem{Code: options.CodeNotSupported, Path: path,
				Seen: trimmed + " is not supported for writing", Want: "gzip, lz4_frame, zstd", Try: "zstd"})
		default:
			r.wrong(path, strconv.Quote(value)+" is no compression", "gzip, lz4_frame, zstd", "zstd")
		}
	case "strip_outer_array", "ignore_json_size", "strict_mode", "trim_space", "negative", "partial_update":
		yes, err := strconv.ParseBool(strings.ToLower(trimmed))
		if err != nil {
			r.wrong(path, strconv.Quote(value)+" is neither true nor false", "true, false", "")
			return
		}
		r.flag(name, yes)
	case "max_filter_ratio":
		if f, err := strconv.ParseFloat(trimmed, 64); err != nil || f < 0 || f > 1 {
			r.wrong(path, strconv.Quote(value)+" is not a number from 0 to 1", "0 to 1", "0")
			return
		}
		r.header[name] = []string{trimmed}
	case "timeout":
		if s, ok := r.integer(name, trimmed, path, 1, 259200); ok {
			r.timeout = time.Duration(s) * time.Second
		}
	case "log_rejected_record_num":
		r.integer(name, trimmed, path, -1, 1<<31-1)
	case "load_mem_limit", "exec_mem_limit", "load_dop":
		r.integer(name, trimmed, path, 0, 1<<62)
	case "partial_update_mode":
		mode := strings.ToLower(trimmed)
		if !slices.Contains([]string{"row", "column", "auto", "column_upsert"}, mode) {
			r.wrong(path, strconv.Quote(value)+" is no mode; StarRocks would silently take row", "row, column, auto", "row")
			return
		}
		r.header[name] = []string{mode}
	case "merge_condition":
		if r.header[name] = []string{unquoteName(trimmed)}; unquoteName(trimmed) == "" {
			r.wrong(path, "is empty", "", "leave it out")
		}
	case "jsonpaths":
		var paths []string
		if err := json.Unmarshal([]byte(trimmed), &paths); err != nil || len(paths) == 0 {
			r.wrong(path, strconv.Quote(value)+" is not a JSON array of texts", `["$.a","$.b.c"]`, "")
			return
		}
		r.header[name] = []string{trimmed}
	case "columns":
		r.header[name] = []string{trimmed}
		var err error
		if r.columns, r.setsOp, err = splitColumns(trimmed); err != nil {
			r.wrong(path, fmt.Sprintf("%q %v", value, err), "a, b, c = expression", "")
		}
	default:
		if trimmed == "" {
			r.wrong(path, "is empty", "", "leave it out")
			return
		}
		r.loose = r.loose || name == "json_root"
		r.header[name] = []string{trimmed}
	}
}

func (r *propReader) flag(name string, yes bool) {
	switch name {
	case "strip_outer_array":
		r.oneByOne = !yes
		return
	case "ignore_json_size":
		r.anySize = yes
	case "partial_update":
		r.partial = yes
	case "strict_mode":
		r.strict = yes
	}
	r.header[name] = []string{strconv.FormatBool(yes)}
}

func (r *propReader) integer(name, value, path string, least, most int64) (int64, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most {
		r.wrong(path, strconv.Quote(value)+" is not a whole number in range", fmt.Sprintf("%d to %d", least, most), "")
		return 0, false
	}
	r.header[name] = []string{value}
	return n, true
}

// together judges properties that depend on each other.
func (r *propReader) together() {
	at := func(name string) string { return r.pathOfProp[name] }
	if r.format == "" {
		// Whoever names delimiters means CSV, as in DataX and DataWorks, where it is the default.
		for _, name := range []string{"column_separator", "row_delimiter", "enclose", "escape"} {
			if r.format == "" && at(name) != "" {
				r.format = formatCSV
				r.note(at(name), options.CodeAssumed, "format is not given: csv, to which this belongs")
			}
		}
	}
	if r.format == formatJSON {
		for _, name := range []string{"column_separator", "row_delimiter", "enclose", "escape", "trim_space"} {
			if at(name) != "" {
				r.note(at(name), options.CodeIgnored, "has no effect with format json")
				delete(r.header, name)
			}
		}
		r.column, r.row, r.enclose, r.escape = nil, nil, "", ""
	}
	if r.format == formatCSV {
		for _, name := range []string{"jsonpaths", "json_root", "strip_outer_array", "ignore_json_size"} {
			if at(name) != "" {
				r.note(at(name), options.CodeIgnored, "has no effect with format csv")
				delete(r.header, name)
			}
		}
		r.oneByOne, r.anySize, r.loose = false, false, false
	}
	if at("partitions") != "" && at("temporary_partitions") != "" {
		r.problems = append(r.problems, options.Problem{Code: options.CodeConflict, Path: at("temporary_partitions"),
			Seen: "partitions is given too", Try: "keep one of them"})
	}
	if r.oneByOne {
		r.note(at("strip_outer_array"), options.CodeAssumed, "false: one JSON object per load, so maxBatchRows is 1; leave it out for fast loads")
	}
	if r.format != formatJSON {
		if _, err := r.dialect(); err != nil {
			name, _, _ := strings.Cut(err.Error(), " ")
			for _, other := range []string{"column_separator", "row_delimiter"} { // one of them may be gx's choice
				if at(name) == "" {
					name = other
				}
			}
			r.wrong(at(name), err.Error(), "", `\x01 and \x02`)
		}
		r.assumed()
	}
}

// spare tells whether rows that CSV cannot carry may go as JSON: the job must have said nothing that ties it to either.
func (p *props) spare() bool {
	for _, name := range []string{"trim_space", "skip_header", "jsonpaths", "json_root", "envelope", "strip_outer_array"} {
		if p.pathOfProp[name] != "" {
			return false
		}
	}
	return p.format == ""
}

// Delimiters that text seldom holds, for those who set none.
const safeColumn, safeRow = `\x01`, `\x02`

// dialect is the CSV that the properties describe.
func (p *props) dialect() (*encode.Dialect, error) {
	column, row := p.column, p.row
	if column == nil {
		d, _ := encode.ParseDelimiter(safeColumn)
		column = &d
	}
	if row == nil {
		d, _ := encode.ParseDelimiter(safeRow)
		row = &d
	}
	return encode.NewDialect(*column, *row, p.enclose, p.escape)
}

// assumed notes the delimiters that gx chose, where CSV is asked for.
func (r *propReader) assumed() {
	if r.format != formatCSV {
		return
	}
	for _, one := range []struct {
		d          *encode.Delimiter
		name, safe string
	}{{r.column, "column_separator", safeColumn}, {r.row, "row_delimiter", safeRow}} {
		if one.d == nil {
			r.note(r.formatPath(), options.CodeAssumed, one.name+" is not given: "+one.safe+", which text seldom holds")
		}
	}
}

// formatPath is the place that made the loads CSV.
func (r *propReader) formatPath() string {
	for _, name := range []string{"format", "column_separator", "row_delimiter", "enclose", "escape"} {
		if p := r.pathOfProp[name]; p != "" {
			return p
		}
	}
	return ""
}

// csvHeader adds what StarRocks must know to read the CSV.
func (p *props) csvHeader(h http.Header) {
	column, row := safeColumn, safeRow
	if p.column != nil {
		column = p.column.Header
	}
	if p.row != nil {
		row = p.row.Header
	}
	h["column_separator"], h["row_delimiter"] = []string{column}, []string{row}
	if p.enclose != "" {
		h["enclose"] = []string{p.enclose}
	}
	if p.escape != "" {
		h["escape"] = []string{p.escape}
	}
	h["format"] = []string{formatCSV}
	switch p.codec { // StarRocks wants the codec of CSV as its format
	case streamload.LZ4:
		h["format"] = []string{"lz4"}
	case streamload.Gzip, streamload.Zstd:
		h["format"] = []string{string(p.codec)}
	}
}

// jsonHeader adds what StarRocks must know to read the JSON.
func (p *props) jsonHeader(h http.Header) {
	h["format"] = []string{formatJSON}
	h["strip_outer_array"] = []string{strconv.FormatBool(!p.oneByOne)}
	if p.together {
		h["ignore_json_size"] = []string{"true"}
	}
	if p.codec != "" {
		h["compression"] = []string{string(p.codec)}
	}
}
