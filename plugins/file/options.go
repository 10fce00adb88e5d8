package file

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk/dialect"
)

// The formats of files.
const (
	formatCSV   = "csv"
	formatText  = "text"
	formatJSONL = "jsonl"
)

// textOptions say how rows stand in files; reader and writer share them.
type textOptions struct {
	Format         string  `json:"format" default:"csv" gx:"enum=csv|text|jsonl,alias=fileFormat,emptyIsUnset" doc:"csv: cells with a delimiter, quoted where needed. text: the same without quotes. jsonl: one JSON object in each line."`
	FieldDelimiter *string `json:"fieldDelimiter" doc:"Stands between the cells of csv and text: 1 to 16 bytes, also as \\t, \\x01 or \\u0001. A comma when not given."`
	Quote          *string `json:"quote" doc:"Stands around cells of csv that hold a delimiter, a quote or a line break. A double quote when not given; empty: no quoting."`
	Escape         *string `json:"escape" doc:"Within quotes, takes the meaning from the next character. When not given, a quote within quotes is doubled."`
	NullFormat     *string `json:"nullFormat" doc:"A bare cell with this text is NULL; in quotes it is the text. \\N when not given; empty: empty cells are NULL."`
	Encoding       string  `json:"encoding" default:"UTF-8" gx:"emptyIsUnset" doc:"Encoding of the text: UTF-8, GBK, GB18030, ISO-8859-1, UTF-16, UTF-16LE or UTF-16BE."`
}

// defaultQuote and the others stand in for what a job does not say.
const (
	defaultDelimiter = ","
	defaultQuote     = `"`
	defaultNull      = `\N`
)

func or(given *string, otherwise string) string {
	if given != nil {
		return *given
	}
	return otherwise
}

// dialect is what the options come to for csv and text.
func (o *textOptions) dialect() (dialect.Dialect, string, error) {
	quote := or(o.Quote, defaultQuote)
	if o.Format == formatText {
		quote = ""
	}
	null := or(o.NullFormat, defaultNull)
	return dialect.New(or(o.FieldDelimiter, defaultDelimiter), quote, or(o.Escape, ""), &null)
}

func (o *textOptions) check(path string) (out []options.Problem) {
	if _, known := charsetOf(o.Encoding); !known {
		out = append(out, options.Problem{Code: options.CodeNotAllowed, Path: options.Join(path, "encoding"),
			Seen: fmt.Sprintf("%q is not known", o.Encoding), Want: wantCharset})
	}
	unused := func(given *string, key string) {
		if given != nil && *given != "" {
			out = append(out, options.Problem{Code: options.CodeIgnored, Path: options.Join(path, key),
				Seen: "has no effect in format " + o.Format, Warning: true})
		}
	}
	switch o.Format {
	case formatJSONL:
		unused(o.FieldDelimiter, "fieldDelimiter")
		unused(o.Quote, "quote")
		unused(o.Escape, "escape")
		unused(o.NullFormat, "nullFormat")
		return out
	case formatText:
		unused(o.Quote, "quote")
		if o.Escape != nil && *o.Escape != "" {
			return append(out, options.Problem{Code: options.CodeConflict, Path: options.Join(path, "escape"),
				Seen: "text has no quotes, and escapes stand within them", Try: `"format": "csv"`})
		}
	}
	if _, at, err := o.dialect(); err != nil {
		out = append(out, options.Problem{Code: options.CodeNotAllowed, Path: options.Join(path, at), Seen: err.Error()})
	}
	return out
}

type readerOptions struct {
	Path []string `json:"path" gx:"required" doc:"Files, patterns such as data/*.csv, and folders; one or a list."`
	textOptions
	Pattern      string          `json:"pattern" default:"*" doc:"In folders, only files whose names match: * any letters, ? one, [ab] one of these. Names that begin with a point or _ never do."`
	Recursive    bool            `json:"recursive" default:"false" doc:"Folders within folders count too."`
	Column       []options.Value `json:"column" doc:"What a row holds, in order: names, positions from 0, or objects as described below. Not given or [\"*\"]: all cells as text; of jsonl the whole document, or the fields that the writer asks for."`
	SkipHeader   bool            `json:"skipHeader" default:"false" gx:"alias=header" doc:"The first record of each file holds the names of its columns."`
	Compress     string          `json:"compress" default:"auto" gx:"enum=auto|none|gzip|zstd|bzip2,emptyIsUnset" doc:"How the files are compressed; auto goes by .gz, .zst and .bz2 at the end of each name."`
	SkipEmpty    bool            `json:"skipEmptyLines" default:"true" doc:"Empty lines are no records, and are counted as filtered."`
	MaxLineBytes int64           `json:"maxLineBytes" default:"1MiB" gx:"bytes,min=1024,max=8388608" doc:"A record that is longer is dirty."`
	SplitBytes   int64           `json:"splitBytes" default:"64MiB" gx:"bytes,min=0" doc:"Files above this size are read by several lanes, in pieces of it: uncompressed UTF-8 files in which every line break ends a record (jsonl, text, csv with an empty quote); 0 is never."`
	BatchRows    int64           `json:"batchRows" default:"10000" gx:"min=1,max=1000000" doc:"Rows in a batch at most; a batch also ends at 1 MiB."`
	CSVReader    *csvReader      `json:"csvReaderConfig" doc:"How DataX jobs say some of the above."`
}

// csvReader is the part of DataX's csvReaderConfig that has a meaning here.
type csvReader struct {
	SafetySwitch     *bool   `json:"safetySwitch" gx:"ignored" doc:"Long cells are bounded by maxLineBytes."`
	SkipEmptyRecords *bool   `json:"skipEmptyRecords" doc:"Supersedes skipEmptyLines."`
	UseTextQualifier *bool   `json:"useTextQualifier" doc:"False: as an empty quote."`
	TextQualifier    *string `json:"textQualifier" doc:"Supersedes quote."`
}

// Check holds what ties options together, and reads the columns.
func (o *readerOptions) Check(path string) []options.Problem {
	var out []options.Problem
	if c := o.CSVReader; c != nil {
		if c.SkipEmptyRecords != nil {
			o.SkipEmpty = *c.SkipEmptyRecords
		}
		if c.TextQualifier != nil {
			o.Quote = c.TextQualifier
		}
		if c.UseTextQualifier != nil && !*c.UseTextQualifier {
			o.Quote = new(string)
		}
	}
	out = o.check(path)
	bad := func(at, seen, try string) {
		out = append(out, options.Problem{Code: options.CodeNotAllowed, Path: at, Seen: seen, Try: try})
	}
	for i, p := range o.Path {
		at := options.At(options.Join(path, "path"), i)
		switch _, err := filepath.Match(p, ""); {
		case strings.TrimSpace(p) == "":
			bad(at, "is empty", "a file, a folder or a pattern")
		case strings.Contains(p, "**"):
			bad(at, "** is no pattern here", `the folder, with "recursive": true`)
		case err != nil:
			bad(at, fmt.Sprintf("%q is no pattern", p), "")
		}
	}
	if _, err := filepath.Match(o.Pattern, ""); err != nil || strings.Contains(o.Pattern, "/") {
		bad(options.Join(path, "pattern"), fmt.Sprintf("%q is no pattern of a file name", o.Pattern), "*.csv")
	}
	if o.Format == formatJSONL && o.SkipHeader {
		bad(options.Join(path, "skipHeader"), "JSON lines have no header", "leave it out")
	}
	_, problems := o.columns(options.Join(path, "column"))
	return append(out, problems...)
}
