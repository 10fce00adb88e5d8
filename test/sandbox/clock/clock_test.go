package clock

import (
	"testing"
	"time"
)

func TestJump(t *testing.T) {
	var c Clock
	before := c.Now()
	told := time.Duration(0)
	c.Watch(func() { told = c.Offset() })
	c.Jump(26 * time.Hour)
	c.Jump(-time.Hour)
	if told != 25*time.Hour || c.Offset() != told {
		t.Errorf("the watcher saw %v, the offset is %v", told, c.Offset())
	}
	if d := c.Now().Sub(before); d < 25*time.Hour || d > 26*time.Hour {
		t.Errorf("the clock moved by %v", d)
	}
	c.Jump(-50 * time.Hour)
	if !c.Now().Before(before) {
		t.Error("the clock did not go back")
	}
}
