package luajit

/*
#include <stdlib.h>
#include "vm.h"
*/
import "C"

import (
	"errors"
	"unsafe"
)

// A Chunk is compiled Lua, held by its VM.
type Chunk struct {
	vm  *VM
	ref Ref
}

// Load compiles source, text or bytecode. The chunk name follows Lua: "=x" is
// shown as it is, "@x" is a file. The error is Lua's.
func (vm *VM) Load(name string, source []byte) (*Chunk, error) {
	req := C.wr_req{op: C.WP_LOAD}
	if err := vm.requestNamed(&req, name, source); err != nil {
		return nil, err
	}
	return &Chunk{vm, Ref(req.ref)}, nil
}

// Free lets the collector have the chunk.
func (c *Chunk) Free() { c.vm.Unref(c.ref) }

// Ref is the chunk's function; it lives until Free.
func (c *Chunk) Ref() Ref { return c.ref }

// Check compiles source in a state of its own and runs nothing.
func Check(name string, source []byte) error {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	var text [1024]C.char
	src, n := bytesArg(source)
	if C.wr_check(cname, src, n, &text[0], C.size_t(len(text))) == 0 {
		return nil
	}
	return errors.New(C.GoString(&text[0]))
}

func bytesArg(b []byte) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))), C.size_t(len(b))
}

// requestNamed carries out a request that takes a name and bytes.
func (vm *VM) requestNamed(req *C.wr_req, name string, data []byte) error {
	req.name = C.CString(name)
	defer C.free(unsafe.Pointer(req.name))
	p := C.CBytes(data)
	defer C.free(p)
	req.src = (*C.char)(p)
	req.srclen = C.uint64_t(len(data))
	return vm.request(req)
}

// SetPath sets package.path.
func (vm *VM) SetPath(path string) error {
	req := C.wr_req{op: C.WP_PATH}
	return vm.requestNamed(&req, "path", []byte(path))
}

// SetCPath sets package.cpath.
func (vm *VM) SetCPath(path string) error {
	req := C.wr_req{op: C.WP_PATH}
	return vm.requestNamed(&req, "cpath", []byte(path))
}

// Path is package.path, the default until SetPath.
func (vm *VM) Path() string { return vm.packageField("path") }

// CPath is package.cpath.
func (vm *VM) CPath() string { return vm.packageField("cpath") }

func (vm *VM) packageField(name string) string {
	var s string
	_ = vm.Eval("=path", "return package."+name, func(r Results) { s = r.String(1) })
	return s
}

// SetGlobal sets a global variable to the one value that build pushes.
func (vm *VM) SetGlobal(name string, build func(v *Values)) error {
	v := vm.values()
	blen := vm.c.blen
	build(v)
	req := C.wr_req{op: C.WP_SETGLOBAL, vals: (*C.wr_val)(v.base), n: C.int32_t(v.n)}
	err := vm.requestNamed(&req, name, nil)
	vm.c.blen = blen
	return err
}

// Call runs the function f on the main state, where nothing can yield, with
// the values args pushes, and hands its results to use. Either may be nil.
func (vm *VM) Call(f Ref, args func(v *Values), use func(r Results)) error {
	v := vm.values()
	blen := vm.c.blen
	if args != nil {
		args(v)
	}
	req := C.wr_req{op: C.WP_CALL, ref: C.int32_t(f), vals: (*C.wr_val)(v.base), n: C.int32_t(v.n)}
	end := unsafe.Add(v.base, uintptr(v.n)*valueSize)
	err := vm.request(&req)
	vm.c.blen = blen
	if err != nil {
		return err
	}
	if use != nil {
		use(Results{list{vm: vm, base: end, n: int(req.out)}})
	}
	C.wr_pop(vm.addr(), req.how)
	return nil
}

// Eval compiles and runs source once on the main state.
func (vm *VM) Eval(name, source string, use func(r Results)) error {
	chunk, err := vm.Load(name, []byte(source))
	if err != nil {
		return err
	}
	defer chunk.Free()
	return vm.Call(chunk.ref, nil, use)
}

// Prelude runs source on the main state with a table of all registered
// primitives, by name, as "...".
func (vm *VM) Prelude(name string, source []byte) error {
	chunk, err := vm.Load(name, source)
	if err != nil {
		return err
	}
	defer chunk.Free()
	return vm.Call(chunk.ref, vm.pushPrimitives, nil)
}

func (vm *VM) pushPrimitives(v *Values) {
	v.NewTable(0, len(vm.names))
	for i, name := range vm.names {
		v.PushRef(vm.refs[i])
		v.SetField(name)
	}
}

// Unref lets the collector have the value of r.
func (vm *VM) Unref(r Ref) {
	if r <= 0 {
		return
	}
	req := C.wr_req{op: C.WP_UNREF, ref: C.int32_t(r)}
	_ = vm.request(&req)
}

// Function makes a Chunk of a function that is kept already; Free gives up the reference.
func (vm *VM) Function(f Ref) *Chunk { return &Chunk{vm, f} }
