/* Everything Go asks of the VM besides running threads, each request under
 * one lua_pcall: an error comes back as a code and a text. */
#include "vm.h"

#include <stdlib.h>

static int do_load(wr_vm *vm, lua_State *L, wr_req *r)
{
    (void)vm;
    if (luaL_loadbuffer(L, r->src, r->srclen, r->name) != 0)
        return lua_error(L);
    r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* What C knows of a primitive is none of the collector's business: it would
 * have to be marked in every cycle. It is freed with the VM. */
static int do_register(wr_vm *vm, lua_State *L, wr_req *r)
{
    wr_fn *fn = malloc(sizeof(wr_fn));
    if (fn == NULL) return luaL_error(L, "not enough memory");
    *fn = r->fn;
    fn->vm = vm;
    fn->next = vm->fns;
    vm->fns = fn;
    lua_pushlightuserdata(L, fn);
    lua_pushcclosure(L, wr_call, 1);
    r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static void push_all(wr_vm *vm, lua_State *L, wr_req *r)
{
    luaL_checkstack(L, r->n + 4, "too many values");
    for (int i = 0; i < r->n; i++)
        if (!wr_pushval(vm, L, &r->vals[i], 0))
            luaL_error(L, "too many values");
}

static int do_call(wr_vm *vm, lua_State *L, wr_req *r)
{
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, r->ref);
    push_all(vm, L, r);
    lua_call(L, lua_gettop(L) - top - 1, LUA_MULTRET);
    return lua_gettop(L) - top;
}

static int do_results(wr_vm *vm, lua_State *L, wr_req *r)
{
    lua_State *from = r->thread ? r->thread->L : L;
    int n = lua_gettop(from);
    if (r->vals + n >= vm->limit) return luaL_error(L, "too many values");
    for (int i = 1; i <= n; i++) wr_export(vm, from, i, &r->vals[i - 1]);
    r->out = n;
    return 0;
}

static int do_path(lua_State *L, wr_req *r)
{
    lua_getfield(L, LUA_GLOBALSINDEX, "package");
    lua_pushlstring(L, r->src, r->srclen);
    lua_setfield(L, -2, r->name);
    return 0;
}

/* Sets global name to the one value that the values build. */
static int do_setglobal(wr_vm *vm, lua_State *L, wr_req *r)
{
    push_all(vm, L, r);
    lua_setfield(L, LUA_GLOBALSINDEX, r->name);
    return 0;
}

static int do_newthread(wr_vm *vm, lua_State *L, wr_req *r)
{
    r->thread = wr_newthread(vm, L, 1);
    return 0;
}

int wr_dispatch(lua_State *L)
{
    wr_vm *vm = lua_touserdata(L, lua_upvalueindex(1));
    wr_req *r = lua_touserdata(L, 1);
    lua_settop(L, 0);
    switch (r->op) {
    case WP_LOAD: return do_load(vm, L, r);
    case WP_NEWTHREAD: return do_newthread(vm, L, r);
    case WP_REGISTER: return do_register(vm, L, r);
    case WP_CALL: return do_call(vm, L, r);
    case WP_RESULTS: return do_results(vm, L, r);
    case WP_UNREF: luaL_unref(L, LUA_REGISTRYINDEX, r->ref); return 0;
    case WP_GC: r->out = lua_gc(L, r->how, 0); return 0;
    case WP_PUSH: push_all(vm, L, r); return lua_gettop(L);
    case WP_PATH: return do_path(L, r);
    case WP_SETGLOBAL: return do_setglobal(vm, L, r);
    case WP_RELEASE: wr_freethread(vm, L, r->thread); return 0;
    }
    return luaL_error(L, "unknown request");
}

/* Describes a call's results behind its arguments; they stay on the stack. */
static void describe(wr_vm *vm, lua_State *L, wr_req *r, int top)
{
    r->out = lua_gettop(L) - top;
    wr_val *v = r->vals + r->n;
    if (v + r->out >= vm->limit) r->out = 0;
    for (int i = 1; i <= r->out; i++) wr_export(vm, L, top + i, &v[i - 1]);
}

void wr_pop(uintptr_t vm, int32_t top)
{
    lua_settop(((wr_vm *)vm)->L, top);
}

int wr_protected(uintptr_t p, wr_req *r)
{
    wr_vm *vm = (wr_vm *)p;
    lua_State *L = vm->L;
    int top = lua_gettop(L);
    wr_val *sp = vm->sp;
    wr_thread *cur = vm->cur;
    int op = vm->op;
    int refusing = vm->refusing;
    if (r->op == WP_CALL && vm->alloc && !vm->running) wr_recover(vm);
    if (!lua_checkstack(L, 8)) {
        vm->msg = NULL;
        return LUA_ERRMEM;
    }
    vm->refusing = 0;
    if (vm->running) vm->strayed = 1;
    if (r->op == WP_CALL) {
        vm->sp = r->vals + r->n > sp ? r->vals + r->n : sp;
        vm->cur = NULL;
        vm->refusing = 1;
    }
    wr_enter(vm);       /* whatever allocates may run a finalizer */
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->protref);
    lua_pushlightuserdata(L, r);
    int rc = lua_pcall(L, 1, LUA_MULTRET, 0);
    vm->sp = sp;
    if (r->op == WP_CALL) {
        vm->cur = cur;
        vm->op = op;
    }
    wr_leave(vm);
    vm->refusing = refusing;
    if (rc != 0) {
        size_t len = 0;
        vm->msg = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len)
                                                 : NULL;
        vm->msglen = len;
        lua_pushvalue(L, -1);
        lua_rawseti(L, LUA_REGISTRYINDEX, vm->msgref);
        lua_settop(L, top);
        return rc;
    }
    if (r->op == WP_PUSH) return 0;         /* the caller moves them */
    if (r->op == WP_CALL) {                 /* the caller pops them */
        r->how = top;
        describe(vm, L, r, top);
        return 0;
    }
    lua_settop(L, top);
    return 0;
}

/* What the collector can give back, it gives before Lua is refused more:
 * within a slice it has no chance to do all of its work. Called between
 * slices. The first time the thread that was refused may still be there, for
 * its traceback. */
void wr_recover(wr_vm *vm)
{
    if (vm->memrefused != vm->memcollected) {
        vm->memcollected = vm->memrefused;
        vm->memtries = 2;
    }
    if (vm->memtries == 0) return;
    vm->memtries--;
    wr_req req = { .op = WP_GC, .how = LUA_GCCOLLECT };
    wr_protected((uintptr_t)vm, &req);
    if (vm->memused < vm->memlimit / 2) vm->memtries = 0;
}
