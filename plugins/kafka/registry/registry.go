// Package registry looks up schemas in a schema registry that speaks Confluent's HTTP interface. A schema that was found is
// kept for good, since ids never change their meaning.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/sdk"
)

// The types of schemas.
const (
	Avro     = "AVRO"
	Protobuf = "PROTOBUF"
	JSON     = "JSON"
)

// Schema is the text of a schema and of all that it refers to.
type Schema struct {
	Type string // Avro, Protobuf or JSON
	Text string
	// Parts are the schemas that this one needs, each after those that it needs itself.
	Parts []Part
}

// Part is a schema under the name by which another one refers to it.
type Part struct{ Name, Text string }

// UnknownError says that the registry answers and has no schema of an id.
type UnknownError struct{ ID uint32 }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("the schema registry has no schema %d", e.ID)
}

// BrokenError says that the registry has a schema, but not all that it refers to.
type BrokenError struct {
	ID   uint32
	What string
}

func (e *BrokenError) Error() string { return fmt.Sprintf("schema %d: %s", e.ID, e.What) }

// Client asks one registry. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client

	mu     sync.Mutex // guards the following
	first  int        // the URL to try first: the one that answered last
	found  map[uint32]*Schema
	absent map[uint32]time.Time // when an id was found not to be there
}

// New makes a Client. It asks nothing; errors are faults about the files of the configuration.
func New(c Config) (*Client, error) {
	h, err := c.client()
	if err != nil {
		return nil, err
	}
	return &Client{config: c, http: h, found: map[uint32]*Schema{}, absent: map[uint32]time.Time{}}, nil
}

// Close ends the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// An id that is not there is asked for again after absentFor, since it may be registered by then. Registries of several
// nodes may know a new id a moment later than its first message: the first absences of a run are only believed when they
// last for a moment.
const (
	absentFor    = 30 * time.Second
	mostAbsent   = 4096
	doubted      = 16
	doubtPause   = 200 * time.Millisecond
	doubtRepeats = 3
)

// Schema gives the schema of an id. The error is an *UnknownError or *BrokenError when the registry answers, and a fault
// when it does not for longer than Client waits, or refuses us.
func (c *Client) Schema(ctx context.Context, id uint32) (*Schema, error) {
	c.mu.Lock()
	s, at, news := c.found[id], c.absent[id], len(c.absent) < doubted
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if !at.IsZero() && time.Since(at) < absentFor {
		return nil, &UnknownError{ID: id}
	}
	for i := 1; ; i++ {
		s, err := c.load(ctx, id)
		if s != nil || err != nil {
			if err == nil {
				c.mu.Lock()
				c.found[id] = s
				delete(c.absent, id)
				c.mu.Unlock()
			}
			return s, err
		}
		if !news || i == doubtRepeats {
			break
		}
		if err := sleep(ctx, doubtPause); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	if len(c.absent) >= mostAbsent {
		clear(c.absent)
	}
	c.absent[id] = time.Now()
	c.mu.Unlock()
	return nil, &UnknownError{ID: id}
}

// answer is how registries describe a schema.
type answer struct {
	Type       string      `json:"schemaType"` // absent: Avro
	Text       string      `json:"schema"`
	References []reference `json:"references"`
}

type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// load gives a schema with its parts, nil when the registry does not have it.
func (c *Client) load(ctx context.Context, id uint32) (*Schema, error) {
	return c.describe(ctx, "/schemas/ids/"+strconv.FormatUint(uint64(id), 10), id)
}

// Newest gives the newest schema of a subject. Errors are faults.
func (c *Client) Newest(ctx context.Context, subject string) (*Schema, error) {
	s, err := c.describe(ctx, "/subjects/"+url.PathEscape(subject)+"/versions/latest", 0)
	var broken *BrokenError
	switch {
	case errors.As(err, &broken):
		return nil, sdk.Faultf(sdk.Config, "the newest schema of %q %s", subject, broken.What).At(c.config.Option + ".readerSchema")
	case err != nil:
		return nil, err
	case s == nil:
		return nil, sdk.Faultf(sdk.NotFound, "the schema registry has no subject %q", subject).At(c.config.Option + ".readerSchema").
			Hint("the name of a subject, which for the values of a topic usually is that of the topic and -value")
	}
	return s, nil
}

// describe gives the schema that stands at a path, with its parts, nil when there is none.
func (c *Client) describe(ctx context.Context, path string, id uint32) (*Schema, error) {
	var a answer
	found, err := c.ask(ctx, path, &a, awayBudget)
	if !found || err != nil {
		return nil, err
	}
	s := &Schema{Type: a.Type, Text: a.Text}
	if s.Type == "" {
		s.Type = Avro
	}
	seen := map[reference]bool{}
	names := map[string]reference{}
	if err := c.parts(ctx, id, s, a.References, seen, names, 0); err != nil {
		return nil, err
	}
	return s, nil
}

// How far references are followed.
const (
	maxDepth = 32
	maxParts = 1000
)

func (c *Client) parts(ctx context.Context, id uint32, s *Schema, refs []reference, seen map[reference]bool, names map[string]reference, depth int) error {
	if depth > maxDepth {
		return &BrokenError{ID: id, What: fmt.Sprintf("references go deeper than %d levels", maxDepth)}
	}
	for _, r := range refs {
		if seen[r] {
			continue
		}
		seen[r] = true
		if len(seen) > maxParts {
			return &BrokenError{ID: id, What: fmt.Sprintf("refers to more than %d schemas", maxParts)}
		}
		if other, taken := names[r.Name]; taken {
			return &BrokenError{ID: id, What: fmt.Sprintf("%q means version %d of %s and version %d of %s", r.Name, other.Version, other.Subject, r.Version, r.Subject)}
		}
		names[r.Name] = r
		var a answer
		found, err := c.ask(ctx, "/subjects/"+url.PathEscape(r.Subject)+"/versions/"+strconv.Itoa(r.Version), &a, awayBudget)
		if err != nil {
			return err
		}
		if !found {
			return &BrokenError{ID: id, What: fmt.Sprintf("refers to version %d of %q, which is not there", r.Version, r.Subject)}
		}
		if err := c.parts(ctx, id, s, a.References, seen, names, depth+1); err != nil {
			return err
		}
		s.Parts = append(s.Parts, Part{Name: r.Name, Text: a.Text})
	}
	return nil
}

// Probe looks whether the registry answers and lets us in; errors are faults.
func (c *Client) Probe(ctx context.Context) error {
	var types []string
	found, err := c.ask(ctx, "/schemas/types", &types, openBudget)
	if err != nil || found {
		return err
	}
	var subjects json.RawMessage // older ones have no list of types
	found, err = c.ask(ctx, "/subjects", &subjects, openBudget)
	if err == nil && !found {
		err = c.notThere()
	}
	return err
}
