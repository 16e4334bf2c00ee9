#include "vm.h"

#include <luajit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Values all frames of a VM hold together; pages are touched on use only. */
#define FRAME_VALUES ((size_t)1 << 18)


static int at_panic(lua_State *L)
{
    const char *s = lua_tostring(L, -1);
    fprintf(stderr, "weir: unprotected Lua error: %s\n", s ? s : "?");
    return 0;
}

static void weak_table(lua_State *L, const char *mode)
{
    lua_newtable(L);
    if (mode) {
        lua_createtable(L, 0, 1);
        lua_pushstring(L, mode);
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
    }
}

extern int wr_dispatch(lua_State *L);

static int nothing(lua_State *L)
{
    (void)L;
    return 0;
}

/* Tells LuaJIT that L runs again, after another state has run below it. A
 * function of C that returns does so by itself; one that raises does not, and
 * the next exit from compiled code takes the wrong state. */
void wr_back(wr_vm *vm, lua_State *L)
{
    vm->strayed = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->backref);
    lua_call(L, 0, 0);
}

static int setup(lua_State *L)
{
    wr_vm *vm = lua_touserdata(L, 1);
    lua_pushlightuserdata(L, vm);
    if (luaL_ref(L, LUA_REGISTRYINDEX) != WR_SELF)
        return luaL_error(L, "registry in use");
    luaL_openlibs(L);
    lua_pushlightuserdata(L, vm);
    lua_pushcclosure(L, wr_dispatch, 1);
    vm->protref = luaL_ref(L, LUA_REGISTRYINDEX);
    weak_table(L, "v");
    vm->weakref = luaL_ref(L, LUA_REGISTRYINDEX);
    weak_table(L, NULL);
    vm->strongref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushboolean(L, 0);
    vm->msgref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, nothing);
    vm->backref = luaL_ref(L, LUA_REGISTRYINDEX);
    wr_opencoroutines(vm);
    return 0;
}

wr_vm *wr_open(int32_t vmid)
{
    wr_vm *vm = calloc(1, sizeof(wr_vm));
    if (vm == NULL) return NULL;
    vm->vmid = vmid;
    vm->freethread = -1;
    vm->sweepat = 1024;
    vm->loglevel = 1 << 20;
    vm->bcap = 4096;
    vm->buf = malloc(vm->bcap);
    vm->frames = mmap(NULL, FRAME_VALUES * sizeof(wr_val),
                      PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    vm->L = luaL_newstate();
    if (vm->buf == NULL || vm->frames == MAP_FAILED || vm->L == NULL)
        goto failed;
    vm->sp = vm->frames;
    vm->limit = vm->frames + FRAME_VALUES;
    lua_atpanic(vm->L, at_panic);
    if (lua_cpcall(vm->L, setup, vm) != 0) goto failed;
    return vm;
failed:
    wr_close((uintptr_t)vm);
    return NULL;
}

void wr_close(uintptr_t p)
{
    wr_vm *vm = (wr_vm *)p;
    if (vm->L) {
        if (vm->alloc) lua_setallocf(vm->L, vm->alloc, vm->allocud);
        vm->alloc = NULL;
        vm->cur = NULL;
        vm->boxes.closing = 1;
        lua_close(vm->L);
    }
    if (vm->frames && vm->frames != MAP_FAILED)
        munmap(vm->frames, FRAME_VALUES * sizeof(wr_val));
    for (int32_t i = 0; i < vm->nthreads; i++) free(vm->threads[i]);
    for (wr_fn *fn = vm->fns, *next; fn; fn = next) {
        next = fn->next;
        free(fn);
    }
    free(vm->threads);
    wr_freeleft(vm);
    free(vm->buf);
    free(vm);
}

/* Makes room for more bytes; 0 when there is no memory. While Lua runs the
 * old place stays: a string may be being made of it, and a finalizer that the
 * collector calls meanwhile may be what needs more. */
int wr_grow(wr_vm *vm, uint64_t more)
{
    uint64_t cap = vm->bcap * 2;
    while (cap < vm->blen + more) cap *= 2;
    char *p = malloc(cap);
    if (p == NULL) return 0;
    memcpy(p, vm->buf, vm->blen);
    vm->left[vm->nleft++] = vm->buf;    /* it doubles: there are never many */
    vm->buf = p;
    vm->bcap = cap;
    if (vm->running == 0) wr_freeleft(vm);
    return 1;
}

void wr_freeleft(wr_vm *vm)
{
    while (vm->nleft) free(vm->left[--vm->nleft]);
}

/* From three quarters of the limit on the collector does not wait until the
 * heap has doubled, which the limit would not let it: it is set going whenever
 * the heap has grown by a 32nd of the limit. */
static uint64_t next_kick(wr_vm *vm)
{
    uint64_t near = vm->memlimit - vm->memlimit / 4;
    return vm->memused < near ? near : vm->memused + vm->memlimit / 32;
}

/* Counts, and refuses while Lua runs: outside of protected code a refusal
 * could not be told to anybody. */
static void *counting_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    wr_vm *vm = ud;
    if (nsize > osize && vm->memused + (nsize - osize) > vm->memlimit
        && vm->refusing && !vm->spare) {
        vm->memrefused++;
        return NULL;
    }
    void *p = vm->alloc(vm->allocud, ptr, osize, nsize);
    if (p == NULL && nsize != 0) return p;
    vm->memused += nsize - osize;
    if (vm->memused > vm->memkick) {
        vm->memkick = next_kick(vm);
        lua_gc(vm->L, LUA_GCRESTART, 0);    /* only sets the threshold */
    } else if (vm->memused + vm->memlimit / 8 < vm->memkick) {
        vm->memkick = next_kick(vm);
    }
    return p;
}

/* Begins a slice, or Lua within one. */
void wr_enter(wr_vm *vm)
{
    if (vm->running++ == 0) {
        __atomic_store_n(&vm->slices, vm->slices + 1, __ATOMIC_RELAXED);
        if (vm->nforgotten) wr_forget((uintptr_t)vm);
    }
}

void wr_leave(wr_vm *vm)
{
    if (--vm->running == 0) {
        __atomic_store_n(&vm->slices, vm->slices + 1, __ATOMIC_RELEASE);
        if (vm->nleft) wr_freeleft(vm);
    }
    if (__atomic_load_n(&vm->interrupted, __ATOMIC_RELAXED))
        wr_uninterrupt(vm);
}

/* An allocation that compiled code asks for must not be refused: on the way
 * out of a trace LuaJIT may take the error's text for an address. So what has
 * a limit is interpreted. */
static void set_compiling(wr_vm *vm, int compiling)
{
    int mode = compiling ? LUAJIT_MODE_ON : LUAJIT_MODE_OFF;
    luaJIT_setmode(vm->L, 0, LUAJIT_MODE_ENGINE | mode);
    luaJIT_setmode(vm->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
}

void wr_setlimit(uintptr_t p, uint64_t bytes)
{
    wr_vm *vm = (wr_vm *)p;
    vm->memlimit = bytes;
    vm->memkick = bytes - bytes / 4;
    if (bytes == 0 && vm->alloc) {
        lua_setallocf(vm->L, vm->alloc, vm->allocud);
        vm->alloc = NULL;
        set_compiling(vm, 1);
        return;
    }
    if (bytes == 0 || vm->alloc) return;
    set_compiling(vm, 0);
    vm->memused = (uint64_t)lua_gc(vm->L, LUA_GCCOUNT, 0) * 1024
                  + (uint64_t)lua_gc(vm->L, LUA_GCCOUNTB, 0);
    vm->alloc = lua_getallocf(vm->L, &vm->allocud);
    lua_setallocf(vm->L, counting_alloc, vm);
}

typedef struct source { const char *name, *src; size_t len; } source;

static int check(lua_State *L)
{
    source *s = lua_touserdata(L, 1);
    return luaL_loadbuffer(L, s->src, s->len, s->name) ? lua_error(L) : 0;
}

/* Compiles in a state of its own; 0 when the source is well formed. */
int wr_check(const char *name, const char *src, size_t len, char *err,
             size_t size)
{
    source s = { name, src, len };
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        snprintf(err, size, "not enough memory");
        return 1;
    }
    int rc = lua_cpcall(L, check, &s);
    if (rc) {
        const char *msg = lua_tostring(L, -1);
        snprintf(err, size, "%s", msg ? msg : "unknown error");
    }
    lua_close(L);
    return rc;
}
