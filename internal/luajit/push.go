package luajit

/*
#include "vm.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

// Values takes values for Lua in the order Lua sees them.
//
// A table is built by NewTable, then each value followed by SetIndex or
// SetField; a table may be such a value.
type Values struct {
	vm   *VM
	base unsafe.Pointer
	n    int
	cap  int
}

func (v *Values) put(t int64, u, length uint64) {
	if v.n >= v.cap {
		panic("luajit: call frame full")
	}
	p := (*value)(unsafe.Add(v.base, uintptr(v.n)*valueSize))
	p.t, p.u, p.len = t, u, length
	v.n++
}

// PushNil appends nil.
func (v *Values) PushNil() { v.put(int64(Nil), 0, 0) }

// PushNumber appends a number.
func (v *Values) PushNumber(f float64) { v.put(int64(Number), math.Float64bits(f), 0) }

// PushInt appends a number.
func (v *Values) PushInt(n int) { v.PushNumber(float64(n)) }

// PushBool appends a boolean.
func (v *Values) PushBool(b bool) {
	var u uint64
	if b {
		u = 1
	}
	v.put(int64(Bool), u, 0)
}

// PushNull appends the null light userdata, ngx.null.
func (v *Values) PushNull() { v.put(int64(LightUserdata), 0, 0) }

// PushLight appends a light userdata; the address must fit in 47 bits.
func (v *Values) PushLight(p uintptr) { v.put(int64(LightUserdata), uint64(p), 0) }

// PushString appends a copy of s.
func (v *Values) PushString(s string) {
	off := v.vm.keep(unsafe.StringData(s), len(s))
	v.put(C.WR_BUFSTR, off, uint64(len(s)))
}

// PushBytes appends a copy of b as a string.
func (v *Values) PushBytes(b []byte) {
	off := v.vm.keep(unsafe.SliceData(b), len(b))
	v.put(C.WR_BUFSTR, off, uint64(len(b)))
}

// PushC appends n bytes of C memory as a string, without the copy on the Go
// side. The memory must stay until the Func has returned or Resume is called.
func (v *Values) PushC(p unsafe.Pointer, n int) {
	v.put(int64(String), uint64(uintptr(p)), uint64(n))
}

// PushRef appends the value r refers to.
func (v *Values) PushRef(r Ref) { v.put(C.WR_REF, uint64(r), 0) }

// PushArg appends argument i of the call, whatever its type.
func (v *Values) PushArg(i int) { v.put(C.WR_ARG, uint64(i), 0) }

// PushThread appends the coroutine of t.
func (v *Values) PushThread(t *Thread) {
	v.put(int64(Coroutine), uint64(uintptr(unsafe.Pointer(t.c))), 0)
}

// PushEnded appends what t, which has ended, has returned (ok), or its error
// (not ok), behind ok itself. It releases t.
func (v *Values) PushEnded(t *Thread, ok bool) {
	var length uint64
	if ok {
		length = 1
	}
	v.put(C.WR_ENDED, uint64(uintptr(unsafe.Pointer(t.c))), length)
	t.forget()
}

// NewTable appends a table with room for narr items and nrec fields.
func (v *Values) NewTable(narr, nrec int) { v.put(C.WR_NEWTABLE, uint64(narr), uint64(nrec)) }

// SetIndex takes the last value back and stores it in the table before it.
func (v *Values) SetIndex(i int) { v.put(C.WR_SETINDEX, uint64(i), 0) }

// SetField takes the last value back and stores it in the table before it.
func (v *Values) SetField(name string) {
	off := v.vm.keep(unsafe.StringData(name), len(name))
	v.put(C.WR_SETFIELD, off, uint64(len(name)))
}

// PushBox appends a new userdata that holds a number other than 0, for
// Options.Boxes. meta is its metatable, or 0.
func (v *Values) PushBox(number uint64, meta Ref) { v.put(C.WR_BOX, number, uint64(meta)) }

// PushBound takes the last n values back and appends a function that calls a
// registered primitive with them in front of its own arguments. The primitive
// must not use Flat, and counts the bound values as arguments.
func (v *Values) PushBound(primitive Ref, n int) { v.put(C.WR_BIND, uint64(primitive), uint64(n)) }

// SetMetatable gives the table that was pushed last a metatable.
func (v *Values) SetMetatable(meta Ref) { v.put(C.WR_SETMETA, uint64(meta), 0) }

// keep copies n bytes into the VM's buffer and answers their offset: the
// buffer may move before they are read.
func (vm *VM) keep(p *byte, n int) uint64 {
	c := vm.c
	off := uint64(c.blen)
	if n == 0 {
		return off
	}
	if off+uint64(n) > uint64(c.bcap) && C.wr_grow(c, C.uint64_t(n)) == 0 {
		panic("luajit: not enough memory")
	}
	dst := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(c.buf), off)), n)
	copy(dst, unsafe.Slice(p, n))
	c.blen += C.uint64_t(n)
	return off
}

// values prepares the VM's own writer above everything in use.
func (vm *VM) values() *Values {
	base := unsafe.Pointer(vm.c.sp)
	if vm.depth > 0 {
		call := vm.calls[vm.depth-1]
		base = unsafe.Add(call.Values.base, uintptr(call.Values.n)*valueSize)
	}
	room := uintptr(unsafe.Pointer(vm.c.limit)) - uintptr(base)
	vm.out = Values{vm: vm, base: base, cap: int(room/valueSize) - 1}
	return &vm.out
}
