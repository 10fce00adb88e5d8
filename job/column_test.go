package job

import (
	"testing"
	"time"
)

func TestZonesOfDataX(t *testing.T) {
	for name, want := range map[string]time.Duration{"GMT+8": 8 * time.Hour, "GMT-8": -8 * time.Hour, "+08:00": 8 * time.Hour, "UTC-03:30": -3*time.Hour - 30*time.Minute,
		"GMT+0530": 5*time.Hour + 30*time.Minute, "Asia/Tokyo": 9 * time.Hour, "UTC": 0, "GMT": 0} {
		loc, err := zone(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, offset := time.Unix(0, 0).In(loc).Zone(); time.Duration(offset)*time.Second != want {
			t.Errorf("%s is %d s from UTC, want %v", name, offset, want)
		}
	}
	for _, name := range []string{"Local", "GMT+", "GMT+19", "+8:99", "Asia", "Nowhere/Here", "../etc"} {
		if loc, err := zone(name); err == nil {
			t.Errorf("%s is %v", name, loc)
		}
	}
	if loc, err := zone(""); loc != nil || err != nil {
		t.Errorf("nothing is %v, %v", loc, err)
	}
}
