#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "thread.h"
#include "weir_re.h"

#define MIN_JIT_STACK (32 * 1024)

static atomic_size_t wanted_stack;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static __thread struct re_thread *mine;

static void thread_free(void *p)
{
    struct re_thread *t = p;

    pcre2_match_data_free(t->data);
    pcre2_match_context_free(t->context);
    pcre2_jit_stack_free(t->stack);
    free(t);
}

static void make_key(void)
{
    pthread_key_create(&key, thread_free);
}

static struct re_thread *thread_new(void)
{
    struct re_thread *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        return NULL;
    }
    t->context = pcre2_match_context_create(NULL);
    if (t->context == NULL) {
        free(t);
        return NULL;
    }
    pthread_once(&once, make_key);
    pthread_setspecific(key, t);
    mine = t;
    return t;
}

static int fit_pairs(struct re_thread *t, int pairs)
{
    pcre2_match_data *data;

    if (pairs < 16) {
        pairs = 16;
    }
    data = pcre2_match_data_create((uint32_t)pairs, NULL);
    if (data == NULL) {
        return -1;
    }
    pcre2_match_data_free(t->data);
    t->data = data;
    t->pairs = pairs;
    return 0;
}

static void fit_stack(struct re_thread *t, size_t size)
{
    pcre2_jit_stack_free(t->stack);
    t->stack = size ? pcre2_jit_stack_create(MIN_JIT_STACK, size, NULL) : NULL;
    pcre2_jit_stack_assign(t->context, NULL, t->stack);
    t->stack_size = size;
}

static void fit_limit(struct re_thread *t, uint32_t limit)
{
    uint32_t own = 10000000;

    if (limit == 0) {
        pcre2_config(PCRE2_CONFIG_MATCHLIMIT, &own);
    }
    pcre2_set_match_limit(t->context, limit ? limit : own);
    t->limit = limit;
}

struct re_thread *re_thread_get(int pairs, uint32_t limit)
{
    struct re_thread *t = mine ? mine : thread_new();
    size_t stack = atomic_load_explicit(&wanted_stack, memory_order_relaxed);

    if (t == NULL || (pairs > t->pairs && fit_pairs(t, pairs) != 0)) {
        return NULL;
    }
    if (stack != t->stack_size) {
        fit_stack(t, stack);
    }
    if (limit != t->limit) {
        fit_limit(t, limit);
    }
    return t;
}

void weir_re_set_jit_stack(size_t size)
{
    if (size != 0 && size < MIN_JIT_STACK) {
        size = MIN_JIT_STACK;
    }
    atomic_store_explicit(&wanted_stack, size, memory_order_relaxed);
}
