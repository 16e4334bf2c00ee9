// Package codec is what Lua's FFI calls for encodings, digests and the text of times: C functions, declared in
// codec.h, that the binary exports (-rdynamic). A call from compiled Lua is a plain C call, with no crossing into Go.
//
// It must be imported to be linked:
//
//	import _ "github.com/weirproxy/weir/internal/ngx/codec"
//
// Go code has crypto/md5, encoding/base64 and so on, and does not need it.
package codec

/*
#cgo CFLAGS: -O2 -Wall
#cgo LDFLAGS: -rdynamic
#include <stdlib.h>
#include "codec.h"

// The linker drops what nothing refers to; Lua finds these by name only.
static void *const weir_codec_exports[] = {
	weir_escaped_length, weir_escape, weir_unescape, weir_sql_quoted_length, weir_sql_quote, weir_base64_encode,
	weir_base64_decode, weir_md5, weir_md5_hex, weir_sha1, weir_hmac_sha1, weir_crc32, weir_time_text,
};
static void *weir_codec_export(int i) { return weir_codec_exports[i]; }
*/
import "C"

// exports keeps the functions that only Lua calls in the binary.
var exports = C.weir_codec_export(0)
