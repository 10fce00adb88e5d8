package engine

import (
	"sync"
	"time"

	"github.com/gx-etl/gx/core/journal"
	"github.com/gx-etl/gx/core/transform"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
)

// stats counts what passes through the engine.
type stats struct {
	mu        sync.Mutex // guards the following, up to dirtyMu
	started   time.Time
	rows      int64 // rows received from the reader that transformers have left
	bytes     int64
	filtered  int64 // left out on purpose, by either side
	landed    int64
	loads     int64
	loadBytes int64
	reasons   map[string]int64
	event     int64
	overTime  bool
	lanes     []*lane
	perLane   []laneStats
	notes     []string

	dirtyNum  int64
	readDirty int64         // of them refused by the reader or a transformer
	readLeft  int64         // records that the reader or a transformer left out on purpose
	kept      []DirtyRecord // the first, for the report
	shown     int           // how many kept may hold
	first     DirtyRecord

	before journal.Tally // of earlier processes of the run; it counts for errorLimit

	dirtyMu sync.Mutex // serialises the dirty sink
}

type laneStats struct {
	settled int64 // rows of acked batches
	counted int64 // rows that the writer's counts account for
	acks    int64
	lastAck time.Time
}

func (s *stats) begin(now time.Time, shown int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started, s.shown, s.reasons = now, shown, make(map[string]int64)
}

func (s *stats) setLanes(lanes []*lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lanes, s.perLane = lanes, make([]laneStats, len(lanes))
}

// read counts a frame and what transformers took out of it.
func (s *stats) read(f *wire.Frame, loss *transform.Loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows += int64(f.Rows)
	s.bytes += int64(f.Bytes)
	s.filtered += int64(f.Filtered + loss.Filtered)
	s.readDirty += int64(len(f.Dirty) + len(loss.Dirty))
	s.readLeft += int64(f.Filtered + loss.Filtered)
	s.event = max(s.event, f.EventTime)
}

func (s *stats) setBefore(t journal.Tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = t
}

// takeBack forgets what was counted of shards whose transaction was thrown away.
func (s *stats) takeBack(lost []count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range lost {
		s.rows -= c.rows
		s.bytes -= c.bytes
		s.filtered -= c.left + c.filtered
		s.readLeft -= c.left
		s.readDirty -= c.refused
		s.landed -= c.landed
		s.dirtyNum -= c.refused + c.spoilt
	}
}

func (s *stats) settled(lane int, rows uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.perLane[lane].settled += int64(rows)
}

func (s *stats) acked(lane int, a *v1.Ack, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.landed += int64(a.Landed)
	s.filtered += int64(a.Filtered)
	s.loads += int64(a.Loads)
	s.loadBytes += int64(a.LoadBytes)
	for k, n := range a.FlushReasons {
		s.reasons[k] += int64(n)
	}
	l := &s.perLane[lane]
	l.counted += int64(a.Landed) + int64(a.Filtered) + int64(len(a.Dirty)) + int64(a.DirtyUnnamed)
	l.acks++
	l.lastAck = now
}

func (s *stats) balance(lane int) (sent, counted int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.perLane[lane].settled, s.perLane[lane].counted
}

func (s *stats) acks(lane int) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.perLane[lane].acks
}

func (s *stats) addDirty(d DirtyRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirtyNum++
	s.keep(d)
}

func (s *stats) addUnnamed(n uint64, d DirtyRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirtyNum += int64(n)
	s.keep(d)
}

func (s *stats) keep(d DirtyRecord) {
	d.Record, d.Key = nil, nil // a report must not carry data
	if s.first.Reason == "" {
		s.first = d
	}
	if len(s.kept) < s.shown {
		s.kept = append(s.kept, d)
	}
}

// dirtyCount is the number of dirty records of the whole run.
func (s *stats) dirtyCount() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.before.Dirty + s.dirtyNum
}

func (s *stats) firstDirty() DirtyRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// readCount is the number of records that readers of the whole run have seen: rows, dirty records, and what was left out.
func (s *stats) readCount() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.before.Read() + s.allRead()
}

// allRead is what this process has read; under s.mu.
func (s *stats) allRead() int64 { return s.rows + s.readDirty + s.readLeft }

func (s *stats) addNote(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, line)
}

func (s *stats) setOverTime() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overTime = true
}

// Progress is a look at a running job.
type Progress struct {
	Elapsed   time.Duration  `json:"-"`
	Seconds   float64        `json:"seconds"`
	Read      int64          `json:"read"`
	ReadBytes int64          `json:"readBytes"`
	Landed    int64          `json:"landed"`
	Filtered  int64          `json:"filtered"`
	Dirty     int64          `json:"dirty"`
	Loads     int64          `json:"loads"`
	LoadBytes int64          `json:"loadBytes"`
	Lag       int64          `json:"lag"` // records behind the end of the source, -1 when unknown
	Lanes     []LaneProgress `json:"lanes"`
}

// LaneProgress is a look at one lane.
type LaneProgress struct {
	Landed       int64   `json:"settled"`
	Queued       int64   `json:"queuedBytes"`
	ReaderWaited float64 `json:"readerWaitedSec"` // the channel was full
	WriterWaited float64 `json:"writerWaitedSec"` // the channel was empty
}

// Progress may be called at any time while Run runs.
func (e *Engine) Progress() Progress {
	s := &e.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{Read: s.allRead(), ReadBytes: s.bytes, Landed: s.landed, Filtered: s.filtered,
		Dirty: s.dirtyNum, Loads: s.loads, LoadBytes: s.loadBytes}
	if !s.started.IsZero() {
		p.Elapsed = time.Since(s.started)
		p.Seconds = p.Elapsed.Seconds()
	}
	known := false
	for i, l := range s.lanes {
		load := l.queue.Load()
		p.Lanes = append(p.Lanes, LaneProgress{Landed: s.perLane[i].settled, Queued: load.Bytes,
			ReaderWaited: load.ReaderWaited.Seconds(), WriterWaited: load.WriterWaited.Seconds()})
		l.lag.Range(func(_, v any) bool {
			if n := v.(int64); n >= 0 {
				p.Lag += n
				known = true
			}
			return true
		})
	}
	if !known {
		p.Lag = -1
	}
	return p
}
