package ngx

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	var c clock
	at := time.Date(2026, 11, 22, 1, 2, 3, 999_900_000, time.FixedZone("east", 3600))
	c.set(at, 5000)
	first := c.wall
	if first != float64(at.UnixMilli()) || c.time != float64(at.Unix()) || c.offset != 3600 || c.now*1000 != first {
		t.Errorf("%+v is not %v", c, at)
	}
	for ms := int64(1); ms < 100; ms++ {
		// the wall's milliseconds begin 0.1 ms after mono's
		c.set(at.Add(time.Duration(ms)*time.Millisecond-100*time.Microsecond), 5000+ms)
		if c.wall-first != float64(ms) {
			t.Fatalf("%v ms have become %v", ms, c.wall-first)
		}
	}
	set := at.Add(-time.Hour)
	c.set(set, 6000)
	if c.wall != float64(set.UnixMilli()) {
		t.Errorf("%v: the clock was set to %v", c.wall, set.UnixMilli())
	}
}
