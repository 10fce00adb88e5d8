package produce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/compose"
)

// answer is what came of the next run of a line. Nothing at all when the run was not sent: there was no room for it.
type answer struct {
	err   error // on the way to the broker
	block *sarama.ProduceResponseBlock
}

// request is one request under construction, with the lines that are in it.
type request struct {
	to    *sarama.Broker
	body  *sarama.ProduceRequest
	lines []int
	bytes int
}

// wave sends the next run of every line, one request to each broker, and waits for all answers.
func (p *Producer) wave(ctx context.Context, l *Load, lines []*line, sent *Sent) ([]answer, error) {
	answers := make([]answer, len(lines))
	requests := map[int32]*request{}
	p.slab.reset(l, lines)
	for i, ln := range lines {
		leader, err := p.o.Client.Leader(ln.to.topic, ln.to.id)
		if err != nil {
			answers[i].err = fmt.Errorf("its leader is not known: %w", err)
			continue
		}
		r := requests[leader.ID()]
		if r == nil {
			own, err := p.open(leader)
			if err != nil {
				return nil, err
			}
			// Version 8 is the first that says which record of a batch is refused; it goes down to what the broker knows.
			r = &request{to: own, body: &sarama.ProduceRequest{Version: 8, RequiredAcks: p.o.Acks, Timeout: p.o.TimeoutMs}}
			requests[leader.ID()] = r
		}
		run := ln.pending[len(ln.pending)-1]
		size := 0
		for _, n := range run {
			size += l.records[n].Size(&l.Buffer)
		}
		if len(r.lines) > 0 && r.bytes+size > p.o.RequestBytes {
			continue
		}
		r.body.AddBatch(ln.to.topic, ln.to.id, p.batch(l, ln.to, run))
		r.lines, r.bytes = append(r.lines, i), r.bytes+size
	}
	var group sync.WaitGroup
	var mu sync.Mutex // guards answers and lost
	var lost []int32
	for id, r := range requests {
		sent.Requests, sent.Bytes = sent.Requests+1, sent.Bytes+int64(r.bytes)
		group.Go(func() {
			got, err := r.to.Produce(r.body)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				lost = append(lost, id)
			}
			for _, i := range r.lines {
				if err != nil {
					answers[i].err = fmt.Errorf("broker %d at %s: %w", id, r.to.Addr(), err)
				} else if answers[i].block = got.GetBlock(lines[i].to.topic, lines[i].to.id); answers[i].block == nil {
					answers[i].err = fmt.Errorf("broker %d at %s says nothing of it", id, r.to.Addr())
				}
			}
		})
	}
	group.Wait()
	for _, id := range lost {
		p.drop(id)
	}
	return answers, ctx.Err()
}

// slab is the memory of the records of one wave.
type slab struct {
	records []sarama.Record
	refs    []*sarama.Record
	headers []sarama.RecordHeader
	heads   []*sarama.RecordHeader
}

// reset makes room for the next runs of all lines, so that nothing moves while they are filled in.
func (s *slab) reset(l *Load, lines []*line) {
	records, headers := 0, 0
	for _, ln := range lines {
		run := ln.pending[len(ln.pending)-1]
		records += len(run)
		for _, n := range run {
			headers += int(l.records[n].End - l.records[n].First)
		}
	}
	if cap(s.records) < records {
		s.records, s.refs = make([]sarama.Record, 0, records), make([]*sarama.Record, 0, records)
	}
	if cap(s.headers) < headers {
		s.headers, s.heads = make([]sarama.RecordHeader, 0, headers), make([]*sarama.RecordHeader, 0, headers)
	}
	s.records, s.refs, s.headers, s.heads = s.records[:0], s.refs[:0], s.headers[:0], s.heads[:0]
}

// batch makes a record batch of a run.
func (p *Producer) batch(l *Load, to *partition, run []int32) *sarama.RecordBatch {
	s := &p.slab
	first, newest := p.timeOf(l, run[0]), int64(0)
	from := len(s.refs)
	for i, n := range run {
		m := &l.records[n].Message
		at := p.timeOf(l, n)
		newest = max(newest, at)
		heads := len(s.heads)
		for _, h := range l.Headers[m.First:m.End] {
			s.headers = append(s.headers, sarama.RecordHeader{Key: h.Name.In(l.Data), Value: h.Value.In(l.Data)})
			s.heads = append(s.heads, &s.headers[len(s.headers)-1])
		}
		s.records = append(s.records, sarama.Record{Key: m.Key.In(l.Data), Value: m.Value.In(l.Data), Headers: s.heads[heads:len(s.heads):len(s.heads)],
			OffsetDelta: int64(i), TimestampDelta: time.Duration(at-first) * time.Millisecond})
		s.refs = append(s.refs, &s.records[len(s.records)-1])
	}
	b := &sarama.RecordBatch{Version: 2, Codec: p.o.Codec, CompressionLevel: p.o.Level, LastOffsetDelta: int32(len(run) - 1), FirstTimestamp: time.UnixMilli(first),
		MaxTimestamp: time.UnixMilli(newest), ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, Records: s.refs[from:len(s.refs):len(s.refs)]}
	if p.o.Idempotent {
		if to.under != p.ids {
			to.under, to.sequence = p.ids, 0
		}
		b.ProducerID, b.ProducerEpoch, b.FirstSequence = p.id, p.epoch, to.sequence
	}
	return b
}

func (p *Producer) timeOf(l *Load, n int32) int64 {
	if t := l.records[n].Time; t != compose.NoTime {
		return t
	}
	return p.stamp
}

// settle judges the answer for the next run of a line. failed asks for a pause before the next try, reset for a new id.
func (p *Producer) settle(l *Load, ln *line, a answer, sent *Sent) (failed, reset bool, err error) {
	if a.err == nil && a.block == nil {
		return false, false, nil
	}
	run := ln.pending[len(ln.pending)-1]
	code := sarama.ErrNoError
	if a.err == nil {
		code = a.block.Err
	}
	switch {
	case a.err != nil && !passing(a.err):
		return false, false, &PartitionError{ln.to.topic, ln.to.id, a.err}
	case a.err != nil, passing(code):
		if a.err == nil {
			a.err = code
		}
		return true, false, p.again(ln, a.err)
	case code == sarama.ErrNoError, code == sarama.ErrDuplicateSequenceNumber:
		ln.pending, ln.err, p.resets = ln.pending[:len(ln.pending)-1], nil, 0
		if ln.to.sequence += int32(len(run)); ln.to.sequence < 0 {
			ln.to.sequence &= math.MaxInt32 // sequences begin again at 0
		}
		sent.Landed += int64(len(run))
		return false, false, nil
	case unordered(code):
		return true, true, p.again(ln, code)
	case refused(code):
		ln.pending, ln.err = p.part(l, ln.pending[:len(ln.pending)-1], run, a.block, sent), nil
		return false, false, nil
	}
	return false, false, &PartitionError{ln.to.topic, ln.to.id, said(code, a.block.ErrorMessage)}
}

// again notes a try that failed.
func (p *Producer) again(ln *line, err error) error {
	if ln.err == nil {
		ln.since, ln.tries = time.Now(), 0
	}
	ln.err = err
	ln.tries++
	if away := time.Since(ln.since); away > p.o.Budget || ln.tries > p.o.Retries {
		return &BudgetError{Topic: ln.to.topic, Partition: ln.to.id, For: away, Tries: ln.tries, Err: err}
	}
	return nil
}

// part takes a run apart of which nothing was written, because of some record in it: those that the broker names are dirty,
// and when it names none, halves are tried until one record is left.
func (p *Producer) part(l *Load, pending [][]int32, run []int32, block *sarama.ProduceResponseBlock, sent *Sent) [][]int32 {
	reason := "the broker refuses the record: " + said(block.Err, block.ErrorMessage).Error()
	if len(run) == 1 {
		if len(block.RecordErrors) == 1 && block.RecordErrors[0].BatchIndexErrorMessage != nil {
			reason = "the broker refuses the record: " + said(block.Err, block.RecordErrors[0].BatchIndexErrorMessage).Error()
		}
		l.refuse(run[0], reason, sent)
		return pending
	}
	named := map[int32]string{}
	for _, e := range block.RecordErrors {
		if e.BatchIndex >= 0 && int(e.BatchIndex) < len(run) {
			named[e.BatchIndex] = "the broker refuses the record: " + said(block.Err, e.BatchIndexErrorMessage).Error()
		}
	}
	if len(named) == 0 {
		half := len(run) / 2
		return append(pending, run[half:], run[:half])
	}
	rest := make([]int32, 0, len(run))
	for i, n := range run {
		if reason, bad := named[int32(i)]; bad {
			l.refuse(n, reason, sent)
			continue
		}
		rest = append(rest, n)
	}
	if len(rest) == 0 {
		return pending
	}
	return append(pending, rest)
}

// said is an answer of a broker with its own words, as far as it has any.
func said(code sarama.KError, message *string) error {
	if message == nil || *message == "" {
		return saidError{code, words(code)}
	}
	return saidError{code, words(code) + " (" + *message + ")"}
}

type saidError struct {
	code sarama.KError
	text string
}

func (e saidError) Error() string { return e.text }

func (e saidError) Unwrap() error { return e.code }

// passing tells whether an error may be gone at the next try, at another broker perhaps.
func passing(err error) bool {
	var code sarama.KError
	if errors.As(err, &code) {
		switch code {
		case sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrReplicaNotAvailable, sarama.ErrUnknownTopicOrPartition,
			sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrKafkaStorageError, sarama.ErrRequestTimedOut, sarama.ErrNetworkException,
			sarama.ErrBrokerNotAvailable, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrOffsetsLoadInProgress,
			sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrConcurrentTransactions,
			sarama.ErrThrottlingQuotaExceeded, sarama.ErrUnknown:
			return true
		}
		return false
	}
	var encoding sarama.PacketEncodingError
	var config sarama.ConfigurationError
	return !errors.As(err, &encoding) && !errors.As(err, &config) && !errors.Is(err, sarama.ErrUnsupportedVersion)
}

// unordered tells whether a broker has lost sight of the producer's order.
func unordered(code sarama.KError) bool {
	switch code {
	case sarama.ErrOutOfOrderSequenceNumber, sarama.ErrUnknownProducerID, sarama.ErrInvalidProducerEpoch, sarama.ErrInvalidProducerIDMapping:
		return true
	}
	return false
}

// refused tells whether an answer is about records of the batch.
func refused(code sarama.KError) bool {
	switch code {
	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidRecord, sarama.ErrInvalidMessage, sarama.ErrInvalidTimestamp:
		return true
	}
	return false
}
