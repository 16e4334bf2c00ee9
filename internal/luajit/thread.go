package luajit

/*
#include "vm.h"
*/
import "C"

import (
	"errors"
	"unsafe"
)

// A State is how a Resume ended.
type State int

const (
	// Done: the thread returned; Results has its values.
	Done State = C.WR_DONE
	// Parked: a Func answered Yield in Stopped, this thread or one it resumed.
	Parked State = C.WR_PARKED
	// Yielded: coroutine.yield in a thread that no coroutine resumed.
	Yielded State = C.WR_COYIELD
	// Failed: the thread ended with an error; see Err.
	Failed State = C.WR_FAILED
)

// A Status is what coroutine.status tells of a thread.
type Status int32

// The statuses of a coroutine; StatusZombie is ngx.thread's.
const (
	StatusSuspended Status = C.WR_SUSPENDED
	StatusRunning   Status = C.WR_RUNNING
	StatusNormal    Status = C.WR_NORMAL
	StatusDead      Status = C.WR_DEAD
	StatusZombie    Status = C.WR_ZOMBIE
)

// idleThreads bounds the ended threads kept for the next Start.
const idleThreads = 256

// A Thread is a coroutine that Go resumes. Release ends its life.
type Thread struct {
	// Data is the owner's; it is cleared by Release.
	Data any

	vm      *VM
	c       *C.wr_thread
	gen     uint64
	argBase unsafe.Pointer
	argMark C.uint64_t
	stopped *Thread

	released bool
}

// thread finds the Go side of c, making it at first sight.
func (vm *VM) thread(c *C.wr_thread) *Thread {
	id := int(c.id)
	for id >= len(vm.threads) {
		vm.threads = append(vm.threads, nil)
	}
	t := vm.threads[id]
	if t != nil && t.gen == uint64(c.gen) {
		return t
	}
	if t == nil || !t.released { // one that Lua collected may still be held
		t = &Thread{vm: vm, c: c}
		vm.threads[id] = t
	}
	t.released = false
	t.gen = uint64(c.gen)
	return t
}

// Start makes a thread that will run chunk at its first Resume. The values
// pushed by Args before that are the chunk's "...".
func (vm *VM) Start(chunk *Chunk) (*Thread, error) {
	if n := len(vm.idle); n > 0 {
		t := vm.idle[n-1]
		vm.idle = vm.idle[:n-1]
		t.c.chunk = C.int32_t(chunk.ref)
		t.c.status = C.WR_RUNNING
		t.released = false
		t.SetExdata(0)
		return t, nil
	}
	req := C.wr_req{op: C.WP_NEWTHREAD}
	if err := vm.request(&req); err != nil {
		return nil, err
	}
	req.thread.chunk = C.int32_t(chunk.ref)
	return vm.thread(req.thread), nil
}

// Args begins the values of the next Resume. Nothing else may be asked of the
// VM between Args and Resume.
func (t *Thread) Args() *Values {
	v := t.vm.values()
	t.argBase = v.base
	t.argMark = t.vm.c.blen
	return v
}

// Resume runs the thread: a new one from its beginning, a parked one from
// its yield, with the values pushed since Args. It returns when the thread
// ends or must wait; Stopped then tells which thread of the chain did.
func (t *Thread) Resume() State {
	vm := t.vm
	base, n, mark := t.argBase, 0, t.argMark
	if base == nil {
		mark = vm.c.blen
		base = unsafe.Pointer(vm.values().base)
	} else {
		n = vm.out.n
	}
	t.argBase = nil
	r := uint64(C.wr_run(C.uintptr_t(uintptr(unsafe.Pointer(t.c))),
		C.uintptr_t(uintptr(base)), C.int32_t(n)))
	vm.c.blen = mark
	if vm.c.spawning != nil {
		vm.spawned()
	}
	id := int32(r >> 8)
	if id == int32(t.c.id) {
		t.stopped = t
	} else {
		t.stopped = vm.threadByID(id)
	}
	return State(r & 0xff)
}

func (vm *VM) threadByID(id int32) *Thread {
	all := unsafe.Slice(vm.c.threads, int(vm.c.nthreads))
	return vm.thread(all[id])
}

// Stopped is the thread that ended the last Resume: t or, when a coroutine of
// t parked, that coroutine. When t was such a coroutine and ended, it is the
// ancestor that ran last.
func (t *Thread) Stopped() *Thread { return t.stopped }

// Results are the values that t returned or yielded, or the arguments of the
// call that parked it. They are valid until the VM is used again.
func (t *Thread) Results() Results {
	base := t.vm.values().base
	req := C.wr_req{op: C.WP_RESULTS, thread: t.c, vals: (*C.wr_val)(base)}
	if t.vm.request(&req) != nil {
		return Results{}
	}
	return Results{list{vm: t.vm, base: base, n: int(req.out)}}
}

// Err is the error that ended t. An error object that is neither a string nor a
// number reads "unknown reason". To be asked directly after Resume.
func (t *Thread) Err() error { return errors.New(t.vm.message()) }

// Status is what coroutine.status tells of t, as far as it is scheduled here.
func (t *Thread) Status() Status { return Status(t.c.status) }

// SetStatus sets what coroutine.status tells.
func (t *Thread) SetStatus(s Status) { t.c.status = C.int32_t(s) }

// Active is the end of the chain of coroutines that t has resumed: the one
// that is parked when t is waiting. It is t when t resumed none.
func (t *Thread) Active() *Thread {
	c := t.c
	for c.child != nil {
		c = c.child
	}
	return t.vm.thread(c)
}

// SetExdata sets what thread.exdata() gives in t, and in the coroutines t
// makes, from the next Resume on.
func (t *Thread) SetExdata(p uintptr) {
	t.c.exdata = C.uint64_t(p)
	t.c.setexdata = 1
}

// Alive tells whether t still stands for a coroutine: not after Release, and
// not after Lua collected it.
func (t *Thread) Alive() bool { return !t.released && t.gen == uint64(t.c.gen) }

// Release lets go of the coroutine, parked or ended. Lua code that holds the
// coroutine sees it dead. The Thread itself will stand for another one: its
// owner must forget it.
func (t *Thread) Release() {
	if !t.Alive() {
		return
	}
	t.forget()
	vm := t.vm
	c := t.c
	if c.done != 0 && c.exposed == 0 && c.child == nil && c.zombies == nil && len(vm.idle) < idleThreads {
		vm.idle = append(vm.idle, t)
		return
	}
	req := C.wr_req{op: C.WP_RELEASE, thread: c}
	_ = vm.request(&req)
}

// forget clears what the owner has of t.
func (t *Thread) forget() {
	t.released = true
	t.Data = nil
	t.stopped = nil
	t.argBase = nil
}
