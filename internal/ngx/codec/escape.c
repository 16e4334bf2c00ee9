#include "codec.h"

// One bit for each byte below 128 that is escaped; bytes from 128 on are all escaped or none. By NGX_ESCAPE_*.
struct set {
	uint32_t low[4];
	int high;
};

static const struct set sets[] = {
	{{0xffffffff, 0x80000029, 0x00000000, 0x80000000}, 1}, // URI: space # % ?
	{{0xffffffff, 0x80000829, 0x00000000, 0x80000000}, 1}, // arguments: also +
	{{0xffffffff, 0xfc00987d, 0x78000001, 0xb8000001}, 1}, // component: all but A-Z a-z 0-9 - . _ ~ ! ' ( ) *
	{{0xffffffff, 0x000000ad, 0x00000000, 0x80000000}, 1}, // HTML: space " # % '
	{{0xffffffff, 0x00000085, 0x00000000, 0x80000000}, 1}, // refresh: space " % '
	{{0xffffffff, 0x00000021, 0x00000000, 0x00000000}, 0}, // memcached: space %
	{{0xffffffff, 0x00000021, 0x00000000, 0x00000000}, 0}, // mail
};

static inline int escaped(const struct set *s, uint8_t c)
{
	return c < 128 ? (s->low[c >> 5] >> (c & 31)) & 1 : s->high;
}

size_t weir_escaped_length(const uint8_t *src, size_t len, int type)
{
	const struct set *s = &sets[type];
	size_t n = len;
	for (size_t i = 0; i < len; i++)
		n += 2 * escaped(s, src[i]);
	return n;
}

void weir_escape(const uint8_t *src, size_t len, uint8_t *dst, int type)
{
	static const char hex[] = "0123456789ABCDEF";
	const struct set *s = &sets[type];
	for (size_t i = 0; i < len; i++) {
		if (!escaped(s, src[i])) {
			*dst++ = src[i];
			continue;
		}
		*dst++ = '%';
		*dst++ = hex[src[i] >> 4];
		*dst++ = hex[src[i] & 15];
	}
}

// Returns a hexadecimal digit's value, or -1.
static inline int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Like nginx: after "%" a byte that is no digit stands for itself, and "%" with one digit takes the next byte away.
size_t weir_unescape(const uint8_t *src, size_t len, uint8_t *dst)
{
	uint8_t *d = dst;
	for (size_t i = 0; i < len; i++) {
		if (src[i] != '%') {
			*d++ = src[i] == '+' ? ' ' : src[i];
			continue;
		}
		if (++i == len)
			break;
		int high = digit(src[i]);
		if (high < 0) {
			*d++ = src[i];
			continue;
		}
		if (++i == len)
			break;
		int low = digit(src[i]);
		if (low >= 0)
			*d++ = high << 4 | low;
	}
	return d - dst;
}

// What follows the backslash, 0 for a byte that needs none.
static inline uint8_t sql_escape(uint8_t c)
{
	switch (c) {
	case '\0': return '0';
	case '\b': return 'b';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	case 26: return 'Z';
	case '\\': case '\'': case '"': return c;
	}
	return 0;
}

size_t weir_sql_quoted_length(const uint8_t *src, size_t len)
{
	size_t n = len;
	for (size_t i = 0; i < len; i++)
		n += sql_escape(src[i]) != 0;
	return n;
}

void weir_sql_quote(const uint8_t *src, size_t len, uint8_t *dst)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = sql_escape(src[i]);
		if (c)
			*dst++ = '\\';
		*dst++ = c ? c : src[i];
	}
}
