package sandbox

import (
	"errors"
	"fmt"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/load"
	"github.com/gx-etl/gx/test/sandbox/release"
)

// Options configure a Sandbox. The zero value starts everything but Kafka on
// free ports, the BE on 127.0.0.2 and the rest on 127.0.0.1.
type Options struct {
	// WithKafka starts the embedded Kafka.
	WithKafka bool
	// Kafka, FEHTTP, FEQuery, BEHTTP and Control are listen addresses,
	// host:port; port 0 chooses one, and so does an empty address.
	Kafka, FEHTTP, FEQuery, BEHTTP, Control string
	// Followers is the number of FEs besides the leader, on 127.0.1.1 and so on,
	// Backends that of all BEs (0 is 1), from the second on 127.0.0.3 and so on.
	// FollowerHTTP and BackendHTTP give their addresses after FEHTTP and BEHTTP,
	// host:port; what they leave out is chosen.
	Followers, Backends       int
	FollowerHTTP, BackendHTTP []string
	// Users are added to root, which has an empty password unless it is listed.
	Users map[string]string
	// Init is SQL to run before the listeners open: databases, tables, rows. It is
	// left out when Data holds tables already.
	Init string
	// Discard makes loads count rows without storing them.
	Discard bool
	// Limits lowers limits of the load server, Config sets limits by their names
	// in fe.conf and be.conf.
	Limits load.Limits
	Config map[string]string
	// Version is the StarRocks release to play, "3.3" or "3.3.2", the newest one
	// known when empty.
	Version string
	// Clock tells the time of all servers; nil is a new one, see Sandbox.Clock.
	Clock *clock.Clock
	// Faults are armed before the listeners open, Seed seeds the draws of those
	// that have a probability (0 is fault.DefaultSeed).
	Faults []fault.Fault
	Seed   uint64
	// Data is a folder that tables and finished labels are read from at the start,
	// and written to by Save, by Close and every SaveEvery (0 is never). Empty
	// means that nothing is kept.
	Data      string
	SaveEvery time.Duration
	// LeaveOpen lets a test that began with New end with transactions open.
	LeaveOpen bool
}

// Check says what Start would refuse about the version, the names and values of
// Config, and Faults.
func (o *Options) Check() error {
	if _, err := o.release(); err != nil {
		return err
	}
	if o.Followers < 0 || o.Backends < 0 {
		return errors.New("the numbers of followers and backends must be at least 0")
	}
	limits := o.Limits
	for name, value := range o.Config {
		if err := limits.Set(name, value); err != nil {
			return fmt.Errorf("limit %w", err)
		}
	}
	var set fault.Set
	for _, f := range o.Faults {
		if _, err := set.Arm(f); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) release() (release.Release, error) {
	if o.Version == "" {
		return release.Newest(), nil
	}
	return release.Parse(o.Version)
}
