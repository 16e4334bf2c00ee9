#include "codec.h"

static const char alphabets[2][65] = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

// A character's value plus 1, 0 for what is not of the alphabet.
static uint8_t values[2][256];

__attribute__((constructor)) static void fill(void)
{
	for (int a = 0; a < 2; a++)
		for (int i = 0; i < 64; i++)
			values[a][(uint8_t)alphabets[a][i]] = i + 1;
}

size_t weir_base64_encode(const uint8_t *src, size_t len, uint8_t *dst, int flags)
{
	const char *a = alphabets[flags & WEIR_BASE64_URL];
	uint8_t *d = dst;
	for (; len > 2; len -= 3, src += 3) {
		*d++ = a[src[0] >> 2];
		*d++ = a[(src[0] & 3) << 4 | src[1] >> 4];
		*d++ = a[(src[1] & 15) << 2 | src[2] >> 6];
		*d++ = a[src[2] & 63];
	}
	if (len == 0)
		return d - dst;
	uint8_t second = len > 1 ? src[1] : 0;
	*d++ = a[src[0] >> 2];
	*d++ = a[(src[0] & 3) << 4 | second >> 4];
	if (len > 1)
		*d++ = a[(second & 15) << 2];
	if (flags & WEIR_BASE64_NO_PADDING)
		return d - dst;
	*d++ = '=';
	if (len == 1)
		*d++ = '=';
	return d - dst;
}

int64_t weir_base64_decode(const uint8_t *src, size_t len, uint8_t *dst, int flags)
{
	const uint8_t *v = values[flags & WEIR_BASE64_URL];
	uint8_t *d = dst;
	uint32_t bits = 0;
	int have = 0; // characters in bits
	for (size_t i = 0; i < len && src[i] != '='; i++) {
		uint8_t value = v[src[i]];
		if (value == 0) {
			if (flags & WEIR_BASE64_MIME)
				continue;
			return -1;
		}
		bits = bits << 6 | (value - 1);
		if (++have < 4)
			continue;
		*d++ = bits >> 16;
		*d++ = bits >> 8;
		*d++ = bits;
		have = 0;
	}
	if (have == 1)
		return -1;
	if (have > 1)
		*d++ = bits >> (have == 2 ? 4 : 10);
	if (have > 2)
		*d++ = bits >> 2;
	return d - dst;
}
