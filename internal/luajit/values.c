/* Values between a frame and a Lua stack. */
#include "vm.h"

#include <string.h>

/* Describes the value at idx. Raises nothing and allocates nothing. */
void wr_export(wr_vm *vm, lua_State *L, int idx, wr_val *v)
{
    size_t len;
    double d;
    int type = lua_type(L, idx);
    v->t = type < 0 ? WR_NIL : type;
    v->u = 0;
    switch (type) {
    case LUA_TNUMBER:
        d = lua_tonumber(L, idx);
        memcpy(&v->u, &d, sizeof(d));
        return;
    case LUA_TSTRING:
        v->u = (uint64_t)(uintptr_t)lua_tolstring(L, idx, &len);
        v->len = len;
        return;
    case LUA_TBOOLEAN:
        v->u = (uint64_t)lua_toboolean(L, idx);
        return;
    case LUA_TLIGHTUSERDATA:
    case LUA_TUSERDATA:
        v->u = (uint64_t)(uintptr_t)lua_touserdata(L, idx);
        return;
    case LUA_TTHREAD:
        v->u = (uint64_t)(uintptr_t)wr_ofstate(vm, lua_tothread(L, idx));
        return;
    }
}

static void push_key(wr_vm *vm, lua_State *L, wr_val *v)
{
    lua_pushlstring(L, vm->buf + v->u, v->len);
}

static void push_arg(wr_vm *vm, lua_State *L, int idx)
{
    if (lua_isthread(L, idx)) {
        wr_thread *t = wr_ofstate(vm, lua_tothread(L, idx));
        if (t) t->exposed = 1;
    }
    lua_pushvalue(L, idx);
}

/* Makes a function of the n values on top, which it passes to a primitive in
 * front of its arguments. */
static void bind(lua_State *L, int ref, int n)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    lua_getupvalue(L, -1, 1);
    lua_replace(L, -2);
    lua_insert(L, -n - 1);
    lua_pushcclosure(L, wr_callbound, n + 1);
}

static void push_box(lua_State *L, wr_val *v)
{
    uint64_t *number = lua_newuserdata(L, sizeof(*number));
    *number = v->u;
    if (!v->len) return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, (int)v->len);
    lua_setmetatable(L, -2);
}

/* Reads the number of the box at idx, or of that in the first place of the
 * table at idx; 0 when there is none. place is where the number stands. A
 * client's socket has its request's id in the place of a box. */
uint64_t wr_box(lua_State *L, int idx, uint64_t **place)
{
    uint64_t number = 0;
    int table = lua_type(L, idx) == LUA_TTABLE;
    *place = NULL;
    if (table) lua_rawgeti(L, idx, 1);
    else lua_pushvalue(L, idx);
    if (lua_type(L, -1) == LUA_TUSERDATA
        && lua_objlen(L, -1) == sizeof(uint64_t)) {
        *place = lua_touserdata(L, -1);
        number = **place;
    } else if (table && lua_type(L, -1) == LUA_TNUMBER) {
        double id = lua_tonumber(L, -1);
        if (id >= 1 && id < (double)WR_CLIENT_BOX)
            number = (uint64_t)id | WR_CLIENT_BOX;
    }
    lua_pop(L, 1);
    return number;
}

/* How many values an error leaves. OpenResty hands over all of the frame that
 * the error was raised in: of error() these are its arguments, then the
 * message with its position, and programs have come to expect the former. */
static int error_values(lua_State *co)
{
    lua_Debug ar;
    if (!lua_getstack(co, 0, &ar) || !lua_getinfo(co, "Sn", &ar)) return 1;
    int raised = *ar.what == 'C' && ar.name && strcmp(ar.name, "error") == 0;
    return raised ? lua_gettop(co) : 1;
}

/* Moves what an ended thread has returned (ok), or its error, behind ok, and
 * lets go of the thread. 0: there is no room. */
static int push_ended(wr_vm *vm, lua_State *L, wr_thread *t, int ok)
{
    int n = ok ? lua_gettop(t->L) : error_values(t->L);
    int room = wr_room(L, n + 8);
    if (room) {
        lua_pushboolean(L, ok);
        lua_xmove(t->L, L, n);
    }
    wr_freethread(vm, L, t);
    return room;
}

/* Pushes, or carries out, one value that Go wrote. 0: there is no room. */
int wr_pushval(wr_vm *vm, lua_State *L, wr_val *v, int argbase)
{
    double d;
    switch (v->t) {
    case WR_BOOL: lua_pushboolean(L, (int)v->u); return 1;
    case WR_LIGHT: lua_pushlightuserdata(L, (void *)(uintptr_t)v->u); return 1;
    case WR_NUM:
        memcpy(&d, &v->u, sizeof(d));
        lua_pushnumber(L, d);
        return 1;
    case WR_STR:
        lua_pushlstring(L, (const char *)(uintptr_t)v->u, v->len);
        return 1;
    case WR_BUFSTR: push_key(vm, L, v); return 1;
    case WR_THREAD:
        wr_pushthread(vm, L, (wr_thread *)(uintptr_t)v->u);
        return 1;
    case WR_REF: lua_rawgeti(L, LUA_REGISTRYINDEX, (int)v->u); return 1;
    case WR_ARG: push_arg(vm, L, argbase + (int)v->u); return 1;
    case WR_NEWTABLE: lua_createtable(L, (int)v->u, (int)v->len); return 1;
    case WR_SETINDEX: lua_rawseti(L, -2, (int)v->u); return 1;
    case WR_SETFIELD:
        push_key(vm, L, v);
        lua_insert(L, -2);
        lua_rawset(L, -3);
        return 1;
    case WR_ENDED:
        return push_ended(vm, L, (wr_thread *)(uintptr_t)v->u, (int)v->len);
    case WR_BIND: bind(L, (int)v->u, (int)v->len); return 1;
    case WR_BOX: push_box(L, v); return 1;
    case WR_SETMETA:
        lua_rawgeti(L, LUA_REGISTRYINDEX, (int)v->u);
        lua_setmetatable(L, -2);
        return 1;
    default: lua_pushnil(L);
    }
    return 1;
}
