package luajit

/*
#include "vm.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

// Type is the type of a value in a frame.
type Type int64

// The types of Lua values. Reference is a value that Options.Refs asked to keep.
const (
	Nil           Type = C.WR_NIL
	Bool          Type = C.WR_BOOL
	LightUserdata Type = C.WR_LIGHT
	Number        Type = C.WR_NUM
	String        Type = C.WR_STR
	Table         Type = C.WR_TABLE
	Function      Type = C.WR_FUNC
	Userdata      Type = C.WR_USERDATA
	Coroutine     Type = C.WR_THREAD
	CData         Type = C.WR_CDATA
	Reference     Type = C.WR_REF
)

var typeNames = map[Type]string{
	Nil: "nil", Bool: "boolean", LightUserdata: "userdata", Number: "number",
	String: "string", Table: "table", Function: "function",
	Userdata: "userdata", Coroutine: "thread", CData: "cdata",
}

// String is the name lua_typename gives.
func (t Type) String() string { return typeNames[t] }

// A Ref is a Lua value kept by the VM until Unref.
type Ref int32

// value mirrors wr_val. u is never a Go pointer and is stored as an integer:
// frames are C memory, where Go's write barrier must not look.
type value struct {
	t   int64
	u   uint64
	len uint64
}

const valueSize = unsafe.Sizeof(value{})

func (v *value) pointer() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&v.u)) }

func (v *value) bytes() []byte {
	if v.t != int64(String) {
		return nil
	}
	return unsafe.Slice((*byte)(v.pointer()), int(v.len))
}

// none is what a read past the last value sees.
var none value

// A list is a run of values in a frame, counted from 1.
type list struct {
	vm   *VM
	base unsafe.Pointer
	n    int
}

func (l *list) at(i int) *value {
	if uint(i-1) >= uint(l.n) {
		return &none
	}
	return (*value)(unsafe.Add(l.base, uintptr(i-1)*valueSize))
}

// Len is the number of values.
func (l *list) Len() int { return l.n }

// Type is the type of value i; Nil when there is none.
func (l *list) Type(i int) Type {
	v := l.at(i)
	if v.t == int64(Reference) {
		return Type(v.len)
	}
	return Type(v.t)
}

// Number is value i, or 0 when it is not a number. Strings are not converted.
func (l *list) Number(i int) float64 {
	v := l.at(i)
	if v.t != int64(Number) {
		return 0
	}
	return math.Float64frombits(v.u)
}

// Int is value i cut to an integer, or 0 when it is not a number.
func (l *list) Int(i int) int { return int(l.Number(i)) }

// Bool is Lua's truth of value i: all but nil and false.
func (l *list) Bool(i int) bool {
	v := l.at(i)
	return v.t != int64(Nil) && (v.t != int64(Bool) || v.u != 0)
}

// Bytes is string i, nil when it is none. It is the VM's memory, to be read
// only, until the Func returns or the VM is used again.
func (l *list) Bytes(i int) []byte { return l.at(i).bytes() }

// Text is string i like Bytes, without a copy and under the same rule.
func (l *list) Text(i int) string {
	b := l.at(i).bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// String is a copy of string i, "" when it is none.
func (l *list) String(i int) string { return string(l.at(i).bytes()) }

// Ref is the reference of argument i that Options.Refs asked for; the
// caller owns it. 0 when the argument is nil.
func (l *list) Ref(i int) Ref {
	v := l.at(i)
	if v.t != int64(Reference) {
		return 0
	}
	return Ref(v.u)
}

// Box is the number of a box that Options.Boxes asked for, or ClientBox with
// the ID of a client's request; 0 when argument i has none. It must not be
// asked of arguments that Options.Boxes does not name.
func (l *list) Box(i int) uint64 {
	v := l.at(i)
	if v.t != int64(Table) && v.t != int64(Userdata) {
		return 0
	}
	return v.u
}

// HasBox tells whether Box has found a box; its number may be 0, when C has made it (FastNew).
func (l *list) HasBox(i int) bool {
	v := l.at(i)
	return (v.t == int64(Table) || v.t == int64(Userdata)) && v.len != 0
}

// SetBox gives the box of argument i another number. There must be one.
func (l *list) SetBox(i int, number uint64) {
	v := l.at(i)
	*(*uint64)(*(*unsafe.Pointer)(unsafe.Pointer(&v.len))) = number
	v.u = number
}

// ThreadAt is the Thread of coroutine i; nil for another type, and for a
// coroutine that was released (a dead one) or that is none of ours.
func (l *list) ThreadAt(i int) *Thread {
	v := l.at(i)
	if v.t != int64(Coroutine) || v.u == 0 {
		return nil
	}
	return l.vm.thread((*C.wr_thread)(v.pointer()))
}

// A Results is values that a thread returned or yielded, or a call returned,
// valid until the VM is used again.
type Results struct{ list }
