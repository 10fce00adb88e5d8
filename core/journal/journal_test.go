package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gx-etl/gx/core/fault"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func header(shards int, transactions bool) Header {
	h := Header{Job: "nightly", Run: "20261121-010203-0a1b2c3d", Document: json.RawMessage(`{"steps[0].parameter":{"table":"t"}}`), Transactions: transactions}
	for i := range shards {
		h.Shards = append(h.Shards, Shard{Name: fmt.Sprintf("part %d", i), Descriptor: []byte{0, 255, byte(i)}, Rows: -1})
	}
	return h
}

// walk writes a random legal history, and returns what the file holds after each record.
func walk(t interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}, j *Journal, choose func(n int) int, steps int) (states []State) {
	note := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, j.State())
	}
	note(nil)
	note(j.Started())
	for range steps {
		s := j.State()
		if len(s.Shards) == 0 {
			break
		}
		i := choose(len(s.Shards))
		switch p := s.Progress[i]; {
		case p.Phase == Done:
			if choose(4) == 0 {
				note(j.Resumed())
			} else if choose(4) == 0 {
				note(j.Fail("because"))
			}
		case !s.Transactions:
			note(j.Done(i, &Tally{Landed: int64(i), Dirty: 1}))
		case p.Phase == Waiting:
			name, err := j.Open(i)
			note(err)
			for _, other := range s.Progress {
				if other.Transaction == name {
					t.Fatalf("the name %s was used before", name)
				}
			}
		case p.Phase == Open && choose(3) == 0:
			note(j.Aborted(i))
		case p.Phase == Open:
			note(j.Complete(i, Tally{Landed: int64(i)}))
			note(j.Decide(i))
		default:
			note(j.Done(i, nil))
		}
	}
	return states
}

// Whatever the length of the file that a crash leaves: it says what it said after one of the records, the last whole one.
func TestEveryPrefixIsAState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), "j.state")
		j, err := Create(path, header(rapid.IntRange(0, 4).Draw(rt, "shards"), rapid.Bool().Draw(rt, "transactions")))
		if err != nil {
			rt.Fatal(err)
		}
		states := walk(rt, j, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }, 12)
		if err := j.Close(); err != nil {
			rt.Fatal(err)
		}
		src, err := os.ReadFile(path)
		if err != nil {
			rt.Fatal(err)
		}
		first := bytes.IndexByte(src, '\n')
		for n := range src {
			p, err := parse(src[:n+1])
			if n+1 < first {
				if err == nil {
					rt.Fatalf("half a header was taken")
				}
				continue
			}
			if err != nil {
				rt.Fatalf("%d of %d bytes: %v", n+1, len(src), err)
			}
			whole := bytes.Count(src[:n+1], []byte{'\n'})
			if n+1 < len(src) && src[n+1] == '\n' {
				whole++ // only the line break is missing
			}
			if want := states[whole-1]; !same(p.state, want) {
				rt.Fatalf("%d of %d bytes say %+v, want %+v", n+1, len(src), p.state, want)
			}
		}
	})
}

func same(a, b State) bool {
	progress := slices.Equal(a.Progress, b.Progress)
	a.Progress, b.Progress = nil, nil
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y) && progress
}

// A file that goes on after a torn line is as if the line had never been begun.
func TestContinueMendsTheTail(t *testing.T) {
	for _, tail := range []string{"", "0", "0badc0de {\"is\":", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		path := filepath.Join(t.TempDir(), "j.state")
		j, err := Create(path, header(2, true))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.Started(), j.Close()); err != nil {
			t.Fatal(err)
		}
		put(t, path, func(b []byte) []byte { return append(b, tail...) })
		j, err = Continue(path)
		if err != nil {
			t.Fatalf("%q: %v", tail, err)
		}
		name, err := j.Open(1)
		if err != nil || name != "20261121-010203-0a1b2c3d-1-1" {
			t.Fatalf("%q %v", name, err)
		}
		want := j.State()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err != nil || !same(*got, want) {
			t.Fatalf("%q: %+v %v", tail, got, err)
		}
	}
	// Without its line break a last line is whole, and gets one.
	path := filepath.Join(t.TempDir(), "j.state")
	j, err := Create(path, header(1, false))
	if err == nil {
		err = errors.Join(j.Started(), j.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, func(b []byte) []byte { return b[:len(b)-1] })
	if j, err = Continue(path); err == nil {
		err = errors.Join(j.Done(0, &Tally{}), j.Ended(), j.Close())
	}
	got, lerr := Load(path)
	if err != nil || lerr != nil || !got.Ended {
		t.Fatalf("%+v %v %v", got, err, lerr)
	}
}

func put(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A byte that changed is found, wherever it is and whatever it became.
func TestEveryFlippedBitIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.state")
	j, err := Create(path, header(2, true))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	walk(t, j, func(of int) int { n++; return n % of }, 8)
	want := j.State()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range src {
		for bit := range 8 {
			damaged := bytes.Clone(src)
			damaged[i] ^= 1 << bit
			// A checksum says the same in capitals.
			if p, err := parse(damaged); err == nil && !same(p.state, want) {
				t.Fatalf("bit %d of byte %d (%q) passed: %+v", bit, i, src[i], p.state)
			}
		}
	}
}

func TestLinesCannotMove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.state")
	j, err := Create(path, header(3, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Started(), j.Done(0, &Tally{}), j.Done(1, &Tally{}), j.Done(2, &Tally{}), j.Close()); err != nil {
		t.Fatal(err)
	}
	src, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(src, []byte{'\n'})
	for name, order := range map[string][]int{"one missing": {0, 1, 3, 4}, "two swapped": {0, 1, 3, 2, 4}, "one twice": {0, 1, 2, 2, 3, 4}} {
		var b []byte
		for _, i := range order {
			b = append(b, lines[i]...)
		}
		if _, err := parse(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestWhatCannotFollowIsRefused(t *testing.T) {
	for name, f := range map[string]func(j *Journal) error{
		"done before the start":        func(j *Journal) error { return j.Done(0, &Tally{}) },
		"decided before open":          func(j *Journal) error { return errors.Join(j.Started(), j.Decide(0)) },
		"done before decided":          func(j *Journal) error { _, _ = j.Open(0); return j.Done(0, nil) },
		"ended with shards left":       func(j *Journal) error { return errors.Join(j.Started(), j.Ended()) },
		"a shard that is none":         func(j *Journal) error { return errors.Join(j.Started(), j.Decide(7)) },
		"a name for a shard that none": func(j *Journal) error { _, err := j.Open(-1); return err },
		"after the end of the file":    func(j *Journal) error { _ = j.Close(); return j.Started() },
	} {
		j, err := Create(filepath.Join(t.TempDir(), "j.state"), header(1, true))
		if err != nil {
			t.Fatal(err)
		}
		if err := f(j); err == nil {
			t.Errorf("%s: taken", name)
		}
		_ = j.Close()
	}
}

func TestRefusedFiles(t *testing.T) {
	for want, src := range map[string]string{
		"the file is empty":    "",
		"line 1 is damaged":    "00000000 {}\n",
		"the format is 2":      line(`{"format":2,"run":"r"}`),
		"is no name of a run":  line(`{"format":1,"run":"a b'; DROP"}`),
		"line 1: unexpected":   line(`{"format":`),
		"which is not known":   line(`{"format":1,"run":"r","shards":[{"name":"a","rows":1}],"transactions":true}`, `{"is":"started"}`, `{"is":"dozing"}`),
		"of 1 shards done":     line(`{"format":1,"run":"r","shards":[{"name":"a","rows":1}]}`, `{"is":"started"}`, `{"is":"ended"}`),
		"and there are 1":      line(`{"format":1,"run":"r","shards":[{"name":"a","rows":1}]}`, `{"is":"started"}`, `{"is":"done","shard":1,"tally":{"landed":1}}`),
		"a record \"resumed\"": line(`{"format":1,"run":"r"}`, `{"is":"started"}`, `{"is":"ended"}`, `{"is":"resumed"}`),
	} {
		path := filepath.Join(t.TempDir(), "j.state")
		if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if fault.Exit(err) != fault.ExitConfig || !strings.Contains(err.Error(), want) || !strings.Contains(fault.Text(err), "gx state reset") {
			t.Errorf("want %q: %v", want, fault.Text(err))
		}
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "else"), filepath.Join(dir, "j.state")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, "j.state")); err == nil {
		t.Error("a link was followed")
	}
	if s, err := Load(filepath.Join(dir, "none.state")); s != nil || err != nil {
		t.Errorf("%+v %v", s, err)
	}
}

// A run that was killed while it began leaves a file that the next one replaces, as it does the file of the run before.
func TestCreateReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.state")
	if err := os.WriteFile(path+".new", []byte("half a head"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		h := header(i, false)
		j, err := Create(path, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := Load(path)
		if err != nil || len(s.Shards) != i || s.Started {
			t.Fatalf("%+v %v", s, err)
		}
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
}

// line makes lines with their checksums.
func line(texts ...string) string {
	var b []byte
	var last uint32
	for _, text := range texts {
		b, last = appendLine(b, last, []byte(text))
	}
	return string(b)
}

// sick is a disk that fails once, as a failing fsync does: the second call may well report success.
type sick struct {
	file
	syncs, fail int
}

func (s *sick) Sync() error {
	if s.syncs++; s.syncs == s.fail {
		return errors.New("input/output error")
	}
	return s.file.Sync()
}

func TestFailedSyncIsFatal(t *testing.T) {
	j, err := Create(filepath.Join(t.TempDir(), "j.state"), header(2, true))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if err := j.Started(); err != nil {
		t.Fatal(err)
	}
	j.f = &sick{file: j.f, fail: 1}
	_, err = j.Open(0)
	if err == nil || !strings.Contains(err.Error(), "input/output error") {
		t.Fatalf("%v", err)
	}
	if again := j.Resumed(); again == nil || again.Error() != err.Error() {
		t.Fatalf("a record was taken after a failed sync: %v", again)
	}
}

func TestSideBySide(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.state")
	j, err := Create(path, header(16, true))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Started(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := j.Open(i)
			if err := errors.Join(err, j.Complete(i, Tally{Landed: 1}), j.Decide(i), j.Done(i, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(j.Finishing(), j.Ended(), j.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	if n, sum := s.Done(); err != nil || n != 16 || sum.Landed != 16 || !s.Ended || !s.Finishing {
		t.Fatalf("%+v %v", s, err)
	}
}

// Foreign bytes never panic, and what is taken can be gone on with.
func FuzzParse(f *testing.F) {
	f.Add([]byte(line(`{"format":1,"run":"r","shards":[{"name":"a","rows":1}]}`, `{"is":"started"}`, `{"is":"done","tally":{"landed":1}}`)))
	f.Add([]byte(line(`{"format":1,"run":"r","transactions":true,"shards":[{"name":"a","rows":-1}]}`, `{"is":"started"}`,
		`{"is":"open","transaction":"r-0-1"}`, `{"is":"complete","tally":{"landed":3}}`, `{"is":"decided"}`) + "1234"))
	f.Add([]byte("00000000 {}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := parse(src)
		if err != nil {
			// The checksums keep a fuzzer out of what they protect: let it in.
			p, err = parse([]byte(line(strings.Split(string(src), "\n")...)))
		}
		if err != nil {
			return
		}
		if p.size > len(src)*10+20 || len(p.state.Progress) != len(p.state.Shards) {
			t.Fatalf("%+v", p)
		}
		for _, i := range p.state.Unsettled() {
			if p.state.Progress[i].Transaction == "" {
				t.Fatalf("shard %d has a transaction without a name", i)
			}
		}
		if done, _ := p.state.Done(); p.state.Ended && done != len(p.state.Shards) {
			t.Fatal("ended with shards left")
		}
	})
}
