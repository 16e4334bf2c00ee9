// Package shdict is lua_shared_dict: dictionaries that all workers, and generations of the configuration, share.
//
//	d, err := shdict.Open("peers", 10<<20)
//	d.Set("10.0.0.1", "up", 30*time.Second, 0)
//	value, flags, ok := d.Get("10.0.0.1")
//	n, err := d.Incr("hits", 1, 0, 0)
//	d.Release()
//
// A dictionary is one arena outside of Go's heap, managed by C (slab.h, table.h). So its budget of bytes is exact, the
// garbage collector does not see it, and Lua reaches it through its FFI without a crossing into Go: [LuaSource] is
// the ngx.shared API over the weir_shdict_* functions, which the binary exports (-rdynamic).
//
// What fits into a dictionary, when something is thrown out, and every error are OpenResty's. The bookkeeping beside the
// pages (page table, buckets) is 2 to 4 per cent of the size on top.
//
// Threads: every method may be called from anywhere at any time. A dictionary below 512 KB has one lock and an exact
// order of use; a larger one has 16 stripes with a lock and an order each, so that workers rarely wait for each other;
// what is thrown out is then the oldest of all to within 100 ms.
//
// What this package does not do: persistence, and sharing with another process.
package shdict

/*
#cgo CFLAGS: -O2 -Wall
#cgo LDFLAGS: -rdynamic
#cgo noescape weir_shdict_get
#cgo nocallback weir_shdict_get
#cgo noescape weir_shdict_store
#cgo nocallback weir_shdict_store
#cgo noescape weir_shdict_incr
#cgo nocallback weir_shdict_incr
#cgo noescape weir_shdict_pop
#cgo nocallback weir_shdict_pop
#include <stdlib.h>
#include "weir_shdict.h"

// The linker drops what nothing refers to; Lua finds these by name only.
static void *const weir_shdict_exports[] = {
	weir_shdict_get, weir_shdict_store, weir_shdict_incr, weir_shdict_push, weir_shdict_pop, weir_shdict_llen,
	weir_shdict_ttl, weir_shdict_expire, weir_shdict_flush_all, weir_shdict_flush_expired, weir_shdict_keys,
	weir_shdict_keys_free, weir_shdict_capacity, weir_shdict_free_space,
};
static void *weir_shdict_export(int i) { return weir_shdict_exports[i]; }
*/
import "C"

import (
	_ "embed"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// LuaSource is a Lua chunk, the whole ngx.shared API. It returns a function of a table that may have now (a
// function: the worker's clock in milliseconds since the epoch); that returns a function which makes a dictionary
// object of a [Dict.Handle], given as a number or lightuserdata.
//
//go:embed shdict.lua
var LuaSource string

// exports keeps the functions that only Lua calls in the binary.
var exports = C.weir_shdict_export(0)

// Sizes in bytes: below MinSize there is no room for anything (OpenResty's limit).
const (
	MinSize = 8192
	MaxSize = 64 << 30
)

// Errors of operations, in OpenResty's words.
var (
	ErrNotFound  = errors.New("not found")
	ErrExists    = errors.New("exists")
	ErrNoMemory  = errors.New("no memory")
	ErrNotNumber = errors.New("not a number")
	ErrIsList    = errors.New("value is a list")
	ErrNotList   = errors.New("value not a list")
	ErrNil       = errors.New("attempt to add or replace nil values")
	ErrKey       = errors.New("key must have 1 to 65535 bytes")
	ErrValue     = errors.New("bad value type")
)

var results = [...]error{nil, ErrNotFound, ErrExists, ErrNoMemory, ErrNotNumber, ErrIsList, ErrNotList, ErrNil}

// Dict is a shared dictionary. [Open] gives its first reference.
type Dict struct {
	d    *C.weir_shdict_t
	name string
	refs atomic.Int32
}

// Open makes an empty dictionary of size bytes. Its memory is taken from the kernel as it is used, and goes back
// with the last [Dict.Release].
func Open(name string, size int) (*Dict, error) {
	if size < MinSize || size > MaxSize {
		return nil, fmt.Errorf("shared dictionary %q: %d bytes is not between %d and %d", name, size, MinSize, MaxSize)
	}
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	d := &Dict{d: C.weir_shdict_new(cname, C.size_t(size)), name: name}
	if d.d == nil {
		return nil, fmt.Errorf("shared dictionary %q: %w", name, ErrNoMemory)
	}
	d.refs.Store(1)
	return d, nil
}

// Ref takes one more reference.
func (d *Dict) Ref() *Dict {
	d.refs.Add(1)
	return d
}

// Release gives a reference back. With the last one the memory is gone: no Lua that has the handle may run then.
func (d *Dict) Release() {
	if d.refs.Add(-1) == 0 {
		C.weir_shdict_free(d.d)
		d.d = nil
	}
}

// Name returns the name the dictionary was opened with.
func (d *Dict) Name() string { return d.name }

// Handle returns the address that Lua's FFI works with. It is good while a reference is held.
func (d *Dict) Handle() uintptr { return uintptr(unsafe.Pointer(d.d)) }

// Capacity returns the configured size in bytes.
func (d *Dict) Capacity() int { return int(C.weir_shdict_capacity(d.d)) }

// FreeSpace returns the bytes in pages that hold nothing at all; in used pages there may be room for more.
func (d *Dict) FreeSpace() int { return int(C.weir_shdict_free_space(d.d)) }

// FlushAll makes every entry expire now.
func (d *Dict) FlushAll() { C.weir_shdict_flush_all(d.d, 0) }

// FlushExpired removes up to max expired entries, 0 for all, and returns how many it has removed.
func (d *Dict) FlushExpired(max int) int {
	return int(C.weir_shdict_flush_expired(d.d, C.int64_t(max), 0))
}

// Keys returns up to max keys, 0 for all, the longest unused first.
func (d *Dict) Keys(max int) ([]string, error) {
	var count C.size_t
	packed := C.weir_shdict_keys(d.d, C.int64_t(max), 0, &count)
	if packed == nil {
		return nil, ErrNoMemory
	}
	defer C.weir_shdict_keys_free(packed)
	keys := make([]string, count)
	p := unsafe.Pointer(packed)
	for i := range keys {
		n := int(*(*byte)(p)) | int(*(*byte)(unsafe.Add(p, 1)))<<8
		keys[i] = string(unsafe.Slice((*byte)(unsafe.Add(p, 2)), n))
		p = unsafe.Add(p, 2+n)
	}
	return keys, nil
}

// mapped returns all bytes that the dictionary can take, bookkeeping too.
func mapped(d *Dict) int { return int(C.weir_shdict_mapped(d.d)) }
