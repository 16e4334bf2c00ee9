/* A look at a slice that holds its thread for too long. */
#include "vm.h"
#include "_cgo_export.h"

/* The hook is set by the watcher's thread and taken away by the VM's. */
static void lock(wr_vm *vm)
{
    while (__atomic_exchange_n(&vm->hooklock, 1, __ATOMIC_ACQUIRE)) ;
}

static void unlock(wr_vm *vm)
{
    __atomic_store_n(&vm->hooklock, 0, __ATOMIC_RELEASE);
}

static wr_vm *vm_of(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, WR_SELF);
    wr_vm *vm = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return vm;
}

static void hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    wr_vm *vm = vm_of(L);
    uint64_t wanted = vm->wanted;
    wr_uninterrupt(vm);
    if (vm->slices != wanted) return;       /* that slice has ended */
    int refusing = vm->refusing;
    vm->refusing = 0;
    luaL_traceback(L, L, NULL, 0);
    size_t len;
    const char *s = lua_tolstring(L, -1, &len);
    weirLuaSlow(vm, (char *)s, len);
    lua_pop(L, 1);
    vm->refusing = refusing;
}

/* Called from another thread, seldom in one slice: LuaJIT reads what
 * lua_sethook writes at any time, but it may write the same itself, and then
 * one of both is lost, or worse. */
void wr_interrupt(uintptr_t p, uint64_t slice)
{
    wr_vm *vm = (wr_vm *)p;
    lock(vm);
    if (__atomic_load_n(&vm->slices, __ATOMIC_ACQUIRE) == slice) {
        vm->wanted = slice;
        __atomic_store_n(&vm->interrupted, 1, __ATOMIC_RELEASE);
        lua_sethook(vm->L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
    }
    unlock(vm);
}

void wr_uninterrupt(wr_vm *vm)
{
    lock(vm);
    vm->interrupted = 0;
    lua_sethook(vm->L, NULL, 0, 0);
    unlock(vm);
}
