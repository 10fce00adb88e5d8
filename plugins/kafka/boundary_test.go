package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"pgregory.net/rapid"
)

func TestZones(t *testing.T) {
	for text, want := range map[string]int{"+08:00": 8 * 3600, "-03:30": -(3*3600 + 1800), "+8": 8 * 3600, "+0800": 8 * 3600, "GMT+8": 8 * 3600, "UTC": 0, "Z": 0, "Asia/Shanghai": 8 * 3600} {
		zone, err := parseZone(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, got := time.Date(2026, 1, 1, 0, 0, 0, 0, zone).Zone(); got != want {
			t.Errorf("%s: %d s", text, got)
		}
	}
	for _, text := range []string{"", "+", "+25:00", "+08:60", "+08:0", "+8:000", "08:00", "Local", "Nowhere/Land", "+-1", "+08:00:00", "../etc/passwd"} {
		if zone, err := parseZone(text); err == nil && text != "" {
			t.Errorf("%q is %v", text, zone)
		}
	}
}

func TestDateTimes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"20261121103015": "2026-11-21T09:30:15Z",
		"20240229000000": "2024-02-28T23:00:00Z",
		"20261025023000": "2026-10-25T00:30:00Z", // comes twice: the earlier one
	} {
		got, err := parseDateTime(text, berlin)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v", text, got.UTC(), err)
		}
	}
	for _, text := range []string{"", "20261121", "2026112110301", "202611211030155", "20260230000000", "20261121246000", "2026-11-21 103", "20260329023000"} {
		if got, err := parseDateTime(text, berlin); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "at"), 0).UTC()
		got, err := parseDateTime(at.Format("20060102150405"), time.UTC)
		if err != nil || !got.Equal(at) {
			t.Fatalf("%v became %v, %v", at, got, err)
		}
	})
}

// Begins and ends against a partition that holds the offsets 100 to 199, with the group at 150.
func TestBeginsAndEnds(t *testing.T) {
	sp := spot{"t", 0}
	at := func(committed int64) *bounds {
		b := &bounds{oldest: map[spot]int64{sp: 100}, newest: map[spot]int64{sp: 200}, committed: map[spot]int64{}, times: map[int64]map[spot]int64{1000: {sp: 120}, 9000: {sp: -1}}}
		if committed >= 0 {
			b.committed[sp] = committed
		}
		return b
	}
	const none = -1
	for _, c := range []struct {
		options   string
		committed int64
		begin     int64
		end       int64
		code      protocol.Code
	}{
		{``, 150, 150, 200, ""},
		{``, none, 100, 200, ""},
		{`"autoOffsetReset":"latest"`, none, 200, 200, ""},
		{`"autoOffsetReset":"none"`, none, 0, 0, protocol.Config},
		{``, 50, 0, 0, protocol.Refused},
		{``, 250, 0, 0, protocol.Refused},
		{`"autoOffsetReset":"earliest"`, 250, 100, 200, ""},
		{`"autoOffsetReset":"latest"`, 50, 200, 200, ""},
		{``, 200, 200, 200, ""},
		{`"beginType":"earliest"`, 150, 100, 200, ""},
		{`"beginType":"current"`, 150, 150, 200, ""},
		{`"beginOffset":"seekToLast"`, 150, 150, 200, ""},
		{`"beginOffset":"seekToEnd"`, 150, 200, 200, ""},
		{`"beginOffset":"seekToBeginning"`, 150, 100, 200, ""},
		{`"beginOffset":130,"endOffset":140`, 150, 130, 140, ""},
		{`"beginOffset":13`, 150, 0, 0, protocol.Refused},
		{`"beginOffset":13,"autoOffsetReset":"earliest"`, 150, 100, 200, ""},
		{`"beginOffset":{"1":5}`, 150, 150, 200, ""},
		{`"beginTimestampMillis":1000`, 150, 120, 200, ""},
		{`"beginTimestampMillis":9000`, 150, 200, 200, ""},
		{`"beginType":"earliest","endTimestampMillis":1000`, 150, 100, 120, ""},
		{`"beginType":"earliest","endTimestampMillis":9000`, 150, 100, 200, ""},
		{`"beginType":"earliest","endOffset":1000`, 150, 100, 1000, ""},
		{`"beginType":"earliest","endOffset":10`, 150, 100, 10, ""},
	} {
		name := fmt.Sprintf("%s at %d", c.options, c.committed)
		s, _ := readOptions(t, with(c.options))
		b := at(c.committed)
		begin, _, err := b.begin(&s, sp)
		if c.code != "" {
			f := protocol.AsFault(err)
			if f == nil || f.Code != c.code || f.Place == "" || f.Try == "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || begin != c.begin || b.end(&s, sp) != c.end {
			t.Errorf("%s: %d to %d, %v", name, begin, b.end(&s, sp), err)
		}
	}
}

func TestPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := position{Offset: rapid.Int64Min(0).Draw(t, "offset"), Epoch: rapid.Int32Min(-1).Draw(t, "epoch"), Session: rapid.Uint64().Draw(t, "session")}
		got, err := parsePosition(want.bytes())
		if err != nil || got != want {
			t.Fatalf("%+v became %s, %+v, %v", want, want.bytes(), got, err)
		}
	})
	for _, text := range []string{"", "{}x", `{"offset":-1}`, `{"offset":"x"}`, "7"} {
		if p, err := parsePosition([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, p)
		}
	}
	for _, name := range []string{"", "t", "/1", "t/", "t/-1", "t/x", "t/99999999999"} {
		if _, _, err := parseShardName(name); err == nil {
			t.Errorf("%q is a shard", name)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add([]byte(`{"offset":12,"epoch":3,"session":1}`))
	f.Add([]byte(`{"offset":1e3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePosition(b)
		if err != nil {
			return
		}
		if again, err := parsePosition(p.bytes()); err != nil || again != p {
			t.Errorf("%q: %+v, %+v, %v", b, p, again, err)
		}
	})
}
