package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
)

// ctxFamily is ngx.ctx. Lua keeps the tables by the requests' numbers, and learns from shared.gone which to forget:
// neither making nor dropping one costs a call.
var ctxFamily = family{
	name: "ctx",
	lua:  "ctx.lua",
	primitives: []primitive{{name: "ctx_keep", opt: luajit.Options{Refs: 1},
		run: func(m *machine, c *luajit.Call) luajit.Outcome {
			m.forget = c.Ref(1)
			return luajit.Return
		}}},
}
