/* A look at a slice that holds its thread for too long. */
#include "vm.h"
#include "_cgo_export.h"

static void hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    luaL_traceback(L, L, NULL, 0);
    size_t len;
    const char *s = lua_tolstring(L, -1, &len);
    lua_rawgeti(L, LUA_REGISTRYINDEX, WR_SELF);
    wr_vm *vm = lua_touserdata(L, -1);
    lua_pop(L, 1);
    weirLuaSlow(vm, (char *)s, len);
    lua_pop(L, 1);
}

/* Called from another thread, as lua.c does from its signal handler. */
void wr_interrupt(uintptr_t p)
{
    wr_vm *vm = (wr_vm *)p;
    __atomic_store_n(&vm->interrupted, 1, __ATOMIC_RELEASE);
    lua_sethook(vm->L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

void wr_uninterrupt(wr_vm *vm)
{
    vm->interrupted = 0;
    lua_sethook(vm->L, NULL, 0, 0);
}
