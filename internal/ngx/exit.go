package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
)

// exitFamily is ngx.exit and ngx.status.
var exitFamily = family{
	name: "exit",
	lua:  "exit.lua",
	primitives: []primitive{
		{name: "exit", run: exit, in: yieldable | inBalancer},
		{name: "status", run: status, in: anywhere},
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

// status is the session's; it is 0 before the log phase.
func status(m *machine, c *luajit.Call) luajit.Outcome {
	n := 0
	if s := m.req.session; s != nil {
		n = s.Status
	}
	c.PushInt(n)
	return luajit.Return
}
