/* The trampoline: one Lua C function for every primitive. */
#include "vm.h"
#include "_cgo_export.h"

#include <stdio.h>
#include <string.h>

/* Writes "file:line: func(): " of the calling Lua function, as
 * ngx_stream_lua_log.c does. */
size_t wr_where(lua_State *L, char *dst, size_t size)
{
    lua_Debug ar;
    if (!lua_getstack(L, 1, &ar)) return 0;
    lua_getinfo(L, "Snl", &ar);
    const char *slash = strrchr(ar.short_src, '/');
    const char *name = slash ? slash + 1 : ar.short_src;
    int line = ar.currentline > 0 ? ar.currentline : ar.linedefined;
    int n;
    if (*ar.namewhat && *ar.what == 'L')
        n = snprintf(dst, size, "%s:%d: %s(): ", name, line, ar.name);
    else
        n = snprintf(dst, size, "%s:%d: ", name, line);
    if (n < 0) return 0;
    return (size_t)n < size ? (size_t)n : size - 1;
}

static void bufstr(wr_vm *vm, wr_val *v, uint64_t from)
{
    v->t = WR_STR;
    v->u = (uint64_t)(uintptr_t)(vm->buf + from);
    v->len = vm->blen - from;
}

/* Moves function argument at and all after it onto a new anchored thread. */
wr_thread *wr_spawn(wr_vm *vm, lua_State *L, int at, int top)
{
    luaL_argcheck(L, lua_isfunction(L, at) && !lua_iscfunction(L, at), at,
                  "Lua function expected");
    wr_thread *t = wr_newthread(vm, L, 1);      /* pushed above the arguments */
    lua_insert(L, at);
    int n = top - at + 1;
    if (!wr_room(t->L, n + 2)) {
        wr_back(vm, L);
        wr_freethread(vm, L, t);
        luaL_error(L, "too many arguments");
    }
    lua_xmove(L, t->L, n);
    t->nspawn = n;
    return t;
}

static int raise_error(wr_vm *vm, lua_State *L, wr_frame *f, uint64_t mark)
{
    lua_pushlstring(L, vm->buf + f->msg, f->msglen);
    vm->blen = mark;
    if (f->raise == WR_RAISE_ARG)
        return luaL_argerror(L, f->raisearg, lua_tostring(L, -1));
    if (f->raise == WR_RAISE_WHERE) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int no_room(wr_vm *vm, lua_State *L, wr_frame *f, uint64_t mark)
{
    vm->sp = f->args;
    vm->blen = mark;
    return luaL_error(L, "too many values");
}

static int push_results(wr_vm *vm, lua_State *L, wr_frame *f, uint64_t mark)
{
    int top = lua_gettop(L);
    if (f->nres > 15 && !lua_checkstack(L, f->nres + 4))
        return no_room(vm, L, f, mark);
    for (int i = 0; i < f->nres; i++)
        if (!wr_pushval(vm, L, &f->res[i], 0)) return no_room(vm, L, f, mark);
    return lua_gettop(L) - top;
}

/* Pushes the named fields of the last argument. */
static int add_fields(lua_State *L, wr_fn *fn, int top)
{
    const char *name = fn->fields;
    int table = lua_type(L, top) == LUA_TTABLE;
    luaL_checkstack(L, fn->nfields + 4, "too many fields");
    for (int i = 0; i < fn->nfields; i++) {
        if (table) lua_getfield(L, top, name);
        else lua_pushnil(L);
        name += strlen(name) + 1;
    }
    return top + fn->nfields;
}

/* What the arguments of a call have become, before they are described. */
typedef struct arguments {
    int n;
    int flat;           /* the number of the flattened one, 0 none */
    uint64_t flatat;    /* where its bytes begin in the byte buffer */
    uint64_t whereat;   /* and where they end, and the position begins */
    wr_thread *spawned; /* that has the last one, and what was behind it */
} arguments;

/* Does with the arguments what the primitive asks for. This may raise. */
static arguments prepare(wr_vm *vm, lua_State *L, wr_fn *fn)
{
    arguments a = { lua_gettop(L), fn->flat, vm->blen, 0, NULL };

    if (vm->sp + a.n + 64 > vm->limit) luaL_error(L, "call frames too deep");
    if (wr_deep(WR_CALL_STACK)) luaL_error(L, "C stack overflow");
    if (fn->spawn) {
        a.spawned = wr_spawn(vm, L, fn->spawn, a.n);
        a.n = fn->spawn;
    }
    if (fn->nfields) a.n = add_fields(L, fn, a.n);
    if (fn->flatmode == WR_FLAT_SEND
        && (a.n != a.flat || lua_type(L, a.flat) == LUA_TSTRING))
        a.flat = 0;     /* a string is one run already */
    if (a.flat) {
        wr_flatten(vm, L, fn->flat, fn->flatmode);
        if (fn->newline) wr_append(vm, L, "\n", 1);
        if (fn->flatmode != WR_FLAT_SEND) a.n = fn->flat - 1;
    }
    a.whereat = vm->blen;
    if (fn->where) {
        char tmp[LUA_IDSIZE + 256];
        wr_append(vm, L, tmp, wr_where(L, tmp, sizeof(tmp)));
    }
    return a;
}

/* Puts the numbers of boxes in the place of those. Answers where that of the
 * first argument stands; NULL: it has none. */
static uint64_t *read_boxes(lua_State *L, wr_fn *fn, wr_frame *f)
{
    uint64_t *first = NULL, *place;
    for (int i = 1; fn->boxmask >> (i - 1) && i <= f->nargs; i++) {
        wr_val *v = &f->args[i - 1];
        if (!(fn->boxmask & (1u << (i - 1)))
            || (v->t != WR_TABLE && v->t != WR_USERDATA))
            continue;
        v->u = wr_box(L, i, &place);
        v->len = (uint64_t)(uintptr_t)place;
        if (i == 1) first = place;
    }
    return first;
}

/* Fills the frame. Answers as read_boxes. */
static uint64_t *pack(wr_vm *vm, lua_State *L, wr_fn *fn, wr_frame *f)
{
    arguments a = prepare(vm, L, fn);

    f->args = vm->sp;
    f->nargs = a.n;
    for (int i = 1; i <= a.n; i++) wr_export(vm, L, i, &f->args[i - 1]);
    uint64_t *first = read_boxes(L, fn, f);
    if (a.spawned) {
        f->args[a.n - 1].t = WR_THREAD;
        f->args[a.n - 1].u = (uint64_t)(uintptr_t)a.spawned;
    }
    if (a.flat) {
        wr_val *v = &f->args[a.flat - 1];
        if (f->nargs < a.flat) f->nargs = a.flat;
        v->t = WR_STR;
        v->u = (uint64_t)(uintptr_t)(vm->buf + a.flatat);
        v->len = a.whereat - a.flatat;
    }
    if (fn->where) bufstr(vm, &f->args[f->nargs++], a.whereat);
    return first;
}

static void take_refs(lua_State *L, wr_fn *fn, wr_frame *f)
{
    for (int i = 0; i < f->nargs && i < 32; i++) {
        if (!(fn->refmask & (1u << i)) || f->args[i].t == WR_NIL) continue;
        lua_pushvalue(L, i + 1);
        f->args[i].len = (uint64_t)f->args[i].t;
        f->args[i].u = (uint64_t)luaL_ref(L, LUA_REGISTRYINDEX);
        f->args[i].t = WR_REF;
    }
}

/* A box needs its finalizer as long as it has a number. */
static void arm(wr_vm *vm, lua_State *L, int armed)
{
    if (vm->boxes.box == 0) return;
    if (lua_type(L, 1) == LUA_TTABLE) lua_rawgeti(L, 1, 1);
    else lua_pushvalue(L, 1);
    if (armed) lua_rawgeti(L, LUA_REGISTRYINDEX, vm->boxes.box);
    else lua_pushnil(L);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

/* nginx's debug; what is above is a mistake that Go complains of. */
#define MAX_LOG_LEVEL 8

/* ngx.log and print above the level cost no crossing. */
static int filtered(wr_vm *vm, lua_State *L, wr_fn *fn)
{
    if (fn->flatmode != WR_FLAT_LOG || fn->flat < 2
        || lua_type(L, fn->flat - 1) != LUA_TNUMBER)
        return 0;
    double level = lua_tonumber(L, fn->flat - 1);
    return level > (double)vm->loglevel && level <= MAX_LOG_LEVEL;
}

int wr_call(lua_State *L)
{
    wr_fn *fn = lua_touserdata(L, lua_upvalueindex(1));
    wr_vm *vm = fn->vm;
    uint64_t mark = vm->blen;
    wr_frame f;

    if (fn->flatmode == WR_FLAT_LOG && filtered(vm, L, fn)) return 0;
    if (fn->fast) {
        int done = wr_fast(vm, L, fn->fast);
        if (done != WR_ASK) return done;
    }
    uint64_t *box = pack(vm, L, fn, &f);
    uint64_t number = box ? *box : 0;
    vm->sp = f.args + f.nargs;
    if (fn->refmask) take_refs(L, fn, &f);
    f.res = vm->sp;
    f.rescap = (int32_t)(vm->limit - vm->sp);
    f.nres = 0;
    f.L = L;
    f.thread = vm->cur;
    f.fn = fn->id;
    f.vmid = vm->vmid;
    f.canyield = wr_canyield(vm, L);
    f.raise = WR_RAISE_WHERE;

    int outcome = weirLuaCall(&f);
    int n = 0;
    if (vm->strayed) wr_back(vm, L);
    if (box && (*box != 0) != (number != 0)) arm(vm, L, *box != 0);
    if (outcome == WR_RAISE) {
        vm->sp = f.args;
        return raise_error(vm, L, &f, mark);
    }
    if (f.nres) {
        vm->sp = f.res + f.nres;
        n = push_results(vm, L, &f, mark);
    }
    vm->sp = f.args;
    vm->blen = mark;
    if (outcome == WR_SPAWN) {
        vm->op = WR_OP_SPAWN;
        vm->target = (wr_thread *)(uintptr_t)f.args[fn->spawn - 1].u;
        return lua_yield(L, lua_gettop(L));
    }
    if (outcome == WR_YIELD) {
        vm->op = 0;
        return lua_yield(L, lua_gettop(L));
    }
    return n;
}

/* What bind has made. */
int wr_callbound(lua_State *L)
{
    for (int i = 2; !lua_isnone(L, lua_upvalueindex(i)); i++) {
        lua_pushvalue(L, lua_upvalueindex(i));
        lua_insert(L, i - 1);
    }
    return wr_call(L);
}
