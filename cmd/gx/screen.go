package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/observe"
	"github.com/gx-etl/gx/plugins/protocol"
	"go.uber.org/zap"
	"golang.org/x/term"
)

// screen is what a person or a log sees of a run: notes, progress, and the report. On a terminal the progress is one
// line that is written over; otherwise a JSON line every ten seconds.
type screen struct {
	app   *app
	log   *zap.Logger
	tty   bool
	quiet bool
	datax bool // the counts at the end under the labels of DataX
	width int

	mu   sync.Mutex // guards the line at the bottom
	line string
}

func (a *app) newScreen(quiet bool) *screen {
	s := &screen{app: a, quiet: quiet}
	if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.tty = true
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			s.width = w
		}
	}
	format := a.settings.v.GetString("log-format")
	if format == "auto" {
		format = "json"
		if s.tty {
			format = "text"
		}
	}
	if format == "json" {
		s.tty = false
	}
	s.log = observe.Logger(masked{a, a.stderr}, a.settings.v.GetString("log-level"), format)
	return s
}

// masked is a writer that hides secrets. Whole lines come in one Write.
type masked struct {
	app *app
	w   io.Writer
}

func (m masked) Write(b []byte) (int, error) {
	if _, err := io.WriteString(m.w, m.app.mask(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// note prints a line of its own above the progress.
func (s *screen) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.log.Info(fault.Printable(line))
	s.draw()
}

func (s *screen) wipe() {
	if s.line != "" {
		_, _ = fmt.Fprintf(s.app.stderr, "\r%s\r", strings.Repeat(" ", len([]rune(s.line))))
	}
}

func (s *screen) draw() {
	if s.line != "" {
		_, _ = io.WriteString(s.app.stderr, s.line)
	}
}

// clock shows progress until the returned function is called.
func (s *screen) clock(e *engine.Engine) func() {
	if s.quiet {
		return func() {}
	}
	every := 10 * time.Second
	if s.tty {
		every = time.Second
	}
	if e.Plan.Progress > 0 {
		every = e.Plan.Progress
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		var last engine.Progress
		for {
			select {
			case <-t.C:
				now := e.Progress()
				s.progress(last, now)
				last = now
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wipe()
		s.line = ""
	}
}

func (s *screen) progress(last, now engine.Progress) {
	span := (now.Elapsed - last.Elapsed).Seconds()
	if span <= 0 {
		return
	}
	rate := float64(now.Landed-last.Landed) / span
	volume := float64(now.ReadBytes-last.ReadBytes) / span
	if !s.tty {
		s.log.Info("progress", zap.Float64("rowsPerSecond", round(rate)), zap.Float64("bytesPerSecond", round(volume)), zap.Any("progress", now))
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s rows  %s rows/s  %s/s", now.Elapsed.Round(time.Second), observe.Count(now.Landed), observe.Count(int64(rate)), observe.Bytes(int64(volume)))
	if now.Lag >= 0 {
		fmt.Fprintf(&b, "  lag %s", observe.Count(now.Lag))
	}
	if now.Dirty > 0 {
		fmt.Fprintf(&b, "  dirty %s", observe.Count(now.Dirty))
	}
	if now.Lag == 0 && now.Landed == last.Landed {
		b.WriteString("  caught up")
		now.Lanes = nil // who waits for whom says nothing while there is nothing to do
	}
	for i, l := range now.Lanes {
		if len(now.Lanes) > 1 && i < 8 {
			fmt.Fprintf(&b, "  [%d] %s %s", i, observe.Count(l.Landed), observe.Waiting(l.ReaderWaited, l.WriterWaited))
		} else if len(now.Lanes) == 1 {
			fmt.Fprintf(&b, "  %s", observe.Waiting(l.ReaderWaited, l.WriterWaited))
		}
	}
	line := []rune(b.String())
	if s.width > 1 && len(line) >= s.width {
		line = line[:s.width-1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.line = string(line)
	s.draw()
}

func round(f float64) float64 { return float64(int64(f + 0.5)) }

// report prints the end of a run: the counts to standard output, an error to standard error. A job that moved nothing
// before it failed has only the error to tell.
func (s *screen) report(r *engine.Report) {
	if r.Error == nil || r.Read+r.Landed+r.Dirty > 0 || r.Shards != nil && r.Shards.Before > 0 {
		s.counts(r)
	}
	if r.Error != nil {
		f := protocol.Faultf(protocol.Code(r.Error.Code), "%s", r.Error.What).At(r.Error.Place).Hint("%s", r.Error.Try)
		_, _ = fmt.Fprintln(masked{s.app, s.app.stderr}, "gx: "+fault.Text(f))
	}
}

func (s *screen) counts(r *engine.Report) {
	w := masked{s.app, s.app.stdout}
	if s.datax {
		_, _ = io.WriteString(w, dataxSummary(r))
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s %s in %s (%s, run %s)\n", r.Job, r.Outcome, time.Duration(r.Seconds*float64(time.Second)).Round(time.Millisecond), r.Mode, r.Run)
	fmt.Fprintf(&b, "  read      %d records, %s\n", r.Read, observe.Bytes(r.ReadBytes))
	fmt.Fprintf(&b, "  landed    %d rows in %s, %s, %s rows/s\n", r.Landed, count(int(r.Loads), "load"), observe.Bytes(r.LoadBytes), observe.Count(int64(r.RowsPerS)))
	if r.Filtered > 0 {
		fmt.Fprintf(&b, "  filtered  %d\n", r.Filtered)
	}
	if n := r.Shards; n != nil && (n.Before > 0 || n.Before+n.Now < n.All) {
		fmt.Fprintf(&b, "  shards    %d of %d done: %d before, %d now; rows in all of them: %d\n", n.Before+n.Now, n.All, n.Before, n.Now, n.Landed)
	}
	fmt.Fprintf(&b, "  dirty     %d\n", r.Dirty)
	for _, d := range r.DirtyKept {
		fmt.Fprintf(&b, "    %s: %s\n", fault.Printable(d.Place), fault.Printable(d.Reason))
	}
	if s := r.DirtySink; s != nil && r.Dirty > 0 {
		fmt.Fprintf(&b, "    %d in %s, by %s\n", s.Kept, fault.Printable(s.Place), s.Plugin)
		if s.Refused > 0 {
			fmt.Fprintf(&b, "    %d refused there: %s\n", s.Refused, r.DirtyFile)
		}
	} else if r.DirtyFile != "" {
		fmt.Fprintf(&b, "    all of them: %s\n", r.DirtyFile)
	}
	for _, p := range r.Processes {
		fmt.Fprintf(&b, "  %-18s %6.2f CPU s, %s resident at most\n", p.Name, p.CPUSeconds, observe.Bytes(p.MaxRSS))
	}
	_, _ = io.WriteString(w, b.String())
}

// pluginLog forwards what plugins write to standard error.
func (a *app) pluginLog() func(plugin, line string) {
	var mu sync.Mutex
	return func(plugin, line string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintln(a.stderr, a.mask(plugin+": "+fault.Printable(line)))
	}
}
