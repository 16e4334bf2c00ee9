#include "slab.h"

enum { FREE, BODY, RUN, CHUNKS };

/* ngx_slab_init: the pool's head with nine classes, then a 24 byte descriptor for each page. */
#define NGX_POOL_HEAD 704
#define NGX_PAGE_HEAD 24

uint32_t slab_pages_for(size_t size)
{
    size_t n, head, fit;

    if (size < NGX_POOL_HEAD + PAGE_SIZE) {
        return 0;
    }
    n = (size - NGX_POOL_HEAD) / (PAGE_SIZE + NGX_PAGE_HEAD);
    head = (NGX_POOL_HEAD + n * NGX_PAGE_HEAD + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    fit = size > head ? (size - head) >> PAGE_SHIFT : 0;
    return (uint32_t)(fit < n ? fit : n);
}

static void push(struct slab *s, uint32_t *list, uint32_t i)
{
    s->pages[i].prev = NO_PAGE;
    s->pages[i].next = *list;
    if (*list != NO_PAGE) {
        s->pages[*list].prev = i;
    }
    *list = i;
}

static void unlink_page(struct slab *s, uint32_t *list, uint32_t i)
{
    struct page *p = &s->pages[i];

    if (p->prev == NO_PAGE) {
        *list = p->next;
    } else {
        s->pages[p->prev].next = p->next;
    }
    if (p->next != NO_PAGE) {
        s->pages[p->next].prev = p->prev;
    }
}

static void mark_free(struct slab *s, uint32_t first, uint32_t n)
{
    struct page *head = &s->pages[first], *tail = &s->pages[first + n - 1];

    head->kind = tail->kind = FREE;
    head->run = tail->run = n;
}

void slab_init(struct slab *s, struct page *pages, unsigned char *start, uint32_t npages)
{
    s->pages = pages;
    s->start = start;
    s->npages = s->free_pages = npages;
    s->free_runs = NO_PAGE;
    for (int i = 0; i <= MAX_SHIFT; i++) {
        s->room[i] = NO_PAGE;
    }
    if (npages > 0) {
        mark_free(s, 0, npages);
        push(s, &s->free_runs, 0);
    }
}

/* The rest of a run takes its place in the list: order decides what later fits. */
static void cut(struct slab *s, uint32_t i, uint32_t n)
{
    struct page *p = &s->pages[i];
    uint32_t rest = i + n;

    if (p->run == n) {
        unlink_page(s, &s->free_runs, i);
        return;
    }
    s->pages[rest].next = p->next;
    s->pages[rest].prev = p->prev;
    if (p->prev == NO_PAGE) {
        s->free_runs = rest;
    } else {
        s->pages[p->prev].next = rest;
    }
    if (p->next != NO_PAGE) {
        s->pages[p->next].prev = rest;
    }
    mark_free(s, rest, p->run - n);
}

static uint32_t alloc_pages(struct slab *s, size_t n)
{
    uint32_t i = s->free_runs;

    if (n > s->free_pages) {
        return NO_PAGE;
    }
    while (i != NO_PAGE && s->pages[i].run < n) {
        i = s->pages[i].next;
    }
    if (i == NO_PAGE) {
        return NO_PAGE;
    }
    cut(s, i, (uint32_t)n);
    s->free_pages -= (uint32_t)n;
    s->pages[i].kind = RUN;
    s->pages[i].run = (uint32_t)n;
    for (uint32_t k = 1; k < n; k++) {
        s->pages[i + k].kind = BODY;
    }
    return i;
}

static void free_run(struct slab *s, uint32_t i, uint32_t n)
{
    uint32_t after = i + n;

    s->free_pages += n;
    if (after < s->npages && s->pages[after].kind == FREE) {
        unlink_page(s, &s->free_runs, after);
        n += s->pages[after].run;
    }
    if (i > 0 && s->pages[i - 1].kind == FREE) {
        uint32_t before = i - s->pages[i - 1].run;
        unlink_page(s, &s->free_runs, before);
        n += i - before;
        i = before;
    }
    mark_free(s, i, n);
    push(s, &s->free_runs, i);
}

static unsigned char *address(struct slab *s, uint32_t page)
{
    return s->start + ((size_t)page << PAGE_SHIFT);
}

static int class_of(size_t size)
{
    return size <= (size_t)1 << MIN_SHIFT ? MIN_SHIFT : 64 - __builtin_clzl(size - 1);
}

static uint32_t new_class_page(struct slab *s, int shift)
{
    uint32_t i = alloc_pages(s, 1);
    struct page *p;

    if (i == NO_PAGE) {
        return NO_PAGE;
    }
    p = &s->pages[i];
    p->kind = CHUNKS;
    p->shift = (uint8_t)shift;
    p->count = 0;
    p->used[0] = p->used[1] = 0;
    push(s, &s->room[shift], i);
    return i;
}

static void *alloc_chunk(struct slab *s, int shift)
{
    uint32_t i = s->room[shift];
    struct page *p;
    int word, bit;

    if (i == NO_PAGE && (i = new_class_page(s, shift)) == NO_PAGE) {
        return NULL;
    }
    p = &s->pages[i];
    word = p->used[0] == UINT64_MAX;
    bit = __builtin_ctzl(~p->used[word]);
    p->used[word] |= (uint64_t)1 << bit;
    if (++p->count == PAGE_SIZE >> shift) {
        unlink_page(s, &s->room[shift], i);
    }
    return address(s, i) + ((size_t)(word * 64 + bit) << shift);
}

static void free_chunk(struct slab *s, uint32_t i, size_t offset)
{
    struct page *p = &s->pages[i];
    size_t chunk = offset >> p->shift;

    if (p->count == PAGE_SIZE >> p->shift) {
        push(s, &s->room[p->shift], i);
    }
    p->used[chunk / 64] &= ~((uint64_t)1 << chunk % 64);
    if (--p->count == 0) {
        unlink_page(s, &s->room[p->shift], i);
        free_run(s, i, 1);
    }
}

static void *alloc_locked(struct slab *s, size_t size)
{
    uint32_t i;

    if (size <= PAGE_SIZE / 2) {
        return alloc_chunk(s, class_of(size));
    }
    i = alloc_pages(s, (size + PAGE_SIZE - 1) >> PAGE_SHIFT);
    return i == NO_PAGE ? NULL : address(s, i);
}

void *slab_alloc(struct slab *s, size_t size)
{
    void *p;

    lock(&s->lock);
    p = alloc_locked(s, size);
    unlock(&s->lock);
    return p;
}

void slab_free(struct slab *s, void *p)
{
    size_t at = (size_t)((unsigned char *)p - s->start);
    uint32_t i = (uint32_t)(at >> PAGE_SHIFT);

    lock(&s->lock);
    if (s->pages[i].kind == CHUNKS) {
        free_chunk(s, i, at & (PAGE_SIZE - 1));
    } else {
        free_run(s, i, s->pages[i].run);
    }
    unlock(&s->lock);
}
