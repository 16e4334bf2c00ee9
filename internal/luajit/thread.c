/* Thread structs: who they belong to, and when they are given back. */
#include "vm.h"

#include <stdlib.h>

/* The thread of co, NULL when it is not one of ours (any more). A coroutine
 * inherits exdata2 from its maker, so the state is compared. */
wr_thread *wr_ofstate(wr_vm *vm, lua_State *co)
{
    (void)vm;
    wr_thread *t = lua_getexdata2(co);
    if (t == NULL || t == WR_DEAD_MARK || t->L != co) return NULL;
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
    if (t->spawner) wr_takezombie(t->spawner, t);
    t->spawner = NULL;
    if (t == vm->spawning) vm->spawning = NULL;
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
    t->parent = t->child = t->spawner = t->zombies = t->sibling = NULL;
    t->status = anchored ? WR_RUNNING : WR_SUSPENDED;
    t->anchored = anchored;
    t->exposed = !anchored;
    t->depth = t->nspawn = t->chunk = t->done = t->setexdata = 0;
    if (!anchored) vm->loose++;
    lua_pushvalue(L, -1);
    set_slot(vm, L, anchored ? vm->strongref : vm->weakref, t->id);
    return t;
}

/* Lets go of a thread: Lua may still hold it, and will see it dead. */
void wr_freethread(wr_vm *vm, lua_State *L, wr_thread *t)
{
    for (wr_thread *c = t->child; c; c = c->child) c->status = WR_DEAD;
    while (t->zombies) wr_freethread(vm, L, t->zombies);
    lua_setexdata2(t->L, WR_DEAD_MARK);
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
