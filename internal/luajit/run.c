/* The scheduler: runs a thread and the coroutines it resumes. */
#include "vm.h"

#include <stdio.h>

static void unlink_child(wr_thread *t)
{
    t->parent->child = NULL;
    t->parent->status = WR_RUNNING;
    t->parent = NULL;
}

/* Hands ok and the top n values of t to the coroutine that resumed it. */
static wr_thread *to_parent(wr_thread *t, int ok, int *n)
{
    wr_thread *p = t->parent;
    unlink_child(t);
    if (!wr_room(p->L, *n + 2)) {
        *n = WR_NO_ROOM;
        return p;
    }
    lua_pushboolean(p->L, ok);
    lua_xmove(t->L, p->L, *n);
    (*n)++;
    return p;
}

static wr_thread *to_child(wr_vm *vm, wr_thread *t, int *n)
{
    wr_thread *c = vm->target;
    *n = lua_gettop(t->L) - 1;
    if (wr_room(c->L, *n + 2)) lua_xmove(t->L, c->L, *n);
    else *n = WR_NO_ROOM;
    c->parent = t;
    c->depth = t->depth + 1;
    t->child = c;
    t->status = WR_NORMAL;
    c->status = WR_RUNNING;
    lua_setexdata(c->L, lua_getexdata(t->L));
    return c;
}

static int resume(wr_vm *vm, wr_thread *t, int n)
{
    vm->cur = t;
    vm->op = WR_OP_NONE;
    if (n == WR_NO_ROOM) {
        lua_pushliteral(t->L, "stack overflow");
        return LUA_ERRRUN;
    }
    vm->refusing = 1;
    int rc = lua_resume(t->L, n);
    vm->refusing = 0;
    return rc;
}

/* Puts the function, and Go's n values after it, on the stack of t. */
static int load_stack(wr_vm *vm, wr_thread *t, wr_val *vals, int n)
{
    int strings = 0, nargs = n;
    if (t->chunk) {
        if (t->done) {
            lua_resetthread(vm->L, t->L);
            lua_setexdata2(t->L, t);
        }
        t->done = 0;
        lua_rawgeti(t->L, LUA_REGISTRYINDEX, t->chunk);
        t->chunk = 0;
    }
    if (t->setexdata) lua_setexdata(t->L, (void *)(uintptr_t)t->exdata);
    t->setexdata = 0;
    for (int i = 0; i < n; i++)
        strings |= vals[i].t == WR_STR || vals[i].t >= WR_BUFSTR;
    if (n && !wr_room(t->L, n + 2)) return WR_NO_ROOM;
    if (strings) {
        wr_req req = { .op = WP_PUSH, .vals = vals, .n = n };
        int top = lua_gettop(vm->L);
        if (wr_protected((uintptr_t)vm, &req) != 0) return WR_NO_ROOM;
        nargs = lua_gettop(vm->L) - top;
        if (!wr_room(t->L, nargs + 2)) {
            lua_settop(vm->L, top);
            return WR_NO_ROOM;
        }
        lua_xmove(vm->L, t->L, nargs);
    } else {
        for (int i = 0; i < n; i++) wr_pushval(vm, t->L, &vals[i], 0);
    }
    if (t->nspawn) {
        for (int i = 0; i < nargs; i++) lua_insert(t->L, 2);
        nargs += t->nspawn - 1;
        t->nspawn = 0;
    }
    return nargs;
}

/* Runs t, and whatever it resumes, until something must be told to Go. */
static int schedule(wr_vm *vm, wr_thread *t, int n)
{
    for (;;) {
        int rc = resume(vm, t, n);
        int op = vm->op;
        vm->op = WR_OP_NONE;
        if (rc == LUA_YIELD) {
            if (op == WR_OP_RESUME) {
                t = to_child(vm, t, &n);
                continue;
            }
            if (op == WR_OP_SPAWN) {
                t = vm->target;
                n = load_stack(vm, t, NULL, 0);
                continue;
            }
            if (op == WR_OP_NONE) return WR_PARKED;
            if (t->parent == NULL) return WR_COYIELD;
            t->status = WR_SUSPENDED;
            n = lua_gettop(t->L);
            t = to_parent(t, 1, &n);
            continue;
        }
        if (rc == 0 && t == vm->spawning && vm->mayspawn) {
            t = wr_ended(vm, t, &n);
            continue;
        }
        if (t->parent == NULL) {
            t->done = rc == 0;
            t->status = WR_DEAD;
            return rc == 0 ? WR_DONE : WR_FAILED;
        }
        t->status = WR_DEAD;
        n = rc == 0 ? lua_gettop(t->L) : 1;
        t = to_parent(t, rc == 0, &n);
    }
}

static void note_failure(wr_vm *vm, wr_thread *t)
{
    size_t len = 0;
    vm->msg = NULL;
    if (lua_type(t->L, -1) == LUA_TSTRING) {
        vm->msg = lua_tolstring(t->L, -1, &len);
    } else if (lua_type(t->L, -1) == LUA_TNUMBER) {
        len = (size_t)snprintf(vm->number, sizeof(vm->number), "%.14g",
                               lua_tonumber(t->L, -1));
        vm->msg = vm->number;
    }
    vm->msglen = len;
}

/* Runs a thread with n values from Go. Answers how it ended in the low byte
 * and the id of the thread that stopped above it. */
uint64_t wr_run(uintptr_t thread, uintptr_t vals, int32_t n)
{
    wr_thread *t = (wr_thread *)thread;
    wr_vm *vm = t->vm;
    wr_thread *cur = vm->cur;
    wr_val *sp = vm->sp;
    uint64_t blen = vm->blen;

    int refusing = vm->refusing;

    if (vm->running) vm->strayed = 1;
    vm->refusing = 0;
    if (vm->alloc && !vm->running) wr_recover(vm);
    vm->sp = (wr_val *)vals + n;
    wr_enter(vm);       /* a finalizer may run while values are pushed */
    int strayed = vm->strayed;
    int nargs = load_stack(vm, t, (wr_val *)vals, n);
    vm->strayed = strayed;  /* the thread does not run yet */
    t->status = WR_RUNNING;
    int how = schedule(vm, t, nargs);
    wr_leave(vm);
    vm->refusing = refusing;
    t = vm->cur;
    if (how == WR_FAILED) note_failure(vm, t);
    vm->cur = cur;
    vm->sp = sp;
    vm->blen = blen;
    return (uint64_t)how | (uint64_t)t->id << 8;
}
