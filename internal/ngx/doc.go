// Package ngx is the Lua side of the stream subsystem: the *_by_lua phases and the ngx.* API, as one Module.
//
// # What there is
//
//   - machine (machine.go): one LuaJIT VM with what belongs to it, one for each worker and generation.
//   - request (request.go): what Lua code runs for: a session, from its first Lua phase until it is freed, or one run
//     of a timer. It owns light threads; at the end of a phase all of them go, and what they wait for is cancelled.
//   - coroutine (coroutine.go): a light thread, or a coroutine of Lua's that a call has parked or that has spawned one.
//   - schedule.go decides which thread runs next, in OpenResty's order.
//   - family (families.go): one part of the API, in a Go file, a Lua file of lua/, or both.
//
// # A family
//
// A family lists primitives, which are Lua functions written in Go, and Lua code that makes ngx.* of them. The code
// gets the table of all primitives as "..."; p.base is a table that all families share (base.shared is what Go tells
// without a call, base.get_request() the current request as C code knows it, base.getters and base.setters make keys of
// ngx that are functions, as ngx.ctx). It is listed in families.go.
//
// A plain primitive, which may be called everywhere:
//
//	var worldFamily = family{
//		name: "world",
//		lua:  "world.lua",                            // local p = ...; ngx.double = p.double
//		primitives: []primitive{{name: "double", run: double}},
//	}
//
//	func double(m *machine, c *luajit.Call) luajit.Outcome {
//		n, wrong, ok := number(c, 1)              // arguments.go; results.go: failure, one, succeeded
//		if !ok {
//			return wrong
//		}
//		c.PushNumber(2 * n)
//		return luajit.Return
//	}
//
// "in" restricts it to phases: elsewhere it raises "API disabled in the context of …" and is not called; m.req is
// then never nil. ngx.x = p.x puts the primitive itself into Lua: errors have the caller's position. A wrapper in
// Lua must be a tail call for that, return p.x(...).
//
// A primitive that waits (sleep.go, shortened):
//
//	{name: "sleep", run: sleep, in: yieldable, waits: true}
//
//	func sleep(m *machine, c *luajit.Call) luajit.Outcome {
//		co := m.running(c)
//		co.after(c.Int(1), wake)                  // one timer per coroutine, for timeouts; disarmed by itself
//		return co.park(nil)                       // or park(w): w.cancel(co) is called if the thread goes first
//	}
//
//	func wake(co *coroutine) { co.resume(nil) }       // or resume(pushTrue) and the like: results.go
//
// After park exactly one of resume and w.cancel happens. resume runs Lua: the request, and the session with it, may
// have ended when it returns. When a primitive resumes another coroutine (a semaphore's post), that takes effect at
// the end of the loop's round. "waits: true" refuses calls from where a yield is impossible, so run may arm things
// first and park last.
//
// # What families keep
//
//	var pools = newMachineSlot[poolTable]()           // per machine: pools.of(m)
//	r.readable, r.writable = fn, fn                   // events of the client's connection
//	r.send(bytes)                                     // to the client, behind what ngx.say has said
//
// A Lua module that require loads: modules: map[string]string{"ngx.semaphore": "semaphore.lua"}; its chunk gets the
// primitives as its first argument, then the module's name.
//
// # Rules
//
// All happens on the worker's loop; only Build runs elsewhere. m.worker is nil until the generation starts, so nothing
// can be armed in init_by_lua. Strings of a Call are valid until the primitive returns. No Go pointer goes to Lua.
package ngx
