package shdict

// #include <stdlib.h>
// #include "weir_shdict.h"
import "C"

import (
	"time"
	"unsafe"
)

// Get returns a value (bool, float64 or string) and its flags; ok is false when there is none, or it is a list.
func (d *Dict) Get(key string) (value any, flags uint32, ok bool) {
	v, err := d.read(key, func(v *C.weir_shdict_value_t) C.int {
		return C.weir_shdict_get(d.d, chars(key), C.size_t(len(key)), 0, 0, v)
	})
	return v.value, v.flags, err == nil && v.value != nil
}

// GetStale is Get for entries that have expired too; stale tells.
func (d *Dict) GetStale(key string) (value any, flags uint32, stale, ok bool) {
	v, err := d.read(key, func(v *C.weir_shdict_value_t) C.int {
		return C.weir_shdict_get(d.d, chars(key), C.size_t(len(key)), 1, 0, v)
	})
	return v.value, v.flags, v.stale, err == nil && v.value != nil
}

// Set stores a value: a bool, a number, a string, or nil, which deletes. ttl 0 is for ever; flags come back with Get.
// Where room is missing, it throws out up to 30 of the longest unused entries, and then returns [ErrNoMemory].
func (d *Dict) Set(key string, value any, ttl time.Duration, flags uint32) error {
	return d.store(0, key, value, ttl, flags)
}

// SafeSet is Set that throws nothing out.
func (d *Dict) SafeSet(key string, value any, ttl time.Duration, flags uint32) error {
	return d.store(C.SHDICT_SAFE, key, value, ttl, flags)
}

// Add is Set for a key that is not there, else [ErrExists].
func (d *Dict) Add(key string, value any, ttl time.Duration, flags uint32) error {
	return d.store(C.SHDICT_ADD, key, value, ttl, flags)
}

// SafeAdd is Add that throws nothing out.
func (d *Dict) SafeAdd(key string, value any, ttl time.Duration, flags uint32) error {
	return d.store(C.SHDICT_ADD|C.SHDICT_SAFE, key, value, ttl, flags)
}

// Replace is Set for a key that is there, else [ErrNotFound].
func (d *Dict) Replace(key string, value any, ttl time.Duration, flags uint32) error {
	return d.store(C.SHDICT_REPLACE, key, value, ttl, flags)
}

// Delete removes a key if it is there.
func (d *Dict) Delete(key string) error { return d.store(0, key, nil, 0, 0) }

// Incr adds by to a number and returns the sum. A key that is not there begins at init, for initTTL (0: for ever).
func (d *Dict) Incr(key string, by, init float64, initTTL time.Duration) (float64, error) {
	if badKey(key) {
		return 0, ErrKey
	}
	var v C.weir_shdict_value_t
	rc := C.weir_shdict_incr(d.d, chars(key), C.size_t(len(key)), C.double(by), 1, C.double(init),
		C.int64_t(initTTL.Milliseconds()), 0, &v)
	return float64(v.num), result(rc)
}

// TTL returns how long an entry has to live: 0 for ever, below 0 when it has expired and is still there.
func (d *Dict) TTL(key string) (time.Duration, error) {
	if badKey(key) {
		return 0, ErrKey
	}
	var v C.weir_shdict_value_t
	rc := C.weir_shdict_ttl(d.d, chars(key), C.size_t(len(key)), 0, &v)
	return time.Duration(v.num) * time.Millisecond, result(rc)
}

// Expire gives an entry ttl from now on, 0 for ever.
func (d *Dict) Expire(key string, ttl time.Duration) error {
	if badKey(key) {
		return ErrKey
	}
	return result(C.weir_shdict_expire(d.d, chars(key), C.size_t(len(key)), C.int64_t(ttl.Milliseconds()), 0))
}

func (d *Dict) store(op C.int, key string, value any, ttl time.Duration, flags uint32) error {
	if badKey(key) {
		return ErrKey
	}
	kind, str, num, ok := split(value)
	if !ok {
		return ErrValue
	}
	return result(C.weir_shdict_store(d.d, op, chars(key), C.size_t(len(key)), kind, chars(str), C.size_t(len(str)),
		num, C.int64_t(ttl.Milliseconds()), C.int32_t(flags), 0))
}

// split tells a value's type and its two faces.
func split(value any) (kind C.int, str string, num C.double, ok bool) {
	switch v := value.(type) {
	case nil:
		return C.SHDICT_TNIL, "", 0, true
	case string:
		return C.SHDICT_TSTRING, v, 0, true
	case float64:
		return C.SHDICT_TNUMBER, "", C.double(v), true
	case int:
		return C.SHDICT_TNUMBER, "", C.double(v), true
	case bool:
		if v {
			num = 1
		}
		return C.SHDICT_TBOOLEAN, "", num, true
	}
	return 0, "", 0, false
}

// read is what a get or pop found, taken out of C's hands.
type read struct {
	value any
	flags uint32
	stale bool
}

// read asks with room for a short string first, and again with as much as C says it takes.
func (d *Dict) read(key string, ask func(*C.weir_shdict_value_t) C.int) (read, error) {
	if badKey(key) {
		return read{}, ErrKey
	}
	size := 256
	for {
		buf := C.malloc(C.size_t(size))
		v := C.weir_shdict_value_t{buf: (*C.char)(buf), cap: C.size_t(size)}
		rc := ask(&v)
		r := read{flags: uint32(v.flags), stale: v.stale != 0}
		if rc == C.SHDICT_OK {
			r.value = valueOf(&v)
		}
		C.free(buf)
		if rc != C.SHDICT_GROW {
			return r, result(rc)
		}
		size = int(v.len)
	}
}

func valueOf(v *C.weir_shdict_value_t) any {
	switch v._type {
	case C.SHDICT_TSTRING:
		return string(unsafe.Slice((*byte)(unsafe.Pointer(v.buf)), int(v.len)))
	case C.SHDICT_TNUMBER:
		return float64(v.num)
	case C.SHDICT_TBOOLEAN:
		return v.num != 0
	}
	return nil
}

func badKey(key string) bool { return len(key) == 0 || len(key) > 65535 }

func result(rc C.int) error { return results[rc&^C.SHDICT_FORCED] }

// chars is a string's bytes for the time of one call into C.
func chars(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }
