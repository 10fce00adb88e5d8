package sqlread

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/go-sql-driver/mysql"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// Positions of a shard. A query has no place in its middle to which another one could return: a shard is done or it is not.
const (
	positionBegin = "begin"
	positionEnd   = "end"
)

// lane reads the shards of one lane, one after the other.
type lane struct {
	r       *Reader
	builder *rows.Builder
	columns []decoding
	cells   []cell
	values  [][]byte
	out     sender

	shard      string
	row        int64 // of the shard, from 1
	sent       bool  // a batch of the shard has gone
	dirty      []sdk.Dirty
	dirtyBytes int
}

// sender is sdk.Out.
type sender interface {
	Send(sdk.Outgoing) error
}

// Read serves sdk.Reader.
func (r *Reader) Read(ctx context.Context, _ int, shards []sdk.Shard, out *sdk.Out) error {
	return r.read(ctx, shards, out)
}

func (r *Reader) read(ctx context.Context, shards []sdk.Shard, out sender) error {
	b, err := rows.NewBuilder(r.schema)
	if err != nil {
		return err
	}
	l := &lane{r: r, builder: b, out: out, cells: make([]cell, len(r.outs)), values: make([][]byte, len(r.outs))}
	for _, o := range r.outs {
		l.columns = append(l.columns, decoding{Type: o.Type, name: o.name, binary: r.settings.binary, zeroNulls: r.settings.ZeroNulls})
	}
	for _, sh := range shards {
		var p part
		if err := json.Unmarshal(sh.Descriptor, &p); err != nil || p.Source < 0 || p.Source >= len(r.pools) || p.SQL == "" {
			return sdk.Faultf(sdk.Internal, "%q describes no shard", sh.Descriptor).At(sh.Name)
		}
		if err := l.readShard(ctx, sh.Name, r.pools[p.Source], p.SQL); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// readShard reads one shard, anew when the connection breaks before anything of it has been sent.
func (l *lane) readShard(ctx context.Context, name string, p *pool, query string) error {
	l.shard = name
	for attempt := 0; ; attempt++ {
		l.row, l.sent = 0, false
		err := l.stream(ctx, p, query)
		if err == nil {
			return nil
		}
		// What was gathered and not sent is read again, or never.
		payload := l.builder.Finish()
		payload.Free()
		l.dirty, l.dirtyBytes = nil, 0
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case protocol.AsFault(err) != nil && protocol.AsFault(err).Code != sdk.Unreachable:
			return err
		case l.sent || attempt >= l.r.settings.retries || errors.Is(err, context.DeadlineExceeded):
			return err
		}
		if err := sleep(ctx, min(time.Second<<attempt, 30*time.Second)); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stream runs the query and sends its rows as they come. When ctx ends, the server is told to stop before the connection is
// dropped.
func (l *lane) stream(ctx context.Context, p *pool, query string) (err error) {
	s, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	limited, cancelLimit := context.WithTimeout(ctx, l.r.settings.query)
	defer cancelLimit()
	running, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	killed := make(chan struct{})
	stop := context.AfterFunc(limited, func() {
		defer close(killed)
		s.kill()
		drop()
	})
	defer func() {
		if !stop() {
			<-killed
		}
	}()
	failed := s.conn.Raw(func(c any) error {
		rows, end, err := c.(*lent).ask(running, query, &l.r.settings)
		if err != nil {
			return err
		}
		if err = l.drain(rows); err != nil && limited.Err() == nil {
			// The rest of a result would be read before the connection is free again: give it up instead.
			var answer *mysql.MySQLError
			if !errors.As(err, &answer) {
				s.kill()
			}
			drop()
		}
		end()
		return err
	})
	switch {
	case failed == nil || ctx.Err() != nil:
		return failed
	case limited.Err() != nil:
		return sdk.Faultf(sdk.Unreachable, "not read within %s: %w", l.r.settings.query, context.DeadlineExceeded).At(l.shard).
			Hint("raise queryTimeoutSec, or cut the table into more shards with splitFactor")
	}
	if protocol.AsFault(failed) != nil || protocol.IsCanceled(failed) {
		return failed
	}
	return p.said(failed)
}

// drain sends all rows of a result. The last batch is the one that says that the shard is done, so a full batch waits until
// another row has come.
func (l *lane) drain(result answer) error {
	if n := result.Columns(); n != len(l.columns) {
		return sdk.Faultf(sdk.Refused, "the server gives %d columns, and gave %d when the job began", n, len(l.columns)).At(l.shard).
			Hint("was the table altered?")
	}
	for {
		err := result.Next(l.values)
		if err == io.EOF {
			return l.send(positionEnd)
		}
		if err != nil {
			return err
		}
		if l.builder.Size()+l.dirtyBytes >= protocol.BatchBytes {
			if err := l.send(positionBegin); err != nil {
				return err
			}
		}
		l.row++
		l.take()
	}
}

// take makes a row of the values, or a dirty record.
func (l *lane) take() {
	for i := range l.columns {
		if reason := l.columns[i].read(l.values[i], &l.cells[i]); reason != "" {
			l.refuse(i, reason)
			return
		}
	}
	for i := range l.columns {
		l.columns[i].append(l.builder, i, &l.cells[i])
	}
	l.builder.EndRow()
}

func (l *lane) refuse(column int, reason string) {
	record := []byte{'{'}
	for i, v := range l.values {
		if i > 0 {
			record = append(record, ',')
		}
		record = appendText(record, l.columns[i].name)
		record = append(record, ':')
		if v == nil {
			record = append(record, "null"...)
			continue
		}
		if utf8.Valid(v) {
			record = appendText(record, string(v))
		} else {
			record = append(record, `{"base64":"`...)
			record = append(base64.StdEncoding.AppendEncode(record, v), `"}`...)
		}
	}
	d := sdk.Dirty{Place: fmt.Sprintf("%s, row %d", l.shard, l.row), Reason: reason, Column: l.columns[column].name, Record: append(record, '}')}
	l.dirty = append(l.dirty, d)
	l.dirtyBytes += len(d.Record) + len(d.Place) + len(d.Reason)
}

func appendText(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, text...)
}

func (l *lane) send(position string) error {
	b := sdk.Outgoing{Shard: l.shard, Position: []byte(position), Rows: l.builder.Rows(), Bytes: int64(l.builder.Size() + l.dirtyBytes),
		Dirty: l.dirty, Lag: -1}
	b.Payload = l.builder.Finish()
	l.dirty, l.dirtyBytes, l.sent = nil, 0, true
	return l.out.Send(b)
}
