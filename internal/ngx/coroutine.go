package ngx

import (
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
)

// coroutine is a light thread, or a coroutine of Lua's that a call has parked or that has spawned one. A call that must
// wait does
//
//	co := m.running(c)
//	…                              // remember co, and have somebody call co.resume
//	return co.park(w)              // w.cancel is called when the thread is killed or the request ends first
//
// and when the event has come, on the worker's loop:
//
//	co.resume(pushTrue)            // or another function that pushes what the call returns
//
// After park, exactly one of resume and w.cancel happens.
type coroutine struct {
	m      *machine
	thread *luajit.Thread
	req    *request
	birth  uint64 // tells the lives of a reused struct apart

	waiter  waiter
	parked  bool
	parks   uint64 // counts park
	timer   loop.Timer
	onTimer func(co *coroutine)

	zombies []*coroutine // its light threads that have ended and were not waited for

	// Of light threads only:
	light       bool
	dead        bool   // ended or killed
	zombie      bool   // ended, and its parent has not asked for the results
	failed      bool   // ended by an error
	waitedAt    uint64 // the parent.parks that waits for it
	parent      *coroutine
	parentBirth uint64
	prev, next  *coroutine // in the request's list of light threads
}

// waiter is what a parked coroutine waits for.
type waiter interface {
	// cancel takes back what was asked for. co will not be resumed.
	cancel(co *coroutine)
}

// running is the coroutine that makes the call. It is nil on the main state.
func (m *machine) running(c *luajit.Call) *coroutine {
	t := c.Thread()
	if t == nil {
		return nil
	}
	return m.coroutineOf(t)
}

// coroutineOf is the coroutine of a thread, made at first sight for those that Lua code creates.
func (m *machine) coroutineOf(t *luajit.Thread) *coroutine {
	if co, ok := t.Data.(*coroutine); ok {
		return co
	}
	m.lastBirth++
	co := &coroutine{m: m, thread: t, req: m.req, birth: m.lastBirth}
	co.timer.Handler = co
	t.Data = co
	return co
}

// adopt makes t a light thread of r.
func (r *request) adopt(t *luajit.Thread) *coroutine {
	m := r.m
	var co *coroutine
	if n := len(m.idleCoroutines); n > 0 {
		co = m.idleCoroutines[n-1]
		m.idleCoroutines = m.idleCoroutines[:n-1]
	} else {
		co = &coroutine{m: m}
		co.timer.Handler = co
	}
	m.lastBirth++
	co.birth, co.thread, co.req, co.light, co.dead = m.lastBirth, t, r, true, false
	t.Data = co
	t.SetExdata(r.exdata())
	co.next = r.threads
	if r.threads != nil {
		r.threads.prev = co
	}
	r.threads = co
	return co
}

// release lets a light thread go, whatever it does.
func (co *coroutine) release() {
	r, m := co.req, co.m
	if co.thread.Alive() {
		if active := co.thread.Active(); active != co.thread {
			if leaf, ok := active.Data.(*coroutine); ok {
				leaf.cancel()
			}
		}
	}
	co.cancel()
	co.thread.Release()
	if co.prev == nil {
		r.threads = co.next
	} else {
		co.prev.next = co.next
	}
	if co.next != nil {
		co.next.prev = co.prev
	}
	zombies := co.zombies[:0]
	*co = coroutine{m: m, parks: co.parks, zombies: zombies, dead: true}
	co.timer.Handler = co
	if len(m.idleCoroutines) < 256 {
		m.idleCoroutines = append(m.idleCoroutines, co)
	}
}

// park has the call that co makes wait. w may be nil: then only the timer that co.after has armed is taken back.
func (co *coroutine) park(w waiter) luajit.Outcome {
	co.waiter, co.parked = w, true
	co.req = co.m.req
	co.parks++
	return luajit.Yield
}

// after has fn called on the loop in so many milliseconds, unless co is resumed or cancelled before. There is one
// such timer for each coroutine.
func (co *coroutine) after(ms int64, fn func(co *coroutine)) {
	co.onTimer = fn
	co.m.worker.Loop.Arm(&co.timer, ms)
}

// Expired implements loop.Expirer.
func (co *coroutine) Expired() { co.onTimer(co) }

// cancel tells what co waits for that it does not wait any more.
func (co *coroutine) cancel() {
	if !co.parked {
		return
	}
	w := co.waiter
	co.unpark()
	if w != nil {
		w.cancel(co)
	}
}

func (co *coroutine) unpark() {
	co.waiter, co.parked = nil, false
	if co.timer.Armed() {
		co.m.worker.Loop.Disarm(&co.timer)
	}
}

// resume ends co's waiting: the call returns what push pushes (nil: nothing), and the request's threads run until all
// of them wait. The request may have ended when it returns. Called while Lua code runs, by a primitive, it takes
// effect at the end of the loop's round.
func (co *coroutine) resume(push func(v *luajit.Values)) {
	if !co.parked {
		return
	}
	if co.m.depth > 0 {
		co.resumeLater(push)
		return
	}
	co.unpark()
	co.req.run(posting{co: co, push: push})
}

// resumeLending is resume that lends C the socket that co has waited for.
func (co *coroutine) resumeLending(push func(v *luajit.Values), s *socket) {
	if co.m.depth > 0 || !co.parked {
		co.resume(push)
		return
	}
	co.unpark()
	co.req.run(posting{co: co, push: push, lends: s})
}

// resumeLater is resume at the end of the loop's round. What co waited for will not be cancelled.
func (co *coroutine) resumeLater(push func(v *luajit.Values)) {
	if !co.parked {
		return
	}
	co.unpark()
	co.parked = true
	parks := co.parks
	co.m.worker.Loop.Next(func() {
		if co.parked && co.parks == parks {
			co.resume(push)
		}
	})
}

// isAlive tells that co has not ended and was not killed.
func (co *coroutine) isAlive() bool {
	return !co.dead && !co.zombie && co.thread.Alive() && co.thread.Status() != luajit.StatusDead
}

// livingParent is the coroutine that spawned co, nil when that one has ended.
func (co *coroutine) livingParent() *coroutine {
	p := co.parent
	if p == nil || p.birth != co.parentBirth || !p.isAlive() {
		return nil
	}
	return p
}
