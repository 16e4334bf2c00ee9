// MD5 (RFC 1321), SHA-1 (RFC 3174), HMAC (RFC 2104), CRC-32 (ISO 3309).

#include "codec.h"

#include <string.h>

static inline uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

// A run of 64-byte blocks into state.
typedef void blocks_fn(uint32_t *state, const uint8_t *p, size_t count);

static inline uint32_t little(const uint8_t *p)
{
	uint32_t x;
	memcpy(&x, p, 4);
	return x;
}

static inline uint32_t big(const uint8_t *p) { return __builtin_bswap32(little(p)); }

#define MD5_STEP(f, a, b, c, d, k, s, t) a = b + rotate(a + (f) + little(p + 4 * (k)) + t, s)
#define MD5_F(a, b, c, d, k, s, t) MD5_STEP(d ^ (b & (c ^ d)), a, b, c, d, k, s, t)
#define MD5_G(a, b, c, d, k, s, t) MD5_STEP(c ^ (d & (b ^ c)), a, b, c, d, k, s, t)
#define MD5_H(a, b, c, d, k, s, t) MD5_STEP(b ^ c ^ d, a, b, c, d, k, s, t)
#define MD5_I(a, b, c, d, k, s, t) MD5_STEP(c ^ (b | ~d), a, b, c, d, k, s, t)
#define MD5_FOUR(R, k1, k2, k3, k4, s1, s2, s3, s4, t1, t2, t3, t4) \
	R(a, b, c, d, k1, s1, t1); R(d, a, b, c, k2, s2, t2); R(c, d, a, b, k3, s3, t3); R(b, c, d, a, k4, s4, t4)

static void md5_blocks(uint32_t *state, const uint8_t *p, size_t count)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	for (; count > 0; count--, p += 64) {
		MD5_FOUR(MD5_F, 0, 1, 2, 3, 7, 12, 17, 22, 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee);
		MD5_FOUR(MD5_F, 4, 5, 6, 7, 7, 12, 17, 22, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501);
		MD5_FOUR(MD5_F, 8, 9, 10, 11, 7, 12, 17, 22, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be);
		MD5_FOUR(MD5_F, 12, 13, 14, 15, 7, 12, 17, 22, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821);
		MD5_FOUR(MD5_G, 1, 6, 11, 0, 5, 9, 14, 20, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa);
		MD5_FOUR(MD5_G, 5, 10, 15, 4, 5, 9, 14, 20, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8);
		MD5_FOUR(MD5_G, 9, 14, 3, 8, 5, 9, 14, 20, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed);
		MD5_FOUR(MD5_G, 13, 2, 7, 12, 5, 9, 14, 20, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a);
		MD5_FOUR(MD5_H, 5, 8, 11, 14, 4, 11, 16, 23, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c);
		MD5_FOUR(MD5_H, 1, 4, 7, 10, 4, 11, 16, 23, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70);
		MD5_FOUR(MD5_H, 13, 0, 3, 6, 4, 11, 16, 23, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05);
		MD5_FOUR(MD5_H, 9, 12, 15, 2, 4, 11, 16, 23, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665);
		MD5_FOUR(MD5_I, 0, 7, 14, 5, 6, 10, 15, 21, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039);
		MD5_FOUR(MD5_I, 12, 3, 10, 1, 6, 10, 15, 21, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1);
		MD5_FOUR(MD5_I, 8, 15, 6, 13, 6, 10, 15, 21, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1);
		MD5_FOUR(MD5_I, 4, 11, 2, 9, 6, 10, 15, 21, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391);
		a = state[0] += a;
		b = state[1] += b;
		c = state[2] += c;
		d = state[3] += d;
	}
}

// Word t of the schedule, which is a ring of 16.
static inline uint32_t sha1_word(uint32_t *w, const uint8_t *p, int t)
{
	uint32_t x = t < 16 ? big(p + 4 * t)
		: rotate(w[(t - 3) & 15] ^ w[(t - 8) & 15] ^ w[(t - 14) & 15] ^ w[t & 15], 1);
	return w[t & 15] = x;
}

#define SHA1_ROUND(f, k, t) \
	do { \
		uint32_t x = rotate(a, 5) + (f) + e + k + sha1_word(w, p, t); \
		e = d; d = c; c = rotate(b, 30); b = a; a = x; \
	} while (0)

static void sha1_blocks(uint32_t *state, const uint8_t *p, size_t count)
{
	uint32_t w[16];
	for (; count > 0; count--, p += 64) {
		uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
		#pragma GCC unroll 20
		for (int t = 0; t < 20; t++)
			SHA1_ROUND(d ^ (b & (c ^ d)), 0x5a827999, t);
		#pragma GCC unroll 20
		for (int t = 20; t < 40; t++)
			SHA1_ROUND(b ^ c ^ d, 0x6ed9eba1, t);
		#pragma GCC unroll 20
		for (int t = 40; t < 60; t++)
			SHA1_ROUND((b & c) | (d & (b | c)), 0x8f1bbcdc, t);
		#pragma GCC unroll 20
		for (int t = 60; t < 80; t++)
			SHA1_ROUND(b ^ c ^ d, 0xca62c1d6, t);
		state[0] += a;
		state[1] += b;
		state[2] += c;
		state[3] += d;
		state[4] += e;
	}
}

// The rest of a message of total bytes, with its padding: a 1 bit, zeros, the length in bits.
static void finish(blocks_fn *blocks, uint32_t *state, const uint8_t *rest, uint64_t total, int big_endian)
{
	uint8_t tail[128] = {0};
	size_t n = total & 63;
	size_t size = n < 56 ? 64 : 128;
	uint64_t bits = total * 8;
	if (big_endian)
		bits = __builtin_bswap64(bits);
	if (n > 0)
		memcpy(tail, rest, n);
	tail[n] = 0x80;
	memcpy(tail + size - 8, &bits, 8);
	blocks(state, tail, size / 64);
}

void weir_md5(const uint8_t *src, size_t len, uint8_t *dst)
{
	uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	md5_blocks(state, src, len / 64);
	finish(md5_blocks, state, src + (len & ~(size_t)63), len, 0);
	memcpy(dst, state, 16);
}

void weir_md5_hex(const uint8_t *src, size_t len, uint8_t *dst)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t sum[16];
	weir_md5(src, len, sum);
	for (int i = 0; i < 16; i++) {
		*dst++ = hex[sum[i] >> 4];
		*dst++ = hex[sum[i] & 15];
	}
}

static const uint32_t sha1_start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

// The digest of head bytes that are in state already, and of src behind them. head is a multiple of 64.
static void sha1_end(uint32_t *state, size_t head, const uint8_t *src, size_t len, uint8_t *dst)
{
	sha1_blocks(state, src, len / 64);
	finish(sha1_blocks, state, src + (len & ~(size_t)63), head + len, 1);
	for (int i = 0; i < 5; i++) {
		uint32_t x = __builtin_bswap32(state[i]);
		memcpy(dst + 4 * i, &x, 4);
	}
}

void weir_sha1(const uint8_t *src, size_t len, uint8_t *dst)
{
	uint32_t state[5];
	memcpy(state, sha1_start, sizeof(state));
	sha1_end(state, 0, src, len, dst);
}

// The state behind one block of the key with pad over it.
static void hmac_begin(uint32_t *state, const uint8_t *key, uint8_t pad)
{
	uint8_t block[64];
	for (int i = 0; i < 64; i++)
		block[i] = key[i] ^ pad;
	memcpy(state, sha1_start, sizeof(sha1_start));
	sha1_blocks(state, block, 1);
}

void weir_hmac_sha1(const uint8_t *key, size_t key_len, const uint8_t *src, size_t len, uint8_t *dst)
{
	uint8_t block[64] = {0}, inner[20];
	uint32_t state[5];
	if (key_len > 64)
		weir_sha1(key, key_len, block);
	else if (key_len > 0)
		memcpy(block, key, key_len);
	hmac_begin(state, block, 0x36);
	sha1_end(state, 64, src, len, inner);
	hmac_begin(state, block, 0x5c);
	sha1_end(state, 64, inner, 20, dst);
}

static uint32_t crc_table[256];

__attribute__((constructor)) static void fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t x = i;
		for (int bit = 0; bit < 8; bit++)
			x = x & 1 ? x >> 1 ^ 0xedb88320 : x >> 1;
		crc_table[i] = x;
	}
}

uint32_t weir_crc32(const uint8_t *src, size_t len)
{
	uint32_t x = ~0u;
	for (; len > 0; len--)
		x = crc_table[(x ^ *src++) & 255] ^ x >> 8;
	return ~x;
}
