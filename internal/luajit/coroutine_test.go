package luajit

import "testing"

func TestCoroutines(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	runAll(t, vm, []source{
		{"status", `local co; co = coroutine.create(function()
				local inner = coroutine.create(function() return coroutine.status(co) end)
				local _, s = coroutine.resume(inner)
				coroutine.yield(coroutine.status(co), s) end)
			local s0 = coroutine.status(co)
			local _, s1, s2 = coroutine.resume(co)
			local s3 = coroutine.status(co); coroutine.resume(co)
			return s0, s1, s2, s3, coroutine.status(co)`, "suspended running normal suspended dead"},
		{"resume dead", `local co = coroutine.create(function() end); coroutine.resume(co)
			return coroutine.resume(co)`, "false cannot resume dead coroutine"},
		{"resume self", `return coroutine.resume(coroutine.running())`, "false cannot resume running coroutine"},
		{"resume failed", `local co = coroutine.create(function() error("x", 0) end)
			local _, e = coroutine.resume(co); return e, coroutine.resume(co)`,
			"x false cannot resume dead coroutine"},
		{"resume number", `return pcall(coroutine.resume, 1)`,
			"false bad argument #1 to '?' (coroutine expected)"},
		{"create of C function", `return pcall(coroutine.create, print)`,
			"false bad argument #1 to '?' (Lua function expected)"},
		{"wrap", `local w = coroutine.wrap(function(a) local b = coroutine.yield(a + 1); return b * 2 end)
			return w(1), w(5)`, "2 10"},
		{"wrap error object", `local e = {}; local ok, got = pcall(coroutine.wrap(function() error(e) end))
			return ok, got == e`, "false true"},
		{"below sort", `local w = coroutine.wrap(function() coroutine.yield(1); return 2 end)
			local t = {3, 1, 2}; local seen = {}
			table.sort(t, function(a, b) seen[#seen + 1] = #seen < 2 and w() or 0; return a < b end)
			return t[1], seen[1], seen[2]`, "1 1 2"},
		{"top-level yield", `return coroutine.yield("x")`, "1"},
		{"many values", `local co = coroutine.wrap(function(...) return select('#', coroutine.yield(...)) end)
			local n = select('#', co(unpack({}, 1, 3000))); return n, co(unpack({}, 1, 2000))`, "3000 2000"},
		{"dropped while parked", `local ok, v = coroutine.resume(coroutine.create(function()
				local x = park(); collectgarbage(); collectgarbage(); return x + park() end))
			return ok, v`, "true 3"},
		{"closure survives thread", `local f; local co = coroutine.create(function()
				local up = 5; f = function() up = up + 1; return up end; coroutine.yield() end)
			coroutine.resume(co); co = nil; collectgarbage(); collectgarbage(); return f(), f()`, "6 7"},
	})
}

// On the main state the same library works without a scheduler.
func TestCoroutinesOnMainState(t *testing.T) {
	vm := newVM(t)
	var got float64
	err := vm.Eval("=init", `local w = coroutine.wrap(function(a) coroutine.yield(a); return 2 end)
		return w(40) + w()`, func(r Results) { got = r.Number(1) })
	if err != nil || got != 42 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMillionCoroutines(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	for _, body := range []string{
		`coroutine.resume(coroutine.create(f))`, // ended
		`coroutine.resume(coroutine.create(g))`, // left suspended
		`coroutine.create(g)`,                   // never run
	} {
		got := finish(t, start(t, vm, `local f = function() end
			local g = function() coroutine.yield() end
			for i = 1, 350000 do `+body+` end
			return collectgarbage("count") < 100000`))
		if got != "true" {
			t.Errorf("%s: %s", body, got)
		}
	}
	vm.Collect()
	if used := vm.MemoryUsed(); used > 8<<20 {
		t.Errorf("%d bytes in use", used)
	}
	if n := int(vm.c.nthreads); n > 200000 {
		t.Errorf("%d thread structs", n)
	}
}

// Threads recycled by Start are not those that Lua still holds.
func TestExposedThreadIsNotRecycled(t *testing.T) {
	vm := newVM(t)
	if got := finish(t, start(t, vm, `kept = coroutine.running()`)); got != "" {
		t.Fatal(got)
	}
	got := finish(t, start(t, vm, `return coroutine.running() == kept, coroutine.status(kept)`))
	if got != "false dead" {
		t.Errorf("got %q", got)
	}
	if len(vm.idle) != 0 {
		t.Errorf("%d idle threads", len(vm.idle))
	}
}

func TestRecycledThreadIsClean(t *testing.T) {
	vm := newVM(t)
	th := start(t, vm, `setfenv(0, {}); local up = 1; leak = function() return up end; return 1, 2, 3`)
	first := th
	th.Resume()
	th.Release()
	th = start(t, vm, `return select('#', ...), getfenv(0) == _G, leak == nil or leak()`)
	if th != first {
		t.Error("not recycled")
	}
	if got := finish(t, th); got != "0 true 1" {
		t.Errorf("got %q", got)
	}
}

func TestReleaseParked(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	th := start(t, vm, `local co = coroutine.create(function() park() end)
		kept, inner = coroutine.running(), co; coroutine.resume(co)`)
	if th.Resume() != Parked {
		t.Fatal("not parked")
	}
	leaf := th.Active()
	if leaf == th || leaf != th.Stopped() || leaf.c.parent != th.c {
		t.Error("the chain is broken")
	}
	th.Release()
	if th.Alive() || leaf.c.parent != nil {
		t.Error("released thread is alive")
	}
	got := finish(t, start(t, vm, `return coroutine.status(kept), coroutine.status(inner),
		coroutine.resume(kept)`))
	if got != "dead dead false cannot resume dead coroutine" {
		t.Errorf("got %q", got)
	}
}

func TestExdata(t *testing.T) {
	vm := newVM(t)
	th := start(t, vm, `local ex, ffi = require "thread.exdata", require "ffi"
		local function n() return tonumber(ffi.cast("uintptr_t", ex())) end
		return n(), coroutine.wrap(n)()`)
	th.SetExdata(77)
	if got := finish(t, th); got != "77 77" {
		t.Errorf("got %q", got)
	}
}
