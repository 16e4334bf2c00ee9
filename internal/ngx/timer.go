package ngx

import (
	"fmt"
	"net/netip"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// timerFamily is ngx.timer.* (ngx_stream_lua_timer.c).
var timerFamily = family{
	name: "timer",
	lua:  "timer.lua",
	primitives: []primitive{
		{name: "timer", run: newTimer, opt: luajit.Options{Refs: 2}},
		{name: "timer_counts", run: countTimers},
		{name: "timer_keep", run: func(m *machine, c *luajit.Call) luajit.Outcome {
			m.definition = c.Ref(1)
			return luajit.Return
		}, opt: luajit.Options{Refs: 1}},
	},
}

// timers are the timers of a worker and generation. Those of sessions' own machines are with the worker's.
type timers struct {
	first            *timer // the pending ones
	pending, running int64
}

// timer is a pending timer, or what a run of one knows of who has made it.
type timer struct {
	m         *machine
	function  luajit.Ref
	every     int64 // milliseconds; 0: once
	premature bool
	timer     loop.Timer

	server   *stream.Server
	remote   netip.AddrPort
	listener *stream.Listener

	prev, next *timer
}

// root is the machine that counts the timers.
func (m *machine) root() *machine {
	if m.parent != nil {
		return m.parent
	}
	return m
}

// exiting tells that no new timers run but those for at once (ngx_exiting).
func (m *machine) exiting() bool {
	return m.root().retired || m.worker != nil && m.worker.Stopping()
}

// newTimer(milliseconds, f, every) has f called later.
func newTimer(m *machine, c *luajit.Call) luajit.Outcome {
	f, ms := c.Ref(2), int64(c.Number(1))
	refuse := func(message string) luajit.Outcome {
		m.vm.Unref(f)
		return failure(c, message)
	}
	if m.req == nil {
		m.vm.Unref(f)
		return c.Raise("no request")
	}
	root := m.root()
	if m.exiting() && ms > 0 {
		return refuse("process exiting")
	}
	if root.timers.pending >= root.main.maxPending.Or(root.main.maxPending, 1024).V {
		return refuse("too many pending timers")
	}
	t := &timer{m: m, function: f}
	if c.Bool(3) {
		t.every = ms
	}
	t.timer.Handler = t
	t.remember(m.req)
	t.arm(ms)
	return one(c)
}

// remember keeps what log lines of the timer tell of the request that has made it.
func (t *timer) remember(r *request) {
	switch {
	case r.session != nil:
		s := r.session
		t.server, t.remote, t.listener = s.Server, s.Remote, s.Listener()
	case r.timer != nil:
		t.server, t.remote, t.listener = r.timer.server, r.timer.remote, r.timer.listener
	}
}

func (t *timer) arm(ms int64) {
	m := t.m
	all := &m.root().timers
	all.pending++
	t.prev, t.next = nil, all.first
	if all.first != nil {
		all.first.prev = t
	}
	all.first = t
	m.hold()
	m.worker.Loop.Arm(&t.timer, ms)
}

// hold keeps the machine alive until release.
func (m *machine) hold() {
	m.users++
	m.worker.Hold(m.config)
}

func (m *machine) release() {
	w, c := m.worker, m.config
	if m.session {
		m.drop()
	} else {
		m.users--
	}
	w.Release(c)
}

func (all *timers) unlink(t *timer) {
	all.pending--
	if t.prev == nil {
		all.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
}

// Expired implements loop.Expirer.
func (t *timer) Expired() {
	m := t.m
	root := m.root()
	root.timers.unlink(t)
	again := t.every > 0 && !t.premature && !m.exiting()
	if again {
		t.arm(t.every)
	} else {
		m.hold()
	}
	t.run()
	if !again {
		m.vm.Unref(t.function)
		m.release()
	}
	m.release()
}

// run calls the function.
func (t *timer) run() {
	m := t.m
	all := &m.root().timers
	most := m.main.maxRunning.Or(m.main.maxRunning, 256).V
	if all.running >= most {
		t.refuse(fmt.Sprintf("stream lua: %d lua_max_running_timers are not enough", most))
		return
	}
	r := m.newRequest()
	r.timer = t
	all.running++
	m.hold()
	premature := t.premature
	err := r.beginWith(inTimer, m.vm.Function(t.function), func(v *luajit.Values) { v.PushBool(premature) })
	if err != nil {
		t.refuse(err.Error())
		r.endTimer()
	}
}

func (t *timer) refuse(why string) {
	m := t.m
	source, line := "(unknown)", 0
	_ = m.vm.Call(m.definition, func(v *luajit.Values) { v.PushRef(t.function) }, func(r luajit.Results) {
		source, line = r.String(1), r.Int(2)
	})
	m.config.Log.Write(logs.Alert, 0,
		fmt.Sprintf("stream lua failed to run timer with function defined at %s:%d: %s", source, line, why))
}

// endTimer is the end of a timer's run.
func (r *request) endTimer() {
	m := r.m
	m.root().timers.running--
	r.free()
	m.release()
}

// abortTimers runs what is pending at once, with premature set.
func (m *machine) abortTimers() {
	all := &m.timers
	var pending []*timer
	for t := all.first; t != nil; t = t.next {
		pending = append(pending, t)
	}
	for _, t := range pending {
		m.worker.Loop.Disarm(&t.timer)
		t.premature = true
		t.Expired()
	}
}

// context is how log lines name who has made the timer.
func (t *timer) context() string {
	if t.listener == nil {
		return ""
	}
	client := "unix:"
	if t.remote.IsValid() {
		client = t.remote.Addr().String()
	}
	return ", client: " + client + ", server: " + t.listener.Addr.String()
}

// countTimers() returns how many timers run and how many are pending.
func countTimers(m *machine, c *luajit.Call) luajit.Outcome {
	if m.req == nil {
		return c.Raise("no request")
	}
	all := &m.root().timers
	c.PushNumber(float64(all.running))
	c.PushNumber(float64(all.pending))
	return luajit.Return
}
