package luajit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/internal/luajit/ffiprobe"
)

func TestJITCompiles(t *testing.T) {
	vm := newVM(t)
	got := finish(t, start(t, vm, `local s = 0; for i = 1, 1000 do s = s + i end
		return s, require("jit.util").traceinfo(1) ~= nil, (jit.status())`))
	if got != "500500 true true" {
		t.Errorf("got %q", got)
	}
}

const ffiLoop = `local ffi = require "ffi"
	ffi.cdef "int64_t weir_ffi_probe_add(int64_t, int64_t);"
	local C, s = ffi.C, 0LL
	for i = 1, (...) do s = C.weir_ffi_probe_add(s, i) end
	return tonumber(s), require("jit.util").traceinfo(1) ~= nil`

func TestFFICallsGo(t *testing.T) {
	vm := newVM(t)
	before := ffiprobe.Calls
	th := start(t, vm, ffiLoop)
	th.Args().PushInt(1000)
	if th.Resume() != Done {
		t.Fatal(th.Err())
	}
	if r := th.Results(); r.Number(1) != 500500 || !r.Bool(2) || ffiprobe.Calls-before != 1000 {
		t.Errorf("sum %v, compiled %v, %d calls", r.Number(1), r.Bool(2), ffiprobe.Calls-before)
	}
	th.Release()
}

func BenchmarkFFI(b *testing.B) {
	vm := newVM(b)
	th := start(b, vm, ffiLoop)
	th.Args().PushInt(b.N)
	b.ResetTimer()
	if th.Resume() != Done {
		b.Fatal(th.Err())
	}
}

const moduleSource = `#include <lua.h>
#include <lauxlib.h>
static int twice(lua_State *L) { lua_pushnumber(L, 2 * luaL_checknumber(L, 1)); return 1; }
static const luaL_Reg fns[] = {{"twice", twice}, {NULL, NULL}};
int luaopen_twice(lua_State *L) { lua_newtable(L); luaL_register(L, NULL, fns); return 1; }
`

func TestCModule(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "twice.c")
	if err := os.WriteFile(src, []byte(moduleSource), 0o600); err != nil {
		t.Fatal(err)
	}
	gcc := exec.Command("gcc", "-shared", "-fPIC", "-I/usr/include/luajit-2.1",
		"-o", filepath.Join(dir, "twice.so"), src)
	if out, err := gcc.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	vm := newVM(t)
	if err := vm.SetCPath(dir + "/?.so;" + vm.CPath()); err != nil {
		t.Fatal(err)
	}
	runAll(t, vm, []source{
		{"call", `return require("twice").twice(21)`, "42"},
		{"error", `return pcall(require("twice").twice, {})`,
			"false bad argument #1 to '?' (number expected, got table)"},
	})
}

func TestPrelude(t *testing.T) {
	vm := newVM(t)
	register(t, vm, "one", Options{}, func(c *Call) Outcome { c.PushInt(1); return Return })
	if err := vm.Prelude("=prelude", []byte(`local p = ...; answer = p.one() + 41`)); err != nil {
		t.Fatal(err)
	}
	runAll(t, vm, []source{{"use", `return answer`, "42"}})
}

func TestCheck(t *testing.T) {
	if err := Check("=content_by_lua(nginx.conf:3)", []byte("\nreturn 1")); err != nil {
		t.Error(err)
	}
	err := Check("=content_by_lua(nginx.conf:3)", []byte("\nlocal x = = 1"))
	if err == nil || err.Error() != "content_by_lua(nginx.conf:3):2: unexpected symbol near '='" {
		t.Errorf("got %v", err)
	}
	if err := Check("=empty", nil); err != nil {
		t.Error(err)
	}
}

func TestBytecode(t *testing.T) {
	vm := newVM(t)
	var code []byte
	err := vm.Eval("=dump", `return string.dump(loadstring("return 7"))`, func(r Results) {
		code = []byte(r.String(1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := finish(t, start(t, vm, string(code))); got != "7" {
		t.Errorf("got %q", got)
	}
}

// A primitive called by a finalizer, while collecting and at the end.
func TestFinalizers(t *testing.T) {
	vm, err := New()
	if err != nil {
		t.Fatal(err)
	}
	calls, threads := 0, 0
	register(t, vm, "collected", Options{}, func(c *Call) Outcome {
		calls++
		if c.Thread() != nil {
			threads++
		}
		return Return
	})
	err = vm.Eval("=gc", `for i = 1, 10 do local p = newproxy(true)
			getmetatable(p).__gc = function() collected("x"); if i == 3 then error("in gc") end end
			if i > 5 then _G[i] = p end end`, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		vm.Collect() // the failing finalizer ends one collection, and only that
	}
	if calls != 5 {
		t.Errorf("%d finalizers ran", calls)
	}
	vm.Close()
	if calls != 10 || threads != 0 {
		t.Errorf("%d finalizers ran, %d in threads", calls, threads)
	}
	vm.Close()
}

func TestMemoryLimit(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	vm.SetMemoryLimit(8 << 20)
	for range 3 {
		got := finish(t, start(t, vm, `local t = {}; for i = 1, 1e7 do t[i] = ("x"):rep(1000) .. i end`))
		if got != "error: not enough memory" {
			t.Errorf("got %q", got)
		}
		if got := finish(t, start(t, vm, `return copy("alive")`)); got != "alive" {
			t.Errorf("after the limit: %q", got)
		}
	}
	got := finish(t, start(t, vm, `for i = 1, 1e5 do local s = ("x"):rep(1000) .. i end; return "garbage is fine"`))
	if got != "garbage is fine" {
		t.Errorf("got %q", got)
	}
	vm.SetMemoryLimit(0)
	if got := finish(t, start(t, vm, `return #("x"):rep(1e7)`)); got != "10000000" {
		t.Errorf("without limit: %q", got)
	}
}

// An allocation that is refused in a hot loop is an error that can be caught, as often as it happens.
func TestMemoryLimitInHotLoops(t *testing.T) {
	vm := newVM(t)
	vm.SetMemoryLimit(40 << 20)
	got := finish(t, start(t, vm, `
		local keep, failed = {}, 0
		local function fill() for i = 1, 1e8 do keep[#keep + 1] = ("x"):rep(1000) .. i end end
		for _ = 1, 20 do
			local ok, err = pcall(fill)
			if not ok and err == "not enough memory" then failed = failed + 1 end
		end
		keep = nil
		return failed`))
	if got != "20" {
		t.Errorf("got %q", got)
	}
}

func TestInterrupt(t *testing.T) {
	vm := newVM(t)
	var told atomic.Bool
	var traceback string
	vm.OnSlow = func(tb string) { traceback = tb; told.Store(true) }
	register(t, vm, "over", Options{}, func(c *Call) Outcome { c.PushBool(told.Load()); return Return })
	begun, stop := make(chan struct{}), make(chan struct{})
	register(t, vm, "begin", Options{}, func(*Call) Outcome { close(begun); return Return })
	go func() {
		defer close(stop)
		<-begun
		vm.Interrupt(vm.Slice())
	}()
	got := finish(t, start(t, vm, "local function spin() while not over() do end end\nbegin()\nspin()\nreturn 'out'"))
	<-stop
	if got != "out" || !strings.Contains(traceback, "in function 'spin'") {
		t.Errorf("got %q, %q", got, traceback)
	}
}

// Panics and Lua errors in turns, many times, leave nothing behind.
func TestErrorsDoNotAccumulate(t *testing.T) {
	vm := newVM(t)
	vm.OnPanic = nil
	primitives(t, vm)
	vm.OnPanic = func(any, []byte) {}
	for range 2000 {
		for _, body := range []string{`boom()`, `fail(("x"):rep(100))`, `error({})`} {
			th := start(t, vm, body)
			if th.Resume() != Failed {
				t.Fatal("did not fail")
			}
			th.Release()
		}
	}
	vm.Collect()
	if vm.MemoryUsed() > 4<<20 || vm.c.blen != 0 || vm.depth != 0 || vm.c.running != 0 {
		t.Errorf("memory %d, buffer %d, depth %d", vm.MemoryUsed(), vm.c.blen, vm.depth)
	}
}

// What nests on the C stack, or makes Lua stacks overflow where nothing protects them, is an error and no crash.
func TestDeepRecursion(t *testing.T) {
	vm := newVM(t)
	const deepReturn = `local co
		local function down(n)
			if n > 0 then local r = down(n - 1) return r end
			return select("#", co())
		end
		local first
		for n = 9000, 22000, 50 do
			co = coroutine.wrap(function() return unpack({}, 1, 7000) end)
			local user = coroutine.wrap(function() return down(n) end)
			local ok, result = pcall(user)
			if not ok then first = first or result end
		end
		return first:match("stack overflow$")`
	runAll(t, vm, []source{
		{"gsub", `local function f() return (("x"):gsub("x", f)) end return pcall(f)`, "false stack overflow"},
		{"coroutines", `local function f() return coroutine.wrap(f)() end
			local ok, err = pcall(f) return ok, err:match("[%a ]+$")`, "false  C stack overflow"},
		{"coroutines in C", `local function f() return (("x"):gsub("x", coroutine.wrap(f))) end
			local ok, err = pcall(f) return ok, err:match("[%a ]+$")`, "false  C stack overflow"},
		{"many results to a deep thread", deepReturn, "stack overflow"},
		{"coroutines in deep C", `local depth, most = 0
			local function count() depth = depth + 1 return (("x"):gsub("x", count)) end
			pcall(count)
			most = depth
			local function nest()
				local depth = 0
				local function down()
					depth = depth + 1
					if depth == most - 60 then return nest() end
					return (("x"):gsub("x", down))
				end
				return select(2, coroutine.resume(coroutine.create(function() return select(2, pcall(down)) end)))
			end
			return nest():match("[%a ]+$")`, " C stack overflow"},
		{"alive", `return 1`, "1"},
	})
}

func TestMemoryLimitCollects(t *testing.T) {
	vm := newVM(t)
	vm.SetMemoryLimit(16 << 20)
	got := finish(t, start(t, vm, `local live = {}
		for i = 1, 11 do live[i] = ("x"):rep(1024 * 1023) .. i end
		for i = 1, 2e5 do local s = ("y"):rep(1000) .. i end
		return #live`))
	if got != "11" || vm.Refused() != 0 {
		t.Errorf("got %q, %d refused", got, vm.Refused())
	}
	got = finish(t, start(t, vm, `return pcall(string.rep, "x", 1e9)`))
	if got != "false not enough memory" || vm.Refused() == 0 {
		t.Errorf("got %q, %d refused", got, vm.Refused())
	}
}

// Slices begin and end with the outermost entry.
func TestSliceOfNestedCalls(t *testing.T) {
	vm := newVM(t)
	var seen []uint64
	register(t, vm, "look", Options{}, func(c *Call) Outcome { seen = append(seen, vm.Slice()); return Return })
	register(t, vm, "nested", Options{}, func(c *Call) Outcome {
		_ = vm.Eval("=nested", "look()", nil)
		return Return
	})
	finish(t, start(t, vm, "look() nested() look()"))
	if len(seen) != 3 || seen[0]%2 != 1 || seen[1] != seen[0] || seen[2] != seen[0] {
		t.Errorf("slices %v", seen)
	}
}

// A call that used the main state and then raises leaves compiled code in the right one.
func TestRaiseAfterNestedRequest(t *testing.T) {
	vm := newVM(t)
	register(t, vm, "stray", Options{}, func(c *Call) Outcome { vm.Collect(); return c.Raise("astray") })
	got := finish(t, start(t, vm, `local t = setmetatable({}, { __index = function() return {} end })
		local function down(n)
			if n > 0 then down(n - 1) end
			pcall(stray)
			pcall(function() t.x.y = n % 3 == 0 and n or {} end)
		end
		for i = 1, 20 do down(200) end
		return "back"`))
	if got != "back" {
		t.Errorf("got %q", got)
	}
}

// A finalizer that the collector calls while a result is made a string may need more room for results of its own.
func TestFinalizerGrowsTheBuffer(t *testing.T) {
	vm := newVM(t)
	big := strings.Repeat("b", 300)
	_, err := vm.Register("big", func(c *Call) Outcome {
		for range 40 {
			c.PushString(big)
		}
		return Return
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = vm.Register("huge", func(c *Call) Outcome {
		c.PushString(strings.Repeat("h", c.Int(1)))
		return Return
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = vm.Prelude("=prelude", []byte(`local p = ...
		local want, size = ("b"):rep(300), 1000
		local function finalizer()
			local u = newproxy(true)
			getmetatable(u).__gc = function() size = math.min(size * 1.3, 4e6); assert(#p.huge(size) == math.floor(size)) end
		end
		for round = 1, 40 do
			for i = 1, 20 do finalizer() end
			for _, got in ipairs({ p.big() }) do assert(got == want) end
		end`))
	if err != nil {
		t.Error(err)
	}
}

// The same may happen while the values of Resume are pushed.
func TestFinalizerGrowsTheBufferOfResume(t *testing.T) {
	vm := newVM(t)
	_, err := vm.Register("say", func(*Call) Outcome { return Return }, Options{Flat: 2, FlatMode: FlattenSay})
	if err != nil {
		t.Fatal(err)
	}
	if err := vm.Prelude("=prelude", []byte(`local p = ...
		local parts, part = {}, ("F"):rep(400 * 1024)
		function finalizers(n)
			for i = 1, n do parts[i] = part end
			for _ = 1, 200 do
				local u = newproxy(true)
				getmetatable(u).__gc = function() p.say(1, parts) end
			end
		end`)); err != nil {
		t.Fatal(err)
	}
	primitives(t, vm)
	th := start(t, vm, `
		for round = 1, 1e9 do
			if round % 50 == 1 then finalizers(1 + round / 50) end
			for _, got in ipairs({ park() }) do assert(not got:find("[^A]"), got:sub(1, 20)) end
		end`)
	th.Resume()
	for round := range 400 {
		v := th.Args()
		for n := range 40 {
			v.PushString(strings.Repeat("A", 5000+round*7+n))
		}
		if state := th.Resume(); state != Parked {
			t.Fatalf("round %d: %v, %v", round, state, th.Err())
		}
	}
}

// Results that do not fit leave nothing behind, however often that happens in one slice.
func TestTooManyResults(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	got := finish(t, start(t, vm, `
		local many = {}
		for i = 1, 7900 do many[i] = i end
		local function down(n) if n > 0 then local r = down(n - 1) return r end return select("#", echo(unpack(many))) end
		local failed
		for _ = 1, 500 do
			local ok, err = pcall(down, 15000)
			if not ok then failed = err end
		end
		return (failed or "none failed"):match("[%a ]+$"), echo("works")`))
	if !strings.HasSuffix(got, "works") {
		t.Errorf("got %q", got)
	}
}
