/* weir_re: PCRE2 for Go and for Lua's FFI. The manual is in the package comment of pcre.go. */
#ifndef WEIR_RE_H
#define WEIR_RE_H

#include <stddef.h>
#include <stdint.h>

enum {
    WEIR_RE_CASELESS     = 0x001,
    WEIR_RE_MULTILINE    = 0x002,
    WEIR_RE_DOTALL       = 0x004,
    WEIR_RE_EXTENDED     = 0x008,
    WEIR_RE_ANCHORED     = 0x010,
    WEIR_RE_UTF          = 0x020,
    WEIR_RE_NO_UTF_CHECK = 0x040,
    WEIR_RE_DUPNAMES     = 0x080,
    WEIR_RE_JAVASCRIPT   = 0x100,
    WEIR_RE_DFA          = 0x200,
    WEIR_RE_JIT          = 0x400,
};

/* The patterns of one Lua state. When it is closed they stay until weir_re_set_free: the state's finalizers run in an order
 * in which one may match with what another has freed. */
typedef struct weir_re_set weir_re_set_t;

weir_re_set_t *weir_re_set_new(void);
void weir_re_set_close(weir_re_set_t *set);
void weir_re_set_free(weir_re_set_t *set);

/* A compiled pattern. Immutable after compile, except captures, which belong to the one caller that uses it. */
typedef struct weir_re {
    void                *code;
    const unsigned char *name_table;      /* entries of name_entry_size: group number (2 bytes, big endian), name, NUL */
    int                  name_count;
    int                  name_entry_size;
    int                  ncaptures;       /* groups besides the whole match; 0 with WEIR_RE_DFA */
    int                  flags;
    int                  jitted;
    uint32_t             match_limit;     /* 0: PCRE2's own */
    int                 *captures;        /* 2 * (ncaptures + 1) offsets for callers that bring no vector */
    weir_re_set_t       *set;             /* NULL: none */
    struct weir_re      *prev, *next;     /* in the set */
} weir_re_t;

/* Returns NULL and nginx's words for the failure in err (always terminated). set may be NULL. */
weir_re_t *weir_re_compile(weir_re_set_t *set, const char *pattern, size_t len, int flags, uint32_t match_limit,
                           char *err, size_t err_size);

/* Frees a pattern once, unless its set is closed. */
void weir_re_free(weir_re_t *re);

/* Matches s from offset pos and fills re->captures. One thread at a time for one re.
 * Returns the number of pairs set, 0 when a DFA match had more alternatives than room (pair 0 is set),
 * or PCRE2's negative error; -1 is no match. */
int weir_re_exec(weir_re_t *re, const char *s, size_t len, size_t pos);

/* The same into the caller's vector of npairs pairs; any number of threads at a time. Unset pairs are -1. */
int weir_re_exec_into(const weir_re_t *re, const char *s, size_t len, size_t pos, intptr_t *pairs, int npairs);

/* Largest JIT stack (bytes) of every thread from its next match on. 0: the 32 KB that PCRE2 takes from the C stack. */
void weir_re_set_jit_stack(size_t size);

#endif
