/* What one OS thread keeps for matching: made at its first match, freed when it ends. */
#ifndef WEIR_RE_THREAD_H
#define WEIR_RE_THREAD_H

#include <stddef.h>
#include <stdint.h>

struct re_thread {
    void    *data;       /* pcre2_match_data with room for pairs */
    void    *context;    /* pcre2_match_context */
    void    *stack;      /* pcre2_jit_stack or NULL */
    int      pairs;
    uint32_t limit;      /* match limit that context has now; 0 is PCRE2's own */
    size_t   stack_size; /* that stack was made for */
};

/* Returns NULL without memory. The result is valid until this thread's next call. */
struct re_thread *re_thread_get(int pairs, uint32_t limit);

#endif
