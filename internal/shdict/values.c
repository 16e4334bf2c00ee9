/* Plain values: get, store, incr, ttl, expire. */
#include <string.h>

#include "table.h"

#define EVICTIONS 30 /* at most, for one new entry (ngx_stream_lua_ffi_shdict_store) */

struct store {
    int         op, type;
    const void *value;
    size_t      len;
    uint64_t    expires;
    int32_t     flags;
};

static int copy_out(struct node *n, weir_shdict_value_t *v)
{
    switch (n->type) {
    case SHDICT_TLIST:
        return SHDICT_IS_LIST;
    case SHDICT_TNUMBER:
        memcpy(&v->num, value_of(n), sizeof(double));
        break;
    case SHDICT_TBOOLEAN:
        v->num = *value_of(n);
        break;
    case SHDICT_TSTRING:
        v->len = n->value_len;
        if (v->len > v->cap) {
            return SHDICT_GROW;
        }
        memcpy(v->buf, value_of(n), v->len);
    }
    v->type = n->type;
    v->flags = n->flags;
    return SHDICT_OK;
}

int weir_shdict_get(weir_shdict_t *d, const char *key, size_t key_len, int stale, int64_t now, weir_shdict_value_t *v)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    struct node *n;
    int rc;

    if (peek(d, st, &r, stale, v, &rc)) {
        return rc;
    }
    rc = SHDICT_OK;
    v->type = SHDICT_TNIL;
    stripe_lock(st);
    if (!stale) {
        reap(d, st, r.now);
    }
    n = node_find(d, &r);
    if (n != NULL) {
        node_touch(d, st, n);
        v->stale = over(n, r.now);
        if (stale || !v->stale) {
            rc = copy_out(n, v);
        }
    }
    stripe_unlock(st);
    return rc;
}

static void fill(struct stripe *st, struct node *n, const struct store *s)
{
    n->type = (uint8_t)s->type;
    n->flags = s->flags;
    n->value_len = (uint32_t)s->len;
    node_expires(st, n, s->expires);
    memcpy(value_of(n), s->value, s->len);
}

static int insert(weir_shdict_t *d, struct stripe *st, const struct request *r, const struct store *s)
{
    struct node *n = node_new(d, st, r, s->len);

    if (n == NULL) {
        return SHDICT_NO_MEMORY;
    }
    fill(st, n, s);
    return SHDICT_OK;
}

/* Once the old entry is gone for want of its size, a replace that is tried again has nothing more to find. */
static int store_locked(weir_shdict_t *d, struct stripe *st, const struct request *r, struct store *s)
{
    struct node *n = node_find(d, r);
    int live = n != NULL && !over(n, r->now);

    if (n != NULL) {
        node_touch(d, st, n); /* an add or replace that fails is a use, too: it may be a lock that is tried */
    }
    if ((s->op & SHDICT_REPLACE) && !live) {
        return SHDICT_NOT_FOUND;
    }
    if ((s->op & SHDICT_ADD) && live) {
        return SHDICT_EXISTS;
    }
    if (n != NULL) {
        if (s->type != SHDICT_TNIL && n->type != SHDICT_TLIST && n->value_len == s->len) {
            fill(st, n, s);
            return SHDICT_OK;
        }
        node_remove(d, st, n);
        s->op &= ~SHDICT_REPLACE;
    }
    return s->type == SHDICT_TNIL ? SHDICT_OK : insert(d, st, r, s);
}

int weir_shdict_store(weir_shdict_t *d, int op, const char *key, size_t key_len, int type, const char *str,
                      size_t str_len, double num, int64_t exptime, int32_t flags, int64_t now)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    struct store s = { op, type, str, str_len, exptime > 0 ? r.now + (uint64_t)exptime : 0, flags };
    unsigned char truth = num != 0;
    int rc, forced = 0;

    if (type == SHDICT_TNUMBER) {
        s.value = &num;
        s.len = sizeof(num);
    } else if (type == SHDICT_TBOOLEAN) {
        s.value = &truth;
        s.len = 1;
    } else if (type == SHDICT_TNIL && (op & (SHDICT_ADD | SHDICT_REPLACE))) {
        return SHDICT_NIL;
    }
    if (s.len > UINT32_MAX) {
        return SHDICT_NO_MEMORY;
    }
    for (int i = 0;; i++) {
        stripe_lock(st);
        reap(d, st, r.now);
        rc = store_locked(d, st, &r, &s);
        stripe_unlock(st);
        if (rc != SHDICT_NO_MEMORY || (op & SHDICT_SAFE) || i == EVICTIONS || !evict(d, r.now)) {
            return rc | forced;
        }
        forced = SHDICT_FORCED;
    }
}

static int incr_locked(weir_shdict_t *d, struct stripe *st, const struct request *r, double by, int has_init,
                       const struct store *s, double *sum)
{
    struct node *n = node_find(d, r);

    if (n != NULL && !over(n, r->now)) {
        node_touch(d, st, n);
        if (n->type != SHDICT_TNUMBER) {
            return SHDICT_NOT_NUMBER;
        }
        memcpy(sum, value_of(n), sizeof(*sum));
        *sum += by;
        memcpy(value_of(n), sum, sizeof(*sum));
        return SHDICT_OK;
    }
    if (!has_init) {
        return SHDICT_NOT_FOUND;
    }
    *sum = *(const double *)s->value;
    if (n != NULL && n->value_len == s->len && n->type != SHDICT_TLIST) {
        node_touch(d, st, n);
        fill(st, n, s);
        return SHDICT_OK;
    }
    if (n != NULL) {
        node_remove(d, st, n);
    }
    return insert(d, st, r, s);
}

int weir_shdict_incr(weir_shdict_t *d, const char *key, size_t key_len, double by, int has_init, double init,
                     int64_t init_ttl, int64_t now, weir_shdict_value_t *v)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    double first = init + by;
    struct store s = { 0, SHDICT_TNUMBER, &first, sizeof(first), init_ttl > 0 ? r.now + (uint64_t)init_ttl : 0, 0 };
    int rc, forced = 0;

    for (int i = 0;; i++) {
        stripe_lock(st);
        reap(d, st, r.now);
        rc = incr_locked(d, st, &r, by, has_init, &s, &v->num);
        stripe_unlock(st);
        if (rc != SHDICT_NO_MEMORY || i == EVICTIONS || !evict(d, r.now)) {
            return rc | forced;
        }
        forced = SHDICT_FORCED;
    }
}

int weir_shdict_ttl(weir_shdict_t *d, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    struct node *n;

    stripe_lock(st);
    n = node_find(d, &r);
    v->num = n == NULL || n->expires == 0 ? 0 : (double)(int64_t)(n->expires - r.now);
    stripe_unlock(st);
    return n == NULL ? SHDICT_NOT_FOUND : SHDICT_OK;
}

int weir_shdict_expire(weir_shdict_t *d, const char *key, size_t key_len, int64_t exptime, int64_t now)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    struct node *n;

    stripe_lock(st);
    n = node_find(d, &r);
    if (n != NULL) {
        node_expires(st, n, exptime > 0 ? r.now + (uint64_t)exptime : 0);
    }
    stripe_unlock(st);
    return n == NULL ? SHDICT_NOT_FOUND : SHDICT_OK;
}
