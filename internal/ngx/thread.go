package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
)

// threadFamily is ngx.thread.* (ngx_stream_lua_uthread.c).
var threadFamily = family{
	name: "thread",
	lua:  "thread.lua",
	primitives: []primitive{
		{name: "thread_spawn", run: spawnThread, in: yieldable, opt: luajit.Options{Spawn: 1, Fast: luajit.FastSpawn}},
		{name: "thread_wait", run: waitThread, in: yieldable, waits: true, opt: luajit.Options{Fast: luajit.FastWait}},
		{name: "thread_kill", run: killThread, in: yieldable},
	},
}

// spawnThread(f, …) runs f as a light thread until it first waits; the caller goes on behind what is posted.
func spawnThread(m *machine, c *luajit.Call) luajit.Outcome {
	t := c.ThreadAt(1)
	if !c.CanYield() {
		t.Release()
		return c.RaiseNoYield()
	}
	m.spawned(t, c.Thread())
	return luajit.Spawned
}

// spawned makes t, which parent has spawned, a light thread that runs. One that ends before Go hears of it is none.
func (m *machine) spawned(t, parent *luajit.Thread) {
	child := m.child(t, parent)
	m.req.live++
	m.req.post(posting{co: child.parent, spawned: child})
}

// child makes t a light thread of its parent's request. A coroutine that Lua code made belongs to none: it may be kept, and
// be resumed for one request after another.
func (m *machine) child(t, parent *luajit.Thread) *coroutine {
	p, r := m.coroutineOf(parent), m.req
	if p.light {
		r = p.req
	}
	child := r.adopt(t)
	child.parent, child.parentBirth = p, p.birth
	return child
}

// waitThread(…) returns what the first of the light threads to end returns.
func waitThread(m *machine, c *luajit.Call) luajit.Outcome {
	co, n := m.running(c), c.Len()
	for i := 1; i <= n; i++ {
		if c.Type(i) != luajit.Coroutine {
			return c.RaiseArg(i, "lua thread expected")
		}
		child := m.lightThread(c, i)
		if child == nil && c.ThreadAt(i) != nil {
			return c.Raise("attempt to wait on a coroutine that is not a user thread")
		}
		if child == nil {
			if i < n {
				continue
			}
			return failure(c, "already waited or killed")
		}
		if child.parent != co || child.parentBirth != co.birth || child.req != m.req {
			return c.Raise("only the parent coroutine can wait on the thread")
		}
		if child.zombie {
			co.forget(child)
			child.giveResults(&c.Values)
			return luajit.Return
		}
	}
	if n == 0 {
		return co.park(nil)
	}
	out := co.park(nil)
	for i := 1; i <= n; i++ {
		if child := m.lightThread(c, i); child != nil {
			child.waitedAt = co.parks
		}
	}
	return out
}

// lightThread is the light thread that argument i is, nil when it is none or was released.
func (m *machine) lightThread(c *luajit.Call, i int) *coroutine {
	t := c.ThreadAt(i)
	if t == nil {
		return nil
	}
	co, _ := t.Data.(*coroutine)
	if co == nil {
		return m.zombie(t)
	}
	if !co.light || co.entry() {
		return nil
	}
	return co
}

// zombie is the light thread that has ended before Go heard of it; nil when t is none.
func (m *machine) zombie(t *luajit.Thread) *coroutine {
	parent := t.TakeZombie()
	if parent == nil {
		return nil
	}
	child := m.child(t, parent) // the one who asks may run for another request
	child.zombie = true
	child.parent.zombies = append(child.parent.zombies, child)
	return child
}

func (co *coroutine) entry() bool { return co.req.entry == co }

// forget takes an ended child off the list of those to be asked for.
func (co *coroutine) forget(child *coroutine) {
	for i, z := range co.zombies {
		if z == child {
			co.zombies = append(co.zombies[:i], co.zombies[i+1:]...)
			return
		}
	}
}

// killThread(thread) ends a light thread that the caller has spawned.
func killThread(m *machine, c *luajit.Call) luajit.Outcome {
	if c.Type(1) != luajit.Coroutine {
		return c.RaiseArg(1, "lua thread expected")
	}
	co := m.running(c)
	child := m.lightThread(c, 1)
	if child == nil && c.ThreadAt(1) != nil {
		return failure(c, "not user thread")
	}
	if child == nil {
		return failure(c, "already waited or killed")
	}
	if child.parent != co || child.parentBirth != co.birth {
		return failure(c, "killer not parent")
	}
	if child.zombie {
		co.forget(child)
		child.release()
		return failure(c, "already terminated")
	}
	child.req.live--
	child.release()
	return one(c)
}
