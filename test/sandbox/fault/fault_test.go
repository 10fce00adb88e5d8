package fault

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestArmRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"kind":"nope"}`:                              "known are",
		`{"kind":"delay"}`:                             `needs "ms"`,
		`{"kind":"delay","ms":1,"bytes":2}`:            `does not use "bytes"`,
		`{"kind":"delay","ms":1,"at":"noon"}`:          `does not use "at"`,
		`{"kind":"delayBe","ms":1,"at":"noon"}`:        "at must be begin or commit or answer",
		`{"kind":"status","status":7}`:                 "from 200 to 599",
		`{"kind":"status","status":503,"node":"fe"}`:   "never shows it",
		`{"kind":"http","status":503,"node":"router"}`: "node must be",
		`{"kind":"http","status":503,"node":"be:x"}`:   "counts from 0",
		`{"kind":"http","status":503,"op":"query"}`:    "op must be one of",
		`{"kind":"answerLost","labelRegex":"("}`:       "labelRegex",
		`{"kind":"answerLost","probability":1.5}`:      "from 0 to 1",
		`{"kind":"answerLost","times":-2}`:             "at least",
		`{"kind":"refuse","table":"t"}`:                `does not use "table"`,
		`{"kind":"sqlKill","label":"x"}`:               `does not use "label"`,
		`{"kind":"answerLost","statement":"select"}`:   `does not use "statement"`,
		`{"kind":"limiter","node":"fe:0"}`:             "never shows it",
		`{"kind":"publishTimeout","op":"rollback"}`:    "op must be one of",
	} {
		var f Fault
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var s Set
		if _, err := s.Arm(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Every kind can be armed with what it needs, and is asked for in some phase.
func TestEveryKindCanBeArmed(t *testing.T) {
	sample := map[string]any{"ms": 5, "bytes": 5, "bytesPerSecond": 5, "rows": 5, "status": 503, "text": "x", "headers": map[string]string{"a": "b"},
		"result": "Fail", "to": "127.0.0.9:1", "code": 1064, "sqlState": "42000", "reset": true}
	for _, info := range Kinds() {
		given := map[string]any{"kind": info.Kind}
		for _, name := range slices.Concat(info.Needs, info.Takes) {
			if sample[name] == nil {
				t.Errorf("%s: field %q is unknown", info.Kind, name)
			}
			given[name] = sample[name]
		}
		text, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range append([]string{""}, info.At...) {
			var f Fault
			if err := json.Unmarshal(text, &f); err != nil {
				t.Fatal(err)
			}
			f.At = at
			var s Set
			if _, err := s.Arm(f); err != nil {
				t.Errorf("%s at %q: %v", info.Kind, at, err)
				continue
			}
			if s.faults[0].phase() == Never {
				t.Errorf("%s at %q is asked for in no phase", info.Kind, at)
			}
		}
		if info.Shows == "" || info.Where == "" {
			t.Errorf("%s is not described", info.Kind)
		}
	}
}

func load(label string) Event {
	return Event{Node: Node{Role: BE, Index: 1, Addr: "127.0.0.3:8040"}, Op: StreamLoad, DB: "d", Table: "t", Label: label, User: "root"}
}

func TestAim(t *testing.T) {
	e := load("job-7")
	for text, want := range map[string]bool{
		`{}`: true, `{"table":"t"}`: true, `{"table":"u"}`: false, `{"db":"d"}`: true, `{"db":"e"}`: false,
		`{"label":"b-7"}`: true, `{"label":"x"}`: false, `{"labelRegex":"^job-\\d$"}`: true, `{"labelRegex":"^\\d"}`: false,
		`{"op":"streamLoad"}`: true, `{"op":"commit"}`: false, `{"op":"*"}`: true, `{"user":"root"}`: true, `{"user":"bob"}`: false,
		`{"node":"be"}`: true, `{"node":"be:1"}`: true, `{"node":"be:0"}`: false, `{"node":"127.0.0.3:8040"}`: true,
		`{"node":"127.0.0.2:8040"}`: false, `{"node":"fe"}`: false,
	} {
		f := Fault{Kind: AnswerLost}
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		var s Set
		if _, err := s.Arm(f); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := s.Show(AnswerLost, e) != nil; got != want {
			t.Errorf("%s: shown %v", text, got)
		}
	}
	var s Set
	if _, err := s.Arm(Fault{Kind: AnswerLost, Table: "b"}); err != nil {
		t.Fatal(err)
	}
	e.Table, e.Tables = "", []string{"a", "b"}
	if s.Show(AnswerLost, e) == nil {
		t.Error("a transaction of several tables is not hit by the second")
	}
}

func TestDefaultsOfOpAndNode(t *testing.T) {
	var s Set
	arm := func(f Fault) {
		t.Helper()
		s.Clear(0)
		if _, err := s.Arm(f); err != nil {
			t.Fatal(err)
		}
	}
	e := load("x")
	arm(Fault{Kind: HTTPStatus, Status: 500})
	e.Op = Health
	if s.Expects(Before, e) {
		t.Error("without an op, a fault aims at writes")
	}
	arm(Fault{Kind: BEStatus, Status: 500})
	e.Op, e.Node.Role = StreamLoad, FE
	if s.Expects(Before, e) {
		t.Error("status shows at the BE")
	}
	arm(Fault{Kind: DropAfterCommit})
	e.Node.Role = BE
	if !s.Expects(After, e) || s.Show(DropAfterCommit, e) != nil {
		t.Error("dropAfterCommit waits for a commit")
	}
	if e.Committed = true; s.Show(DropAfterCommit, e) == nil {
		t.Error("dropAfterCommit has not shown after a commit")
	}
}

func pattern(t testing.TB, s *Set, n int) string {
	t.Helper()
	var sb strings.Builder
	for range n {
		if s.Show(AnswerLost, load("x")) != nil {
			sb.WriteByte('!')
		} else {
			sb.WriteByte('.')
		}
	}
	return sb.String()
}

func TestMoment(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                            "!.........",
		`{"times":-1}`:                  "!!!!!!!!!!",
		`{"nth":3}`:                     "..!.......",
		`{"nth":3,"times":2}`:           "..!!......",
		`{"every":3,"times":-1}`:        "!..!..!..!",
		`{"nth":2,"every":4,"times":2}`: ".!...!....",
		`{"probability":1,"times":-1}`:  "!!!!!!!!!!",
	} {
		f := Fault{Kind: AnswerLost}
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		var s Set
		if _, err := s.Arm(f); err != nil {
			t.Fatal(err)
		}
		if got := pattern(t, &s, 10); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestWindow(t *testing.T) {
	now := time.Unix(1000, 0)
	s := Set{now: func() time.Time { return now }}
	var f Fault
	if err := json.Unmarshal([]byte(`{"kind":"answerLost","times":-1,"after":"2s","for":"3s"}`), &f); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Arm(f); err != nil {
		t.Fatal(err)
	}
	got := ""
	for range 7 {
		got += pattern(t, &s, 1)
		now = now.Add(time.Second)
	}
	if got != "..!!!.." {
		t.Errorf("%s", got)
	}
	if text, err := json.Marshal(s.List()[0]); err != nil || !strings.Contains(string(text), `"after":"2s","for":"3s"`) || s.List()[0].Seen != 3 {
		t.Errorf("%s, %v", text, err)
	}
}

// Two faults that end a request do not both count it; those that bend it combine.
func TestSeveralAtOnce(t *testing.T) {
	var s Set
	for _, f := range []Fault{{Kind: BEStatus, Status: 500}, {Kind: BEStatus, Status: 501}, {Kind: Delay, Millis: 1}, {Kind: SlowRead, BytesPerSecond: 1}} {
		if _, err := s.Arm(f); err != nil {
			t.Fatal(err)
		}
	}
	first, second, third := s.ShowAll(Before, load("x")), s.ShowAll(Before, load("x")), s.ShowAll(Before, load("x"))
	if len(first) != 3 || first[0].Kind != Delay || first[1].Kind != SlowRead || first[2].Status != 500 {
		t.Errorf("%+v", first)
	}
	if len(second) != 1 || second[0].Status != 501 || len(third) != 0 {
		t.Errorf("%+v %+v", second, third)
	}
}

// The same seed and the same order of events give the same decisions, and a fault's
// draws do not depend on the others armed.
func TestSeedDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		p := rapid.Float64Range(0.05, 0.95).Draw(t, "p")
		f := Fault{Kind: AnswerLost, Probability: p, Times: -1}
		run := func(others bool) string {
			var s Set
			s.Seed(seed)
			if _, err := s.Arm(f); err != nil {
				t.Fatal(err)
			}
			if others {
				if _, err := s.Arm(Fault{Kind: Delay, Millis: 1, Probability: 0.5, Times: -1}); err != nil {
					t.Fatal(err)
				}
			}
			var sb strings.Builder
			for range 40 {
				if others {
					s.Show(Delay, load("x"))
				}
				sb.WriteString(map[bool]string{true: "!", false: "."}[s.Show(AnswerLost, load("x")) != nil])
			}
			return sb.String()
		}
		a, b, c := run(false), run(false), run(true)
		if a != b || a != c {
			t.Fatalf("%s\n%s\n%s", a, b, c)
		}
	})
	var s Set
	f := Fault{Kind: AnswerLost, Probability: 0.5, Times: -1}
	if _, err := s.Arm(f); err != nil {
		t.Fatal(err)
	}
	a := pattern(t, &s, 64)
	s.Seed(0)
	if b := pattern(t, &s, 64); a != b {
		t.Errorf("seeding starts the draws anew:\n%s\n%s", a, b)
	}
	s.Seed(2)
	if b := pattern(t, &s, 64); a == b {
		t.Errorf("another seed gives the same: %s", a)
	}
}

func TestClear(t *testing.T) {
	var s Set
	ids := []int64{}
	for range 3 {
		id, err := s.Arm(Fault{Kind: AnswerLost})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if s.Clear(ids[1]) != 1 || s.Clear(ids[1]) != 0 || len(s.List()) != 2 || s.Clear(0) != 2 || s.Expects(After, load("x")) {
		t.Errorf("%+v", s.List())
	}
}

func FuzzArm(f *testing.F) {
	f.Add(`{"kind":"delay","ms":1}`)
	f.Add(`{"kind":"http","status":503,"headers":{"Retry-After":"1"},"labelRegex":"a+","every":2,"after":"1s"}`)
	f.Add(`{"kind":"refuse","node":"127.0.0.2:8040","reset":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		var one Fault
		if json.Unmarshal([]byte(text), &one) != nil {
			return
		}
		var s Set
		if _, err := s.Arm(one); err != nil {
			return
		}
		// What was armed can be listed and armed again.
		out, err := json.Marshal(s.List()[0])
		if err != nil {
			t.Fatal(err)
		}
		var again Fault
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Arm(again); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		for _, p := range []Phase{Connect, Before, After, Inside, Decision, Login, Statement} {
			s.ShowAll(p, load("x"))
		}
	})
}
