// Package ingest turns the headers and the body of a load into rows: which dialect,
// which columns, what is refused and why.
package ingest

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/store"
)

type codec string

const (
	noCodec   codec = ""
	gzipCodec codec = "gzip"
	bzip2     codec = "bzip2"
	lz4Frame  codec = "lz4_frame"
	zstdCodec codec = "zstd"
)

// Request is what the headers of one Stream Load ask for.
type Request struct {
	DB, Table string
	Label     string
	// Timeout is how long the transaction may live.
	Timeout time.Duration
	// MergeCommit tells that enable_merge_commit is on.
	MergeCommit bool

	json       bool
	codec      codec
	ratio      float64
	strict     bool
	ignoreSize bool

	separator  []byte
	delimiter  []byte
	skip       int
	trim       bool
	enclose    byte
	escape     byte
	paths      []path
	root       path
	stripArray bool

	columns string
	partial bool
	merge   string // column of merge_condition, empty without one

	options Options
	said    []string // values of the remembered headers
}

func (q *Request) quoted() bool { return q.enclose != 0 || q.escape != 0 }

var labelPattern = regexp.MustCompile(`^[-\w]{1,128}$`)

// CheckLabel says what is wrong with a label, if anything is.
func CheckLabel(label string) error {
	if !labelPattern.MatchString(label) {
		return inWords(`Label format error. regex: ^[-\w]{1,128}$, label: %s`, label)
	}
	return nil
}

// unsupported lists headers of the protocol whose effect does not exist here.
// They are refused, with the values that mean "no effect" let through.
var unsupported = map[string][]string{
	"where": nil, "partitions": nil, "temporary_partitions": nil, "envelope": nil,
	"negative": {"false"}, "log_rejected_record_num": {"0"},
}

// Early reads the headers that are checked before the transaction begins, in
// the order the server checks them.
func (q *Request) Early(h http.Header, contentLength int64) error {
	limits := &q.options.Limits
	if v := h.Get("enable_merge_commit"); v != "" && q.options.Release.AtLeast(3, 4) {
		var ok bool
		if q.MergeCommit, ok = parseBool(v); !ok {
			return inWords("Invalid parameter enable_merge_commit. The value must be bool type, but is %s", v)
		}
	}
	if contentLength > limits.MaxBodyBytes {
		return limits.bodyTooLarge(contentLength)
	}
	if err := q.readFormat(h.Get("format")); err != nil {
		return err
	}
	q.ignoreSize = strings.EqualFold(h.Get("ignore_json_size"), "true")
	if q.json && !q.ignoreSize && contentLength > limits.MaxJSONBytes {
		return limits.jsonTooLarge(contentLength)
	}
	q.Timeout = 600 * time.Second
	if v := h.Get("timeout"); v != "" {
		seconds, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return inWords("Invalid timeout format")
		}
		if seconds < 1 || seconds > 259200 {
			return inWords("Invalid timeout: %d seconds, it must be from 1 to 259200", seconds)
		}
		q.Timeout = time.Duration(seconds) * time.Second
	}
	return nil
}

func (q *Request) readFormat(format string) error {
	switch strings.ToLower(format) {
	case "", "csv":
	case "json":
		q.json = true
	case "gzip":
		q.codec = gzipCodec
	case "bzip2":
		q.codec = bzip2
	case "lz4":
		q.codec = lz4Frame
	case "zstd":
		q.codec = zstdCodec
	case "deflate", "arrow":
		return fmt.Errorf("format %s is not supported by this stand-in", format)
	default:
		return fmt.Errorf("unknown data format, format=%s", format)
	}
	return nil
}

// Late reads the headers that are checked once the transaction has begun.
func (q *Request) Late(h http.Header) error {
	for name, harmless := range unsupported {
		v := h.Get(name)
		if v == "" {
			continue
		}
		if !containsFold(harmless, v) {
			return fmt.Errorf("%s: %s is not supported by this stand-in", name, v)
		}
	}
	if err := q.readCodec(h); err != nil {
		return err
	}
	for _, read := range []func(http.Header) error{q.readCSV, q.readJSON, q.readQuality, q.readUpdate} {
		if err := read(h); err != nil {
			return err
		}
	}
	q.columns = h.Get("columns")
	q.remember(h)
	return nil
}

func containsFold(list []string, v string) bool {
	for _, l := range list {
		if strings.EqualFold(l, v) {
			return true
		}
	}
	return false
}

func (q *Request) readCodec(h http.Header) error {
	compression, encoding := h.Get("compression"), h.Get("Content-Encoding")
	if compression != "" && encoding != "" {
		return inWords("Only one of http header content-encoding and compression can be set")
	}
	name := strings.ToLower(compression + encoding)
	switch name {
	case "":
		return nil
	case "gzip", "bzip2", "lz4_frame", "zstd":
	case "deflate":
		return fmt.Errorf("compression deflate is not supported by this stand-in")
	default:
		return inWords("Unsupported compression type: %s", name)
	}
	if !q.json {
		return fmt.Errorf("compression: %s with a CSV body is not supported by this stand-in: servers differ in it, use format: gzip, lz4 or zstd", name)
	}
	q.codec = codec(name)
	return nil
}

func (q *Request) readCSV(h http.Header) error {
	q.separator, q.delimiter = []byte{'\t'}, []byte{'\n'}
	var err error
	if v, ok := present(h, "column_separator"); ok {
		if q.separator, err = parseDelimiter(v, "column separator"); err != nil {
			return err
		}
	}
	if v, ok := present(h, "row_delimiter"); ok {
		if q.delimiter, err = parseDelimiter(v, "row delimiter"); err != nil {
			return err
		}
	}
	if v := h.Get("skip_header"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return inWords("Invalid csv load skip_header format: %s", v)
		}
		if n < 0 {
			return fmt.Errorf("skip_header must be equal or greater than 0")
		}
		q.skip = n
	}
	if v := h.Get("trim_space"); v != "" {
		var ok bool
		if q.trim, ok = parseBool(v); !ok {
			return inWords("Invalid trim space format. Must be bool type")
		}
	}
	if v := h.Get("enclose"); v != "" {
		q.enclose = v[0]
	}
	if v := h.Get("escape"); v != "" {
		q.escape = v[0]
	}
	return nil
}

// present tells a header that was sent empty from one that was not sent.
func present(h http.Header, name string) (string, bool) {
	v := h.Values(name)
	if len(v) == 0 {
		return "", false
	}
	return v[0], true
}

func (q *Request) readJSON(h http.Header) error {
	q.stripArray = strings.EqualFold(h.Get("strip_outer_array"), "true")
	var err error
	if v := h.Get("jsonpaths"); v != "" {
		if q.paths, err = parsePaths(v); err != nil {
			return err
		}
	}
	if v := h.Get("json_root"); v != "" {
		if q.root, err = parsePath(v); err != nil {
			return err
		}
	}
	return nil
}

func (q *Request) readQuality(h http.Header) error {
	if v := h.Get("max_filter_ratio"); v != "" {
		// Unreadable text is zero, as in the server.
		q.ratio, _ = strconv.ParseFloat(strings.TrimSpace(v), 64)
		if math.IsNaN(q.ratio) {
			q.ratio = 0
		}
		if q.ratio < 0 || q.ratio > 1 {
			return inWords("Invalid max_filter_ratio: %s, it must be from 0 to 1", v)
		}
	}
	if v := h.Get("strict_mode"); v != "" {
		var ok bool
		if q.strict, ok = parseBool(v); !ok {
			return inWords("Invalid strict mode format. Must be bool type")
		}
	}
	if v := h.Get("load_mem_limit"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return inWords("Invalid load mem limit format")
		}
		if n < 0 {
			return fmt.Errorf("load_mem_limit must be equal or greater than 0")
		}
	}
	return nil
}

func (q *Request) readUpdate(h http.Header) error {
	if v := h.Get("partial_update"); v != "" {
		var ok bool
		if q.partial, ok = parseBool(v); !ok {
			return inWords("Invalid partial update flag format. Must be bool type")
		}
	}
	if q.partial && h.Get("partial_update_mode") == "column" {
		return fmt.Errorf("partial_update_mode: column is not supported by this stand-in, use row or auto")
	}
	q.merge = h.Get("merge_condition")
	return nil
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// plan resolves the request against the table: where fields go, and a batch to
// put the rows in.
func (q *Request) plan(t *store.Table) (*rowSink, error) {
	schema := t.Schema()
	primary := schema.Model == store.Primary
	if q.partial && !primary {
		return nil, inWords("Only primary key table support partial update")
	}
	m, err := mapColumns(q.columns, &schema, q.json, q.paths != nil, q.partial)
	if err != nil {
		return nil, err
	}
	if q.paths != nil && len(q.paths) != len(m.sources) {
		return nil, inWords("Invalid json path: %d paths for %d columns", len(q.paths), len(m.sources))
	}
	b := t.NewBatch(m.columns)
	if q.partial {
		b.SetPartialUpdate()
	}
	if q.merge != "" {
		if err := q.setMerge(b, m, &schema); err != nil {
			return nil, err
		}
	}
	return &rowSink{batch: b, mapping: m, strict: q.strict}, nil
}

func (q *Request) setMerge(b *store.Batch, m *mapping, schema *store.Schema) error {
	at := schema.Index(q.merge)
	switch {
	case schema.Model != store.Primary:
		return inWords("Conditional update only support primary key table")
	case at < 0:
		return fmt.Errorf("merge condition column %s does not exist", q.merge)
	case schema.Columns[at].Key:
		return fmt.Errorf("merge condition column %s should not be primary key", q.merge)
	}
	for _, c := range m.columns {
		if c == at {
			b.SetMergeCondition(at)
			return nil
		}
	}
	return fmt.Errorf("merge condition column %s not in the columns of the load", q.merge)
}
