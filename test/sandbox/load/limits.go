package load

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Limits are the settings of FE and BE that tests like to change. A zero field takes
// the default of the release.
type Limits struct {
	ingest.Limits
	LabelKeepNum    int           // label_keep_max_num, default 1000
	LabelKeepAge    time.Duration // label_keep_max_second, default 3 days
	MaxRunningTxn   int           // max_running_txn_num_per_db, default 1000, before 3.1 100
	DefaultTimeout  time.Duration // stream_load_default_timeout_second, default 10 minutes
	PreparedTimeout time.Duration // prepared_transaction_default_timeout_second, default 1 day
	// SweepEvery is how often timeouts and old labels are looked for
	// (transaction_clean_interval_second, and the BE's own interval). The servers
	// do it every 30 seconds; the default here is 100 ms, for tests need not wait.
	SweepEvery time.Duration
	// Heartbeat is how often the FE asks whether a BE lives (5 seconds): so long
	// it goes on redirecting to a BE that is gone.
	Heartbeat time.Duration
	// CommitRPC is txn_commit_rpc_timeout_ms, default 60 s, before 3.1 20 s.
	CommitRPC time.Duration
	// PublishDelay is how long committed rows take to become visible, default 0.
	PublishDelay time.Duration
	// ErrorLogAge is load_error_log_reserve_hours, default 48 hours.
	ErrorLogAge time.Duration
	// HTTPWorkers is be_http_num_workers, default 48: so many requests a BE works on
	// at a time, others wait. One less than that many loads run at once on a BE if
	// LimitLoads (enable_http_stream_load_limit) is on.
	HTTPWorkers int
	LimitLoads  bool
	// DisableLoads is disable_load_job.
	DisableLoads bool
	// AffinityNum and AffinityAge bound the FE's memory of which BE a label began
	// on: transaction_stream_load_coordinator_cache_capacity, 4096, and
	// transaction_stream_load_coordinator_cache_expire_seconds, 15 minutes.
	AffinityNum int
	AffinityAge time.Duration
	// TaskKeepNum and TaskKeepAge bound the memory of transactions that the FE
	// keeps itself: stream_load_task_keep_max_num, 1000, and
	// stream_load_task_keep_max_second, 3 days.
	TaskKeepNum int
	TaskKeepAge time.Duration
	// TabletVersions is tablet_max_versions, default 1000; CompactEvery is
	// cumulative_compaction_check_interval_seconds, default 1 s, negative for a
	// server that never merges versions. See store.SetCompactEvery.
	TabletVersions int
	CompactEvery   time.Duration
	// RequestLine and RequestHeaders are http_max_initial_line_length, 4096, and
	// http_max_header_size, 32768: bytes that an FE reads of a request before it
	// refuses it. BEs have no such limit.
	RequestLine, RequestHeaders int
}

func orElse[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

func (l *Limits) defaults(r release.Release) {
	// The paper gives the older numbers without a release; 3.1 is the line that
	// first documents the newer ones.
	running, rpc := 1000, time.Minute
	if !r.AtLeast(3, 1) {
		running, rpc = 100, 20*time.Second
	}
	base := ledger.Defaults()
	if !r.AtLeast(3, 1) {
		orElse(&l.MaxBodyBytes, 10<<30)
	}
	l.Limits.SetDefaults()
	orElse(&l.LabelKeepNum, base.LabelKeepNum)
	orElse(&l.LabelKeepAge, base.LabelKeepAge)
	orElse(&l.MaxRunningTxn, running)
	orElse(&l.DefaultTimeout, 10*time.Minute)
	orElse(&l.PreparedTimeout, base.PreparedTimeout)
	orElse(&l.SweepEvery, base.SweepEvery)
	orElse(&l.Heartbeat, 5*time.Second)
	orElse(&l.CommitRPC, rpc)
	orElse(&l.ErrorLogAge, 48*time.Hour)
	orElse(&l.HTTPWorkers, 48)
	orElse(&l.AffinityNum, 4096)
	orElse(&l.AffinityAge, 15*time.Minute)
	orElse(&l.TaskKeepNum, 1000)
	orElse(&l.TaskKeepAge, 72*time.Hour)
	orElse(&l.TabletVersions, store.DefaultMaxVersions)
	orElse(&l.CompactEvery, time.Second)
	orElse(&l.RequestLine, 4096)
	orElse(&l.RequestHeaders, 32768)
}

func (l *Limits) ledger() ledger.Limits {
	return ledger.Limits{LabelKeepNum: l.LabelKeepNum, LabelKeepAge: l.LabelKeepAge, MaxRunning: l.MaxRunningTxn,
		PreparedTimeout: l.PreparedTimeout, SweepEvery: l.SweepEvery, LoadsDisabled: l.DisableLoads}
}

// setting is one limit under its name in fe.conf or be.conf.
type setting struct {
	backend bool
	get     func(*Limits) string
	set     func(*Limits, string) error
}

func number(field func(*Limits) *int, least int) setting {
	return setting{get: func(l *Limits) string { return strconv.Itoa(*field(l)) },
		set: func(l *Limits, text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < least {
				return fmt.Errorf("expected a whole number of at least %d, got %q", least, text)
			}
			*field(l) = n
			return nil
		}}
}

func duration(field func(*Limits) *time.Duration, unit time.Duration) setting {
	return setting{get: func(l *Limits) string { return strconv.FormatInt(int64(*field(l)/unit), 10) },
		set: func(l *Limits, text string) error {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 0 || n > int64(1<<62)/int64(unit) {
				return fmt.Errorf("expected a whole number of %v, got %q", unit, text)
			}
			*field(l) = time.Duration(n) * unit
			return nil
		}}
}

func flag(field func(*Limits) *bool) setting {
	return setting{get: func(l *Limits) string { return strconv.FormatBool(*field(l)) },
		set: func(l *Limits, text string) (err error) {
			if *field(l), err = strconv.ParseBool(text); err != nil {
				err = fmt.Errorf("expected true or false, got %q", text)
			}
			return err
		}}
}

func megabytes(field func(*Limits) *int64) setting {
	const mb = 1 << 20
	return setting{get: func(l *Limits) string { return strconv.FormatInt(*field(l)/mb, 10) },
		set: func(l *Limits, text string) error {
			n, err := strconv.ParseInt(text, 10, 40)
			if err != nil || n < 1 {
				return fmt.Errorf("expected a whole number of MB, got %q", text)
			}
			*field(l) = n * mb
			return nil
		}}
}

func onBackend(s setting) setting { s.backend = true; return s }

var settings = map[string]setting{
	"label_keep_max_num":                                       number(func(l *Limits) *int { return &l.LabelKeepNum }, 0),
	"label_keep_max_second":                                    duration(func(l *Limits) *time.Duration { return &l.LabelKeepAge }, time.Second),
	"max_running_txn_num_per_db":                               number(func(l *Limits) *int { return &l.MaxRunningTxn }, 0),
	"stream_load_default_timeout_second":                       duration(func(l *Limits) *time.Duration { return &l.DefaultTimeout }, time.Second),
	"prepared_transaction_default_timeout_second":              duration(func(l *Limits) *time.Duration { return &l.PreparedTimeout }, time.Second),
	"disable_load_job":                                         flag(func(l *Limits) *bool { return &l.DisableLoads }),
	"transaction_stream_load_coordinator_cache_capacity":       number(func(l *Limits) *int { return &l.AffinityNum }, 0),
	"transaction_stream_load_coordinator_cache_expire_seconds": duration(func(l *Limits) *time.Duration { return &l.AffinityAge }, time.Second),
	"stream_load_task_keep_max_num":                            number(func(l *Limits) *int { return &l.TaskKeepNum }, 0),
	"stream_load_task_keep_max_second":                         duration(func(l *Limits) *time.Duration { return &l.TaskKeepAge }, time.Second),
	"http_max_initial_line_length":                             number(func(l *Limits) *int { return &l.RequestLine }, 1),
	"http_max_header_size":                                     number(func(l *Limits) *int { return &l.RequestHeaders }, 1),
	"heartbeat_timeout_second":                                 duration(func(l *Limits) *time.Duration { return &l.Heartbeat }, time.Second),
	"transaction_clean_interval_second": {
		get: func(l *Limits) string { return strconv.FormatFloat(l.SweepEvery.Seconds(), 'f', -1, 64) },
		set: func(l *Limits, text string) error {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || !(n >= 0.001 && n <= 1e6) {
				return fmt.Errorf("expected seconds, at least 0.001, got %q", text)
			}
			l.SweepEvery = time.Duration(n * float64(time.Second))
			return nil
		}},
	"streaming_load_max_mb":                        onBackend(megabytes(func(l *Limits) *int64 { return &l.MaxBodyBytes })),
	"streaming_load_max_batch_size_mb":             onBackend(megabytes(func(l *Limits) *int64 { return &l.MaxJSONBytes })),
	"load_error_log_reserve_hours":                 onBackend(duration(func(l *Limits) *time.Duration { return &l.ErrorLogAge }, time.Hour)),
	"txn_commit_rpc_timeout_ms":                    onBackend(duration(func(l *Limits) *time.Duration { return &l.CommitRPC }, time.Millisecond)),
	"be_http_num_workers":                          onBackend(number(func(l *Limits) *int { return &l.HTTPWorkers }, 1)),
	"tablet_max_versions":                          onBackend(number(func(l *Limits) *int { return &l.TabletVersions }, 1)),
	"cumulative_compaction_check_interval_seconds": onBackend(duration(func(l *Limits) *time.Duration { return &l.CompactEvery }, time.Second)),
	"enable_http_stream_load_limit":                onBackend(flag(func(l *Limits) *bool { return &l.LimitLoads })),
}

// Limits returns the settings in force.
func (s *Server) Limits() Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

// SetLimits changes the settings; a zero field takes its default.
func (s *Server) SetLimits(l Limits) {
	l.defaults(s.release)
	s.mu.Lock()
	s.limits = l
	s.mu.Unlock()
	s.apply(&l)
}

// apply hands limits on to who keeps to them.
func (s *Server) apply(l *Limits) {
	s.ledger.SetLimits(l.ledger())
	s.store.SetMaxVersions(l.TabletVersions)
	s.store.SetCompactEvery(l.CompactEvery)
	for _, b := range s.backends {
		b.life.Load().workers.serve(l.HTTPWorkers)
	}
}

// Configs returns the settings by their names in fe.conf, or with backend in
// be.conf.
func (s *Server) Configs(backend bool) map[string]string {
	l := s.Limits()
	out := map[string]string{}
	for name, c := range settings {
		if c.backend == backend {
			out[name] = c.get(&l)
		}
	}
	return out
}

// SetConfig changes a setting by its name in fe.conf or be.conf. The error names
// the setting when there is none, or says what the value should be.
func (s *Server) SetConfig(name, value string) error {
	s.mu.Lock()
	l := s.limits
	err := l.Set(name, value)
	if err == nil {
		s.limits = l
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.apply(&l)
	return nil
}

// Set changes a limit by its name in fe.conf or be.conf. The error says what is
// wrong with name or value.
func (l *Limits) Set(name, value string) error {
	c, ok := settings[name]
	if !ok {
		return inWords("Config '%s' does not exist or is not mutable", name)
	}
	if err := c.set(l, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
