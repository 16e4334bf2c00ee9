/* The dictionary behind its lock(s): buckets of entries, and an order of use in each stripe.
 *
 * A dictionary of less than STRIPED_FROM bytes is one stripe: one lock, one exact order of use, as OpenResty's. A larger
 * one has STRIPES, each with the keys of its buckets; they share the arena, so a value may still be as large as that. There
 * an entry that is among the newest NEWEST_PART keeps its place when it is used again: then a use writes nothing, and many
 * workers may read at once.
 * Lock order: a stripe, then the slab. Nobody holds two stripes. */
#ifndef SHDICT_TABLE_H
#define SHDICT_TABLE_H

#include "slab.h"
#include "weir_shdict.h"

#define STRIPES      16
#define STRIPED_FROM ((size_t)512 << 10)
#define NEWEST_PART  4 /* a quarter */
#define FEW          64

/* What OpenResty's entry and list item need besides key and value; arenas then hold as many of ours. */
#define NODE_CHARGE 68
#define ITEM_CHARGE 21

struct node {
    struct node  *next;          /* in the bucket */
    struct node  *newer, *older; /* in the stripe's order of use */
    uint64_t      expires;       /* ms since the epoch; 0 never */
    uint64_t      turn;          /* the dictionary's when the entry last became its stripe's newest */
    uint32_t      hash;
    uint32_t      value_len;     /* bytes, or items of a list */
    int32_t       flags;
    uint16_t      key_len;
    uint8_t       type;
    unsigned char data[];        /* the key, then the value or (aligned) a struct list */
};

struct item {
    struct item  *next, *prev;
    uint32_t      len;
    uint8_t       type;
    unsigned char data[];
};

struct list {
    struct item *head, *tail;
};

_Static_assert(offsetof(struct node, data) <= NODE_CHARGE, "an entry has more in front of its key than it is charged for");
_Static_assert(offsetof(struct item, data) <= ITEM_CHARGE, "an item has more in front of its value than it is charged for");

struct stripe {
    shlock           lock;
    _Atomic uint32_t changes; /* odd while somebody has the lock: peek.c reads without it */
    struct node *newest, *oldest;
    size_t       expiring; /* entries with an end: nothing is looked at while there is none */
    _Atomic uint64_t oldest_turn; /* the oldest's; read without the lock, to choose whom to evict */
    _Atomic int      empty;
} __attribute__((aligned(64)));

struct weir_shdict {
    size_t           size, mapped;
    uint64_t         seed;
    uint32_t         mask;        /* of buckets */
    uint32_t         stripe_mask;
    uint32_t        *buckets;     /* (address - slab.start) / 32 + 1; 0 is empty */
    struct slab      slab;
    /* With more than one stripe: how often an entry became its stripe's newest, and how many there are. */
    _Atomic uint64_t turn __attribute__((aligned(64)));
    _Atomic uint64_t entries;
    struct stripe    stripes[];
};

/* One call's key, and its clock. */
struct request {
    const char *key;
    size_t      key_len;
    uint64_t    now;
    uint32_t    hash;
};

struct request request_make(weir_shdict_t *d, const char *key, size_t key_len, int64_t now);
uint64_t       clock_ms(int64_t now);

static inline struct stripe *stripe_of(weir_shdict_t *d, const struct request *r)
{
    return &d->stripes[r->hash & d->stripe_mask];
}

/* Whether another use of an entry leaves the order as it is. To be the newest of one stripe among several says little. While
 * there is much room nothing is pushed out soon, and the few entries of a dictionary may be used by many without a lock. */
static inline int keeps_place(weir_shdict_t *d, int newest, uint64_t turn)
{
    uint64_t since, near;

    if (d->stripe_mask == 0) {
        return newest;
    }
    since = atomic_load_explicit(&d->turn, memory_order_relaxed) - turn;
    if (since == 0) {
        return 1; /* the newest of all */
    }
    near = atomic_load_explicit(&d->entries, memory_order_relaxed) / NEWEST_PART;
    if (near < FEW && __atomic_load_n(&d->slab.free_pages, __ATOMIC_RELAXED) > d->slab.npages / 4) {
        near = FEW;
    }
    return since < near;
}

static inline int over(const struct node *n, uint64_t now)
{
    return n->expires != 0 && n->expires <= now;
}

static inline unsigned char *value_of(struct node *n)
{
    return n->data + n->key_len;
}

static inline struct list *list_of(struct node *n)
{
    return (struct list *)(((uintptr_t)value_of(n) + 7) & ~(uintptr_t)7);
}

static inline void stripe_lock(struct stripe *st)
{
    lock(&st->lock);
    atomic_store_explicit(&st->changes, st->changes + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static inline void stripe_unlock(struct stripe *st)
{
    atomic_store_explicit(&st->changes, st->changes + 1, memory_order_release);
    unlock(&st->lock);
}

/* peek.c: get without the lock, v->type set; 0 when the lock is needed. */
int peek(weir_shdict_t *d, struct stripe *st, const struct request *r, int stale, weir_shdict_value_t *v, int *rc);

/* All of these want the stripe's lock held. */
struct node *node_find(weir_shdict_t *d, const struct request *r);
struct node *node_new(weir_shdict_t *d, struct stripe *st, const struct request *r, size_t value_len);
void         node_remove(weir_shdict_t *d, struct stripe *st, struct node *n);
void         node_touch(weir_shdict_t *d, struct stripe *st, struct node *n);
void         node_expires(struct stripe *st, struct node *n, uint64_t at);
void         list_clear(weir_shdict_t *d, struct node *n);
void         reap(weir_shdict_t *d, struct stripe *st, uint64_t now);

/* Takes a stripe's lock: throws out the oldest entry of one. Returns 0 when there is none. */
int evict(weir_shdict_t *d, uint64_t now);

#endif
