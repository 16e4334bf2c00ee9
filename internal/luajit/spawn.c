/* Light threads that end without having waited, as many do: the caller of such
 * a spawn goes on at once, and may have the results, and Go is not told. Go
 * hears of the others when it is first entered from them, or they stop
 * (vm->spawning, VM.OnSpawn). */
#include "vm.h"

/* spawn(f, ...): where nobody else is to run first. */
int wr_fastspawn(wr_vm *vm, lua_State *L)
{
    wr_thread *cur = vm->cur;
    if (!vm->mayspawn || vm->spawning || !cur || cur->L != L || cur->parent
        || !lua_isyieldable(L) || !lua_isfunction(L, 1)
        || lua_iscfunction(L, 1) || vm->boxes.box == 0
        || !(*vm->boxes.where & vm->boxes.allowed))
        return WR_ASK;
    wr_thread *t = wr_spawn(vm, L, 1, lua_gettop(L));
    lua_setexdata(t->L, lua_getexdata(L));
    t->spawner = cur;
    vm->spawning = t;
    vm->target = t;
    vm->op = WR_OP_SPAWN;
    return lua_yield(L, lua_gettop(L));
}

/* The thread has returned: who has spawned it goes on, with n values. */
wr_thread *wr_ended(wr_vm *vm, wr_thread *t, int *n)
{
    wr_thread *p = t->spawner;
    vm->spawning = NULL;
    t->status = WR_ZOMBIE;
    t->sibling = p->zombies;
    p->zombies = t;
    if (!wr_room(p->L, 4)) {
        *n = WR_NO_ROOM;
        return p;
    }
    wr_pushthread(vm, p->L, t);
    *n = 1;
    return p;
}

/* Takes an ended thread from those whose results are still there; 0 when it is
 * none of p's. */
int wr_takezombie(wr_thread *p, wr_thread *t)
{
    for (wr_thread **at = &p->zombies; *at; at = &(*at)->sibling) {
        if (*at != t) continue;
        *at = t->sibling;
        t->sibling = t->spawner = NULL;
        return 1;
    }
    return 0;
}

/* wait(thread): where it has ended already. */
int wr_fastwait(wr_vm *vm, lua_State *L)
{
    wr_thread *cur = vm->cur;
    if (!cur || cur->L != L || lua_gettop(L) != 1 || !lua_isthread(L, 1)
        || !lua_isyieldable(L) || cur->zombies == NULL)
        return WR_ASK;
    wr_thread *t = wr_ofstate(vm, lua_tothread(L, 1));
    if (t == NULL || t->spawner != cur || t->status != WR_ZOMBIE)
        return WR_ASK;
    int n = lua_gettop(t->L);
    if (!wr_room(L, n + 8) || !wr_takezombie(cur, t)) return WR_ASK;
    lua_pushboolean(L, 1);
    lua_xmove(t->L, L, n);
    wr_freethread(vm, L, t);
    return n + 1;
}
