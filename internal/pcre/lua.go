package pcre

import (
	_ "embed"
	"unsafe"
)

/*
#include "weir_re.h"
*/
import "C"

// LuaSource is a Lua chunk. It returns a function of a table (cache_max_entries, match_limit, log_error, patterns; each may
// be missing), which returns two tables: ngx.re (match, find, gmatch, sub, gsub) and the module "ngx.re" (split, opt).
//
//go:embed re.lua
var LuaSource string

// Patterns are the compiled patterns of one Lua state.
type Patterns struct{ set *C.weir_re_set_t }

// NewPatterns returns an empty set, which Free frees; nil when there is no memory.
func NewPatterns() *Patterns {
	set := C.weir_re_set_new()
	if set == nil {
		return nil
	}
	return &Patterns{set}
}

// Handle is what the Lua chunk takes as patterns.
func (p *Patterns) Handle() uintptr { return uintptr(unsafe.Pointer(p.set)) }

// Keep has patterns stay until Free from now on. It is called before the state is closed: its finalizers run in an order
// in which one may match with a pattern that another has given back.
func (p *Patterns) Keep() { C.weir_re_set_close(p.set) }

// Free frees the set with all patterns. The Lua state must be closed.
func (p *Patterns) Free() { C.weir_re_set_free(p.set) }
