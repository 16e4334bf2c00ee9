/* A dictionary as a whole: its making, flushing, its keys, its room. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "table.h"

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* One for every 128 bytes or fewer: an entry takes at least as much. */
static uint32_t bucket_count(size_t size)
{
    uint32_t n = 64;

    while ((size_t)n * 256 <= size && n < (uint32_t)1 << 30) {
        n *= 2;
    }
    return n;
}

/* nginx and OpenResty keep two small things of their own in a zone; an arena without them would hold a little more
 * than theirs, and what the tests of others and people's experience expect to be thrown out would stay. */
static void set_apart_what_openresty_does(struct slab *s, const char *name)
{
    slab_alloc(s, 80);
    slab_alloc(s, 28 + strlen(name));
}

weir_shdict_t *weir_shdict_new(const char *name, size_t size)
{
    uint32_t npages = slab_pages_for(size), nbuckets = bucket_count(size);
    uint32_t nstripes = size >= STRIPED_FROM ? STRIPES : 1;
    size_t pages_at = round_up(sizeof(weir_shdict_t) + nstripes * sizeof(struct stripe), 64);
    size_t buckets_at = pages_at + npages * sizeof(struct page);
    size_t start_at = round_up(buckets_at + nbuckets * sizeof(uint32_t), PAGE_SIZE);
    size_t mapped = start_at + ((size_t)npages << PAGE_SHIFT);
    char *base = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    weir_shdict_t *d = (weir_shdict_t *)base;

    if (base == MAP_FAILED) {
        return NULL;
    }
    d->size = size;
    d->mapped = mapped;
    d->mask = nbuckets - 1;
    d->stripe_mask = nstripes - 1;
    d->buckets = (uint32_t *)(base + buckets_at);
    if (getrandom(&d->seed, sizeof(d->seed), 0) != sizeof(d->seed)) {
        d->seed = (uint64_t)(uintptr_t)base ^ clock_ms(0) << 20;
    }
    for (uint32_t i = 0; i < nstripes; i++) {
        d->stripes[i].empty = 1;
    }
    slab_init(&d->slab, (struct page *)(base + pages_at), (unsigned char *)base + start_at, npages);
    set_apart_what_openresty_does(&d->slab, name);
    return d;
}

void weir_shdict_free(weir_shdict_t *d)
{
    munmap(d, d->mapped);
}

void weir_shdict_flush_all(weir_shdict_t *d, int64_t now)
{
    uint64_t ms = clock_ms(now);

    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        struct stripe *st = &d->stripes[i];
        stripe_lock(st);
        for (struct node *n = st->newest; n != NULL; n = n->older) {
            node_expires(st, n, 1);
        }
        if (st->oldest != NULL) {
            node_remove(d, st, st->oldest);
        }
        reap(d, st, ms);
        stripe_unlock(st);
    }
}

static int64_t flush_stripe(weir_shdict_t *d, struct stripe *st, int64_t max, uint64_t now)
{
    struct node *newer;
    int64_t freed = 0;

    for (struct node *n = st->oldest; n != NULL && st->expiring != 0; n = newer) {
        newer = n->newer;
        if (over(n, now)) {
            node_remove(d, st, n);
            if (++freed == max) {
                break;
            }
        }
    }
    return freed;
}

int64_t weir_shdict_flush_expired(weir_shdict_t *d, int64_t max, int64_t now)
{
    uint64_t ms = clock_ms(now);
    int64_t freed = 0;

    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        stripe_lock(&d->stripes[i]);
        freed += flush_stripe(d, &d->stripes[i], max > 0 ? max - freed : 0, ms);
        stripe_unlock(&d->stripes[i]);
        if (max > 0 && freed == max) {
            break;
        }
    }
    return freed;
}

struct keys {
    char  *buf;
    size_t len, cap, count;
};

static int add_keys(struct keys *k, struct stripe *st, size_t max, uint64_t now)
{
    for (struct node *n = st->oldest; n != NULL && (max == 0 || k->count < max); n = n->newer) {
        if (over(n, now)) {
            continue;
        }
        if (k->cap - k->len < (size_t)n->key_len + 2) {
            size_t cap = k->cap * 2 + n->key_len + 2;
            char *buf = realloc(k->buf, cap);
            if (buf == NULL) {
                return -1;
            }
            k->buf = buf;
            k->cap = cap;
        }
        memcpy(k->buf + k->len, &n->key_len, 2);
        memcpy(k->buf + k->len + 2, n->data, n->key_len);
        k->len += n->key_len + 2u;
        k->count++;
    }
    return 0;
}

char *weir_shdict_keys(weir_shdict_t *d, int64_t max, int64_t now, size_t *count)
{
    struct keys k = { malloc(4096), 0, 4096, 0 };
    uint64_t ms = clock_ms(now);
    int rc = k.buf == NULL ? -1 : 0;

    for (uint32_t i = 0; i <= d->stripe_mask && rc == 0; i++) {
        stripe_lock(&d->stripes[i]);
        rc = add_keys(&k, &d->stripes[i], max > 0 ? (size_t)max : 0, ms);
        stripe_unlock(&d->stripes[i]);
    }
    if (rc != 0) {
        free(k.buf);
        return NULL;
    }
    *count = k.count;
    return k.buf;
}

void weir_shdict_keys_free(char *keys)
{
    free(keys);
}

size_t weir_shdict_capacity(weir_shdict_t *d)
{
    return d->size;
}

size_t weir_shdict_free_space(weir_shdict_t *d)
{
    size_t n;

    lock(&d->slab.lock);
    n = d->slab.free_pages;
    unlock(&d->slab.lock);
    return n << PAGE_SHIFT;
}

size_t weir_shdict_mapped(weir_shdict_t *d)
{
    return d->mapped;
}
