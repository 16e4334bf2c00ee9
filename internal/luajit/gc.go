package luajit

/*
#include "vm.h"
*/
import "C"

import (
	"sync/atomic"
	"unsafe"
)

func (vm *VM) gc(how int) int64 {
	req := C.wr_req{op: C.WP_GC, how: C.int32_t(how)}
	if vm.request(&req) != nil {
		return 0
	}
	return int64(req.out)
}

// Collect runs a full garbage collection.
func (vm *VM) Collect() { vm.gc(C.LUA_GCCOLLECT) }

// MemoryUsed is the size of the Lua heap in bytes.
func (vm *VM) MemoryUsed() int64 {
	return vm.gc(C.LUA_GCCOUNT)*1024 + vm.gc(C.LUA_GCCOUNTB)
}

// SetMemoryLimit makes an allocation beyond this many bytes fail with Lua's
// "not enough memory" in the thread that asked; 0 lifts the limit. Without
// one the built-in allocator runs unwatched. Code under a limit is interpreted,
// not compiled.
func (vm *VM) SetMemoryLimit(bytes int64) { C.wr_setlimit(vm.addr(), C.uint64_t(bytes)) }

// Slice counts the entries into and exits from Lua: it is odd while Lua runs,
// and a watcher that reads the same odd number twice has seen one slice last
// that long. It may be called from any goroutine until Close.
func (vm *VM) Slice() uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&vm.c.slices)))
}

// Interrupt asks for OnSlow to be called with the traceback of what runs, at
// the next instruction that is interpreted: a compiled loop answers when it
// leaves its trace. Nothing happens when slice, an answer of Slice, is over. It
// may be called from any goroutine until Close.
func (vm *VM) Interrupt(slice uint64) { C.wr_interrupt(vm.addr(), C.uint64_t(slice)) }

// Spare lifts the memory limit for a moment, to tell what went wrong.
func (vm *VM) Spare(on bool) {
	vm.c.spare = 0
	if on {
		vm.c.spare = 1
	}
}

// Refused is how many allocations the memory limit has refused.
func (vm *VM) Refused() uint64 { return uint64(vm.c.memrefused) }

//export weirLuaSlow
func weirLuaSlow(c *C.wr_vm, s *C.char, n C.size_t) {
	vm := vms.byID.Load().at(int32(c.vmid))
	if vm.OnSlow != nil {
		vm.OnSlow(C.GoStringN(s, C.int(n)))
	}
}
