package ngx

import (
	"unsafe"

	"github.com/weirproxy/weir/internal/luajit"
)

// coreFamily makes the ngx table with its constants, and what the other families build upon.
var coreFamily = family{
	name: "core",
	lua:  "core.lua",
	primitives: []primitive{
		{name: "keep", run: keepPrimitives, opt: luajit.Options{Refs: 1}},
		{name: "keep_core", run: keepCore, opt: luajit.Options{Refs: 7}},
		{name: "module_source", run: moduleSource},
		{name: "shared_state", run: pushShared},
		{name: "prefix", run: func(m *machine, c *luajit.Call) luajit.Outcome {
			c.PushString(m.main.prefix)
			return luajit.Return
		}},
		{name: "null", run: func(_ *machine, c *luajit.Call) luajit.Outcome {
			c.PushNull()
			return luajit.Return
		}},
		{name: "allowed", run: checkAllowed},
		{name: "flush_late", run: flushLate},
	},
}

// keepPrimitives(table) keeps the table that all families' Lua gets.
func keepPrimitives(m *machine, c *luajit.Call) luajit.Outcome {
	m.primitives = c.Ref(1)
	return luajit.Return
}

// keepCore(preloader, protect, backtrace) keeps functions of core.lua.
func keepCore(m *machine, c *luajit.Call) luajit.Outcome {
	m.preloader, m.protect, m.backtrace = c.Ref(1), c.Ref(2), c.Ref(3)
	return luajit.Return
}

func pushShared(m *machine, c *luajit.Call) luajit.Outcome {
	c.PushLight(uintptr(unsafe.Pointer(m.shared)))
	return luajit.Return
}

// checkAllowed(phases) raises what a primitive with these phases would.
func checkAllowed(m *machine, c *luajit.Call) luajit.Outcome {
	if refusal := m.refusal(phase(c.Int(1))); refusal != "" {
		return c.Raise(refusal)
	}
	return luajit.Return
}

// flushLate() has the kernel take what was sent to the client so far.
func flushLate(m *machine, _ *luajit.Call) luajit.Outcome {
	m.flushLate()
	return luajit.Return
}

// traceback is OpenResty's traceback of a light thread, with those that have spawned it.
func (m *machine) traceback(co *coroutine, message string) string {
	text := "stack traceback:"
	m.vm.Spare(true)
	defer m.vm.Spare(false)
	err := m.vm.Call(m.backtrace, func(v *luajit.Values) {
		v.PushString(message)
		for n := 0; co != nil && n < 5; n++ {
			v.PushThread(co.thread)
			co = co.livingParent()
		}
	}, func(r luajit.Results) { text = r.String(1) })
	if err != nil {
		return text + " " + err.Error()
	}
	return text
}
