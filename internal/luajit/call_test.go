package luajit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"unsafe"
)

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'g', 14, 64) }

// primitives registers what the tests call.
func primitives(t testing.TB, vm *VM) {
	register(t, vm, "park", Options{}, func(c *Call) Outcome {
		if !c.CanYield() {
			return c.RaiseNoYield()
		}
		return Yield
	})
	register(t, vm, "echo", Options{}, func(c *Call) Outcome {
		for i := 1; i <= c.Len(); i++ {
			c.PushArg(i)
		}
		return Return
	})
	register(t, vm, "copy", Options{}, func(c *Call) Outcome {
		for i := 1; i <= c.Len(); i++ {
			switch c.Type(i) {
			case String:
				c.PushBytes(c.Bytes(i))
			case Number:
				c.PushNumber(c.Number(i))
			case Bool:
				c.PushBool(c.Bool(i))
			default:
				c.PushNil()
			}
		}
		return Return
	})
	register(t, vm, "fail", Options{}, func(c *Call) Outcome { return c.Raise(c.String(1)) })
	register(t, vm, "failraw", Options{}, func(c *Call) Outcome { return c.RaiseRaw(c.String(1)) })
	register(t, vm, "failarg", Options{}, func(c *Call) Outcome { return c.RaiseArg(1, c.String(1)) })
	register(t, vm, "boom", Options{}, func(c *Call) Outcome { panic(errors.New("kaboom")) })
}

func TestYieldAnywhere(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	runAll(t, vm, []source{
		{"plain", `return park()`, "1"},
		{"pcall", `return pcall(function() return park() + park() end)`, "true 3"},
		{"pcall of the primitive", `return pcall(park)`, "true 1"},
		{"xpcall", `return xpcall(function() local x = park(); error("e" .. x, 0) end,
			function(m) return "H" .. m end)`, "false He1"},
		{"metamethod", `local t = setmetatable({}, {__index = function(_, k) return park() + k end,
			__add = function() return park() end})
			return t[10], t + 1`, "11 2"},
		{"iterator", `local s = 0; for v in function() local v = park(); if v < 4 then return v end end do
			s = s + v end; return s`, "6"},
		{"below gsub", `return pcall(string.gsub, "a", "a", park)`,
			"false attempt to yield across C-call boundary"},
		{"in a coroutine", `local co = coroutine.create(function(a) local b = park()
			local c = coroutine.yield(a + b); return c, park() end)
			local _, x = coroutine.resume(co, 5)
			local ok, y, z = coroutine.resume(co, "c")
			return x, ok, y, z, coroutine.status(co)`, "6 true c 2 dead"},
		{"coroutine in coroutine", `local function gen(n) return coroutine.wrap(function()
			for i = 1, n do park(); coroutine.yield(i) end end) end
			local g = coroutine.wrap(function() for v in gen(3) do coroutine.yield(v * 10) end end)
			local s = 0; for v in g do s = s + v end; return s`, "60"},
	})
}

func TestErrors(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	runAll(t, vm, []source{
		{"raise", "\nfail('bad')", "error: test:2: bad"},
		{"raise caught", `return pcall(fail, 'bad')`, "false bad"},
		{"raise raw", `failraw('bad')`, "error: bad"},
		{"raise argument", `failarg('bad')`, "error: test:1: bad argument #1 to 'failarg' (bad)"},
		{"panic", `boom()`, "error: test:1: panic: kaboom"},
		{"panic caught", `local ok, e = pcall(boom); return ok, e, copy(1)`, "false panic: kaboom 1"},
		{"error object", `error({})`, "error: unknown reason"},
		{"in coroutine", `return coroutine.resume(coroutine.create(function() fail("x") end))`,
			"false test:1: x"},
		{"through wrap", `return pcall(coroutine.wrap(function() park(); fail("x") end))`,
			"false test:1: x"},
	})
	if got := finish(t, start(t, vm, `return copy("alive")`)); got != "alive" {
		t.Errorf("after errors: %q", got)
	}
}

func TestFrames(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	runAll(t, vm, []source{
		{"types", `return copy(nil, true, false, -0.5, "s")`, "nil true false -0.5 s"},
		{"none", `return select('#', copy())`, "0"},
		{"zeros", `return copy("a\0b\0") == "a\0b\0", #copy("")`, "true 0"},
		{"large", `local s = ("x"):rep(1e7) .. "\0y"; return copy(s, s) == s`, "true"},
		{"many", `local t = {}; for i = 1, 3500 do t[i] = i end
			local r = {copy(unpack(t))}; return #r, r[3500]`, "3500 3500"},
		{"echo", `local t, f = {}, print; local a, b = echo(t, f); return a == t, b == f`, "true true"},
	})
}

func TestTables(t *testing.T) {
	vm := newVM(t)
	register(t, vm, "make", Options{}, func(c *Call) Outcome {
		c.NewTable(2, 1)
		c.PushString("one")
		c.SetIndex(1)
		c.NewTable(0, 1)
		c.PushBool(true)
		c.SetField("deep")
		c.SetField("t")
		c.PushInt(7)
		return Return
	})
	runAll(t, vm, []source{{"nested", `local t, n = make(); return t[1], t.t.deep, n`, "one true 7"}})
}

func TestNested(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	register(t, vm, "run", Options{Spawn: 2}, func(c *Call) Outcome {
		c.PushString("before")
		th := c.ThreadAt(2)
		defer th.Release()
		args := th.Args()
		args.PushString("premature")
		if th.Resume() != Done {
			return c.RaiseRaw("inner: " + th.Err().Error())
		}
		r := th.Results()
		c.PushString(c.String(1) + "/" + r.String(1))
		return Return
	})
	runAll(t, vm, []source{
		{"one", `return run("a", function(p, x, y) return p .. x .. copy(y) end, 1, "z")`,
			"before a/premature1z"},
		{"deep", `local function f(n) if n == 0 then return "end" end
			return (select(2, run(tostring(n), function() return copy(f(n - 1)) end))) end
			return f(5)`, "5/4/3/2/1/end"},
		{"error", `local ok, e = pcall(run, "a", function() error("in", 0) end); return ok, e`,
			"false inner: in"},
		{"no function", `return pcall(run, "a", 1)`, "false bad argument #2 to '?' (Lua function expected)"},
	})
}

func TestPushEnded(t *testing.T) {
	for _, c := range []struct {
		name, source string
		state        State
		want         []string
	}{
		{"results", `return "a", nil, "c"`, Done, []string{"true", "a", "nil", "c"}},
		{"no results", `return`, Done, []string{"true"}},
		{"many results", `return unpack({}, 1, 5000)`, Done, nil},
		{"error", `local a = nil + 1`, Failed, []string{"false", "test:1: attempt to perform arithmetic on a nil value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			vm := newVM(t)
			primitives(t, vm)
			to := start(t, vm, `local function strings(...)
				local all = {}
				for i = 1, select("#", ...) do all[i] = tostring((select(i, ...))) end
				return unpack(all)
			end
			return strings(park())`)
			from := start(t, vm, c.source)
			if to.Resume() != Parked || from.Resume() != c.state {
				t.Fatal("did not park, or end")
			}
			to.Args().PushEnded(from, c.state == Done)
			if s := to.Resume(); s != Done {
				t.Fatal("state", s)
			}
			if from.Alive() {
				t.Error("is not released")
			}
			r := to.Results()
			if c.want == nil {
				if r.Len() != 5001 {
					t.Errorf("%d results", r.Len())
				}
				return
			}
			var got []string
			for i := range r.Len() {
				got = append(got, r.String(i+1))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			to.Release()
		})
	}
}

func TestSpawned(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	var parents, children []*Thread
	register(t, vm, "spawn", Options{Spawn: 1}, func(c *Call) Outcome {
		parents = append(parents, c.Thread())
		children = append(children, c.ThreadAt(1))
		return Spawned
	})
	main := start(t, vm, `local function leaf(n) return park(), n end
		local function branch(n) return spawn(leaf, n + 1), n end
		return spawn(branch, 1)`)
	if s := main.Resume(); s != Parked || main.Stopped() != children[1] {
		t.Fatal("state", s)
	}
	if parents[0] != main || parents[1] != children[0] {
		t.Error("parents are wrong")
	}
	children[1].Args().PushString("a")
	if s := children[1].Resume(); s != Done {
		t.Fatal("state", s)
	}
	if r := children[1].Results(); r.String(1) != "a" || r.Number(2) != 2 {
		t.Errorf("%q, %v", r.String(1), r.Number(2))
	}
	for i, want := range []string{"b", "c"} {
		th := parents[1-i]
		th.Args().PushString(want)
		if s := th.Resume(); s != Done {
			t.Fatal("state", s)
		}
		if r := th.Results(); r.String(1) != want {
			t.Errorf("%q, want %q", r.String(1), want)
		}
	}
	for _, th := range append(children, main) {
		th.Release()
	}
}

func TestFlatten(t *testing.T) {
	vm := newVM(t)
	text := func(c *Call) Outcome {
		c.PushBytes(c.Bytes(c.Len()))
		return Return
	}
	register(t, vm, "send", Options{Flat: 1, FlatMode: FlattenSend}, text)
	register(t, vm, "say", Options{Flat: 1, FlatMode: FlattenSay, Newline: true}, text)
	register(t, vm, "log", Options{Flat: 2, FlatMode: FlattenLog}, text)
	register(t, vm, "where", Options{Where: true}, text)
	vm.SetGlobal("null", func(v *Values) { v.PushNull() })
	vm.SetLogLevel(5)
	runAll(t, vm, []source{
		{"send string", `return send("ab\0c") == "ab\0c"`, "true"},
		{"send table", `return send{"a", 1, {"b", {2.5}}, 1e15, -3}`, "a1b2.51e+15-3"},
		{"send nil", `return send(nil) .. send(true)`, "niltrue"},
		{"send function", `send(print)`,
			"error: test:1: bad argument #1 to 'send' (string, number, boolean, nil, or array table expected, got function)"},
		{"send strict", `send{true}`, "error: test:1: bad argument #1 to 'send' (bad data type boolean found)"},
		{"send hash", `send{a=1}`, "error: test:1: bad argument #1 to 'send' (non-array table found)"},
		{"send nested error", `send{{{print}}}`, "error: test:1: bad argument #1 to 'send' (bad data type function found)"},
		{"say", `return say("a", 1, nil, true, {false, "x"}, null)`, "a1niltruefalsexnull\n"},
		{"say nothing", `return say()`, "\n"},
		{"say function", `say(1, print)`,
			"error: test:1: bad argument #2 to 'say' (string, number, boolean, nil, ngx.null, or array table expected, but got function)"},
		{"log", `return log(4, "a", setmetatable({}, {__tostring = function() return "T" end}), 2)`, "aT2"},
		{"log filtered", `return select('#', log(6, "a"))`, "0"},
		{"log table", `log(4, {})`, "error: test:1: bad argument #2 to 'log' (expected table to have __tostring metamethod)"},
		{"numbers", `return say(0.1, " ", 1/0, " ", -1/0, " ", 2^53, " ", 1e100)`,
			"0.1 inf -inf 9.007199254741e+15 1e+100\n"},
		{"where", "local function f() return (where()) end\nlocal x = f(); return x", "test:1: f(): "},
		{"sparse", `return say{[3] = "x"}`, "nilnilx\n"},
	})
	if vm.c.blen != 0 || vm.c.sp != vm.c.frames {
		t.Errorf("buffer %d, frames %d left in use", vm.c.blen,
			uintptr(unsafe.Pointer(vm.c.sp))-uintptr(unsafe.Pointer(vm.c.frames)))
	}
}

func TestRefs(t *testing.T) {
	vm := newVM(t)
	var kept Ref
	register(t, vm, "keep", Options{Refs: 1 << 1}, func(c *Call) Outcome {
		if c.Type(2) != Function {
			return c.RaiseArg(2, "function expected, got "+fmt.Sprint(c.Type(2)))
		}
		kept = c.Ref(2)
		return Return
	})
	if got := finish(t, start(t, vm, `keep(1, function(x) return x * 2 end)`)); got != "" {
		t.Fatal(got)
	}
	var got float64
	err := vm.Call(kept, func(v *Values) { v.PushNumber(21) }, func(r Results) { got = r.Number(1) })
	if err != nil || got != 42 {
		t.Errorf("got %v, %v", got, err)
	}
	vm.Unref(kept)
}
