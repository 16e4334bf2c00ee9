/* Threads and coroutines. The coroutine library is scheduled here: resume
 * and yield leave to the loop in wr_run, never nest, and so a coroutine may
 * park in a Go function with its whole chain of parents. */
#include "vm.h"

#include <stdlib.h>
#include <string.h>

enum { OP_NONE = 0, OP_RESUME = 1, OP_YIELD = 2 };

/* What a killed or finished thread's exdata2 holds. */
#define DEAD_MARK ((void *)1)

static wr_vm *vm_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* The thread of co, NULL when it is not one of ours (any more). A coroutine
 * inherits exdata2 from its maker, so the state is compared. */
wr_thread *wr_ofstate(wr_vm *vm, lua_State *co)
{
    (void)vm;
    wr_thread *t = lua_getexdata2(co);
    if (t == NULL || t == DEAD_MARK || t->L != co) return NULL;
    return t;
}

static wr_thread *take_struct(wr_vm *vm, lua_State *L)
{
    if (vm->freethread >= 0) {
        wr_thread *t = vm->threads[vm->freethread];
        vm->freethread = t->nextfree;
        return t;
    }
    if (vm->nthreads == vm->capthreads) {
        int32_t cap = vm->capthreads ? vm->capthreads * 2 : 64;
        wr_thread **p = realloc(vm->threads, (size_t)cap * sizeof(*p));
        if (p == NULL) { luaL_error(L, "not enough memory"); return NULL; }
        vm->threads = p;
        vm->capthreads = cap;
    }
    wr_thread *t = calloc(1, sizeof(*t));
    if (t == NULL) { luaL_error(L, "not enough memory"); return NULL; }
    t->vm = vm;
    t->id = vm->nthreads;
    vm->threads[vm->nthreads++] = t;
    return t;
}

static void give_struct(wr_vm *vm, wr_thread *t)
{
    if (t->parent) t->parent->child = NULL;
    if (t->child) t->child->parent = NULL;
    if (!t->anchored) vm->loose--;
    t->gen++;
    t->L = NULL;
    t->parent = t->child = NULL;
    t->nextfree = vm->freethread;
    vm->freethread = t->id;
}

/* Gives back the structs of coroutines Lua has collected. */
static void sweep(wr_vm *vm, lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->weakref);
    for (int32_t i = 0; i < vm->nthreads; i++) {
        wr_thread *t = vm->threads[i];
        if (t->L == NULL || t->anchored) continue;
        lua_rawgeti(L, -1, i + 1);
        if (lua_isnil(L, -1)) give_struct(vm, t);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    vm->sweepat = vm->loose < 512 ? 1024 : vm->loose * 2;
}

static void set_slot(wr_vm *vm, lua_State *L, int32_t ref, int32_t id)
{
    (void)vm;
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    lua_insert(L, -2);
    lua_rawseti(L, -2, id + 1);
    lua_pop(L, 1);
}

/* Creates a thread and pushes it. */
wr_thread *wr_newthread(wr_vm *vm, lua_State *L, int anchored)
{
    luaL_checkstack(L, 4, NULL);
    if (!anchored && vm->loose >= vm->sweepat) sweep(vm, L);
    lua_State *co = lua_newthread(L);
    wr_thread *t = take_struct(vm, L);
    lua_setexdata(co, lua_getexdata(L));
    lua_setexdata2(co, t);
    t->L = co;
    t->parent = t->child = NULL;
    t->status = anchored ? WR_RUNNING : WR_SUSPENDED;
    t->anchored = anchored;
    t->exposed = !anchored;
    t->nspawn = t->chunk = t->done = t->setexdata = 0;
    if (!anchored) vm->loose++;
    lua_pushvalue(L, -1);
    set_slot(vm, L, anchored ? vm->strongref : vm->weakref, t->id);
    return t;
}

/* Lets go of a thread: Lua may still hold it, and will see it dead. */
void wr_freethread(wr_vm *vm, lua_State *L, wr_thread *t)
{
    for (wr_thread *c = t->child; c; c = c->child) c->status = WR_DEAD;
    lua_setexdata2(t->L, DEAD_MARK);
    lua_setexdata(t->L, NULL);
    lua_pushnil(L);
    set_slot(vm, L, t->anchored ? vm->strongref : vm->weakref, t->id);
    give_struct(vm, t);
}

void wr_pushthread(wr_vm *vm, lua_State *L, wr_thread *t)
{
    t->exposed = 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX,
                t->anchored ? vm->strongref : vm->weakref);
    lua_rawgeti(L, -1, t->id + 1);
    lua_remove(L, -2);
}

static const char *status_names[] = {
    "suspended", "running", "normal", "dead", "zombie",
};

static int status_of(wr_vm *vm, lua_State *L, lua_State *co)
{
    wr_thread *t = wr_ofstate(vm, co);
    lua_Debug ar;
    if (lua_getexdata2(co) == DEAD_MARK) return WR_DEAD;
    if (co == L) return WR_RUNNING;
    if (t && t->status != WR_SUSPENDED) return t->status;
    if (lua_status(co) == LUA_YIELD) return WR_SUSPENDED;
    if (lua_status(co) != 0) return WR_DEAD;
    if (lua_getstack(co, 0, &ar) > 0) return WR_NORMAL;
    return lua_gettop(co) == 0 ? WR_DEAD : WR_SUSPENDED;
}

static lua_State *thread_arg(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argcheck(L, co, 1, "coroutine expected");
    return co;
}

static int co_status(lua_State *L)
{
    lua_State *co = thread_arg(L);
    lua_pushstring(L, status_names[status_of(vm_of(L), L, co)]);
    return 1;
}

static int co_create(lua_State *L)
{
    wr_vm *vm = vm_of(L);
    luaL_argcheck(L, lua_isfunction(L, 1) && !lua_iscfunction(L, 1), 1,
                  "Lua function expected");
    wr_thread *t = wr_newthread(vm, L, 0);
    lua_pushvalue(L, 1);
    lua_xmove(L, t->L, 1);
    return 1;
}

static int co_running(lua_State *L)
{
    wr_thread *t = wr_ofstate(vm_of(L), L);
    if (t) t->exposed = 1;
    if (lua_pushthread(L)) lua_pushnil(L);
    return 1;
}

static int cannot_resume(lua_State *L, int status)
{
    lua_pushboolean(L, 0);
    lua_pushfstring(L, "cannot resume %s coroutine", status_names[status]);
    return 2;
}

/* Resumes on the C stack: where the scheduler cannot be reached. */
static int resume_nested(lua_State *L, lua_State *co, wr_thread *t)
{
    int n = lua_gettop(L) - 1;
    if (!lua_checkstack(co, n + 1)) luaL_error(L, "too many arguments");
    lua_xmove(L, co, n);
    if (t) t->status = WR_RUNNING;
    int rc = lua_resume(co, n);
    if (t) t->status = rc == LUA_YIELD ? WR_SUSPENDED : WR_DEAD;
    n = rc == 0 || rc == LUA_YIELD ? lua_gettop(co) : 1;
    luaL_checkstack(L, n + 1, "too many results");
    lua_pushboolean(L, rc == 0 || rc == LUA_YIELD);
    lua_xmove(co, L, n);
    return n + 1;
}

static int co_resume(lua_State *L)
{
    wr_vm *vm = vm_of(L);
    lua_State *co = thread_arg(L);
    int status = status_of(vm, L, co);
    wr_thread *t = wr_ofstate(vm, co);
    if (status != WR_SUSPENDED) return cannot_resume(L, status);
    int scheduled = t && vm->cur && vm->cur->L == L && lua_isyieldable(L);
    if (!scheduled) return resume_nested(L, co, t);
    vm->op = OP_RESUME;
    vm->target = t;
    return lua_yield(L, lua_gettop(L));     /* co stays on the stack */
}

static int co_yield(lua_State *L)
{
    wr_vm *vm = vm_of(L);
    if (vm->cur && vm->cur->L == L) vm->op = OP_YIELD;
    return lua_yield(L, lua_gettop(L));
}

static const char wrap_source[] =
    "local co, select, error, type = ...\n"
    "local create, resume = co.create, co.resume\n"
    "local function check(ok, ...)\n"
    "  if ok then return ... end\n"
    "  error((...), 0)\n"
    "end\n"
    "function co.wrap(f)\n"
    "  local c = create(f)\n"
    "  return function(...) return check(resume(c, ...)) end\n"
    "end\n";

void wr_opencoroutines(wr_vm *vm)
{
    static const luaL_Reg fns[] = {
        { "create", co_create }, { "resume", co_resume },
        { "yield", co_yield }, { "status", co_status },
        { "running", co_running }, { NULL, NULL },
    };
    lua_State *L = vm->L;
    lua_getglobal(L, "coroutine");
    for (const luaL_Reg *r = fns; r->name; r++) {
        lua_pushlightuserdata(L, vm);
        lua_pushcclosure(L, r->func, 1);
        lua_setfield(L, -2, r->name);
    }
    luaL_loadbuffer(L, wrap_source, sizeof(wrap_source) - 1, "=coroutine");
    lua_pushvalue(L, -2);
    lua_getglobal(L, "select");
    lua_getglobal(L, "error");
    lua_getglobal(L, "type");
    lua_call(L, 4, 0);
    lua_pop(L, 1);
}

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
    if (!lua_checkstack(p->L, *n + 2)) {
        lua_settop(t->L, 0);
        *n = 0;
    }
    lua_pushboolean(p->L, ok);
    lua_xmove(t->L, p->L, *n);
    (*n)++;
    unlink_child(t);
    return p;
}

static wr_thread *to_child(wr_vm *vm, wr_thread *t, int *n)
{
    wr_thread *c = vm->target;
    *n = lua_gettop(t->L) - 1;
    if (!lua_checkstack(c->L, *n + 2)) {
        lua_pop(t->L, *n);
        *n = 0;
    }
    lua_xmove(t->L, c->L, *n);
    c->parent = t;
    t->child = c;
    t->status = WR_NORMAL;
    c->status = WR_RUNNING;
    lua_setexdata(c->L, lua_getexdata(t->L));
    return c;
}

/* Runs t, and whatever it resumes, until something must be told to Go. */
static int schedule(wr_vm *vm, wr_thread *t, int n)
{
    for (;;) {
        vm->cur = t;
        vm->op = OP_NONE;
        int rc = lua_resume(t->L, n);
        int op = vm->op;
        vm->op = OP_NONE;
        if (rc == LUA_YIELD) {
            if (op == OP_RESUME) {
                t = to_child(vm, t, &n);
                continue;
            }
            if (op == OP_NONE) return WR_PARKED;
            if (t->parent == NULL) return WR_COYIELD;
            t->status = WR_SUSPENDED;
            n = lua_gettop(t->L);
            t = to_parent(t, 1, &n);
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

/* Puts the function, and Go's n values after it, on the stack of t. */
static int load_stack(wr_vm *vm, wr_thread *t, wr_val *vals, int n)
{
    int strings = 0, nargs = n;
    if (t->chunk) {
        if (t->done) lua_resetthread(vm->L, t->L);
        t->done = 0;
        lua_rawgeti(t->L, LUA_REGISTRYINDEX, t->chunk);
        t->chunk = 0;
    }
    if (t->setexdata) lua_setexdata(t->L, (void *)(uintptr_t)t->exdata);
    t->setexdata = 0;
    for (int i = 0; i < n; i++)
        strings |= vals[i].t == WR_STR || vals[i].t >= WR_BUFSTR;
    if (n && !lua_checkstack(t->L, n + 2)) return -1;
    if (strings) {
        wr_req req = { .op = WP_PUSH, .vals = vals, .n = n };
        int top = lua_gettop(vm->L);
        if (wr_protected((uintptr_t)vm, &req) != 0) return -1;
        nargs = lua_gettop(vm->L) - top;
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

static void note_failure(wr_vm *vm, wr_thread *t)
{
    size_t len = 0;
    vm->msg = lua_type(t->L, -1) == LUA_TSTRING
                  ? lua_tolstring(t->L, -1, &len) : NULL;
    vm->msglen = len;
}

static void collect_when_near_limit(wr_vm *vm)
{
    uint64_t near = vm->memlimit - vm->memlimit / 4;
    if (vm->memused < near || vm->memused < vm->memcollected) return;
    wr_req req = { .op = WP_GC, .how = LUA_GCCOLLECT };
    wr_protected((uintptr_t)vm, &req);
    vm->memcollected = vm->memused + vm->memlimit / 16;
}

/* Runs a thread with n values from Go, after those moved to its stack. Answers how it ended in the low byte
 * and the id of the thread that stopped above it. */
uint64_t wr_run(uintptr_t thread, uintptr_t vals, int32_t n, int32_t moved)
{
    wr_thread *t = (wr_thread *)thread;
    wr_vm *vm = t->vm;
    wr_thread *cur = vm->cur;
    wr_val *sp = vm->sp;
    uint64_t blen = vm->blen;

    if (vm->alloc && !vm->running) collect_when_near_limit(vm);
    vm->sp = (wr_val *)vals + n;
    int nargs = load_stack(vm, t, (wr_val *)vals, n);
    if (nargs < 0) {
        vm->sp = sp;
        vm->msg = "cannot pass arguments";
        vm->msglen = 21;
        return WR_FAILED | (uint64_t)t->id << 8;
    }
    t->status = WR_RUNNING;
    vm->slices++;
    vm->running++;
    int how = schedule(vm, t, nargs + moved);
    vm->running--;
    vm->slices++;
    t = vm->cur;
    if (how == WR_FAILED) note_failure(vm, t);
    if (vm->interrupted) wr_uninterrupt(vm);
    vm->cur = cur;
    vm->sp = sp;
    vm->blen = blen;
    return (uint64_t)how | (uint64_t)t->id << 8;
}
