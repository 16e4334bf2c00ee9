package luajit

import "testing"

// TestBox makes objects as cosockets are: tables with a box in the first place, a metatable, and methods that are
// primitives.
func TestBox(t *testing.T) {
	vm, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	var meta, collected, iterate Ref
	freed := 0
	register := func(name string, f Func, opt Options) Ref {
		ref, err := vm.Register(name, f, opt)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	register("keep", func(c *Call) Outcome {
		meta, collected = c.Ref(1), c.Ref(2)
		return Return
	}, Options{Refs: 3})
	register("new", func(c *Call) Outcome {
		c.NewTable(1, 0)
		c.PushBox(1<<40+7, collected)
		c.SetIndex(1)
		c.SetMetatable(meta)
		return Return
	}, Options{})
	register("number", func(c *Call) Outcome {
		c.PushNumber(float64(c.Box(1)))
		return Return
	}, Options{Boxes: 1})
	register("free", func(c *Call) Outcome {
		if c.Box(1) == 1<<40+7 {
			freed++
		}
		return Return
	}, Options{Boxes: 1})
	register("fields", func(c *Call) Outcome {
		for i := range c.Len() {
			c.PushString(c.Type(i+1).String() + ":" + c.String(i+1))
		}
		return Return
	}, Options{Fields: []string{"pool", "size"}})
	iterate = register("iterate", func(c *Call) Outcome {
		c.PushNumber(float64(c.Box(1)))
		c.PushString(c.String(2) + c.String(3))
		return Return
	}, Options{Boxes: 1})
	register("iterator", func(c *Call) Outcome {
		c.PushArg(1)
		c.PushString("bound ")
		c.PushBound(iterate, 2)
		return Return
	}, Options{})
	err = vm.Prelude("=test", []byte(`
		local p = ...
		p.keep({__index = {number = p.number, iterator = p.iterator}}, {__gc = p.free})
		local o = p.new()
		assert(o:number() == 2^40 + 7)
		assert(p.number(o[1]) == 2^40 + 7)
		assert(p.number({}) == 0 and p.number({io.stdout}) == 0 and p.number(1) == 0 and p.number() == 0)
		local n, s = o:iterator()("own")
		assert(n == 2^40 + 7 and s == "bound own", s)
		local a, b, c, d = p.fields(1, {pool = "x", size = 3})
		assert(a == "number:" and b == "table:" and c == "string:x" and d == "number:")
		assert(select("#", p.fields()) == 2)
		o = nil
		collectgarbage()
		collectgarbage()
	`))
	if err != nil {
		t.Fatal(err)
	}
	if freed != 1 {
		t.Fatalf("%d boxes freed", freed)
	}
}
