package shdict_test

import (
	"testing"

	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/luajit/luatest"
	"github.com/weirproxy/weir/internal/shdict"
)

// newVM has ngx.shared's dictionaries as the globals dogs (size bytes) and tiny (20 KB).
func newVM(t testing.TB, dogs *shdict.Dict) *luajit.VM {
	t.Helper()
	vm := luatest.New(t)
	tiny, err := shdict.Open("tiny", 20<<10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tiny.Release)
	luatest.SetString(t, vm, "source", shdict.LuaSource)
	luatest.Set(t, vm, "dogs", func(v *luajit.Values) { v.PushLight(dogs.Handle()) })
	luatest.Set(t, vm, "tiny", func(v *luajit.Values) { v.PushLight(tiny.Handle()) })
	luatest.Eval(t, vm, `
		clock = 1000000
		local new = assert(loadstring(source, "=shdict.lua"))()({now = function() return clock end})
		dogs, tiny = new(dogs), new(tiny)`)
	return vm
}

func open(t testing.TB, size int) *shdict.Dict {
	t.Helper()
	d, err := shdict.Open("dogs", size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Release)
	return d
}

// TestLua says for every call what OpenResty says.
func TestLua(t *testing.T) {
	tests := map[string]string{
		"values": `
			for _, v in ipairs{32, 0.3, "text", "", true, false, ("long"):rep(5000)} do
				want("true nil false", dogs:set("k", v))
				if dogs:get("k") ~= v then error(tostring(v)) end
			end
			want("true nil false", dogs:set(5, "five"))
			want("five", dogs:get("5"))
			want("nil", dogs:get("none"))
			want("true nil false", dogs:delete("k"))
			want("nil", dogs:get("k"))
			want("nil bad value type", dogs:set("k", {}))`,
		"signed flags": `
			for _, flags in ipairs{7, -5, 2147483647, -2147483648} do
				dogs:set("k", 1, 0, flags)
				want("1 " .. flags, dogs:get("k"))
				want("1 " .. flags .. " false", dogs:get_stale("k"))
			end`,
		"keys": `
			for _, f in ipairs{"get", "get_stale", "set", "ttl", "llen"} do
				want("nil nil key", dogs[f](dogs, nil))
				want("nil empty key", dogs[f](dogs, ""))
				want("nil key too long", dogs[f](dogs, ("a"):rep(65536)))
			end
			want("nil nil key", dogs:incr(nil, 1))
			want("nil empty key", dogs:lpush("", 1))`,
		"zones": `
			assert(dogs.__index.get == dogs.get)
			for f, method in pairs(dogs.__index) do if type(method) == "function" then
				raises('bad "zone" argument', function()
					local x = 0; method(unpack({1, "foo", 32}, 1, (f:find("pop") or f == "llen" or
						f:find("flush_e") or f == "get_keys") and 2 or 3))
				end)
				raises('bad "zone" argument', function()
					method(unpack({{1}, "foo", 32}, 1, f:find("push") and 3 or 2))
				end)
			end end
			raises('test:', function() dogs.set({1}, "foo", 1) end)`,
		"flags": `
			want("true nil false", dogs:set("f", 32, 0, 198))
			want("32 198", dogs:get("f"))
			want("32 198 false", dogs:get_stale("f"))
			dogs:set("f", 32, 0, 2147483647)
			want("32 2147483647", dogs:get("f"))`,
		"add and replace": `
			want("true nil false", dogs:add("foo", 1))
			want("false exists false", dogs:add("foo", 2))
			want("true nil false", dogs:replace("foo", "hello"))
			want("false not found false", dogs:replace("bar", 1))
			want("false attempt to add or replace nil values false", dogs:add("bar", nil))
			dogs:set("old", 1, 0.01)
			clock = clock + 11
			want("false not found false", dogs:replace("old", 1))
			want("true nil false", dogs:add("old", "hello"))`,
		"expiry": `
			dogs:set("e", 32, 0.5, 7)
			want("0.5", dogs:ttl("e"))
			clock = clock + 499
			want("32 7", dogs:get("e"))
			clock = clock + 1
			want("32 7 true", dogs:get_stale("e"))
			want("0", dogs:ttl("e"))
			want("nil", dogs:get("e"))
			want("nil not found", dogs:ttl("e"))
			dogs:set("e", 32)
			want("0", dogs:ttl("e"))
			want("true", dogs:expire("e", 2))
			want("2", dogs:ttl("e"))
			want("nil not found", dogs:expire("none", 2))
			raises('bad "exptime" argument', dogs.expire, dogs, "e")
			raises('bad "exptime" argument', dogs.set, dogs, "e", 1, -1)`,
		"incr": `
			want("nil not found", dogs:incr("i", 1))
			want("11 nil false", dogs:incr("i", 1, 10))
			want("10.5", dogs:incr("i", -0.5))
			dogs:set("s", "text")
			want("nil not a number", dogs:incr("s", 1))
			want("2 nil false", dogs:incr("t", 1, 1, 0.1))
			want("0.1", dogs:ttl("t"))
			clock = clock + 100
			want("nil not found", dogs:incr("t", 1))
			raises('must provide "init" when providing "init_ttl"', dogs.incr, dogs, "t", 1, nil, 1)
			raises('bad "init_ttl" argument', dogs.incr, dogs, "t", 1, 0, -1)
			raises('bad init arg: number expected, got string', dogs.incr, dogs, "t", 1, "x")`,
		"lists": `
			want("1", dogs:lpush("l", "b"))
			want("2", dogs:lpush("l", "a"))
			want("3", dogs:rpush("l", 3))
			want("3", dogs:llen("l"))
			want("nil value is a list", dogs:get("l"))
			want("a", dogs:lpop("l"))
			want("3", dogs:rpop("l"))
			want("b", dogs:lpop("l"))
			want("nil", dogs:lpop("l"))
			want("0", dogs:llen("l"))
			want("nil bad value type", dogs:lpush("l", true))
			dogs:set("n", 1)
			want("nil value not a list", dogs:lpush("n", 1))
			want("nil value not a list", dogs:rpop("n"))
			want("nil value not a list", dogs:llen("n"))
			dogs:lpush("long", ("x"):rep(10000))
			want("10000", #dogs:lpop("long"))
			dogs:lpush("l", "x"); dogs:expire("l", 0.01); clock = clock + 10
			want("1", dogs:rpush("l", "y"))
			want("0", dogs:ttl("l"))
			raises("expecting 3 arguments, but only seen 2", dogs.lpush, dogs, "l")
			raises("expecting 2 arguments, but only seen 1", dogs.lpop, dogs)`,
		"keys and flushes": `
			for i = 1, 2000 do dogs:set("k" .. i, i) end
			want("1024", #dogs:get_keys())
			want("2000", #dogs:get_keys(0))
			want("k1 k2", unpack(dogs:get_keys(2)))
			dogs:get("k1")
			want("k2", unpack(dogs:get_keys(1)))
			for i = 1, 100 do dogs:expire("k" .. i, 0.01) end
			clock = clock + 10
			want("1900", #dogs:get_keys(0))
			want("42", dogs:flush_expired(42))
			want("58", dogs:flush_expired())
			want("", dogs:flush_all())
			want("0", #dogs:get_keys())
			want("1897", dogs:flush_expired()) -- flush_all itself removes three
			raises("expecting 1 or 2 argument(s), but saw 3", dogs.get_keys, dogs, 1, 2)`,
		"room": `
			want("409600", dogs:capacity())
			want("8192", tiny:free_space())
			want("true nil false", tiny:set("foo", ("a"):rep(4000)))
			want("true nil false", tiny:set("bar", ("b"):rep(4001)))
			want("false no memory false", tiny:safe_set("baz", ("c"):rep(8102)))
			want("true nil true", tiny:set("baz", ("c"):rep(8102)))
			want("nil", tiny:get("foo"))
			want("8102", #tiny:get("baz"))
			want("false no memory true", tiny:set("big", ("c"):rep(80000)))
			want("false no memory false", tiny:set("big", ("c"):rep(80000)))`,
	}
	for name, source := range tests {
		t.Run(name, func(t *testing.T) { luatest.Eval(t, newVM(t, open(t, 400<<10)), source) })
	}
}

// TestLuaCompiles wants the calls inside compiled traces: an interpreted FFI call costs twenty times as much.
func TestLuaCompiles(t *testing.T) {
	vm := newVM(t, open(t, 1<<20))
	luatest.Eval(t, vm, `
		local util = require "jit.util"
		local aborted
		jit.flush()
		dogs:set("n", 0); dogs:set("s", "text")
		for i = 1, 1000 do
			dogs:incr("n", 1); dogs:get("s"); dogs:set("s", "other"); dogs:rpush("l", i); dogs:lpop("l")
		end
		local found
		for i = 1, 50 do
			local info = util.traceinfo(i)
			if info and info.linktype == "loop" then found = true end
		end
		if not found then error("no compiled loop") end
		want("1000", dogs:get("n"))`)
}

// TestKeysInUseStay: a burst that fills the dictionary many times over pushes out what was not used, and hardly anything
// else; in a large one, whose order of use is not exact, too.
func TestKeysInUseStay(t *testing.T) {
	for _, test := range []struct{ size, value int }{
		{256 << 10, 500}, {512 << 10, 500}, {4 << 20, 500}, {600 << 10, 60000}, {1 << 20, 20000},
	} {
		vm := newVM(t, open(t, test.size))
		luatest.Set(t, vm, "count", func(v *luajit.Values) { v.PushInt(test.size * 5 / test.value) })
		luatest.Set(t, vm, "size", func(v *luajit.Values) { v.PushInt(test.value) })
		luatest.Eval(t, vm, `
			dogs:set("a", "used") dogs:set("b", "used")
			for i = 1, count do
				dogs:set("k" .. i, ("v"):rep(size))
				assert(dogs:get("a") and dogs:get("b"), i)
			end
			assert(not dogs:get("k1"))
			local there = 0
			while dogs:get("k" .. count - there) do there = there + 1 end
			local all = #dogs:get_keys(0)
			assert(there > all * 0.99 - 3, there .. " of the newest are there, " .. all .. " in all")`)
	}
}

// TestFailedAddsAreUses: a key that others try to add, such as a lock's, is in use.
func TestFailedAddsAreUses(t *testing.T) {
	for _, size := range []int{64 << 10, 1 << 20} {
		vm := newVM(t, open(t, size))
		luatest.Set(t, vm, "count", func(v *luajit.Values) { v.PushInt(size / 20) })
		luatest.Eval(t, vm, `
			dogs:set("lock", "held") dogs:set("there", 1)
			for i = 1, count do
				assert(not dogs:add("lock", true), i)
				assert(dogs:replace("there", i), i)
				dogs:set("k" .. i, ("v"):rep(100))
			end`)
	}
}

// TestFinalizersMayRead: a finalizer that runs while a value is made a string does not change it.
func TestFinalizersMayRead(t *testing.T) {
	vm := newVM(t, open(t, 1<<20))
	luatest.Eval(t, vm, `
		jit.off()
		dogs:set("other", ("o"):rep(200), 0, 7)
		local function finalizer() dogs:get("other") end
		local value = ("v"):rep(100)
		for i = 1, 50000 do
			if i % 4 == 0 then getmetatable(newproxy(true)).__gc = finalizer end
			dogs:set("k", value .. i)
			local got, flags = dogs:get("k")
			assert(got == value .. i and flags == nil)
		end`)
}
