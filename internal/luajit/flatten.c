/* Conversion of arguments into one byte run, as ngx.say, ngx.log and send
 * do it. Nothing here calls into Lua while bytes are half written. */
#include "vm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct flat {
    wr_vm *vm;
    uint64_t start;     /* what the buffer goes back to on an error */
    int arg;
    int strict;
} flat;

void wr_append(wr_vm *vm, lua_State *L, const char *s, size_t n)
{
    if (vm->blen + n > vm->bcap && !wr_grow(vm, n)) {
        luaL_error(L, "not enough memory");
        return;
    }
    memcpy(vm->buf + vm->blen, s, n);
    vm->blen += n;
}

static int bad_arg(flat *f, lua_State *L, const char *msg)
{
    f->vm->blen = f->start;
    return luaL_argerror(L, f->arg, msg);
}

static void append_number(flat *f, lua_State *L, double d)
{
    char tmp[40];
    int n;
    if (d == floor(d) && fabs(d) < 1e14 && (d != 0 || !signbit(d)))
        n = snprintf(tmp, sizeof(tmp), "%lld", (long long)d);
    else if (isnan(d))
        n = snprintf(tmp, sizeof(tmp), "nan");
    else
        n = snprintf(tmp, sizeof(tmp), "%.14g", d);
    wr_append(f->vm, L, tmp, (size_t)n);
}

static void append_table(flat *f, lua_State *L, int index, int depth);

/* Appends the scalar at index; 0 when its type has no text form. */
static int append_scalar(flat *f, lua_State *L, int index, int type)
{
    size_t len;
    const char *s;
    switch (type) {
    case LUA_TSTRING:
        s = lua_tolstring(L, index, &len);
        wr_append(f->vm, L, s, len);
        return 1;
    case LUA_TNUMBER:
        append_number(f, L, lua_tonumber(L, index));
        return 1;
    case LUA_TNIL:
        if (f->strict) return 0;
        wr_append(f->vm, L, "nil", 3);
        return 1;
    case LUA_TBOOLEAN:
        if (f->strict) return 0;
        if (lua_toboolean(L, index)) wr_append(f->vm, L, "true", 4);
        else wr_append(f->vm, L, "false", 5);
        return 1;
    case LUA_TLIGHTUSERDATA:
        if (f->strict) return 0;
        if (lua_touserdata(L, index) == NULL) wr_append(f->vm, L, "null", 4);
        return 1;
    }
    return 0;
}

/* The largest positive integer key; an error when there is another key. */
static int array_length(flat *f, lua_State *L, int index)
{
    int max = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (key < 1 || floor(key) != key || key > 2147483647.0)
            return bad_arg(f, L, "non-array table found");
        if (key > max) max = (int)key;
        lua_pop(L, 1);
    }
    return max;
}

static void append_table(flat *f, lua_State *L, int index, int depth)
{
    if (depth > 200 || !lua_checkstack(L, 6)) {
        bad_arg(f, L, "table nested too deeply");
        return;
    }
    int max = array_length(f, L, index);
    for (int i = 1; i <= max; i++) {
        lua_rawgeti(L, index, i);
        int type = lua_type(L, -1);
        if (type == LUA_TTABLE) {
            append_table(f, L, lua_gettop(L), depth + 1);
        } else if (!append_scalar(f, L, -1, type)) {
            bad_arg(f, L, lua_pushfstring(L, "bad data type %s found",
                                          lua_typename(L, type)));
        }
        lua_pop(L, 1);
    }
}

/* Calls __tostring of table arguments and puts the text in their place. */
static void texts_of_tables(lua_State *L, int at, int top)
{
    for (int i = at; i <= top; i++) {
        if (lua_type(L, i) != LUA_TTABLE) continue;
        if (!luaL_callmeta(L, i, "__tostring"))
            luaL_argerror(L, i, "expected table to have __tostring metamethod");
        if (!lua_isstring(L, -1))
            luaL_argerror(L, i, "__tostring must return a string");
        lua_replace(L, i);
    }
}

static const char *expected[] = {
    "", "string, number, boolean, nil, or array table expected, got %s",
    "string, number, boolean, nil, ngx.null, or array table expected, "
    "but got %s",
    "string, number, boolean, or nil expected, got %s",
};

/* Appends argument at (send) or all from at (say, log) to the buffer. */
void wr_flatten(wr_vm *vm, lua_State *L, int at, int mode)
{
    int top = mode == WR_FLAT_SEND ? at : lua_gettop(L);
    if (mode == WR_FLAT_LOG) texts_of_tables(L, at, top);
    flat f = { vm, vm->blen, at, 0 };
    for (int i = at; i <= top; i++) {
        int type = lua_type(L, i);
        f.arg = i;
        if (type == LUA_TTABLE) {
            f.strict = mode == WR_FLAT_SEND;
            append_table(&f, L, i, 0);
            f.strict = 0;
            continue;
        }
        int refused = mode == WR_FLAT_SEND && type == LUA_TLIGHTUSERDATA;
        if (refused || !append_scalar(&f, L, i, type)) {
            const char *name = type < 0 ? "no value" : lua_typename(L, type);
            bad_arg(&f, L, lua_pushfstring(L, expected[mode], name));
        }
    }
}
