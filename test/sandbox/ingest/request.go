// Package ingest turns the headers and the body of a load into rows: which dialect,
// which columns, what is refused and why.
package ingest

import (
	"net/http"
	"regexp"
	"time"

	"github.com/gx-etl/gx/test/sandbox/release"
)

// Request is what the headers of one load ask for.
type Request struct {
	DB, Table string
	Label     string
	// InTransaction is set by the caller, before Early, for a load of the
	// transaction interface: the server does not read skip_header, trim_space,
	// enclose, escape, envelope and log_rejected_record_num there, and takes
	// nothing but the very text "true" as partial_update.
	InTransaction bool
	// Timeout is how long the transaction may live.
	Timeout time.Duration
	// MergeCommit tells that enable_merge_commit is on.
	MergeCommit bool

	options Options
	said    []string // values of the remembered headers
	planned bool

	json       bool
	codec      codec
	ratio      float64
	strict     bool
	ignoreSize bool
	memory     int64 // bytes the load may hold at a time, the default when 0

	separator []byte
	delimiter []byte
	skip      int
	trim      bool
	enclose   byte
	escape    byte

	paths      []path
	root       path
	stripArray bool
	debezium   bool

	columns  []item
	where    string
	zone     string // of the expressions, empty for the server's
	rejected int64  // how many refused records to keep, -1 for all

	partitions []string
	temporary  bool
	negative   bool
	partial    bool
	byColumn   bool   // partial update in column mode
	merge      string // column of merge_condition, empty without one
}

// New returns the request of one load into db.table under the label. The headers
// are read in two steps, Early and Late, between which the server begins the
// transaction.
func New(o Options, db, table, label string) *Request {
	if o.Release == (release.Release{}) {
		o.Release = release.Newest()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Limits.setDefaults(o.Release)
	return &Request{DB: db, Table: table, Label: label, options: o, separator: []byte{'\t'}, delimiter: []byte{'\n'}}
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

// remembered are the headers that all loads of a transaction must repeat: those
// the server hands to its planner. Others, max_filter_ratio among them, count from
// the first load alone.
var remembered = []string{
	"columns", "where", "column_separator", "row_delimiter", "partitions", "temporary_partitions", "negative", "strict_mode",
	"timezone", "load_mem_limit", "jsonpaths", "json_root", "strip_outer_array", "partial_update", "partial_update_mode",
	"merge_condition", "transmission_compression_type", "load_dop", "warehouse", "Content-Encoding", "compression", "format",
}

func (q *Request) remember(h http.Header) {
	q.said = q.said[:0]
	for _, name := range remembered {
		q.said = append(q.said, h.Get(name))
	}
}

// Same says whether two requests, both past Late, may follow each other in one
// transaction: they carry the same load headers. Names of database and table are
// the caller's to compare.
func (q *Request) Same(other *Request) bool {
	for i, v := range q.said {
		if v != other.said[i] {
			return false
		}
	}
	return true
}
