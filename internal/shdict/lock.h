/* A lock of one word: a short spin, then the kernel. Held for a few dozen instructions at a time. */
#ifndef SHDICT_LOCK_H
#define SHDICT_LOCK_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
    _Atomic uint32_t state; /* 0 free, 1 held, 2 held and somebody sleeps */
} shlock;

/* Who waits looks less and less often: the one who works meanwhile keeps the cache lines for many turns. */
#define SPINS 12

static inline int lock_try(shlock *l)
{
    uint32_t free_state = 0;
    return atomic_compare_exchange_strong_explicit(&l->state, &free_state, 1,
                                                   memory_order_acquire, memory_order_relaxed);
}

static inline void lock_wait(shlock *l)
{
    for (int i = 0; i < SPINS; i++) {
        for (int n = 1 << i; n > 0; n--) {
            __builtin_ia32_pause();
        }
        if (atomic_load_explicit(&l->state, memory_order_relaxed) == 0 && lock_try(l)) {
            return;
        }
    }
    while (atomic_exchange_explicit(&l->state, 2, memory_order_acquire) != 0) {
        syscall(SYS_futex, &l->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
    }
}

static inline void lock(shlock *l)
{
    if (!lock_try(l)) {
        lock_wait(l);
    }
}

static inline void unlock(shlock *l)
{
    if (atomic_exchange_explicit(&l->state, 0, memory_order_release) == 2) {
        syscall(SYS_futex, &l->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

#endif
