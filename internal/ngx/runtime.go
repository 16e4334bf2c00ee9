package ngx

import "github.com/weirproxy/weir/internal/luajit"

// runtimeFamily is what Lua sees of the watchful runtime (watch.go, memory.go), and what it must not do to it.
var runtimeFamily = family{
	name: "runtime",
	lua:  "runtime.lua",
	primitives: []primitive{
		{name: "slow_slices", run: slowSlices},
		{name: "memory_limit", run: func(m *machine, c *luajit.Call) luajit.Outcome {
			c.PushNumber(float64(m.memory.limit))
			return luajit.Return
		}},
	},
}
