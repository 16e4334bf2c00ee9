package ngx

import (
	"strconv"

	"github.com/weirproxy/weir/internal/luajit"
)

// sleepFamily is ngx.sleep.
var sleepFamily = family{
	name:       "sleep",
	lua:        "sleep.lua",
	primitives: []primitive{{name: "sleep", run: sleep, in: yieldable, waits: true}},
}

// sleep waits for so many seconds (ngx_stream_lua_sleep.c).
func sleep(m *machine, c *luajit.Call) luajit.Outcome {
	if c.Len() != 1 {
		return c.Raise("attempt to pass " + strconv.Itoa(c.Len()) + " arguments, but accepted 1")
	}
	seconds, wrong, ok := number(c, 1)
	if !ok {
		return wrong
	}
	ms := int64(seconds * 1000)
	if ms < 0 {
		return c.Raise(`invalid sleep duration "` + strconv.FormatInt(ms, 10) + `"`)
	}
	co := m.running(c)
	if ms == 0 {
		out := co.park(nil)
		co.resumeLater(nil)
		return out
	}
	co.after(ms, wake)
	return co.park(nil)
}

func wake(co *coroutine) { co.resume(nil) }
