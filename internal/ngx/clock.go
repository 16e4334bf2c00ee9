package ngx

import (
	"math"
	"time"
	"unsafe"

	"github.com/weirproxy/weir/internal/luajit"
)

// clock is the worker's time as Lua reads it, without a call (lua/time.lua declares the same). All times are in UTC
// since 1970 but mono's.
type clock struct {
	now    float64 // seconds, to a millisecond
	time   float64 // whole seconds
	wall   float64 // milliseconds
	mono   float64 // milliseconds since some start
	offset float64 // seconds that local time is east of UTC
	skew   float64 // wall less mono, not for Lua
}

// clockAt is where the clock lies in machine.page, behind shared.
const clockAt = 256

func (m *machine) clock() *clock { return (*clock)(unsafe.Pointer(&m.page[clockAt])) }

// tick brings the clock to that of the loop, which changes once a round; it is called whenever Lua is entered.
func (m *machine) tick() {
	if m.worker == nil {
		now := time.Now()
		m.clock().set(now, now.UnixMilli())
		return
	}
	m.clock().set(m.worker.Loop.Now(), m.worker.Loop.Millis())
}

// set keeps wall at a fixed distance from mono while that is right to a millisecond: so a sleep of 10 ms is never 9 ms
// by ngx.now, though the two clocks' milliseconds begin at different moments.
func (c *clock) set(now time.Time, mono int64) {
	if c.mono == float64(mono) {
		return
	}
	c.mono = float64(mono)
	if skew := float64(now.UnixMilli() - mono); skew < c.skew-1 || skew > c.skew+1 {
		c.skew = skew
	}
	c.wall = c.mono + c.skew
	c.now = c.wall / 1000
	if second := math.Floor(c.now); second != c.time {
		_, offset := now.Zone()
		c.time, c.offset = second, float64(offset)
	}
}

var timeFamily = family{
	name: "time",
	lua:  "time.lua",
	primitives: []primitive{
		{name: "clock", run: clockAddress},
		{name: "update_time", run: updateTime},
	},
	open: func(m *machine) error { m.tick(); return nil },
}

func clockAddress(m *machine, c *luajit.Call) luajit.Outcome {
	c.PushLight(uintptr(unsafe.Pointer(m.clock())))
	return luajit.Return
}

// updateTime is ngx.update_time.
func updateTime(m *machine, _ *luajit.Call) luajit.Outcome {
	if m.worker != nil {
		m.worker.Loop.UpdateClock()
	}
	m.tick()
	return luajit.Return
}
