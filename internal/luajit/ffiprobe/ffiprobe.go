// Package ffiprobe exports Go functions under C names, for tests that call
// them from Lua through ffi.C. It shows the form: a plain C signature, and no
// use of the Lua state.
package ffiprobe

// #include <stdint.h>
import "C"

// Calls counts the calls of weir_ffi_probe_add.
var Calls int64

//export weir_ffi_probe_add
func weir_ffi_probe_add(a, b C.int64_t) C.int64_t {
	Calls++
	return a + b
}
