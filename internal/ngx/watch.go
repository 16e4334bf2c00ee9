package ngx

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// watch looks at a machine from a goroutine of its own and tells of slices of Lua that hold the worker for longer than
// lua_slice_warn. What it costs a slice is three stores: it samples VM.Slice four times in that interval, and sleeps
// while no Lua runs.
//
// A slice that is interpreted answers VM.Interrupt with a traceback, on the worker's thread. One that does not, since
// it is compiled or in C, is told by the watch itself, with what began says. While it goes on it is told again, with
// pauses that double from firstPause.
type watch struct {
	m      *machine
	warn   time.Duration
	asleep atomic.Bool
	wakes  chan struct{}
	done   chan struct{} // closed by stop
	ended  chan struct{} // closed by run
	slow   atomic.Int64  // counts slices

	since atomic.Int64 // when the slice was first seen, in milliseconds
	told  atomic.Uint64

	// Of the goroutine:
	slice   uint64
	first   time.Time // slice was seen
	due     time.Time // when it is to be told of
	pause   time.Duration
	pending bool // Interrupt was not answered yet
	begun   began
}

// firstPause is after how long a slice that was told is told again.
const firstPause = time.Second

// recheck is how often a watch looks that sleeps.
const recheck = 5 * time.Second

// began is what the machine has entered Lua for: no Go memory, for the watch reads it while the worker writes it.
type began struct {
	server     uintptr // *stream.Server
	connection uint64
	phase      uint64
}

// beganAt is where it lies in machine.page.
const beganAt = 3072

func (m *machine) began() *began { return (*began)(unsafe.Pointer(&m.page[beganAt])) }

// startWatch begins to watch a machine; nil where lua_slice_warn is 0.
func startWatch(m *machine, warn int64) *watch {
	if warn <= 0 {
		return nil
	}
	w := &watch{
		m: m, warn: time.Duration(warn) * time.Millisecond,
		wakes: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{}),
	}
	m.vm.OnSlow = w.answered
	go w.run()
	return w
}

// stop returns when the VM will not be touched any more.
func (w *watch) stop() {
	if w == nil {
		return
	}
	close(w.done)
	<-w.ended
}

// enter is called before Lua runs for r.
func (w *watch) enter(r *request) {
	b := w.m.began()
	*b = began{}
	if r != nil {
		b.phase = uint64(r.phase)
		if s := r.session; s != nil {
			b.server, b.connection = uintptr(unsafe.Pointer(s.Server)), s.ID
		} else if r.timer != nil {
			b.server = uintptr(unsafe.Pointer(r.timer.server))
		}
	}
	if w.asleep.Load() {
		select {
		case w.wakes <- struct{}{}:
		default:
		}
	}
}

func (w *watch) run() {
	defer close(w.ended)
	ticker := time.NewTicker(max(w.warn/4, time.Millisecond))
	defer ticker.Stop()
	quiet := time.Now()
	for {
		select {
		case <-w.done:
			return
		case <-ticker.C:
		}
		now, slice := time.Now(), w.m.vm.Slice()
		if slice != w.slice {
			w.changed(slice, now)
			quiet = now
			continue
		}
		if slice%2 == 1 {
			w.look(now)
			quiet = now
		} else if now.Sub(quiet) > time.Second {
			w.sleep(ticker)
			quiet = time.Now()
		}
	}
}

// sleep waits until Lua runs again.
func (w *watch) sleep(ticker *time.Ticker) {
	ticker.Stop()
	w.asleep.Store(true)
	for w.m.vm.Slice() == w.slice {
		select {
		case <-w.wakes:
		case <-time.After(recheck):
			continue
		case <-w.done:
		}
		break
	}
	w.asleep.Store(false)
	ticker.Reset(max(w.warn/4, time.Millisecond))
}

// changed begins with another slice.
func (w *watch) changed(slice uint64, now time.Time) {
	if w.pending && w.told.Load() != w.slice {
		w.log("slice held worker %d for about %d ms in %s, and ended without a traceback", w.begun, now)
	}
	w.slice, w.first, w.due, w.pause, w.pending = slice, now, now.Add(w.warn), 0, false
	w.since.Store(now.UnixMilli())
}

// look is called while a slice goes on.
func (w *watch) look(now time.Time) {
	if now.Before(w.due) {
		return
	}
	w.begun = *w.m.began()
	if w.m.vm.Slice() != w.slice {
		return
	}
	switch {
	case w.pending && w.told.Load() != w.slice:
		w.log("slice holds worker %d for %d ms in %s, and goes on; it is compiled or in a function of C, "+
			"so there is no traceback", w.begun, now)
		w.m.vm.Interrupt(w.slice) // the code may have taken the hook away
	case w.pause == w.warn: // and it was answered: once is enough for a while
	default:
		if w.pause == 0 {
			w.slow.Add(1)
		}
		w.pending = true
		w.told.Store(0)
		w.m.vm.Interrupt(w.slice)
	}
	switch {
	case w.pause == 0:
		w.pause = w.warn
	case w.pause < firstPause:
		w.pause = firstPause
	default:
		w.pause *= 2
	}
	w.due = now.Add(w.pause)
}

// log writes what the watch itself can tell.
func (w *watch) log(format string, b began, now time.Time) {
	where, log := "init_by_lua*", w.m.config.Log
	if b.phase != 0 {
		where = phase(b.phase).context()
	}
	for _, s := range w.m.config.Servers {
		if uintptr(unsafe.Pointer(s)) == b.server {
			log = s.ErrorLog
			where = nameCode(s, phase(b.phase), where)
		}
	}
	log.Printf(logs.Warn, b.connection, "stream [lua] "+format, w.m.id, now.Sub(w.first).Milliseconds(), where)
}

// nameCode names the code of a server's phase.
func nameCode(s *stream.Server, p phase, name string) string {
	c := slot.Of(s)
	code := map[phase]*script{inAccess: c.access, inPreread: c.preread, inContent: c.content, inLog: c.log}[p]
	switch {
	case code == nil:
		return name
	case code.file != nil:
		return name + " (" + code.file.Source() + ")"
	}
	return code.chunk[1:]
}

// answered is called on the worker's thread, while Lua runs.
func (w *watch) answered(traceback string) {
	w.told.Store(w.m.vm.Slice())
	held := time.Now().UnixMilli() - w.since.Load()
	where := "init_by_lua*"
	if w.m.req != nil {
		where = w.m.req.phase.context()
	}
	w.m.logf(logs.Warn, "stream [lua] slice holds worker %d for %d ms in %s\n%s", w.m.id, held, where, traceback)
}

// slowSlices() is how many slices have been too long, with this configuration and worker.
func slowSlices(m *machine, c *luajit.Call) luajit.Outcome {
	var n int64
	if w := m.root().watch; w != nil {
		n = w.slow.Load()
	}
	c.PushNumber(float64(n))
	return luajit.Return
}
