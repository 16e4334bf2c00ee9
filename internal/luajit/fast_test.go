package luajit

import (
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestFastBoxes makes objects in C, gives some of them numbers, and lets Lua collect all.
func TestFastBoxes(t *testing.T) {
	vm, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if vm != nil {
			vm.Close()
		}
	}()
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(page)
	where := (*int32)(unsafe.Pointer(unsafe.SliceData(page)))
	var told []uint64 // by calls, not by Collected
	asked, next := 0, uint64(0)
	for _, p := range []struct {
		name string
		f    Func
		opt  Options
	}{
		{"keep", func(c *Call) Outcome { vm.SetBoxes(c.Ref(1), c.Ref(2), where, 6); return Return }, Options{Refs: 3}},
		{"new", func(*Call) Outcome { asked++; return Return }, Options{Fast: FastNew}},
		{"number", func(c *Call) Outcome {
			if c.Box(1) == 0 && c.HasBox(1) {
				next++
				c.SetBox(1, next)
			}
			c.PushNumber(float64(c.Box(1)))
			return Return
		}, Options{Boxes: 1}},
		{"drop", func(c *Call) Outcome { c.SetBox(1, 0); return Return }, Options{Boxes: 1}},
		{"collect", func(c *Call) Outcome { told = append(told, c.Box(1)); return Return }, Options{Boxes: 1, Fast: FastCollect}},
	} {
		if _, err := vm.Register(p.name, p.f, p.opt); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code string) {
		t.Helper()
		if err := vm.Prelude("=test", []byte(code)); err != nil {
			t.Fatal(err)
		}
	}
	run(`local p = ...
		meta = { __index = p }
		p.keep(meta, { __gc = p.collect })
		assert(p.new() == nil) -- not allowed here`)
	*where = 4
	run(`local p = ...
		assert(select("#", p.new(1)) == 0) -- C makes none of arguments
		local a, b = p.new(), p.new()
		assert(getmetatable(a) == meta and a ~= b)
		assert(a:number() == 1 and b:number() == 2 and a:number() == 1)
		assert(p.number({}) == 0 and p.number() == 0)
		p.new() -- never gets a number
		local c = p.new()
		assert(c:number() == 3)
		c:drop()
		assert(c:number() == 4) -- and is told of as that
		c = p.new()
		c:number()
		c:drop() -- has none any more
		kept = p.new()
		kept:number()`)
	if asked != 2 {
		t.Errorf("Go was asked for %d objects, want 2", asked)
	}
	run(`collectgarbage() collectgarbage()`)
	got := slices.Clone(vm.Collected())
	if slices.Sort(got); !slices.Equal(got, []uint64{1, 2, 4}) || len(told) != 0 || len(vm.Collected()) != 0 {
		t.Errorf("collected %v, told %v", got, told)
	}
	run(`local p = ...
		for i = 1, 1000 do p.new():number() end
		collectgarbage() collectgarbage()`)
	if n := len(vm.Collected()); n == 0 || n+len(told) != 1000 {
		t.Errorf("collected %d, told %d; want 1000 together", n, len(told))
	}
	told = nil
	vm.Close()
	vm = nil
	if !slices.Equal(told, []uint64{6}) {
		t.Errorf("at Close: told %v, want [6]", told)
	}
}

// TestForget drops more items than are kept at once, and finds none of them when Lua runs next.
func TestForget(t *testing.T) {
	vm, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	var table Ref
	if _, err := vm.Register("keep", func(c *Call) Outcome { table = c.Ref(1); return Return }, Options{Refs: 1}); err != nil {
		t.Fatal(err)
	}
	const items = 1000
	if err := vm.Prelude("=test", []byte(`items = {} for i = 1, 1000 do items[i] = {} end (...).keep(items)`)); err != nil {
		t.Fatal(err)
	}
	for i := range items {
		if i%10 != 0 {
			vm.Forget(table, i+1)
		}
	}
	err = vm.Eval("=test", `local n = 0 for i = 1, 1000 do if items[i] then n = n + 1 assert(i % 10 == 1) end end return n`,
		func(r Results) {
			if r.Number(1) != items/10 {
				t.Errorf("%v items are left", r.Number(1))
			}
		})
	if err != nil {
		t.Error(err)
	}
}
