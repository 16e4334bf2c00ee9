/* weir_shdict: shared dictionaries for Go and for Lua's FFI. The manual is in the package comment of shdict.go.
 *
 * Every function may be called by any thread at any time while the dictionary lives. Times are milliseconds; `now` is
 * the caller's clock since the epoch, or 0 for the kernel's coarse clock. Lengths are bytes; keys have 1 to 65535. */
#ifndef WEIR_SHDICT_H
#define WEIR_SHDICT_H

#include <stddef.h>
#include <stdint.h>

typedef struct weir_shdict weir_shdict_t;

/* What an operation says. */
enum {
    SHDICT_OK = 0,
    SHDICT_NOT_FOUND,
    SHDICT_EXISTS,
    SHDICT_NO_MEMORY,
    SHDICT_NOT_NUMBER,
    SHDICT_IS_LIST,  /* a plain operation met a list */
    SHDICT_NOT_LIST, /* a list operation met a plain value */
    SHDICT_NIL,      /* add or replace with nil */
    SHDICT_GROW,     /* value.buf is smaller than value.len: nothing was done */
    SHDICT_FORCED = 0x100, /* or-ed: entries that had not expired were thrown out */
};

/* Types of values: Lua's numbers. */
enum { SHDICT_TNIL = 0, SHDICT_TBOOLEAN = 1, SHDICT_TNUMBER = 3, SHDICT_TSTRING = 4, SHDICT_TLIST = 5 };

/* Kinds of store; may be or-ed. 0 sets. */
enum { SHDICT_ADD = 1, SHDICT_REPLACE = 2, SHDICT_SAFE = 4 };

/* A value read. The caller owns it and buf. */
typedef struct weir_shdict_value {
    int      type;
    int      stale; /* its time is over (get with stale) */
    int32_t  flags;
    uint32_t len;   /* of a string */
    double   num;   /* a number, a boolean (0, 1), the length of a list, or a ttl */
    char    *buf;   /* receives a string, without a terminator */
    size_t   cap;
} weir_shdict_value_t;

weir_shdict_t *weir_shdict_new(const char *name, size_t size);
void           weir_shdict_free(weir_shdict_t *d);
size_t         weir_shdict_mapped(weir_shdict_t *d); /* all of its memory, bookkeeping too */

int weir_shdict_get(weir_shdict_t *d, const char *key, size_t key_len, int stale, int64_t now, weir_shdict_value_t *v);

/* exptime 0: never expires. num holds numbers and booleans, str strings; SHDICT_TNIL deletes. */
int weir_shdict_store(weir_shdict_t *d, int op, const char *key, size_t key_len, int type, const char *str,
                      size_t str_len, double num, int64_t exptime, int32_t flags, int64_t now);

/* The sum is in v->num. */
int weir_shdict_incr(weir_shdict_t *d, const char *key, size_t key_len, double by, int has_init, double init,
                     int64_t init_ttl, int64_t now, weir_shdict_value_t *v);

/* Lists: the new length is in v->num; pop of an empty list gives SHDICT_TNIL. */
int weir_shdict_push(weir_shdict_t *d, int left, const char *key, size_t key_len, int type, const char *str,
                     size_t str_len, double num, int64_t now, weir_shdict_value_t *v);
int weir_shdict_pop(weir_shdict_t *d, int left, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v);
int weir_shdict_llen(weir_shdict_t *d, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v);

/* v->num is what is left, 0 for ever, below 0 for what is over but not yet removed. */
int weir_shdict_ttl(weir_shdict_t *d, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v);
int weir_shdict_expire(weir_shdict_t *d, const char *key, size_t key_len, int64_t exptime, int64_t now);

void    weir_shdict_flush_all(weir_shdict_t *d, int64_t now);
int64_t weir_shdict_flush_expired(weir_shdict_t *d, int64_t max, int64_t now); /* max 0: all; returns how many */

/* Up to max keys (0: all) that have not expired, the longest unused first, each as its length (2 bytes, little
 * endian) and its bytes. The result is NULL without memory, else goes to weir_shdict_keys_free. */
char *weir_shdict_keys(weir_shdict_t *d, int64_t max, int64_t now, size_t *count);
void  weir_shdict_keys_free(char *keys);

size_t weir_shdict_capacity(weir_shdict_t *d);   /* the configured size */
size_t weir_shdict_free_space(weir_shdict_t *d); /* bytes in wholly free pages */

#endif
