package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
)

// ctxFamily is ngx.ctx. Lua keeps the tables by the requests' slots, and C drops those of freed requests before Lua
// runs next: neither making nor dropping one costs a call.
var ctxFamily = family{
	name: "ctx",
	lua:  "ctx.lua",
	primitives: []primitive{{name: "ctx_keep", opt: luajit.Options{Refs: 1},
		run: func(m *machine, c *luajit.Call) luajit.Outcome {
			m.contexts = c.Ref(1)
			return luajit.Return
		}}},
}
