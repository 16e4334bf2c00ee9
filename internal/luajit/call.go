package luajit

/*
#include "vm.h"
*/
import "C"

import (
	"fmt"
	"runtime/debug"
	"unsafe"
)

// An Outcome is how a Func ended.
type Outcome int32

const (
	// Return gives the pushed values back to Lua.
	Return Outcome = C.WR_RETURN
	// Yield parks the running thread; pushed values are ignored.
	Yield Outcome = C.WR_YIELD
	// Spawned parks the running thread and goes on with the one that
	// Options.Spawn has made: Resume ends when that one parks or ends.
	Spawned Outcome = C.WR_SPAWN
	raise   Outcome = C.WR_RAISE
)

// A Func is a primitive: a function of Lua written in Go. It must not keep c.
type Func func(c *Call) Outcome

// A Call is one running call of a Func: its arguments, from 1, and its
// results.
type Call struct {
	list
	Values
	frame *C.wr_frame
}

// Len is the number of arguments.
func (c *Call) Len() int { return c.list.n }

// Thread is the thread that runs, nil on the main state (init code,
// finalizers at Close).
func (c *Call) Thread() *Thread {
	if c.frame.thread == nil {
		return nil
	}
	return c.list.vm.thread(c.frame.thread)
}

// CanYield says whether Yield will work: not on the main state, and not below
// a C function such as string.gsub that calls back.
func (c *Call) CanYield() bool { return c.frame.canyield != 0 }

// Raise makes the call fail with msg behind the position of the caller, as
// luaL_error does. Use: return c.Raise("closed").
func (c *Call) Raise(msg string) Outcome { return c.fail(C.WR_RAISE_WHERE, 0, msg) }

// RaiseRaw makes the call fail with msg as it is.
func (c *Call) RaiseRaw(msg string) Outcome { return c.fail(C.WR_RAISE_RAW, 0, msg) }

// RaiseArg makes the call fail as luaL_argerror does.
func (c *Call) RaiseArg(arg int, msg string) Outcome { return c.fail(C.WR_RAISE_ARG, arg, msg) }

// RaiseNoYield makes the call fail as a yield from here would.
func (c *Call) RaiseNoYield() Outcome {
	return c.RaiseRaw("attempt to yield across C-call boundary")
}

func (c *Call) fail(how, arg int, msg string) Outcome {
	f := c.frame
	f.msg = C.uint64_t(c.list.vm.keep(unsafe.StringData(msg), len(msg)))
	f.msglen = C.uint64_t(len(msg))
	f.raise = C.int32_t(how)
	f.raisearg = C.int32_t(arg)
	return raise
}

// enter prepares the Call object of the next depth.
func (vm *VM) enter(f *C.wr_frame) *Call {
	if vm.depth == len(vm.calls) {
		vm.calls = append(vm.calls, &Call{})
	}
	c := vm.calls[vm.depth]
	vm.depth++
	c.list = list{vm: vm, base: unsafe.Pointer(f.args), n: int(f.nargs)}
	c.Values = Values{vm: vm, base: unsafe.Pointer(f.res), cap: int(f.rescap)}
	c.frame = f
	return c
}

//export weirLuaCall
func weirLuaCall(f *C.wr_frame) C.int {
	vm := vms.byID.Load().at(int32(f.vmid))
	if vm.c.spawning != nil {
		vm.spawned()
	}
	c := vm.enter(f)
	outcome := c.run(vm.funcs[f.fn])
	vm.depth--
	f.nres = C.int32_t(c.Values.n)
	if outcome != Return {
		f.nres = 0
	}
	return C.int(outcome)
}

// run turns a panic into a Lua error.
func (c *Call) run(f Func) (outcome Outcome) {
	vm, depth := c.list.vm, c.list.vm.depth
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		vm.depth = depth
		if vm.OnPanic != nil {
			vm.OnPanic(v, debug.Stack())
		}
		outcome = c.Raise(fmt.Sprint("panic: ", v))
	}()
	return f(c)
}
