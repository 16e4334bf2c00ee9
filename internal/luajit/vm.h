/* Shared shapes of the binding. Go mirrors wr_val, wr_frame, wr_vm and
 * wr_thread through cgo and reads them without a crossing. */
#ifndef WEIR_LUAJIT_VM_H
#define WEIR_LUAJIT_VM_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

/* Kinds of a value in a frame. Those up to WR_CDATA are LuaJIT's own type
 * numbers. */
enum {
    WR_NIL = 0, WR_BOOL = 1, WR_LIGHT = 2, WR_NUM = 3, WR_STR = 4,
    WR_TABLE = 5, WR_FUNC = 6, WR_USERDATA = 7, WR_THREAD = 8, WR_CDATA = 10,
    /* only from C to Go */
    WR_REF = 16,        /* u: registry reference */
    /* only from Go to C */
    WR_BUFSTR = 32,     /* u: offset in the byte buffer, len */
    WR_ARG = 33,        /* u: number of the argument to return, from 1 */
    WR_NEWTABLE = 34,   /* u: array slots, len: hash slots */
    WR_SETINDEX = 35,   /* u: index; takes the value above the table */
    WR_SETFIELD = 36,   /* u: offset of the key, len; takes the value */
    WR_BOX = 37,        /* u: number in a userdata, len: its metatable's ref */
    WR_BIND = 38,       /* u: reference of a primitive, len: values to bind */
    WR_SETMETA = 39,    /* u: reference of a metatable for the table above */
    WR_ENDED = 40,      /* u: thread whose results to take, len: it did not fail */
};

typedef struct wr_val {
    int64_t t;
    uint64_t u;         /* bits of a double, pointer, bool, offset, id */
    uint64_t len;
} wr_val;

/* What a Go function answers. */
enum { WR_RETURN = 0, WR_YIELD = 1, WR_RAISE = 2, WR_SPAWN = 3 };

/* How an error text is completed. */
enum { WR_RAISE_WHERE = 0, WR_RAISE_RAW = 1, WR_RAISE_ARG = 2 };

/* How a run of a thread ended. */
enum { WR_DONE = 0, WR_PARKED = 1, WR_COYIELD = 2, WR_FAILED = 3 };

/* What coroutine.status tells. */
enum { WR_SUSPENDED = 0, WR_RUNNING = 1, WR_NORMAL = 2, WR_DEAD = 3,
       WR_ZOMBIE = 4 };

/* Why a coroutine yielded; NONE is a Go function that waits. */
enum { WR_OP_NONE = 0, WR_OP_RESUME = 1, WR_OP_YIELD = 2, WR_OP_SPAWN = 3 };

/* How many coroutines may have resumed each other. */
#define WR_MAX_DEPTH 16000

/* What a released thread's exdata2 holds. */
#define WR_DEAD_MARK ((void *)1)

typedef struct wr_thread wr_thread;
typedef struct wr_vm wr_vm;

struct wr_thread {
    lua_State *L;
    wr_vm *vm;
    wr_thread *parent;  /* who resumed it, while it runs or is parked */
    wr_thread *child;   /* whom it resumed */
    uint64_t gen;       /* counts the owners of this struct */
    int32_t id;
    int32_t status;
    int32_t anchored;   /* kept alive by us, not by Lua */
    int32_t exposed;    /* Lua may hold a reference: never recycle */
    int32_t nspawn;     /* function and arguments waiting on its stack */
    int32_t chunk;      /* registry reference of the function to start */
    int32_t done;       /* ended: the Lua thread may be recycled */
    int32_t nextfree;
    int32_t depth;      /* coroutines above it in its chain */
    int32_t setexdata;  /* exdata is to be set before the next run */
    uint64_t exdata;
    /* spawn.c */
    wr_thread *spawner; /* who goes on when it has ended, or owns its results */
    wr_thread *zombies; /* that it has spawned: ended, nobody has waited */
    wr_thread *sibling; /* in spawner->zombies */
};

typedef struct wr_frame {
    wr_val *args;
    wr_val *res;
    lua_State *L;
    wr_thread *thread;  /* the running thread, NULL on the main state */
    int32_t nargs;
    int32_t nres;
    int32_t rescap;
    int32_t fn;
    int32_t vmid;
    int32_t canyield;
    int32_t raise;
    int32_t raisearg;
    uint64_t msg;       /* offset of an error text */
    uint64_t msglen;
} wr_frame;

/* A socket that C may use until the thread that runs has parked: fast.c. */
typedef struct wr_lent {
    uint64_t number;    /* of its box */
    int32_t fd;
    uint32_t may;       /* WR_MAY_SEND, WR_MAY_WAIT, WR_MAY_HOLD; 0: nothing */
    uint64_t sent;      /* bytes that C has sent, or holds for Go to send */
    uint64_t partial;   /* of the send that Go is to finish */
    int32_t waits;      /* the thread has parked in receive() */
    uint32_t nheld;     /* bytes in held, which Go is to send */
    char held[4096];
} wr_lent;

enum { WR_MAY_SEND = 1, WR_MAY_WAIT = 2, WR_MAY_HOLD = 4 };
enum { WR_FAST_SEND = 1, WR_FAST_LINE = 2, WR_FAST_NEW = 3, WR_FAST_COLLECT = 4,
       WR_FAST_SPAWN = 5, WR_FAST_WAIT = 6, WR_FAST_CLIENT = 7,
       WR_FAST_PEEK = 8 };

/* Set in what a client's socket has for the number of a box. */
#define WR_CLIENT_BOX ((uint64_t)1 << 63)

/* The client's connection as C knows it: fast.c. Go owns it. */
typedef struct wr_client {
    double id;          /* of the request, which a socket in Lua stands for */
    int32_t fd;
    int32_t asked;      /* phase in which its socket was asked for last */
    int32_t pending;    /* Go is to be asked for the socket */
    uint32_t peekmost;  /* bytes that C may peek at; 0: Go is to be asked */
} wr_client;

/* What C makes new objects with, and what it knows of collected ones: fast.c. */
typedef struct wr_boxes {
    int32_t table;      /* references of the metatables of the table */
    int32_t box;        /* and of the box in it; 0: Go is to make them */
    const int32_t *where;   /* the phase's bit, which must be in */
    int32_t allowed;        /* for an object to be made */
    int32_t client;         /* reference of the metatable of clients' sockets */
    int32_t asking;         /* the phases in which C makes these */
    int32_t peeking;        /* and in which it peeks */
    int32_t closing;    /* Go is to be told of collected boxes at once */
    int32_t ndead;
    uint64_t dead[256]; /* numbers of boxes that were collected */
} wr_boxes;

/* An item of a table, kept by reference, that is to go: fast.c. */
typedef struct wr_item {
    int32_t table;
    int32_t index;
} wr_item;

struct wr_vm {
    lua_State *L;
    wr_thread *cur;     /* the thread lua_resume was called on */
    wr_val *frames;
    wr_val *sp;
    wr_val *limit;
    char *buf;
    uint64_t blen;
    uint64_t bcap;
    char *left[64];     /* former places of buf */
    int32_t nleft;
    uint64_t slices;    /* odd while Lua runs */
    int64_t loglevel;   /* Log functions above it return at once */
    /* the last failure's text; points into Lua or to number */
    const char *msg;
    uint64_t msglen;
    int32_t msgref;
    int32_t vmid;
    int32_t op;
    int32_t protref;
    int32_t weakref;    /* id -> thread, weak */
    int32_t strongref;  /* id -> thread */
    wr_thread *target;
    wr_thread **threads;
    int32_t nthreads;
    int32_t capthreads;
    int32_t freethread;
    int32_t loose;      /* threads only Lua keeps alive */
    int32_t sweepat;
    int32_t running;    /* depth of resumes and of calls that run Lua */
    int32_t strayed;    /* another state than the caller's has run */
    int32_t backref;    /* a function that does nothing */
    int32_t refusing;   /* set where a refused allocation is a Lua error */
    lua_Alloc alloc;
    void *allocud;
    uint64_t memused;
    uint64_t memlimit;
    uint64_t memkick;       /* beyond it the collector is set going */
    uint64_t memrefused;    /* counts refused allocations */
    uint64_t memcollected;  /* memrefused when collecting for it began */
    int32_t memtries;       /* collections that are still to be tried */
    int32_t spare;          /* set where the limit does not hold */
    int32_t interrupted;
    int32_t hooklock;
    uint64_t wanted;        /* the slice that Interrupt is to tell of */
    char number[32];    /* text of an error that is a number */
    wr_lent fast;
    wr_boxes boxes;
    wr_client *client;      /* of the request that runs; NULL: none */
    int32_t nforgotten;
    wr_item forgotten[64];
    wr_thread *spawning;    /* runs, and Go has not heard of it */
    int32_t mayspawn;
    struct wr_fn *fns;      /* all primitives */
};

typedef struct wr_fn {
    wr_vm *vm;
    int32_t id;
    int32_t spawn;      /* argument number, 0 none */
    int32_t flat;
    int32_t flatmode;
    uint32_t refmask;
    uint32_t boxmask;
    int32_t nfields;
    char fields[64];    /* names, each with its NUL */
    int32_t newline;
    int32_t where;
    int32_t fast;       /* WR_FAST_*, 0 none */
    struct wr_fn *next; /* in the VM's list */
} wr_fn;

enum { WR_FLAT_SEND = 1, WR_FLAT_SAY = 2, WR_FLAT_LOG = 3 };

/* vm.c */
wr_vm *wr_open(int32_t vmid);
void wr_close(uintptr_t vm);
int wr_grow(wr_vm *vm, uint64_t more);
void wr_freeleft(wr_vm *vm);
void wr_setlimit(uintptr_t vm, uint64_t bytes);

/* Registry slot of the VM itself; the first luaL_ref of a state. */
#define WR_SELF 1

/* protect.c: everything Go asks for that may raise */
enum { WP_LOAD = 1, WP_NEWTHREAD, WP_REGISTER, WP_CALL, WP_RESULTS, WP_UNREF,
       WP_GC, WP_PUSH, WP_PATH, WP_SETGLOBAL, WP_RELEASE };

typedef struct wr_req {
    const char *name;
    const char *src;
    uint64_t srclen;
    wr_val *vals;
    wr_thread *thread;
    wr_fn fn;
    int32_t op;
    int32_t n;
    int32_t ref;
    int32_t how;
    int64_t out;
} wr_req;

int wr_protected(uintptr_t vm, wr_req *req);
void wr_recover(wr_vm *vm);
void wr_pop(uintptr_t vm, int32_t top);
int wr_check(const char *name, const char *src, size_t len, char *err,
             size_t size);

/* values.c */
void wr_export(wr_vm *vm, lua_State *L, int idx, wr_val *v);
int wr_pushval(wr_vm *vm, lua_State *L, wr_val *v, int argbase);
uint64_t wr_box(lua_State *L, int idx, uint64_t **place);

/* call.c */
int wr_call(lua_State *L);
int wr_callbound(lua_State *L);
wr_thread *wr_spawn(wr_vm *vm, lua_State *L, int at, int top);
size_t wr_where(lua_State *L, char *dst, size_t size);

/* fast.c: the number of results, or WR_ASK when Go is to be asked */
#define WR_ASK (-2)
int wr_fast(wr_vm *vm, lua_State *L, int kind);
int wr_canyield(wr_vm *vm, lua_State *L);
void wr_forget(uintptr_t vm);

/* spawn.c */
int wr_fastspawn(wr_vm *vm, lua_State *L);
int wr_fastwait(wr_vm *vm, lua_State *L);
wr_thread *wr_ended(wr_vm *vm, wr_thread *t, int *n);
int wr_takezombie(wr_thread *p, wr_thread *t);

/* flatten.c */
void wr_flatten(wr_vm *vm, lua_State *L, int at, int mode);
void wr_append(wr_vm *vm, lua_State *L, const char *s, size_t n);

/* thread.c */
wr_thread *wr_newthread(wr_vm *vm, lua_State *L, int anchored);
wr_thread *wr_ofstate(wr_vm *vm, lua_State *co);
void wr_freethread(wr_vm *vm, lua_State *L, wr_thread *t);
void wr_pushthread(wr_vm *vm, lua_State *L, wr_thread *t);

/* coroutine.c */
void wr_opencoroutines(wr_vm *vm);

/* run.c: n of a thread that cannot take its values and ends, as after wr_room
 * has failed it cannot be resumed any more */
#define WR_NO_ROOM (-1)
uint64_t wr_run(uintptr_t thread, uintptr_t vals, int32_t n);

void wr_enter(wr_vm *vm);
void wr_leave(wr_vm *vm);
void wr_back(wr_vm *vm, lua_State *L);

/* stack.c. A primitive, and a coroutine that nests, want that much C stack. */
#define WR_CALL_STACK ((size_t)256 << 10)
#define WR_NESTED_STACK ((size_t)62 << 20)
int wr_room(lua_State *L, int n);
int wr_deep(size_t wanted);

/* watch.c */
void wr_interrupt(uintptr_t vm, uint64_t slice);
void wr_uninterrupt(wr_vm *vm);

#endif
