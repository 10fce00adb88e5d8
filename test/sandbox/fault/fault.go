// Package fault arms the misbehaviour of the stand-in and decides when it shows.
//
// A Fault says what goes wrong (its kind and the fields the kind takes), for whom
// (the aim) and when (nth, every, times, probability, after, for). A Set holds what
// is armed and is asked by whoever serves a request: package sabotage around the
// servers, and the load server itself at the points only it knows.
package fault

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fault is a misbehaviour to show, its aim and its moment. The JSON names are those
// of the control endpoint.
type Fault struct {
	ID   int64 `json:"id"`
	Kind Kind  `json:"kind"`

	// What it does. Which of these a kind takes is in its Info; others are refused.

	Millis int `json:"ms,omitempty"`
	// At is a point in the life of a request; the Info of the kind lists them.
	At string `json:"at,omitempty"`
	// Status is an HTTP status, Headers go with it.
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	// Text is a body, a message, or the name of a file; see the kind.
	Text string `json:"text,omitempty"`
	// Result is the word in the Status field of an answer.
	Result         string `json:"result,omitempty"`
	To             string `json:"to,omitempty"` // host:port
	Bytes          int64  `json:"bytes,omitempty"`
	BytesPerSecond int64  `json:"bytesPerSecond,omitempty"`
	Rows           int64  `json:"rows,omitempty"`
	// Code and SQLState are those of a MySQL error.
	Code     uint16 `json:"code,omitempty"`
	SQLState string `json:"sqlState,omitempty"`
	// Reset cuts connections with RST in place of FIN.
	Reset bool `json:"reset,omitempty"`

	// The aim: all that are given must match.

	Op Op `json:"op,omitempty"`
	// Node is a role ("fe", "be", "sql"), a role and a number ("be:1") or host:port.
	Node string `json:"node,omitempty"`
	DB   string `json:"db,omitempty"`
	// Table may be one of several tables of a transaction.
	Table string `json:"table,omitempty"`
	// Label is a text that the label contains, LabelRegex what it matches.
	Label      string `json:"label,omitempty"`
	LabelRegex string `json:"labelRegex,omitempty"`
	User       string `json:"user,omitempty"`
	// Statement is a text that the SQL contains, in any case.
	Statement string `json:"statement,omitempty"`

	// The moment, among the events in aim.

	// Nth lets the first Nth-1 events in aim pass, Every shows from there on at
	// every so many.
	Nth   int `json:"nth,omitempty"`
	Every int `json:"every,omitempty"`
	// Times is how often the fault shows; 0 means once, -1 until it is cleared.
	Times int `json:"times,omitempty"`
	// Probability is the chance to show at an event that is due; 0 means always.
	// The draws come from Seed, or from the seed of the set and the fault's number
	// when Seed is 0: the same seed and the same order of events in aim give the
	// same decisions.
	Probability float64 `json:"probability,omitempty"`
	Seed        uint64  `json:"seed,omitempty"`
	// After and For bound the time in which it shows, counted from the arming on
	// the clock of the machine. Events outside do not count as seen.
	After Duration `json:"after,omitempty"`
	For   Duration `json:"for,omitempty"`

	Seen int `json:"seen"` // events in aim so far
	Hits int `json:"hits"` // how often it has shown

	label *regexp.Regexp // of LabelRegex, nil without one
}

// Duration is a time.Duration that JSON writes as "1m30s".
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Fields that every kind takes, and those that depend on what its events carry.
var (
	always = []string{"id", "kind", "node", "nth", "every", "times", "probability", "seed", "after", "for", "seen", "hits"}
	aims   = map[Where][]string{
		OnConnect:   {},
		OnRequest:   {"op", "db", "table", "label", "labelRegex", "user"},
		OnLoad:      {"op", "db", "table", "label", "labelRegex", "user"},
		OnLogin:     {"user", "db"},
		OnStatement: {"user", "db", "statement"},
	}
)

// prepare checks the fault and completes it with the defaults of its kind.
func (f *Fault) prepare() error {
	info, ok := Describe(f.Kind)
	if !ok {
		return fmt.Errorf("unknown fault %q; known are %s", f.Kind, strings.Join(kindNames(), ", "))
	}
	if f.Times < -1 || f.Nth < 0 || f.Millis < 0 || f.Every < 0 || f.Bytes < 0 || f.Rows < 0 || f.BytesPerSecond < 0 || f.After < 0 || f.For < 0 {
		return fmt.Errorf("fault %q: times must be at least -1; nth, every, ms, bytes, rows, bytesPerSecond, after and for at least 0", f.Kind)
	}
	if !(f.Probability >= 0 && f.Probability <= 1) {
		return fmt.Errorf("fault %q: probability must be from 0 to 1", f.Kind)
	}
	if err := f.fields(info); err != nil {
		return err
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("fault %q: status must be from 200 to 599, got %d", f.Kind, f.Status)
	}
	if f.At == "" && len(info.At) > 0 {
		f.At = info.At[0]
	}
	if f.At != "" && !slices.Contains(info.At, f.At) {
		return fmt.Errorf("fault %q: at must be %s, got %q", f.Kind, strings.Join(info.At, " or "), f.At)
	}
	if f.Op != "" && f.Op != AnyOp && !slices.Contains(info.Ops, f.Op) {
		return fmt.Errorf("fault %q: op must be one of %s or *, got %q", f.Kind, joinOps(info.Ops), f.Op)
	}
	if err := checkNode(f.Node, info); err != nil {
		return fmt.Errorf("fault %q: %w", f.Kind, err)
	}
	f.label = nil
	if f.LabelRegex != "" {
		var err error
		if f.label, err = regexp.Compile(f.LabelRegex); err != nil {
			return fmt.Errorf("fault %q: labelRegex: %w", f.Kind, err)
		}
	}
	return nil
}

// fields refuses what the kind does not use, so that nothing asked for is silently
// left undone, and asks for what it needs.
func (f *Fault) fields(info Info) error {
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("fault %q: %w", f.Kind, err)
	}
	var given map[string]any
	if err := json.Unmarshal(text, &given); err != nil {
		return fmt.Errorf("fault %q: %w", f.Kind, err)
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "at" && len(info.At) > 0 || slices.Contains(always, name) || slices.Contains(aims[info.Where], name) ||
			slices.Contains(info.Needs, name) || slices.Contains(info.Takes, name) {
			continue
		}
		return fmt.Errorf("fault %q does not use %q", f.Kind, name)
	}
	for _, name := range info.Needs {
		if _, ok := given[name]; !ok {
			return fmt.Errorf("fault %q needs %q", f.Kind, name)
		}
	}
	return nil
}

// Message is the text of the fault, or that of its kind.
func (f *Fault) Message() string {
	if f.Text != "" {
		return f.Text
	}
	info, _ := Describe(f.Kind)
	return info.Says.Text
}
