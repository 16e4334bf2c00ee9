// Package luatest is for tests of what packages give to Lua code.
//
//	vm := luatest.New(t)
//	luatest.SetString(t, vm, "name", "weir")
//	luatest.Eval(t, vm, `want("hello weir", "hello", name)`)
//
// Lua code has these functions; the errors of the last two name the line that calls them:
//
//	say(…)               its arguments as one text
//	want(text, …)        fails unless say(…) is text
//	raises(text, f, …)   fails unless f(…) raises an error that contains text
package luatest

import (
	"testing"

	"github.com/weirproxy/weir/internal/luajit"
)

const checks = `
	function say(...)
		local t = {}
		for i = 1, select("#", ...) do t[i] = tostring((select(i, ...))) end
		return table.concat(t, " ")
	end
	function want(text, ...)
		local got = say(...)
		if got ~= text then error("got <" .. got .. ">, want <" .. text .. ">", 2) end
	end
	function raises(text, f, ...)
		local ok, err = pcall(f, ...)
		if ok or not err:find(text, 1, true) then error("got <" .. tostring(err) .. ">, want <" .. text .. ">", 2) end
	end`

// New makes a VM that is closed when the test ends.
func New(t testing.TB) *luajit.VM {
	t.Helper()
	vm, err := luajit.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vm.Close)
	Eval(t, vm, checks)
	return vm
}

// Eval runs source, whose chunk is named "test". An error is the test's.
func Eval(t testing.TB, vm *luajit.VM, source string) {
	t.Helper()
	if err := vm.Eval("=test", source, nil); err != nil {
		t.Fatal(err)
	}
}

// Set gives a global variable the value that push pushes.
func Set(t testing.TB, vm *luajit.VM, name string, push func(v *luajit.Values)) {
	t.Helper()
	if err := vm.SetGlobal(name, push); err != nil {
		t.Fatal(err)
	}
}

// SetString gives a global variable a text.
func SetString(t testing.TB, vm *luajit.VM, name, text string) {
	t.Helper()
	Set(t, vm, name, func(v *luajit.Values) { v.PushString(text) })
}
