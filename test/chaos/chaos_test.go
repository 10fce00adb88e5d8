// Package chaos kills processes of running jobs at random points, again and again, and then counts the rows.
package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
)

var world harness.World

func TestMain(m *testing.M) { os.Exit(harness.Main(m, &world)) }

// setting is a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

const (
	partitions = 3
	keys       = 300
)

// change is message n of the feed: row n of the log, and a new state of one key, or its end. A key keeps to one partition,
// so its changes are in order.
func change(n int) (key int, deleted bool) {
	r := rand.New(rand.NewPCG(uint64(n), 0))
	return r.IntN(keys), r.IntN(10) == 0
}

func message(n int) (int, []byte) {
	key, deleted := change(n)
	op := 0
	if deleted {
		op = 1
	}
	return key % partitions, fmt.Appendf(nil, `{"id":%d,"n":%d,"__op":%d}`, key, n, op)
}

// stream is a streaming job with its table.
type stream struct {
	*harness.Case
	run   *harness.Running
	kills map[string]int
}

func (s *stream) start() {
	d := s.Streaming()
	d.Writer["maxRetries"] = -1
	s.run = s.Start(d)
}

// newest is the highest number of a message whose row is in the table.
func (s *stream) newest() int {
	s.T.Helper()
	n, err := strconv.Atoi(s.Query("SELECT COALESCE(MAX(n), -1) FROM @t")[0])
	if err != nil {
		s.T.Fatal(err)
	}
	return n
}

// Two jobs read one topic of changes: one keeps every change in a DUPLICATE KEY table, the other the newest state in a
// PRIMARY KEY table. Whatever is killed, the first lacks nothing, and the second ends as if nothing had happened.
func TestNothingIsLost(t *testing.T) {
	rounds, seed := setting(t, "GX_CHAOS_ROUNDS", 12), setting(t, "GX_CHAOS_SEED", 1)
	t.Logf("%d rounds, seed %d; GX_CHAOS_ROUNDS and GX_CHAOS_SEED set others", rounds, seed)
	world.Each(t, func(t *testing.T, c *harness.Case) {
		dice := rand.New(rand.NewPCG(seed, 1))
		c.CreateTopic(partitions)
		c.CreateTable("id INT NOT NULL, n BIGINT", "DUPLICATE KEY (id) DISTRIBUTED BY HASH(id)")
		other := world.Case(t, c.Broker)
		other.Topic = c.Topic
		other.CreateTable("id INT NOT NULL, n BIGINT", "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)")
		log, state := &stream{Case: c, kills: map[string]int{}}, &stream{Case: other, kills: map[string]int{}}
		both := []*stream{log, state}

		feed := c.FeedOf(message)
		for range rounds {
			for _, s := range both {
				s.start()
			}
			for _, s := range both {
				if before := s.newest(); dice.IntN(2) == 0 {
					s.run.Until("rows that are new in this round", func() bool { return s.newest() > before })
				}
				time.Sleep(time.Duration(dice.IntN(800)) * time.Millisecond)
				part := []string{"core", "reader", "writer"}[dice.IntN(3)]
				s.run.Kill(s.run.Process(part))
				s.kills[part]++
			}
			for _, s := range both {
				if r := s.run.Wait(); r.Code == 0 {
					t.Errorf("a job with a killed process ended well\n%s", r.Said())
				}
			}
		}
		for _, s := range both {
			s.start()
		}
		n := feed.Stop()
		log.run.Until("all changes", func() bool { return wholeLog(log, n) })
		state.run.Until("the state after all changes", func() bool { return len(staleKeys(state, n)) == 0 })
		for _, s := range both {
			s.run.Signal(syscall.SIGTERM)
			if r := s.run.Wait(); r.Code != 143 {
				t.Errorf("exit code %d, want 143\n%s", r.Code, r.Said())
			}
		}
		if !wholeLog(log, n) {
			t.Error("changes are missing after an orderly stop")
		}
		if stale := staleKeys(state, n); len(stale) > 0 {
			t.Errorf("%d keys are not as their last change left them: %s", len(stale), strings.Join(stale, "; "))
		}
		rows := c.Count()
		t.Logf("%d changes; DUPLICATE KEY: %d of them twice or more (killed: %v); PRIMARY KEY: as expected (killed: %v)",
			n, rows-n, log.kills, state.kills)
	})
}

// wholeLog tells whether every change is in the table, and fails at one that nobody made.
func wholeLog(s *stream, n int) bool {
	s.T.Helper()
	if got := s.Query("SELECT COUNT(DISTINCT n) FROM @t")[0]; got != fmt.Sprint(n) {
		return false
	}
	for _, row := range s.Query("SELECT DISTINCT n, id FROM @t") {
		var at, id int
		if _, err := fmt.Sscanf(row, "%d|%d", &at, &id); err != nil {
			s.T.Fatalf("row %q: %v", row, err)
		}
		if key, _ := change(at); at < 0 || at >= n || id != key {
			s.T.Fatalf("change %d of key %d is in the table, and nobody made it", at, id)
		}
	}
	return true
}

// staleKeys compares the table with what the first n changes come to.
func staleKeys(s *stream, n int) (stale []string) {
	s.T.Helper()
	want := map[string]string{}
	for i := range n {
		if key, deleted := change(i); deleted {
			delete(want, fmt.Sprint(key))
		} else {
			want[fmt.Sprint(key)] = fmt.Sprint(i)
		}
	}
	for _, row := range s.Query("SELECT id, n FROM @t") {
		id, at, _ := strings.Cut(row, "|")
		if want[id] != at {
			stale = append(stale, fmt.Sprintf("key %s holds change %s, its last is %q", id, at, want[id]))
		}
		delete(want, id)
	}
	for id, at := range want {
		stale = append(stale, fmt.Sprintf("key %s is missing, its last change is %s", id, at))
	}
	return stale
}
