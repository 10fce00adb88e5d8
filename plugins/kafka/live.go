package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// CheckLive serves sdk.LiveChecker: every address of the job and of the brokers, login, topics and partitions are looked
// at, nothing is read or joined.
func (r *Reader) CheckLive(ctx context.Context) []options.Problem {
	s, problems := resolve(&r.options, "")
	if options.Failed(problems) {
		return nil // Check has told them
	}
	c, err := connect(ctx, &s, s.group)
	if err != nil {
		return []options.Problem{liveProblem(err)}
	}
	defer func() { _ = c.client.Close() }()
	live := Reader{options: r.options, settings: s, cluster: c}
	if err = live.locate(); err == nil {
		err = s.format.probe(ctx)
	}
	return c.checkListeners(ctx, err)
}

// liveProblem is what a fault comes to in a check.
func liveProblem(err error) options.Problem {
	if f := protocol.AsFault(err); f != nil {
		return options.Problem{Code: string(f.Code), Path: f.Place, Seen: f.What, Try: f.Try}
	}
	return options.Problem{Code: options.CodeNotAllowed, Seen: err.Error()}
}

// checkListeners looks at every address that the job names, and at every one that the brokers give out: clients are sent
// there, also where the first connection succeeds. err is what came of looking at topics; it is told too, unless it only
// says again that an address leads nowhere.
func (c *cluster) checkListeners(ctx context.Context, err error) []options.Problem {
	var out []options.Problem
	for _, addr := range c.servers {
		if why := c.dead[addr]; why != "" {
			out = append(out, options.Problem{Code: string(protocol.Unreachable), Path: "server", Warning: true,
				Seen: fmt.Sprintf("%s takes no connection (%s); the others do", addr, why), Try: "check the address and whether this broker runs"})
		}
	}
	closed, failed := c.closedListeners(ctx)
	out = append(out, closed...)
	if err == nil {
		err = failed
	}
	if err != nil {
		if p := liveProblem(err); len(closed) == 0 || p.Path != "server" && p.Path != "kafkaConfig" {
			out = append(out, p)
		}
	}
	return out
}

// closedListeners connects to every broker at the address that it gives out itself, and logs in there.
func (c *cluster) closedListeners(ctx context.Context) (out []options.Problem, err error) {
	var answer *sarama.MetadataResponse
	for _, addr := range c.live { // not through the client, which would use the addresses that are in question
		b := sarama.NewBroker(addr)
		if err = b.Open(c.client.Config()); err == nil {
			answer, err = b.GetMetadata(sarama.NewMetadataRequest(c.client.Config().Version, nil))
		}
		_ = b.Close()
		if err == nil {
			break
		}
	}
	if answer == nil {
		return nil, c.explain(err, "ask for the brokers")
	}
	var group sync.WaitGroup
	var mu sync.Mutex // guards out
	for _, known := range answer.Brokers {
		group.Go(func() {
			b := sarama.NewBroker(known.Addr())
			err := b.Open(c.client.Config())
			if err == nil {
				_, err = b.Connected()
			}
			_ = b.Close()
			if err == nil {
				return
			}
			p := liveProblem(c.link.explain(ctx, err, fmt.Sprintf("connect to broker %d at %s", known.ID(), known.Addr()), known.Addr()))
			if p.Code == string(sdk.Unreachable) {
				p.Seen = fmt.Sprintf("broker %d gives out the address %s, which does not lead to it from here: %s", known.ID(), known.Addr(), plainDial(err))
				p.Path, p.Try = "server", "advertised.listeners of the broker must name an address that works from here, or this machine needs a way to it"
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, p)
		})
	}
	group.Wait()
	slices.SortFunc(out, func(a, b options.Problem) int { return strings.Compare(a.Seen, b.Seen) })
	return out, nil
}

// probe looks whether the registries of the converters answer.
func (f *format) probe(ctx context.Context) error {
	for _, c := range []*converter{&f.value, &f.key} {
		if !c.framed() {
			continue
		}
		client, err := registry.New(c.registry)
		if err != nil {
			return err
		}
		_, err = c.probe(ctx, client)
		client.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
