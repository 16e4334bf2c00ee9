/* A lock of one word, held for a few dozen instructions at a time. Who finds it held spins. That the one who has it was
 * taken off the processor is rare, and then the others sleep by the clock: as nobody has to be woken, unlock is a plain
 * store, where an atomic exchange would cost as much as locking. */
#ifndef SHDICT_LOCK_H
#define SHDICT_LOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

typedef struct {
    _Atomic uint32_t held;
} shlock;

/* Who spins looks less and less often, and not at once: a look takes the cache line from the one who works, who is
 * through with many turns in the time that this costs both. In pauses, of 20 to 50 ns. */
#define FIRST_LOOK 32
#define LAST_LOOK  2048

#define FIRST_SLEEP_NS 50000
#define LAST_SLEEP_NS  1600000

/* Looks before it tries, which takes the cache line for itself. */
static inline int lock_try(shlock *l)
{
    return atomic_load_explicit(&l->held, memory_order_relaxed) == 0
        && atomic_exchange_explicit(&l->held, 1, memory_order_acquire) == 0;
}

static inline void lock_wait(shlock *l)
{
    struct timespec t = { 0, FIRST_SLEEP_NS };

    for (int pauses = FIRST_LOOK; pauses <= LAST_LOOK; pauses *= 2) {
        for (int n = pauses; n > 0; n--) {
            __builtin_ia32_pause();
        }
        if (lock_try(l)) {
            return;
        }
    }
    while (!lock_try(l)) {
        nanosleep(&t, NULL);
        if (t.tv_nsec < LAST_SLEEP_NS) {
            t.tv_nsec *= 2;
        }
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
    atomic_store_explicit(&l->held, 0, memory_order_release);
}

#endif
