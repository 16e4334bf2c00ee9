/* When the collector begins anew. By Lua's own rule it is when the heap has
 * doubled, and so a small heap is collected all the time: one of 400 KB, and
 * 200 bytes a session, is marked and swept once in 2000 sessions. Here a cycle
 * does not begin before the heap has LEAST_KB; a larger one is left to the
 * rule, and a program that sets the pause itself has its way.
 *
 * Not more than that: what is allocated next, and the table of strings, should
 * be found in the processor's cache. With 4 MB sessions that look at their
 * first bytes cost 0.1 µs less, and lines that are echoed 0.3 µs more. */
#include "vm.h"

#define LEAST_KB 1024
#define LUAS_PAUSE 200

/* Makes garbage whose finalizer is called at the end of the next cycle, also
 * where the memory limit has been reached. */
static void watch_cycle(wr_vm *vm, lua_State *L)
{
    int32_t spare = vm->spare;
    vm->spare = 1;
    lua_newuserdata(L, 0);
    vm->spare = spare;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->cycleref);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

/* That finalizer: the collector reads the pause after it. */
static int at_end(lua_State *L)
{
    wr_vm *vm = lua_touserdata(L, lua_upvalueindex(1));
    if (vm->boxes.closing) return 0;
    int pause = LEAST_KB * 100 / (lua_gc(L, LUA_GCCOUNT, 0) + 1);
    if (pause < LUAS_PAUSE) pause = LUAS_PAUSE;
    int before = lua_gc(L, LUA_GCSETPAUSE, pause);
    if (before != vm->pause) {
        lua_gc(L, LUA_GCSETPAUSE, before);
        return 0;
    }
    vm->pause = pause;
    watch_cycle(vm, L);
    return 0;
}

void wr_openpause(wr_vm *vm, lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, vm);
    lua_pushcclosure(L, at_end, 1);
    lua_setfield(L, -2, "__gc");
    vm->cycleref = luaL_ref(L, LUA_REGISTRYINDEX);
    vm->pause = LUAS_PAUSE;
    watch_cycle(vm, L);
}
