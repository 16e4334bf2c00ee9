package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
)

// ctxFamily is ngx.ctx. Lua finds the table by the request's number; the reference here keeps it alive.
var ctxFamily = family{
	name:       "ctx",
	lua:        "ctx.lua",
	primitives: []primitive{{name: "ctx_set", run: setCtx, in: anywhere, opt: luajit.Options{Refs: 1}}},
}

// setCtx(table) keeps the table until the request is freed.
func setCtx(m *machine, c *luajit.Call) luajit.Outcome {
	r := m.req
	if r.ctx != 0 {
		m.vm.Unref(r.ctx)
	}
	r.ctx = c.Ref(1)
	return luajit.Return
}
