// Package luajit runs Lua programs in LuaJIT (OpenResty's branch) for a Go
// event loop: states, coroutines and calls between the languages.
//
// Of the ngx API it has what C does without asking Go: arguments as ngx.say,
// ngx.log and send take them (flatten.c), light threads that end at once
// (spawn.c), and calls of sockets that need not wait (fast.c). Who uses it says
// which socket that may be, and tells of the client and the phase in a few
// numbers. It knows no session and opens no socket.
//
//	vm, err := luajit.New()
//	vm.Register("double", func(c *luajit.Call) luajit.Outcome {
//		c.PushNumber(2 * c.Number(1))
//		return luajit.Return
//	}, luajit.Options{})
//	vm.Prelude("=prelude", []byte(`local p = ...; double = p.double`))
//	chunk, err := vm.Load("=(handler)", src)
//	t, err := vm.Start(chunk)
//	switch t.Resume() {
//	case luajit.Parked: // a Func answered Yield; call t.Resume again later
//	case luajit.Done, luajit.Failed:
//		t.Release()
//	}
//
// # Calls from Lua
//
// A Func registered with a VM is a Lua function. Its arguments wait in a
// frame of C memory that Go reads without a crossing; strings in it are valid
// until the Func returns. Results are written behind the arguments. A Func
// that must wait answers Yield after it has told somebody to resume
// Call.Thread; the values pushed before that Resume are what the call returns
// in Lua. All arguments of a yielding call stay on the Lua stack meanwhile, so
// what they refer to stays alive.
//
// # Threads
//
// A Thread is a Lua coroutine that Go resumes. User coroutines
// (coroutine.create and so on) are scheduled below Go: resuming one is no
// crossing, and a Func called inside parks the whole chain. Such a coroutine
// becomes a Thread when a Func asks for it.
//
// # Rules
//
// A VM is used by one OS thread at a time; lock the goroutine that runs it.
// Only Interrupt and Slice may be called from elsewhere. No Lua error crosses
// Go and no panic crosses C: a panic in a Func becomes a Lua error.
package luajit

/*
#cgo CFLAGS: -O2 -I/usr/include/luajit-2.1 -Wall -Wno-unused-parameter
#cgo LDFLAGS: -l:libluajit-5.1.a -lm -ldl -rdynamic
#cgo nocallback wr_setlimit
#cgo nocallback wr_forget
#include "vm.h"
*/
import "C"

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A VM is one Lua universe: globals, loaded modules, coroutines.
type VM struct {
	// OnPanic is told of a panic in a Func, with the Go stack.
	OnPanic func(value any, stack []byte)
	// OnSpawn is told of a thread that a FastSpawn of parent has made, before Go is entered from it or when it has
	// stopped. It must be set where FastSpawn is used.
	OnSpawn func(t, parent *Thread)
	// OnSlow is told the Lua traceback after Interrupt. It must not call the VM.
	OnSlow func(traceback string)

	c       *C.wr_vm
	id      int32
	funcs   []Func
	names   []string
	refs    []Ref
	calls   []*Call
	depth   int
	threads []*Thread
	idle    []*Thread
	out     Values
}

// ErrNoMemory is returned by New when the system gives no memory.
var ErrNoMemory = errors.New("luajit: not enough memory")

// A registry finds the VM of a frame by its number. Numbers are reused.
type registry []*VM

func (r *registry) at(id int32) *VM { return (*r)[id] }

var vms struct {
	sync.Mutex
	byID atomic.Pointer[registry] // replaced, never changed
}

// enroll gives vm a number; nil frees one.
func enroll(vm *VM, id int32) int32 {
	vms.Lock()
	defer vms.Unlock()
	var all registry
	if old := vms.byID.Load(); old != nil {
		all = slices.Clone(*old)
	}
	if id < 0 {
		id = int32(slices.Index(all, nil))
	}
	if id < 0 {
		id = int32(len(all))
		all = append(all, nil)
	}
	all[id] = vm
	vms.byID.Store(&all)
	return id
}

// New makes a VM with the standard libraries open. Close frees it.
func New() (*VM, error) {
	vm := &VM{}
	vm.id = enroll(vm, -1)
	vm.c = C.wr_open(C.int32_t(vm.id))
	if vm.c == nil {
		enroll(nil, vm.id)
		return nil, ErrNoMemory
	}
	return vm, nil
}

// Close runs all finalizers and frees the VM with everything in it. Funcs may
// still be called by finalizers, with no Thread.
func (vm *VM) Close() {
	if vm.c == nil {
		return
	}
	C.wr_close(vm.addr())
	enroll(nil, vm.id)
	vm.c = nil
}

func (vm *VM) addr() C.uintptr_t { return C.uintptr_t(uintptr(unsafe.Pointer(vm.c))) }

// request carries one C.wr_req out; the text of its error is Lua's.
func (vm *VM) request(req *C.wr_req) error {
	if C.wr_protected(vm.addr(), req) == 0 {
		return nil
	}
	return errors.New(vm.message())
}

// message copies the text of the last failure.
func (vm *VM) message() string {
	if vm.c.msg == nil {
		return "unknown reason"
	}
	return C.GoStringN(vm.c.msg, C.int(vm.c.msglen))
}

// SetLogLevel sets the level above which functions with FlattenLog return at
// once. It costs no crossing.
func (vm *VM) SetLogLevel(level int) { vm.c.loglevel = C.int64_t(level) }
