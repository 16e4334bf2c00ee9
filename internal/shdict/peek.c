/* Reading without the lock, so that many workers may read one key: the stripe counts its changes, and what was read while
 * it did not count is true. Until that is known anything read may be of an entry that has gone, and its memory another
 * value's; so nothing is followed that does not lie in the arena, and not for long. */
#include <string.h>

#include "table.h"

#define TRIES 4
#define HOPS  64 /* in a bucket */

#define READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

static int inside(weir_shdict_t *d, const struct node *n, size_t data)
{
    size_t at = (size_t)((const unsigned char *)n - d->slab.start);
    size_t end = d->mapped - (size_t)(d->slab.start - (unsigned char *)d);

    return (uintptr_t)n % 8 == 0 && at < end && sizeof(*n) + data <= end - at;
}

/* The oldest entry is to be thrown out, or may be. */
static int must_reap(weir_shdict_t *d, struct stripe *st, uint64_t now)
{
    struct node *oldest;
    uint64_t expires;

    if (READ(st->expiring) == 0) {
        return 0;
    }
    oldest = READ(st->oldest);
    if (!inside(d, oldest, 0)) {
        return 1;
    }
    expires = READ(oldest->expires);
    return expires != 0 && expires <= now;
}

/* Sets *found to the entry or NULL; 0 when what was read makes no sense. */
static int find(weir_shdict_t *d, const struct request *r, struct node **found)
{
    uint32_t ref = READ(d->buckets[r->hash & d->mask]);
    struct node *n = ref == 0 ? NULL : (struct node *)(d->slab.start + ((size_t)(ref - 1) << MIN_SHIFT));

    for (int i = 0; i < HOPS; i++, n = READ(n->next)) {
        if (n == NULL) {
            *found = NULL;
            return 1;
        }
        if (!inside(d, n, r->key_len)) {
            return 0;
        }
        if (READ(n->hash) == r->hash && READ(n->key_len) == r->key_len && memcmp(n->data, r->key, r->key_len) == 0) {
            *found = n;
            return 1;
        }
    }
    return 0;
}

/* As copy_out of values.c; -1 when what was read makes no sense. */
static int copy(weir_shdict_t *d, const struct request *r, struct node *n, weir_shdict_value_t *v)
{
    uint32_t len = READ(n->value_len);
    const unsigned char *value = n->data + r->key_len;
    int type = READ(n->type);

    if (!inside(d, n, r->key_len + (type == SHDICT_TLIST ? 0 : (size_t)len))) {
        return -1;
    }
    switch (type) {
    case SHDICT_TLIST:
        return SHDICT_IS_LIST;
    case SHDICT_TNUMBER:
        if (len != sizeof(double)) {
            return -1;
        }
        memcpy(&v->num, value, sizeof(double));
        break;
    case SHDICT_TBOOLEAN:
        v->num = *value;
        break;
    case SHDICT_TSTRING:
        v->len = len;
        if (len > v->cap) {
            return SHDICT_GROW;
        }
        memcpy(v->buf, value, len);
        break;
    default:
        return -1;
    }
    v->type = type;
    v->flags = READ(n->flags);
    return SHDICT_OK;
}

/* One look, in which all must be as when nobody has changed anything; -1 when it is not, or the lock is needed. */
static int look(weir_shdict_t *d, struct stripe *st, const struct request *r, int stale, weir_shdict_value_t *v)
{
    struct node *n;
    uint64_t expires;

    v->type = SHDICT_TNIL;
    if ((!stale && must_reap(d, st, r->now)) || !find(d, r, &n)) {
        return -1;
    }
    if (n == NULL) {
        return SHDICT_OK;
    }
    if (!keeps_place(d, READ(st->newest) == n, READ(n->turn))) {
        return -1; /* its place in the order of use changes */
    }
    expires = READ(n->expires);
    v->stale = expires != 0 && expires <= r->now;
    return stale || !v->stale ? copy(d, r, n, v) : SHDICT_OK;
}

int peek(weir_shdict_t *d, struct stripe *st, const struct request *r, int stale, weir_shdict_value_t *v, int *rc)
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t before = atomic_load_explicit(&st->changes, memory_order_acquire);
        if (before % 2 == 0) {
            *rc = look(d, st, r, stale, v);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&st->changes, memory_order_relaxed) == before) {
                return *rc >= 0;
            }
        }
        __builtin_ia32_pause();
    }
    return 0;
}
