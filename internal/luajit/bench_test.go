package luajit

import "testing"

// loop runs body b.N times in one thread; the primitive "yes" takes part.
func loop(b *testing.B, body string) {
	vm := newVM(b)
	register(b, vm, "yes", Options{}, func(c *Call) Outcome { return Return })
	register(b, vm, "add", Options{}, func(c *Call) Outcome {
		c.PushNumber(c.Number(1) + c.Number(2))
		return Return
	})
	register(b, vm, "str", Options{}, func(c *Call) Outcome {
		c.PushBytes(c.Bytes(1))
		return Return
	})
	register(b, vm, "park", Options{}, func(c *Call) Outcome { return Yield })
	th := start(b, vm, `local n = ...; local yes, add, str, park = yes, add, str, park
		local s = ("x"):rep(64); `+body)
	th.Args().PushInt(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	state := th.Resume()
	for state == Parked {
		state = th.Resume()
	}
	if state != Done {
		b.Fatal(th.Err())
	}
	b.StopTimer()
	th.Release()
}

func BenchmarkCall(b *testing.B)       { loop(b, `for i = 1, n do yes() end`) }
func BenchmarkCallAdd(b *testing.B)    { loop(b, `for i = 1, n do add(i, 1) end`) }
func BenchmarkCallString(b *testing.B) { loop(b, `for i = 1, n do str(s) end`) }
func BenchmarkCallPcall(b *testing.B)  { loop(b, `for i = 1, n do pcall(yes) end`) }
func BenchmarkPark(b *testing.B)       { loop(b, `for i = 1, n do park() end`) }
func BenchmarkCoroutine(b *testing.B) {
	loop(b, `local co = coroutine.create(function() while true do coroutine.yield() end end)
		for i = 1, n do coroutine.resume(co) end`)
}
func BenchmarkCoroutineCreate(b *testing.B) {
	loop(b, `local f = function() end; for i = 1, n do coroutine.resume(coroutine.create(f)) end`)
}

func BenchmarkStartDone(b *testing.B) {
	vm := newVM(b)
	chunk := load(b, vm, `return`)
	b.ReportAllocs()
	for b.Loop() {
		th, err := vm.Start(chunk)
		if err != nil {
			b.Fatal(err)
		}
		th.Resume()
		th.Release()
	}
}
