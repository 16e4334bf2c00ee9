package ngx

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/weirproxy/weir/internal/logs"
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
		{name: "settle", run: settle},
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

// settle() has the kernel take what was sent to the client so far.
func settle(m *machine, _ *luajit.Call) luajit.Outcome {
	m.settle()
	return luajit.Return
}

// traceback is OpenResty's traceback of a light thread, with those that have spawned it.
func (m *machine) traceback(co *coroutine, failure string) string {
	text := "stack traceback:"
	m.vm.Spare(true)
	defer m.vm.Spare(false)
	err := m.vm.Call(m.backtrace, func(v *luajit.Values) {
		v.PushString(failure)
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

// number is argument i as luaL_checknumber reads it; ok is false when it is none, and then outcome is the error.
func number(c *luajit.Call, i int) (f float64, outcome luajit.Outcome, ok bool) {
	switch c.Type(i) {
	case luajit.Number:
		return c.Number(i), 0, true
	case luajit.String:
		f, err := strconv.ParseFloat(strings.TrimSpace(c.Text(i)), 64)
		if err == nil {
			return f, 0, true
		}
	}
	return 0, c.RaiseArg(i, "number expected, got "+typeName(c, i)), false
}

// typeName is how messages of the auxiliary library name the type of argument i.
func typeName(c *luajit.Call, i int) string {
	if i > c.Len() {
		return "no value"
	}
	return c.Type(i).String()
}

// failure returns nil and a message, as most functions of the API do when they fail.
func failure(c *luajit.Call, message string) luajit.Outcome {
	c.PushNil()
	c.PushString(message)
	return luajit.Return
}

// one returns 1, as many functions of the API do when they succeed.
func one(c *luajit.Call) luajit.Outcome {
	c.PushNumber(1)
	return luajit.Return
}

// log writes a line with the request's context behind it.
func (r *request) log(level logs.Level, message string) {
	switch {
	case r.session != nil:
		r.session.Log(level, message)
	case r.timer != nil:
		r.errorLog().Write(level, 0, message+", context: ngx.timer"+r.timer.context())
	case r.phase == inInitWorker:
		r.m.config.Log.Write(level, 0, message+", context: init_worker_by_lua*")
	default:
		r.m.config.Log.Write(level, 0, message)
	}
}

// log writes a line for the request that runs, or for none.
func (m *machine) log(level logs.Level, message string) {
	if m.req != nil {
		m.req.log(level, message)
		return
	}
	m.config.Log.Write(level, 0, message)
}

func (m *machine) logf(level logs.Level, format string, args ...any) {
	m.log(level, fmt.Sprintf(format, args...))
}
