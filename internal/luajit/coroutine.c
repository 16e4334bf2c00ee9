/* The coroutine library. Resume and yield leave to the scheduler in run.c and
 * never nest, so a coroutine may park in a Go function with its whole chain of
 * parents. Where the scheduler cannot be reached they nest as Lua's own. */
#include "vm.h"

static wr_vm *vm_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static const char *status_names[] = {
    "suspended", "running", "normal", "dead", "zombie",
};

static int status_of(wr_vm *vm, lua_State *L, lua_State *co)
{
    wr_thread *t = wr_ofstate(vm, co);
    lua_Debug ar;
    if (lua_getexdata2(co) == WR_DEAD_MARK) return WR_DEAD;
    if (co == L) return WR_RUNNING;
    if (t && t->status != WR_SUSPENDED) return t->status;
    if (lua_status(co) == LUA_YIELD) return WR_SUSPENDED;
    if (lua_status(co) != 0) return WR_DEAD;
    if (lua_getstack(co, 0, &ar) > 0) return WR_NORMAL;
    return lua_gettop(co) == 0 ? WR_DEAD : WR_SUSPENDED;
}

static lua_State *thread_arg(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argcheck(L, co, 1, "coroutine expected");
    return co;
}

static int co_status(lua_State *L)
{
    lua_State *co = thread_arg(L);
    lua_pushstring(L, status_names[status_of(vm_of(L), L, co)]);
    return 1;
}

static int co_create(lua_State *L)
{
    wr_vm *vm = vm_of(L);
    int ok = lua_isfunction(L, 1) && (!vm->cur || !lua_iscfunction(L, 1));
    luaL_argcheck(L, ok, 1, "Lua function expected");
    wr_thread *t = wr_newthread(vm, L, 0);
    lua_pushvalue(L, 1);
    lua_xmove(L, t->L, 1);
    return 1;
}

static int co_running(lua_State *L)
{
    wr_thread *t = wr_ofstate(vm_of(L), L);
    if (t) t->exposed = 1;
    if (lua_pushthread(L)) lua_pushnil(L);
    return 1;
}

static int cannot_resume(lua_State *L, int status)
{
    lua_pushboolean(L, 0);
    lua_pushfstring(L, "cannot resume %s coroutine", status_names[status]);
    return 2;
}

/* Resumes on the C stack: where the scheduler cannot be reached. */
static int resume_nested(wr_vm *vm, lua_State *L, lua_State *co, wr_thread *t)
{
    int n = lua_gettop(L) - 1;
    if (wr_deep(WR_NESTED_STACK)) luaL_error(L, "C stack overflow");
    if (!wr_room(co, n + 1)) {
        wr_back(vm, L);
        luaL_error(L, "too many arguments");
    }
    lua_xmove(L, co, n);
    if (t) t->status = WR_RUNNING;
    int rc = lua_resume(co, n);
    wr_back(vm, L);
    if (t) t->status = rc == LUA_YIELD ? WR_SUSPENDED : WR_DEAD;
    n = rc == 0 || rc == LUA_YIELD ? lua_gettop(co) : 1;
    luaL_checkstack(L, n + 1, "too many results");
    lua_pushboolean(L, rc == 0 || rc == LUA_YIELD);
    lua_xmove(co, L, n);
    return n + 1;
}

static int co_resume(lua_State *L)
{
    wr_vm *vm = vm_of(L);
    lua_State *co = thread_arg(L);
    int status = status_of(vm, L, co);
    wr_thread *t = wr_ofstate(vm, co);
    if (status != WR_SUSPENDED) return cannot_resume(L, status);
    int scheduled = t && vm->cur && vm->cur->L == L && lua_isyieldable(L);
    if (!scheduled) return resume_nested(vm, L, co, t);
    if (vm->cur->depth >= WR_MAX_DEPTH) luaL_error(L, "C stack overflow");
    vm->op = WR_OP_RESUME;
    vm->target = t;
    return lua_yield(L, lua_gettop(L));     /* co stays on the stack */
}

static int co_yield(lua_State *L)
{
    wr_vm *vm = vm_of(L);
    if (vm->cur && vm->cur->L == L && lua_isyieldable(L)) vm->op = WR_OP_YIELD;
    return lua_yield(L, lua_gettop(L));
}

static const char wrap_source[] =
    "local co, select, error, type = ...\n"
    "local create, resume = co.create, co.resume\n"
    "local function check(ok, ...)\n"
    "  if ok then return ... end\n"
    "  error((...), 0)\n"
    "end\n"
    "function co.wrap(f)\n"
    "  local c = create(f)\n"
    "  return function(...) return check(resume(c, ...)) end\n"
    "end\n";

void wr_opencoroutines(wr_vm *vm)
{
    static const luaL_Reg fns[] = {
        { "create", co_create }, { "resume", co_resume },
        { "yield", co_yield }, { "status", co_status },
        { "running", co_running }, { NULL, NULL },
    };
    lua_State *L = vm->L;
    lua_getglobal(L, "coroutine");
    for (const luaL_Reg *r = fns; r->name; r++) {
        lua_pushlightuserdata(L, vm);
        lua_pushcclosure(L, r->func, 1);
        lua_setfield(L, -2, r->name);
    }
    luaL_loadbuffer(L, wrap_source, sizeof(wrap_source) - 1, "=coroutine");
    lua_pushvalue(L, -2);
    lua_getglobal(L, "select");
    lua_getglobal(L, "error");
    lua_getglobal(L, "type");
    lua_call(L, 4, 0);
    lua_pop(L, 1);
}
