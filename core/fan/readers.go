package fan

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/protobuf/proto"
)

// readers serves engine.Reader. A shard is called STEP/SHARD outside, and its descriptor begins with the step.
type readers struct {
	*processes
	each  []engine.Reader
	names []string // of the steps, none of them with a slash
}

// Readers joins readers; steps has the parameters of each, and every step a name of its own. Close ends the watching of
// their processes.
func Readers(steps []plan.Step, each []engine.Reader) engine.Reader {
	all := make([]engine.Process, len(each))
	for i, r := range each {
		all[i] = r
	}
	r := &readers{processes: newProcesses(all, steps), each: each}
	for i, s := range steps {
		name := s.Name
		if name == "" || strings.Contains(name, "/") {
			name = fmt.Sprintf("reader %d", i+1)
		}
		r.names = append(r.names, name)
	}
	return r
}

// Open opens all of them. They must give the same columns in the same order, or all of them documents.
func (r *readers) Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	out := &v1.OpenReply{Frozen: true}
	for i, one := range r.each {
		mine := proto.CloneOf(in)
		mine.Parameters, mine.Memory = r.step[i].Parameters, max(in.Memory/uint64(len(r.each)), 1)
		o, err := one.Open(ctx, mine)
		if err != nil {
			return nil, r.at(i, err)
		}
		out.Notes = r.notes(out.Notes, i, o.Notes)
		if i == 0 {
			out.Columns, out.Documents, out.Self = o.Columns, o.Documents, o.Self
		} else if err := r.sameColumns("gives", 0, i, out.Columns, o.Columns); err != nil {
			return nil, err
		}
		out.Resumes = out.Resumes || o.Resumes
		out.Frozen = out.Frozen && o.Frozen
	}
	return out, nil
}

// Split cuts each source for all lanes.
func (r *readers) Split(ctx context.Context, want int) (all []*v1.Shard, err error) {
	for i, one := range r.each {
		shards, err := one.Split(ctx, want)
		if err != nil {
			return nil, r.at(i, err)
		}
		name := r.names[i]
		for _, s := range shards {
			all = append(all, &v1.Shard{Name: outside(name, s.Name), Descriptor_: append([]byte(name+"\x00"), s.Descriptor_...), Rows: s.Rows})
		}
	}
	return all, nil
}

func outside(step, shard string) string { return step + "/" + shard }

// inside finds the reader of a shard, and the shard's own name.
func (r *readers) inside(shard string) (reader int, name string, ok bool) {
	step, name, _ := strings.Cut(shard, "/")
	reader = slices.Index(r.names, step)
	return reader, name, reader >= 0
}

// Read reads the shards of one lane, those of different readers side by side, and numbers the batches anew.
func (r *readers) Read(ctx context.Context, lane int, shards []*v1.Shard, after uint64) (func(*wire.Frame) error, error) {
	mine := make([][]*v1.Shard, len(r.each))
	for _, s := range shards {
		step, descriptor, _ := bytes.Cut(s.Descriptor_, []byte{0})
		i, name, ok := r.inside(s.Name)
		if !ok || r.names[i] != string(step) {
			return nil, protocol.Faultf(protocol.Internal, "shard %q belongs to no step", s.Name)
		}
		mine[i] = append(mine[i], &v1.Shard{Name: name, Descriptor_: descriptor, Rows: s.Rows})
	}
	ctx, cancel := context.WithCancel(ctx)
	j := &joined{came: make(chan came), cancel: cancel, last: after}
	for i, list := range mine {
		if len(list) == 0 {
			continue
		}
		recv, err := r.each[i].Read(ctx, lane, list, 0)
		if err != nil {
			cancel()
			j.drain()
			return nil, r.at(i, err)
		}
		j.open++
		j.running.Go(func() {
			for {
				c := came{frame: new(wire.Frame)}
				if c.err = recv(c.frame); c.err == nil {
					c.shard = outside(r.names[i], c.frame.Shard)
				} else if c.err != io.EOF {
					c.err = r.at(i, c.err)
				}
				select {
				case j.came <- c:
				case <-ctx.Done():
					if c.err == nil {
						c.frame.Free()
					}
					return
				}
				if c.err != nil {
					return
				}
			}
		})
	}
	return func(f *wire.Frame) error { return j.next(ctx, f) }, nil
}

// joined is one lane's stream of several readers.
type joined struct {
	came    chan came
	cancel  context.CancelFunc
	running sync.WaitGroup
	open    int
	last    uint64
}

type came struct {
	frame *wire.Frame
	shard string
	err   error // io.EOF at the end of one reader
}

func (j *joined) next(ctx context.Context, f *wire.Frame) error {
	for j.open > 0 {
		var c came
		select {
		case c = <-j.came:
		case <-ctx.Done():
			j.drain()
			return ctx.Err()
		}
		switch {
		case c.err == io.EOF:
			j.open--
		case c.err != nil:
			j.cancel()
			j.drain()
			return c.err
		default:
			*f = *c.frame
			j.last++
			f.Readdress(j.last, c.shard)
			return nil
		}
	}
	j.drain()
	return io.EOF
}

// drain waits for the readers' goroutines, whose context has ended or whose streams have.
func (j *joined) drain() {
	j.cancel()
	j.running.Wait()
	j.open = 0
}

// Commit hands each reader its positions.
func (r *readers) Commit(ctx context.Context, positions []*v1.ShardPosition) (lost []string, err error) {
	mine := make([][]*v1.ShardPosition, len(r.each))
	for _, p := range positions {
		i, name, ok := r.inside(p.Shard)
		if !ok {
			return nil, protocol.Faultf(protocol.Internal, "shard %q belongs to no step", p.Shard)
		}
		mine[i] = append(mine[i], &v1.ShardPosition{Shard: name, Position: p.Position})
	}
	for i, list := range mine {
		if len(list) == 0 {
			continue
		}
		gone, err := r.each[i].Commit(ctx, list)
		if err != nil {
			return nil, r.at(i, err)
		}
		for _, name := range gone {
			lost = append(lost, outside(r.names[i], name))
		}
	}
	return lost, nil
}

// Close says goodbye to all of them.
func (r *readers) Close(ctx context.Context) error {
	return r.close(ctx, func(ctx context.Context, i int) error { return r.each[i].Close(ctx) })
}
