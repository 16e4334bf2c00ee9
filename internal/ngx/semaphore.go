package ngx

import (
	"slices"

	"github.com/weirproxy/weir/internal/luajit"
)

// semaphoreFamily is the module ngx.semaphore (ngx_stream_lua_semaphore.c). Lua holds a semaphore's number.
var semaphoreFamily = family{
	name:    "semaphore",
	modules: map[string]string{"ngx.semaphore": "semaphore.lua"},
	primitives: []primitive{
		{name: "sema_new", run: newSemaphore},
		{name: "sema_free", run: freeSemaphore},
		{name: "sema_wait", run: waitSemaphore},
		{name: "sema_post", run: postSemaphore},
		{name: "sema_count", run: countSemaphore},
	},
}

// semaphore counts resources, and keeps in order who waits for one.
type semaphore struct {
	m       *machine
	count   int
	waiting []*coroutine
	posted  bool // wake runs at the end of the round
}

// semaphoreTable are a machine's semaphores by number, from 1.
type semaphoreTable struct {
	all  []*semaphore
	free []int
}

var semaphores = newMachineSlot[semaphoreTable]()

func newSemaphore(m *machine, c *luajit.Call) luajit.Outcome {
	table := semaphores.of(m)
	s := &semaphore{m: m, count: c.Int(1)}
	if n := len(table.free); n > 0 {
		id := table.free[n-1]
		table.free = table.free[:n-1]
		table.all[id-1] = s
		c.PushInt(id)
		return luajit.Return
	}
	table.all = append(table.all, s)
	c.PushInt(len(table.all))
	return luajit.Return
}

func freeSemaphore(m *machine, c *luajit.Call) luajit.Outcome {
	table := semaphores.of(m)
	if m.semaphore(c) == nil {
		return luajit.Return
	}
	table.all[c.Int(1)-1] = nil
	table.free = append(table.free, c.Int(1))
	return luajit.Return
}

// semaphore is that of argument 1, nil when it is gone: a finalizer may use one whose own has run.
func (m *machine) semaphore(c *luajit.Call) *semaphore {
	all, id := semaphores.of(m).all, c.Int(1)
	if id < 1 || id > len(all) {
		return nil
	}
	return all[id-1]
}

const semaphoreGone = "semaphore is gone"

// waitSemaphore(id, milliseconds) takes a resource.
func waitSemaphore(m *machine, c *luajit.Call) luajit.Outcome {
	if refusal := m.refusal(yieldable); refusal != "" {
		return failure(c, refusal)
	}
	s := m.semaphore(c)
	if s == nil {
		return failure(c, semaphoreGone)
	}
	if s.count > 0 && len(s.waiting) == 0 {
		s.count--
		return succeeded(c)
	}
	ms := int64(c.Number(2))
	if ms == 0 {
		return failure(c, "timeout")
	}
	if !c.CanYield() {
		return c.RaiseNoYield()
	}
	co := m.running(c)
	s.waiting = append(s.waiting, co)
	co.after(ms, semaphoreTimedOut)
	return co.park(s)
}

func semaphoreTimedOut(co *coroutine) {
	co.waiter.cancel(co)
	co.resume(pushTimeout)
}

func pushTimeout(v *luajit.Values) {
	v.PushBool(false) // not nil, as OpenResty
	v.PushString("timeout")
}

// cancel implements waiter.
func (s *semaphore) cancel(co *coroutine) {
	if i := slices.Index(s.waiting, co); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
}

// postSemaphore(id, n) gives resources; who waits goes on at the end of the loop's round.
func postSemaphore(m *machine, c *luajit.Call) luajit.Outcome {
	s := m.semaphore(c)
	if s == nil {
		return c.Raise(semaphoreGone)
	}
	s.count += c.Int(2)
	if len(s.waiting) > 0 && !s.posted {
		s.posted = true
		m.worker.Loop.Next(s.wake)
	}
	return luajit.Return
}

func (s *semaphore) wake() {
	s.posted = false
	for s.count > 0 && len(s.waiting) > 0 {
		co := s.waiting[0]
		s.waiting = slices.Delete(s.waiting, 0, 1)
		s.count--
		co.resume(pushTrue)
	}
}

func countSemaphore(m *machine, c *luajit.Call) luajit.Outcome {
	s := m.semaphore(c)
	if s == nil {
		return c.Raise(semaphoreGone)
	}
	c.PushInt(s.count - len(s.waiting))
	return luajit.Return
}
