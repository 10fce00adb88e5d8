package ingest

import (
	"time"

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
	// it and CompileIn loads that need one are refused.
	Compile expression.Compiler
	// CompileIn gives the compiler for a time zone, that of the timezone header or
	// the documented default, and goes before Compile. Without it loads that have
	// the header and expressions are refused.
	CompileIn func(zone string) expression.Compiler
	// Now is the time of the server, time.Now when nil.
	Now func() time.Time
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
		// taken because the feature table changes much of Stream Load there.
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
