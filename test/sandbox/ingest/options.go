package ingest

import (
	"fmt"
	"net/http"

	"github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/release"
)

// Options say which server takes the loads in, and with what settings.
type Options struct {
	Limits Limits
	// Discard counts the rows of bodies without converting, checking or keeping them.
	Discard bool
	// Release decides what the server knows; the zero value is the newest.
	Release release.Release
	// Compile prepares the expressions of the columns and where headers. Without
	// it loads that need one are refused.
	Compile expression.Compiler
}

// Limits are the sizes a server accepts, in bytes. A zero field takes the
// server's default.
type Limits struct {
	MaxBodyBytes int64 // streaming_load_max_mb, default 100 GiB, before 3.2 10 GiB
	MaxJSONBytes int64 // streaming_load_max_batch_size_mb, default 100 MiB
}

// SetDefaults fills the fields that are zero, as the newest release has them.
func (l *Limits) SetDefaults() { l.setDefaults(release.Newest()) }

func (l *Limits) setDefaults(r release.Release) {
	if l.MaxBodyBytes == 0 {
		l.MaxBodyBytes = 100 << 30
		// The paper calls 10 GiB the older default and names no release; 3.2 is
		// the line that enlarged the other defaults of the load server.
		if !r.AtLeast(3, 2) {
			l.MaxBodyBytes = 10 << 30
		}
	}
	if l.MaxJSONBytes == 0 {
		l.MaxJSONBytes = 100 << 20
	}
}

func (l *Limits) bodyTooLarge(n int64) error {
	return inWords("body size %d exceed limit: %d, you can increase the limit by setting streaming_load_max_mb in be.conf.", n, l.MaxBodyBytes)
}

func (l *Limits) jsonTooLarge(n int64) error {
	return inWords("The size of this batch exceed the max size [%d]  of json type data  data [ %d ]. Set ignore_json_size to skip the check, although it may lead huge memory consuming.", l.MaxJSONBytes, n)
}

// New returns the request of one load into db.table under the label. The headers
// are read in two steps, Early and Late, between which the server begins the
// transaction.
func New(o Options, db, table, label string) *Request {
	if o.Release == (release.Release{}) {
		o.Release = release.Newest()
	}
	o.Limits.setDefaults(o.Release)
	return &Request{DB: db, Table: table, Label: label, options: o}
}

// remembered are the headers that all loads of a transaction must repeat: those
// the server hands to its planner. The others, max_filter_ratio and timeout among
// them, count from the first load alone.
var remembered = []string{
	"columns", "where", "column_separator", "row_delimiter", "skip_header", "trim_space", "enclose", "escape",
	"partitions", "temporary_partitions", "negative", "strict_mode", "timezone", "load_mem_limit",
	"jsonpaths", "json_root", "strip_outer_array", "envelope", "partial_update", "partial_update_mode", "merge_condition",
	"transmission_compression_type", "load_dop", "log_rejected_record_num", "warehouse",
	"Content-Encoding", "compression", "format",
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

// needs is the refusal of what a release does not have, with what to do instead.
func (q *Request) needs(what, instead string) error {
	return fmt.Errorf("%s is not supported by StarRocks %s; %s", what, q.options.Release, instead)
}
