// Encodings and digests for Lua's FFI. All functions are pure: they read src, write dst and keep nothing. The caller
// gives dst the room that is said here.
#ifndef WEIR_CODEC_H
#define WEIR_CODEC_H

#include <stddef.h>
#include <stdint.h>

// Escaping of URIs: what is escaped as nginx's NGX_ESCAPE_* number says. weir_escaped_length tells the room.
size_t weir_escaped_length(const uint8_t *src, size_t len, int type);
void weir_escape(const uint8_t *src, size_t len, uint8_t *dst, int type);
// Room: len. Returns the length; "+" is a space, a broken escape is dropped as nginx does.
size_t weir_unescape(const uint8_t *src, size_t len, uint8_t *dst);

// SQL string literals (MySQL's escapes), without the quotes around.
size_t weir_sql_quoted_length(const uint8_t *src, size_t len);
void weir_sql_quote(const uint8_t *src, size_t len, uint8_t *dst);

// Base64 with its two alphabets. Room for encoding: (len + 2) / 3 * 4, for decoding: (len + 3) / 4 * 3.
enum { WEIR_BASE64_URL = 1, WEIR_BASE64_NO_PADDING = 2, WEIR_BASE64_MIME = 4 };
size_t weir_base64_encode(const uint8_t *src, size_t len, uint8_t *dst, int flags);
// Returns the length or -1. Decoding ends at the first "="; MIME passes over what is not of the alphabet.
int64_t weir_base64_decode(const uint8_t *src, size_t len, uint8_t *dst, int flags);

// Digests. Room: 16, 32 (hexadecimal), 20 and 20 bytes.
void weir_md5(const uint8_t *src, size_t len, uint8_t *dst);
void weir_md5_hex(const uint8_t *src, size_t len, uint8_t *dst);
void weir_sha1(const uint8_t *src, size_t len, uint8_t *dst);
void weir_hmac_sha1(const uint8_t *key, size_t key_len, const uint8_t *src, size_t len, uint8_t *dst);
uint32_t weir_crc32(const uint8_t *src, size_t len);

// A time in seconds since 1970 as text in UTC. Room: 32. Returns the length.
enum { WEIR_TIME_DATE, WEIR_TIME_FULL, WEIR_TIME_HTTP, WEIR_TIME_COOKIE };
size_t weir_time_text(int kind, int64_t seconds, char *dst);

#endif
