package luajit

/*
#include "vm.h"
*/
import "C"

// A FlatMode says how arguments become one byte run.
type FlatMode int32

const (
	// FlattenSend is for socket:send: one argument, a string, number, boolean,
	// nil or nested array of strings and numbers.
	FlattenSend FlatMode = C.WR_FLAT_SEND
	// FlattenSay is for ngx.say and ngx.print: all arguments from here on.
	FlattenSay FlatMode = C.WR_FLAT_SAY
	// FlattenLog is for ngx.log and print: all arguments from here on, tables
	// by their __tostring. When the argument before is a number above the
	// level of SetLogLevel, the call returns at once.
	FlattenLog FlatMode = C.WR_FLAT_LOG
)

// Options say how a primitive's arguments reach Go. Arguments count from 1;
// 0 means none.
type Options struct {
	// Spawn: argument Spawn must be a Lua function. It and all arguments after
	// it move onto a new thread, which takes the argument's place. The Func
	// owns the Thread and must Release it, also when it answers an error.
	// Values pushed by Args before its first Resume come before the arguments.
	Spawn int
	// Flat and FlatMode: the argument becomes a string, with the errors of
	// OpenResty. With Say and Log it is the last argument. With Send nothing
	// happens when Flat is not the number of arguments.
	Flat     int
	FlatMode FlatMode
	// Newline ends the flattened bytes with one.
	Newline bool
	// Where adds a last argument: "file:line: func(): " of the caller.
	Where bool
	// Refs has bit 1<<(i-1) set when argument i is to be kept: Call.Ref gives
	// its reference, which the Func owns.
	Refs uint32
	// Boxes has bit 1<<(i-1) set when argument i is a box (Values.PushBox) or a table with one in its first place:
	// Call.Box gives its number.
	Boxes uint32
	// Fields are added as arguments behind the others: those of the last argument when it is a table, else nils. Their
	// names, with a zero byte behind each, have at most 64 bytes in all.
	Fields []string
	// Fast has C do the call where it can.
	Fast Fast
}

// Register makes f callable from Lua, under name in the table of Prelude. The
// Ref is the Lua function.
func (vm *VM) Register(name string, f Func, opt Options) (Ref, error) {
	req := C.wr_req{op: C.WP_REGISTER}
	req.fn.id = C.int32_t(len(vm.funcs))
	req.fn.spawn = C.int32_t(opt.Spawn)
	req.fn.flat = C.int32_t(opt.Flat)
	req.fn.flatmode = C.int32_t(opt.FlatMode)
	req.fn.refmask = C.uint32_t(opt.Refs)
	at := 0
	for _, name := range opt.Fields {
		for i := range len(name) {
			req.fn.fields[at+i] = C.char(name[i])
		}
		at += len(name) + 1
	}
	req.fn.nfields = C.int32_t(len(opt.Fields))
	req.fn.boxmask = C.uint32_t(opt.Boxes)
	req.fn.fast = C.int32_t(opt.Fast)
	if opt.Newline {
		req.fn.newline = 1
	}
	if opt.Where {
		req.fn.where = 1
	}
	if err := vm.request(&req); err != nil {
		return 0, err
	}
	vm.funcs = append(vm.funcs, f)
	vm.names = append(vm.names, name)
	vm.refs = append(vm.refs, Ref(req.ref))
	return Ref(req.ref), nil
}
