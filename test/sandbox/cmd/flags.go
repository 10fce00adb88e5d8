package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/fault"
)

const aboutServe = usage + `
It holds what a client of StarRocks needs: a frontend and backends that take
Stream Loads and transactions over HTTP, the MySQL port, and a Kafka beside them.
Port 0 in an address chooses a free port. Nothing is kept, unless --data says so.

  gx-sandbox                                          everything on the usual ports
  gx-sandbox --kafka off --starrocks-version 3.3      no Kafka, an older StarRocks
  gx-sandbox --backends 3 --followers 2 --init my.sql a cluster, with tables
  gx-sandbox --fault '{"kind":"answerLost","probability":0.1,"times":-1}' --seed 7
`

// commandLine is what the flags of the servers fill.
type commandLine struct {
	fs            *flag.FlagSet
	o             sandbox.Options
	script, ready string
	limits        list
	faults        list
}

func newCommandLine() *commandLine {
	c := &commandLine{fs: flag.NewFlagSet("", flag.ContinueOnError), o: sandbox.Options{Users: users{}}}
	fs, o := c.fs, &c.o
	fs.StringVar(&o.Kafka, "kafka", "127.0.0.1:9092", "`address` of the Kafka broker, or off")
	fs.StringVar(&o.FEHTTP, "fe-http", "127.0.0.1:8030", "`address` of the FE's HTTP server")
	fs.StringVar(&o.FEQuery, "fe-query", "127.0.0.1:9030", "`address` of the MySQL port")
	fs.StringVar(&o.BEHTTP, "be-http", "127.0.0.2:8040", "`address` of the BE's HTTP server")
	fs.StringVar(&o.Control, "control", "127.0.0.1:8031", "`address` of the control endpoint: a page, and GET /help")
	fs.StringVar(&c.ready, "ready-file", "", "`file` to write the addresses to, as JSON, once all of them listen")
	fs.StringVar(&c.script, "init", "", "SQL `file` to run before the servers open; with --data, only while there are no tables")
	fs.Var(users(o.Users), "user", "add a user, `name:password` (repeatable); root with an empty password is always there")
	fs.BoolVar(&o.Discard, "discard", false, "count the rows of loads but do not store them")
	fs.StringVar(&o.Version, "starrocks-version", "", "StarRocks `release` to play, such as 3.3; the newest known without")
	fs.IntVar(&o.Followers, "followers", 0, "`number` of FEs besides the leader, on 127.0.1.1 and so on")
	fs.IntVar(&o.Backends, "backends", 1, "`number` of BEs, from the second on 127.0.0.3 and so on")
	fs.Var(&c.limits, "limit", "set `name=value` as in fe.conf or be.conf, such as label_keep_max_num=5 (repeatable); GET /config lists them")
	fs.Var(&c.faults, "fault", "arm a fault, as `JSON` (repeatable); GET /help lists them")
	fs.Uint64Var(&o.Seed, "seed", 0, "seed of the faults that have a probability, a `number`")
	fs.StringVar(&o.Data, "data", "", "`folder` to keep tables and finished labels in: read at the start, written at the end")
	fs.DurationVar(&o.SaveEvery, "save-every", time.Minute, "how often to write the folder of --data while running, 0 for never; a `time` such as 30s")
	return c
}

// complete checks what the flags mean together, as far as it can be known before
// anything is started.
func (c *commandLine) complete() error {
	c.o.WithKafka = c.o.Kafka != "off"
	if c.o.Followers < 0 || c.o.Backends < 1 || c.o.SaveEvery < 0 {
		return errors.New("--followers and --save-every must be at least 0, --backends at least 1")
	}
	c.o.Config = map[string]string{}
	for _, l := range c.limits {
		name, value, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return fmt.Errorf("--limit %s: expected name=value", l)
		}
		c.o.Config[name] = value
	}
	for _, text := range c.faults {
		f, err := parseFault(text)
		if err != nil {
			return fmt.Errorf("--fault %s: %w", text, err)
		}
		c.o.Faults = append(c.o.Faults, f)
	}
	return c.o.Check()
}

func parseFault(text string) (f fault.Fault, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err = d.Decode(&f); err != nil {
		return f, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return f, errors.New("expected one JSON object")
	}
	return f, nil
}

// list collects a repeatable flag.
type list []string

func (l *list) String() string { return "" }

func (l *list) Set(v string) error {
	*l = append(*l, v)
	return nil
}

// users collects --user name:password flags.
type users map[string]string

func (u users) String() string { return "" }

func (u users) Set(v string) error {
	name, password, ok := strings.Cut(v, ":")
	if !ok || name == "" {
		return errors.New("expected name:password")
	}
	u[name] = password
	return nil
}

// parse reads flags; asking for help ends the program well.
func parse(fs *flag.FlagSet, about string, args []string, out, errOut io.Writer) (done bool, err error) {
	fs.SetOutput(errOut)
	fs.Usage = func() {}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(out)
		fmt.Fprint(out, about, "\nFlags:\n")
		fs.PrintDefaults()
		return true, nil
	case err != nil:
		fmt.Fprintf(errOut, "try gx-sandbox %s\n", strings.TrimSpace(fs.Name()+" --help"))
		return true, errUsage
	}
	return false, nil
}
