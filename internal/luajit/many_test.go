package luajit

import (
	"runtime"
	"sync"
	"testing"
)

// VMs made on one thread run on others, several at a time, and are closed.
func TestManyVMs(t *testing.T) {
	const workers, rounds = 4, 10
	for range rounds {
		var wg sync.WaitGroup
		for range workers {
			vm, err := New()
			if err != nil {
				t.Fatal(err)
			}
			primitives(t, vm)
			chunk := load(t, vm, `local s = 0
				for i = 1, 200 do
					local ok = pcall(fail, "x"); if not ok then s = s + 1 end
					s = s + park() - #copy(("y"):rep(i))
				end
				return s`)
			wg.Go(func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				defer vm.Close()
				for range 20 {
					th, err := vm.Start(chunk)
					if err != nil {
						t.Error(err)
						return
					}
					if got := finish(t, th); got != "200" {
						t.Errorf("got %q", got)
					}
				}
			})
		}
		wg.Wait()
	}
}

// The tests of calls again with a collector that never rests, and with
// finalizers that call primitives in the middle of everything.
func TestUnderConstantCollection(t *testing.T) {
	vm := newVM(t)
	primitives(t, vm)
	err := vm.Eval("=gc", `collectgarbage("setpause", 1)
		collectgarbage("setstepmul", 10000)
		local function again()
			local p = newproxy(true)
			getmetatable(p).__gc = function()
				local a, b = copy("in a finalizer", 1)
				assert(a == "in a finalizer" and b == 1)
				if not over then again() end
			end
		end
		for i = 1, 20 do again() end`, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := finish(t, start(t, vm, `for i = 1, 3000 do
			local s = "s" .. i
			local a, n, b = copy(s, i, s .. s)
			assert(a == s and n == i and b == s .. s)
			local co = coroutine.wrap(function(x) local y = park(); return copy(x .. "z") end)
			assert(co(s) == s .. "z")
			local ok, e = pcall(fail, s); assert(not ok and e == s)
		end
		over = true
		return "fine"`))
	if got != "fine" {
		t.Error(got)
	}
	if vm.c.blen != 0 || vm.c.sp != vm.c.frames {
		t.Error("frames or buffer left in use")
	}
}
