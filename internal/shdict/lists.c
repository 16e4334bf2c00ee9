/* Lists: push, pop, llen. A push never throws anything out (ngx_stream_lua_shdict_push_helper). */
#include <string.h>

#include "table.h"

static struct item *item_new(weir_shdict_t *d, int type, const void *value, size_t len)
{
    struct item *i = len > UINT32_MAX ? NULL : slab_alloc(&d->slab, ITEM_CHARGE + len);

    if (i == NULL) {
        return NULL;
    }
    i->type = (uint8_t)type;
    i->len = (uint32_t)len;
    memcpy(i->data, value, len);
    return i;
}

static void link_left(struct list *l, struct item *i)
{
    i->prev = NULL;
    i->next = l->head;
    *(l->head ? &l->head->prev : &l->tail) = i;
    l->head = i;
}

static void link_right(struct list *l, struct item *i)
{
    i->next = NULL;
    i->prev = l->tail;
    *(l->tail ? &l->tail->next : &l->head) = i;
    l->tail = i;
}

static void unlink_item(struct list *l, struct item *i)
{
    *(i->prev ? &i->prev->next : &l->head) = i->next;
    *(i->next ? &i->next->prev : &l->tail) = i->prev;
}

static struct node *list_new(weir_shdict_t *d, struct stripe *st, const struct request *r)
{
    size_t bare = NODE_CHARGE + r->key_len + sizeof(struct list);
    struct node *n = node_new(d, st, r, sizeof(struct list) + (-bare & 7));

    if (n == NULL) {
        return NULL;
    }
    n->type = SHDICT_TLIST;
    n->value_len = 0;
    *list_of(n) = (struct list){ NULL, NULL };
    return n;
}

/* An expired list is emptied and used again; an expired plain value makes room. */
static int list_for_push(weir_shdict_t *d, struct stripe *st, const struct request *r, struct node **found)
{
    struct node *n = node_find(d, r);

    if (n != NULL && !over(n, r->now) && n->type != SHDICT_TLIST) {
        node_touch(d, st, n);
        return SHDICT_NOT_LIST;
    }
    if (n != NULL && over(n, r->now)) {
        if (n->type == SHDICT_TLIST) {
            list_clear(d, n);
            node_expires(st, n, 0);
        } else {
            node_remove(d, st, n);
            n = NULL;
        }
    }
    if (n == NULL) {
        n = list_new(d, st, r);
    } else {
        node_touch(d, st, n);
    }
    *found = n;
    return n == NULL ? SHDICT_NO_MEMORY : SHDICT_OK;
}

static int push_locked(weir_shdict_t *d, struct stripe *st, const struct request *r, int left, int type,
                       const void *value, size_t len, double *length)
{
    struct node *n;
    struct item *i;
    int rc = list_for_push(d, st, r, &n);

    if (rc != SHDICT_OK) {
        return rc;
    }
    i = item_new(d, type, value, len);
    if (i == NULL) {
        if (n->value_len == 0) {
            node_remove(d, st, n);
        }
        return SHDICT_NO_MEMORY;
    }
    (left ? link_left : link_right)(list_of(n), i);
    *length = ++n->value_len;
    return SHDICT_OK;
}

int weir_shdict_push(weir_shdict_t *d, int left, const char *key, size_t key_len, int type, const char *str,
                     size_t str_len, double num, int64_t now, weir_shdict_value_t *v)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    int is_num = type == SHDICT_TNUMBER, rc;

    stripe_lock(st);
    reap(d, st, r.now);
    rc = push_locked(d, st, &r, left, type, is_num ? (void *)&num : str, is_num ? sizeof(num) : str_len, &v->num);
    stripe_unlock(st);
    return rc;
}

static int item_out(struct item *i, weir_shdict_value_t *v)
{
    if (i->type == SHDICT_TNUMBER) {
        memcpy(&v->num, i->data, sizeof(double));
    } else {
        v->len = i->len;
        if (v->len > v->cap) {
            return SHDICT_GROW;
        }
        memcpy(v->buf, i->data, i->len);
    }
    v->type = i->type;
    return SHDICT_OK;
}

static int pop_locked(weir_shdict_t *d, struct stripe *st, const struct request *r, int left, weir_shdict_value_t *v)
{
    struct node *n = node_find(d, r);
    struct item *i;
    int rc;

    if (n == NULL) {
        return SHDICT_OK;
    }
    node_touch(d, st, n);
    if (over(n, r->now)) {
        return SHDICT_OK;
    }
    if (n->type != SHDICT_TLIST) {
        return SHDICT_NOT_LIST;
    }
    i = left ? list_of(n)->head : list_of(n)->tail;
    rc = item_out(i, v);
    if (rc != SHDICT_OK) {
        return rc;
    }
    unlink_item(list_of(n), i);
    slab_free(&d->slab, i);
    if (--n->value_len == 0) {
        node_remove(d, st, n);
    }
    return SHDICT_OK;
}

int weir_shdict_pop(weir_shdict_t *d, int left, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    int rc;

    v->type = SHDICT_TNIL;
    stripe_lock(st);
    reap(d, st, r.now);
    rc = pop_locked(d, st, &r, left, v);
    stripe_unlock(st);
    return rc;
}

int weir_shdict_llen(weir_shdict_t *d, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v)
{
    struct request r = request_make(d, key, key_len, now);
    struct stripe *st = stripe_of(d, &r);
    struct node *n;
    int rc = SHDICT_OK;

    v->num = 0;
    stripe_lock(st);
    reap(d, st, r.now);
    n = node_find(d, &r);
    if (n != NULL) {
        node_touch(d, st, n);
        if (!over(n, r.now) && n->type == SHDICT_TLIST) {
            v->num = n->value_len;
        } else if (!over(n, r.now)) {
            rc = SHDICT_NOT_LIST;
        }
    }
    stripe_unlock(st);
    return rc;
}
