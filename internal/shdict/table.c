#include <string.h>
#include <time.h>

#include "table.h"

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Multiply and fold, 16 bytes a step, from a seed that nobody outside knows. */
static uint64_t hash_of(uint64_t seed, const char *key, size_t len)
{
    uint64_t h = seed ^ len, w[2];

    for (; len > 16; key += 16, len -= 16) {
        memcpy(w, key, 16);
        h = mix(w[0] ^ 0x9e3779b97f4a7c15, w[1] ^ h);
    }
    w[0] = w[1] = 0;
    memcpy(w, key, len);
    h = mix(w[0] ^ 0x9e3779b97f4a7c15, w[1] ^ h);
    return mix(h ^ 0xd6e8feb86659fd93, seed | 1);
}

uint64_t clock_ms(int64_t now)
{
    struct timespec ts;

    if (now > 0) {
        return (uint64_t)now;
    }
    clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct request request_make(weir_shdict_t *d, const char *key, size_t key_len, int64_t now)
{
    uint64_t h = hash_of(d->seed, key, key_len);

    return (struct request){ key, key_len, clock_ms(now), (uint32_t)(h ^ h >> 32) };
}

static struct node *node_at(weir_shdict_t *d, uint32_t ref)
{
    return (struct node *)(d->slab.start + ((size_t)(ref - 1) << MIN_SHIFT));
}

static uint32_t ref_to(weir_shdict_t *d, struct node *n)
{
    return (uint32_t)((size_t)((unsigned char *)n - d->slab.start) >> MIN_SHIFT) + 1;
}

struct node *node_find(weir_shdict_t *d, const struct request *r)
{
    uint32_t ref = d->buckets[r->hash & d->mask];
    struct node *n;

    if (ref == 0) {
        return NULL;
    }
    for (n = node_at(d, ref); n != NULL; n = n->next) {
        if (n->hash == r->hash && n->key_len == r->key_len && memcmp(n->data, r->key, r->key_len) == 0) {
            return n;
        }
    }
    return NULL;
}

static void note_oldest(struct stripe *st)
{
    atomic_store_explicit(&st->empty, st->oldest == NULL, memory_order_relaxed);
    if (st->oldest != NULL) {
        atomic_store_explicit(&st->oldest_turn, st->oldest->turn, memory_order_relaxed);
    }
}

static void order_push(weir_shdict_t *d, struct stripe *st, struct node *n)
{
    if (d->stripe_mask != 0) {
        n->turn = atomic_fetch_add_explicit(&d->turn, 1, memory_order_relaxed) + 1;
    }
    n->newer = NULL;
    n->older = st->newest;
    if (st->newest != NULL) {
        st->newest->newer = n;
    } else {
        st->oldest = n;
        note_oldest(st);
    }
    st->newest = n;
}

static void order_unlink(struct stripe *st, struct node *n)
{
    *(n->newer ? &n->newer->older : &st->newest) = n->older;
    *(n->older ? &n->older->newer : &st->oldest) = n->newer;
    if (n->older == NULL) {
        note_oldest(st);
    }
}

void node_touch(weir_shdict_t *d, struct stripe *st, struct node *n)
{
    if (keeps_place(d, st->newest == n, n->turn)) {
        return;
    }
    order_unlink(st, n);
    order_push(d, st, n);
}

static void add_entries(weir_shdict_t *d, int by)
{
    if (d->stripe_mask != 0) {
        atomic_fetch_add_explicit(&d->entries, (uint64_t)by, memory_order_relaxed);
    }
}

void node_expires(struct stripe *st, struct node *n, uint64_t at)
{
    st->expiring += (at != 0) - (n->expires != 0);
    n->expires = at;
}

/* A list's head lies in the value, aligned as in OpenResty, hence the rounding. */
struct node *node_new(weir_shdict_t *d, struct stripe *st, const struct request *r, size_t value_len)
{
    struct node *n = slab_alloc(&d->slab, NODE_CHARGE + r->key_len + value_len);
    uint32_t *bucket = &d->buckets[r->hash & d->mask];

    if (n == NULL) {
        return NULL;
    }
    n->hash = r->hash;
    n->key_len = (uint16_t)r->key_len;
    n->expires = 0;
    n->flags = 0;
    n->turn = 0;
    memcpy(n->data, r->key, r->key_len);
    n->next = *bucket ? node_at(d, *bucket) : NULL;
    *bucket = ref_to(d, n);
    order_push(d, st, n);
    add_entries(d, 1);
    return n;
}

static void bucket_unlink(weir_shdict_t *d, struct node *n)
{
    uint32_t *bucket = &d->buckets[n->hash & d->mask];
    struct node *p = node_at(d, *bucket);

    if (p == n) {
        *bucket = n->next ? ref_to(d, n->next) : 0;
        return;
    }
    while (p->next != n) {
        p = p->next;
    }
    p->next = n->next;
}

void list_clear(weir_shdict_t *d, struct node *n)
{
    struct list *l = list_of(n);
    struct item *next;

    for (struct item *i = l->head; i != NULL; i = next) {
        next = i->next;
        slab_free(&d->slab, i);
    }
    l->head = l->tail = NULL;
    n->value_len = 0;
}

void node_remove(weir_shdict_t *d, struct stripe *st, struct node *n)
{
    if (n->type == SHDICT_TLIST) {
        list_clear(d, n);
    }
    node_expires(st, n, 0);
    order_unlink(st, n);
    add_entries(d, -1);
    bucket_unlink(d, n);
    slab_free(&d->slab, n);
}

/* As OpenResty, each operation removes up to two expired entries from the old end. */
void reap(weir_shdict_t *d, struct stripe *st, uint64_t now)
{
    for (int i = 0; i < 2 && st->expiring != 0 && over(st->oldest, now); i++) {
        node_remove(d, st, st->oldest);
    }
}

static struct stripe *longest_unused(weir_shdict_t *d)
{
    struct stripe *oldest = NULL;
    uint64_t least = 0;

    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        struct stripe *st = &d->stripes[i];
        uint64_t turn = atomic_load_explicit(&st->oldest_turn, memory_order_relaxed);
        if (atomic_load_explicit(&st->empty, memory_order_relaxed)) {
            continue;
        }
        if (oldest == NULL || turn < least) {
            oldest = st;
            least = turn;
        }
    }
    return oldest;
}

/* An entry that another thread has removed meanwhile made room as well. */
int evict(weir_shdict_t *d, uint64_t now)
{
    struct stripe *st = longest_unused(d);

    if (st == NULL) {
        return 0;
    }
    stripe_lock(st);
    if (st->oldest != NULL) {
        node_remove(d, st, st->oldest);
        reap(d, st, now);
    }
    stripe_unlock(st);
    return 1;
}
