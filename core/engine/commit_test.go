package engine

import (
	"context"
	"errors"
	"slices"
	"testing"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// recorder is a reader that only takes commits.
type recorder struct {
	fakeReader
	got []string
	err error
}

func (r *recorder) Commit(_ context.Context, ps []*v1.ShardPosition) ([]string, error) {
	if r.err != nil {
		return nil, r.err
	}
	for _, p := range ps {
		r.got = append(r.got, p.Shard+"="+string(p.Position))
	}
	slices.Sort(r.got)
	return nil, nil
}

func at(shard, position string) []*v1.ShardPosition {
	return []*v1.ShardPosition{{Shard: shard, Position: []byte(position)}}
}

// A late position of the lane that a shard has left must not push out that of the lane it went to.
func TestLanesDoNotOverwriteEachOther(t *testing.T) {
	r := &recorder{}
	c := newCommitter(r, func(context.Context) error { return nil }, "x")
	c.offer(0, at("s", "4"))
	c.offer(1, at("s", "9"))
	c.offer(0, at("s", "5"))
	if err := c.flush(context.Background()); err != nil || !slices.Equal(r.got, []string{"s=5", "s=9"}) {
		t.Fatalf("%v, %v", r.got, err)
	}
}

// A failed commit stays pending, and gives way to what became safe meanwhile.
func TestFailedCommitStaysPending(t *testing.T) {
	r := &recorder{err: errors.New("away")}
	c := newCommitter(r, func(context.Context) error { return nil }, "x")
	c.offer(0, at("s", "4"))
	c.offer(0, at("u", "1"))
	if err := c.flush(context.Background()); err == nil {
		t.Fatal("no error")
	}
	c.offer(0, at("s", "6"))
	r.err = nil
	if err := c.flush(context.Background()); err != nil || !slices.Equal(r.got, []string{"s=6", "u=1"}) {
		t.Fatalf("%v, %v", r.got, err)
	}
	if err := c.flush(context.Background()); err != nil || len(r.got) != 2 {
		t.Fatalf("committed again: %v, %v", r.got, err)
	}
}

// No position moves while a dirty record before it is not on disk.
func TestDirtyRecordsComeBeforePositions(t *testing.T) {
	r := &recorder{}
	c := newCommitter(r, func(context.Context) error { return errors.New("disk full") }, "x")
	c.offer(0, at("s", "4"))
	if err := c.flush(context.Background()); err == nil || len(r.got) != 0 {
		t.Fatalf("%v, %v", r.got, err)
	}
}
