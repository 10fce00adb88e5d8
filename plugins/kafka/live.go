package kafka

import (
	"context"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/protocol"
)

// CheckLive serves sdk.LiveChecker: brokers, login, topics and partitions are looked at, nothing is read or joined.
func (r *Reader) CheckLive(ctx context.Context) []options.Problem {
	s, problems := resolve(&r.options, "")
	if options.Failed(problems) {
		return nil // Check has told them
	}
	c, err := connect(ctx, &s, s.group)
	if err == nil {
		defer func() { _ = c.client.Close() }()
		live := Reader{options: r.options, settings: s, cluster: c}
		err = live.locate()
	}
	if err == nil {
		err = s.format.probe(ctx)
	}
	if err == nil {
		return nil
	}
	p := options.Problem{Code: options.CodeNotAllowed, Seen: err.Error()}
	if f := protocol.AsFault(err); f != nil {
		p = options.Problem{Code: string(f.Code), Path: f.Place, Seen: f.What, Try: f.Try}
	}
	return []options.Problem{p}
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
