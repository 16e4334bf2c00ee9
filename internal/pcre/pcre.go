// Package pcre is PCRE2 (8 bit, with its JIT) for weir: nginx's regular expressions in Go, and ngx.re for Lua.
//
//	re, err := pcre.Compile(`^(?<sub>\w+)\.example\.com$`, pcre.Caseless)
//	if err != nil {
//		return err // in nginx's words: pcre2_compile() failed: … in "…" at "…"
//	}
//	var caps [4]int
//	n, err := re.Match(name, caps[:]) // n is 2: the whole and one group; caps[2:4] are the group's offsets
//
// A Regexp is immutable: any number of threads match with it at once, each with match data of its own thread.
// One match is one crossing into C and allocates nothing.
//
// Lua does not come through Go at all: [LuaSource] is a Lua chunk that calls the weir_re_* functions of
// weir_re.h through ffi.C, from compiled traces too. They are exported by the binary when it is linked with
// -rdynamic, which this package asks of the linker.
//
// PCRE2 runs its compiled patterns on 32 KB of the thread's own stack, unless Lua code asks for more (ngx.re.opt).
// What this package does not do: replacement (Lua's is in re.lua), streaming, and UTF-16.
package pcre

/*
#cgo CFLAGS: -O2 -Wall
#cgo LDFLAGS: -l:libpcre2-8.a -lpthread -rdynamic
#cgo noescape weir_re_exec_into
#cgo nocallback weir_re_exec_into
#include <stdlib.h>
#include "weir_re.h"

// The linker drops what nothing refers to; Lua finds these by name only.
static void *const weir_re_exports[] = {
	weir_re_compile, weir_re_free, weir_re_exec, weir_re_exec_into, weir_re_set_jit_stack,
};
static void *weir_re_export(int i) { return weir_re_exports[i]; }
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// exports keeps the functions that only Lua calls in the binary.
var exports = C.weir_re_export(0)

// Options change how a pattern is read and matched; they may be or-ed.
type Options int

const (
	Caseless   Options = C.WEIR_RE_CASELESS
	Multiline  Options = C.WEIR_RE_MULTILINE
	DotAll     Options = C.WEIR_RE_DOTALL
	Extended   Options = C.WEIR_RE_EXTENDED
	Anchored   Options = C.WEIR_RE_ANCHORED
	UTF        Options = C.WEIR_RE_UTF
	NoUTFCheck Options = C.WEIR_RE_NO_UTF_CHECK // the subject is known to be UTF-8
	DupNames   Options = C.WEIR_RE_DUPNAMES     // several groups may have one name
)

// ErrNoMemory is returned when PCRE2 cannot allocate.
var ErrNoMemory = errors.New("no memory")

// maxError bounds the text of a compile error, which repeats the pattern up to twice.
const maxError = 512

// Regexp is a compiled pattern. It is freed with the last reference to it.
type Regexp struct {
	re      *C.weir_re_t
	pattern string
	names   []Name
}

// Name is a named group and its number. With [DupNames] a name may come several times.
type Name struct {
	Name  string
	Group int
}

// Compile compiles pattern for PCRE2 and its JIT. An error has PCRE2's text in ngx_regex_compile's words.
func Compile(pattern string, options Options) (*Regexp, error) {
	buf := make([]byte, maxError)
	re := C.weir_re_compile(nil, chars(pattern), C.size_t(len(pattern)), C.int(options)|C.WEIR_RE_JIT, 0,
		(*C.char)(unsafe.Pointer(&buf[0])), maxError)
	runtime.KeepAlive(pattern)
	if re == nil {
		return nil, errors.New(C.GoString((*C.char)(unsafe.Pointer(&buf[0]))))
	}
	r := &Regexp{re: re, pattern: pattern, names: readNames(re)}
	runtime.AddCleanup(r, func(re *C.weir_re_t) { C.weir_re_free(re) }, re)
	return r, nil
}

// String returns the pattern.
func (r *Regexp) String() string { return r.pattern }

// Groups returns the number of capture groups, the whole match not counted.
func (r *Regexp) Groups() int { return int(r.re.ncaptures) }

// Names returns the named groups, sorted by name. The caller must not change the slice.
func (r *Regexp) Names() []Name { return r.names }

// Match matches subject from its beginning. It returns 0 when nothing matches; else one more than the number of
// the highest group that matched. captures receives, as far as it has room, the offsets of the whole match and of
// each group, two a piece; -1 for a group that took no part. captures may be nil.
// An error is PCRE2's own (bad UTF-8, match limit, JIT stack), worded as nginx's.
func (r *Regexp) Match(subject string, captures []int) (int, error) {
	return r.match(chars(subject), len(subject), captures)
}

// MatchBytes is [Regexp.Match] for bytes.
func (r *Regexp) MatchBytes(subject []byte, captures []int) (int, error) {
	return r.match((*C.char)(unsafe.Pointer(unsafe.SliceData(subject))), len(subject), captures)
}

func (r *Regexp) match(subject *C.char, length int, captures []int) (int, error) {
	pairs := (*C.intptr_t)(unsafe.Pointer(unsafe.SliceData(captures)))
	rc := int(C.weir_re_exec_into(r.re, subject, C.size_t(length), 0, pairs, C.int(len(captures)/2)))
	runtime.KeepAlive(r)
	if rc > 0 {
		return rc, nil
	}
	return 0, matchError(rc)
}

// matchError is nil for "no match" (PCRE2_ERROR_NOMATCH).
func matchError(rc int) error {
	switch rc {
	case -1:
		return nil
	case -48: // PCRE2_ERROR_NOMEMORY
		return ErrNoMemory
	}
	return fmt.Errorf("pcre2_match() failed: %d", rc)
}

func readNames(re *C.weir_re_t) []Name {
	if re.name_count == 0 {
		return nil
	}
	size := int(re.name_entry_size)
	table := unsafe.Slice((*byte)(unsafe.Pointer(re.name_table)), int(re.name_count)*size)
	names := make([]Name, 0, int(re.name_count))
	for ; len(table) > 0; table = table[size:] {
		group := int(table[0])<<8 | int(table[1])
		names = append(names, Name{C.GoString((*C.char)(unsafe.Pointer(&table[2]))), group})
	}
	return names
}

// chars is a string's bytes for the time of one call into C.
func chars(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }
