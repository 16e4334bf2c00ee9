/* The arena of a dictionary: pages of 4 KB, cut into chunks of one power of two, or given out in runs.
 *
 * What fits is exactly what fits into nginx's slab (ngx_slab.c) of the same size: the same size classes, the same
 * number of pages, first fit in runs, the last freed first. Users size their dictionaries by experience with OpenResty.
 * The bookkeeping lies outside of the pages, so that looking for a free chunk touches one descriptor. */
#ifndef SHDICT_SLAB_H
#define SHDICT_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "lock.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  ((size_t)1 << PAGE_SHIFT)
#define MIN_SHIFT  5                /* 32 bytes: nothing here is smaller */
#define MAX_SHIFT  (PAGE_SHIFT - 1) /* larger than half a page is a run */
#define NO_PAGE    UINT32_MAX

struct page {
    uint64_t used[2];    /* one bit a chunk */
    uint32_t next, prev; /* in the list of free runs, or of this class's pages with room */
    uint32_t run;        /* pages in this run; kept in the first and, for free runs, the last one */
    uint8_t  kind;
    uint8_t  shift;
    uint16_t count;      /* chunks in use */
};

struct slab {
    shlock         lock;
    uint32_t       npages;
    uint32_t       free_pages;
    uint32_t       free_runs;             /* first of the list */
    uint32_t       room[MAX_SHIFT + 1];   /* first page with room by class */
    struct page   *pages;
    unsigned char *start;
};

/* Pages that nginx's slab would have in a zone of size bytes. */
uint32_t slab_pages_for(size_t size);

void  slab_init(struct slab *s, struct page *pages, unsigned char *start, uint32_t npages);
void *slab_alloc(struct slab *s, size_t size); /* NULL when nothing fits; takes the lock */
void  slab_free(struct slab *s, void *p);      /* takes the lock */

#endif
