package starrocks

import (
	"fmt"
	"math"
	"os"
	"sync"
	"time"
)

// limits are what closes a load.
type limits struct {
	rows  int
	bytes int64
	wait  time.Duration // of its first row
}

func (m limits) String() string {
	return fmt.Sprintf("%d rows, %d bytes, and wait %s", m.rows, m.bytes, m.wait)
}

// The limits that adaptiveFlush does not go below, unless the job's own are lower.
const (
	leastRows  = 1000
	leastBytes = 256 << 10
	leastWait  = time.Second
)

// A table stands about one load a second for long: each makes a version, and versions take time to merge. Between crowding and
// calm nothing changes, so that loads do not swing.
const (
	crowding = time.Second     // loads that follow each other faster are too small
	calm     = 2 * time.Second // loads that follow each other more slowly may be smaller
	holding  = 20              // loads for which trouble is remembered
)

// How far a tide moves, in steps of which there are levels between the least and what the job allows.
const (
	levels   = 16
	rise     = 2
	riseMuch = 4
	fall     = 1
	fallMuch = 4
)

// tide is how much the loads of one table hold under adaptiveFlush: between the least and what the job allows, rows, bytes and
// waiting alike. Each level multiplies by the same. It begins low. It serves all lanes.
type tide struct {
	max limits
	now func() time.Time

	mu     sync.Mutex // guards the following
	level  int        // 0 to levels
	last   time.Time  // when the load before ended; zero: there was none
	rising int        // loads for which it may not fall, since the table was crowded
	ebbing int        // loads for which it may not rise, since a server was short of memory
}

func newTide(max limits) *tide { return &tide{max: max, now: time.Now} }

// most gives the limits in force.
func (t *tide) most() limits {
	t.mu.Lock()
	defer t.mu.Unlock()
	return limits{
		rows:  atLevel(leastRows, t.max.rows, t.level),
		bytes: atLevel(leastBytes, t.max.bytes, t.level),
		wait:  atLevel(leastWait, t.max.wait, t.level),
	}
}

// atLevel is between least and most, and never above most.
func atLevel[N int | int64 | time.Duration](least, most N, level int) N {
	switch {
	case most <= least || level == levels:
		return most
	case level == 0:
		return least
	}
	return min(most, N(math.Round(float64(least)*math.Pow(float64(most)/float64(least), float64(level)/levels))))
}

// learn draws its conclusions from a load that landed: how long its last attempt took, whether the table had too many versions
// for it, and whether a server had too little memory. It tells whether the limits have changed.
func (t *tide) learn(took time.Duration, crowded, strained bool) bool {
	wait := t.most().wait
	t.mu.Lock()
	defer t.mu.Unlock()
	before, first := t.level, t.last.IsZero()
	now := t.now()
	gap := now.Sub(t.last)
	t.last = now
	switch {
	case crowded:
		t.level += riseMuch
	case strained:
		t.level -= fallMuch
	case first:
	case took >= wait || gap < crowding:
		if t.ebbing == 0 {
			t.level += rise
		}
	case gap >= calm && took < wait/8:
		if t.rising == 0 {
			t.level -= fall
		}
	}
	t.level = min(levels, max(0, t.level))
	t.rising, t.ebbing = max(0, t.rising-1), max(0, t.ebbing-1)
	switch {
	case crowded:
		t.rising, t.ebbing = holding, 0
	case strained:
		t.rising, t.ebbing = 0, holding
	}
	return t.level != before
}

// most gives the limits of loads into the table.
func (t *target) most(w *Writer) limits {
	if t.tide != nil {
		return t.tide.most()
	}
	return w.limits()
}

// limits are what the job allows.
func (w *Writer) limits() limits {
	return limits{rows: w.params.MaxBatchRows, bytes: w.params.MaxBatchSize, wait: w.flushInterval()}
}

// tideOf is the tide of a table, which several destinations may share. The caller holds w.asking.
func (w *Writer) tideOf(t *target) *tide {
	if !w.params.AdaptiveFlush {
		return nil
	}
	name := qualified(t.database, t.table)
	if w.tides[name] == nil {
		w.tides[name] = newTide(w.limits())
	}
	return w.tides[name]
}

// flushNotes says what the job cannot see of how loads are closed.
func (w *Writer) flushNotes() (notes []string) {
	if w.params.AdaptiveFlush {
		most := w.limits()
		notes = append(notes, fmt.Sprintf("adaptiveFlush: loads begin with up to %s; they never exceed %s", newTide(most).most(), most))
	}
	if every := w.flushInterval(); w.info.Streaming {
		a := int64(time.Minute/max(every, time.Millisecond)) * int64(max(w.info.Lanes, 1))
		notes = append(notes, fmt.Sprintf("loads: each goes %v after its first row at the latest, so up to %d a minute go into a table over %d lanes; each of them makes a version of every tablet that it touches",
			every, a, max(w.info.Lanes, 1)))
	}
	if n := w.params.SinkParallelism; n > 0 && n != w.info.Lanes {
		notes = append(notes, fmt.Sprintf("sink.parallelism %d is not in force: setting.speed.concurrent gives %d lanes", n, w.info.Lanes))
	}
	return notes
}

// say tells people something while the job runs.
func (w *Writer) say(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) }
