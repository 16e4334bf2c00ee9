/* Room: on Lua's stacks, where growth may fail, and on C's. */
#define _GNU_SOURCE
#include "vm.h"

#include <pthread.h>

static int grow(lua_State *L)
{
    luaL_checkstack(L, *(int *)lua_touserdata(L, 1), NULL);
    return 0;
}

/* Makes room for n values on a stack that nothing protects; 0 when there is
 * none. Every function may push LUA_MINSTACK values as it is. */
int wr_room(lua_State *L, int n)
{
    if (n <= LUA_MINSTACK - 4) return 1;
    if (n > LUAI_MAXCSTACK - LUA_MINSTACK) return 0;
    int top = lua_gettop(L);
    if (lua_cpcall(L, grow, &n) == 0) return 1;
    lua_settop(L, top);
    return 0;
}

/* Functions of C that call back into Lua, such as string.gsub, nest on the C
 * stack as deep as the Lua stack lets them, and LuaJIT has no check of its
 * own: 65500 slots of calls take 58 MB. A coroutine that nests on the C stack
 * brings a Lua stack of its own, so it must find as much again. */
#define STACK_SIZE ((size_t)96 << 20)

/* Threads that are made from now on, Go's too, have such a stack. It is
 * address space until it is used. */
__attribute__((constructor)) static void deepen_stacks(void)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0) return;
    if (pthread_attr_setstacksize(&attr, STACK_SIZE) == 0)
        pthread_setattr_default_np(&attr);
    pthread_attr_destroy(&attr);
}

static __thread char *stack_end;

static char *find_stack_end(void)
{
    pthread_attr_t attr;
    void *low;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attr) != 0) return (char *)1;
    int failed = pthread_attr_getstack(&attr, &low, &size);
    pthread_attr_destroy(&attr);
    return failed ? (char *)1 : low;
}

/* Tells that less than so many bytes of the C stack are left. */
int wr_deep(size_t wanted)
{
    char *here = __builtin_frame_address(0);
    if (stack_end == NULL) stack_end = find_stack_end();
    return here - stack_end < (ptrdiff_t)wanted;
}
