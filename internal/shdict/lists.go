package shdict

// #include <stdlib.h>
// #include "weir_shdict.h"
import "C"

// LPush puts a string or number at a list's beginning and returns the list's length. It throws nothing out.
func (d *Dict) LPush(key string, value any) (int, error) { return d.push(1, key, value) }

// RPush is LPush at the end.
func (d *Dict) RPush(key string, value any) (int, error) { return d.push(0, key, value) }

// LPop takes a list's first value; nil when there is none.
func (d *Dict) LPop(key string) (any, error) { return d.pop(1, key) }

// RPop takes a list's last value; nil when there is none.
func (d *Dict) RPop(key string) (any, error) { return d.pop(0, key) }

// LLen returns a list's length, 0 when there is none.
func (d *Dict) LLen(key string) (int, error) {
	if badKey(key) {
		return 0, ErrKey
	}
	var v C.weir_shdict_value_t
	rc := C.weir_shdict_llen(d.d, chars(key), C.size_t(len(key)), 0, &v)
	return int(v.num), result(rc)
}

func (d *Dict) push(left C.int, key string, value any) (int, error) {
	if badKey(key) {
		return 0, ErrKey
	}
	kind, str, num, ok := split(value)
	if !ok || (kind != C.SHDICT_TSTRING && kind != C.SHDICT_TNUMBER) {
		return 0, ErrValue
	}
	var v C.weir_shdict_value_t
	rc := C.weir_shdict_push(d.d, left, chars(key), C.size_t(len(key)), kind, chars(str), C.size_t(len(str)), num, 0, &v)
	if rc != C.SHDICT_OK {
		return 0, result(rc)
	}
	return int(v.num), nil
}

func (d *Dict) pop(left C.int, key string) (any, error) {
	v, err := d.read(key, func(v *C.weir_shdict_value_t) C.int {
		return C.weir_shdict_pop(d.d, left, chars(key), C.size_t(len(key)), 0, v)
	})
	return v.value, err
}
