package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
)

// exitFamily is ngx.exit.
var exitFamily = family{
	name: "exit",
	lua:  "exit.lua",
	primitives: []primitive{
		{name: "exit", run: exit, in: yieldable | inBalancer},
	},
}

// exit ends the phase with a code; what the code means is the phase's affair.
func exit(m *machine, c *luajit.Call) luajit.Outcome {
	code, wrong, ok := number(c, 1)
	if !ok {
		return wrong
	}
	r := m.req
	if r.phase == inBalancer {
		r.exited, r.exitCode = true, int(code)
		return luajit.Return
	}
	if !c.CanYield() {
		return c.RaiseNoYield()
	}
	r.exited, r.exitCode = true, int(code)
	return luajit.Yield
}
