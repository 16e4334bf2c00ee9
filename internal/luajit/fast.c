/* What C does of sockets without asking Go.
 *
 * While a thread runs that was resumed with what it had read, Go lends that
 * one socket (vm->fast): send() of a string and receive() of a line that is
 * not there yet are done here, and Go is told when the thread has parked. What
 * is sent goes to the kernel, or, where that is allowed, is held for Go to
 * send with what others send.
 *
 * New sockets are made here (vm->boxes); Go hears of them when they are first
 * used. Of collected ones it is told together. Of the client's first bytes
 * those that are there are peeked at here, until Go has to do with the socket. */
#include "vm.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int wr_canyield(wr_vm *vm, lua_State *L)
{
    return vm->cur && vm->cur->L == L && lua_isyieldable(L);
}

/* Tells whether the first argument is the table of the socket that is lent. */
static int is_lent(wr_vm *vm, lua_State *L)
{
    uint64_t *place;
    return lua_type(L, 1) == LUA_TTABLE
        && wr_box(L, 1, &place) == vm->fast.number;
}

static int fast_send(wr_vm *vm, lua_State *L)
{
    size_t len;
    if (!(vm->fast.may & WR_MAY_SEND) || lua_gettop(L) != 2
        || lua_type(L, 2) != LUA_TSTRING || !is_lent(vm, L))
        return WR_ASK;
    const char *p = lua_tolstring(L, 2, &len);
    if (len == 0) return WR_ASK;
    if (vm->fast.may & WR_MAY_HOLD) {
        if (len > sizeof(vm->fast.held) - vm->fast.nheld) return WR_ASK;
        memcpy(vm->fast.held + vm->fast.nheld, p, len);
        vm->fast.nheld += (uint32_t)len;
        vm->fast.sent += len;
        lua_pushnumber(L, (double)len);
        return 1;
    }
    /* No cancellation point, as send() of the C library is one. */
    long n = syscall(SYS_sendto, vm->fast.fd, p, len,
                     MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
    if (n > 0) vm->fast.sent += (uint64_t)n;
    if (n == (long)len) {
        lua_pushnumber(L, (double)n);
        return 1;
    }
    /* Go sends the rest, or meets the error again. */
    vm->fast.may = 0;
    vm->fast.partial = n > 0 ? (uint64_t)n : 0;
    return WR_ASK;
}

static int fast_line(wr_vm *vm, lua_State *L)
{
    int top = lua_gettop(L);
    if (!(vm->fast.may & WR_MAY_WAIT) || top < 1 || top > 2) return WR_ASK;
    if (top == 2 && (lua_type(L, 2) != LUA_TSTRING
                     || strcmp(lua_tostring(L, 2), "*l") != 0))
        return WR_ASK;
    if (!wr_canyield(vm, L) || !is_lent(vm, L)) return WR_ASK;
    vm->fast.may = 0;
    vm->fast.waits = 1;
    vm->op = 0;
    return lua_yield(L, top);
}

/* A table with a box in its first place that has no number yet, and so no
 * metatable: call.c gives it one with the number. */
static int fast_new(wr_vm *vm, lua_State *L)
{
    wr_boxes *b = &vm->boxes;
    if (b->box == 0 || lua_gettop(L) != 0 || !(*b->where & b->allowed))
        return WR_ASK;
    lua_createtable(L, 1, 0);
    *(uint64_t *)lua_newuserdata(L, sizeof(uint64_t)) = 0;
    lua_rawseti(L, -2, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->table);
    lua_setmetatable(L, -2);
    return 1;
}

/* A table with the id of the request that runs in its first place. */
static int fast_client(wr_vm *vm, lua_State *L)
{
    wr_boxes *b = &vm->boxes;
    wr_client *c = vm->client;
    int32_t phase = *b->where;
    if (c == NULL || c->pending || c->asked == phase || !(phase & b->asking)
        || lua_gettop(L) > 1)
        return WR_ASK;
    c->asked = phase;
    lua_createtable(L, 1, 0);
    lua_pushnumber(L, c->id);
    lua_rawseti(L, -2, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->client);
    lua_setmetatable(L, -2);
    return 1;
}

/* The client's first bytes, if as many are there as are wanted. */
static int fast_peek(wr_vm *vm, lua_State *L)
{
    char first[1024];
    uint64_t *place;
    wr_client *c = vm->client;
    if (c == NULL || c->peekmost == 0 || !(*vm->boxes.where & vm->boxes.peeking)
        || lua_gettop(L) != 2 || lua_type(L, 1) != LUA_TTABLE
        || lua_type(L, 2) != LUA_TNUMBER || !wr_canyield(vm, L)
        || wr_box(L, 1, &place) != ((uint64_t)c->id | WR_CLIENT_BOX))
        return WR_ASK;
    double wanted = lua_tonumber(L, 2);
    if (!(wanted >= 1 && wanted <= c->peekmost && wanted <= sizeof(first)))
        return WR_ASK;
    size_t n = (size_t)wanted;
    if (syscall(SYS_recvfrom, c->fd, first, n, MSG_PEEK | MSG_DONTWAIT, NULL,
                NULL) != (long)n)
        return WR_ASK;
    lua_pushlstring(L, first, n);
    return 1;
}

static int fast_collect(wr_vm *vm, lua_State *L)
{
    wr_boxes *b = &vm->boxes;
    uint64_t *number = lua_touserdata(L, 1);
    if (lua_type(L, 1) != LUA_TUSERDATA
        || lua_objlen(L, 1) != sizeof(*number) || b->closing)
        return WR_ASK;
    if (*number == 0) return 0;
    if (b->ndead == (int32_t)(sizeof(b->dead) / sizeof(b->dead[0])))
        return WR_ASK;
    b->dead[b->ndead++] = *number;
    return 0;
}

/* Sets the forgotten items to nil, which allocates nothing and cannot fail. */
void wr_forget(uintptr_t p)
{
    wr_vm *vm = (wr_vm *)p;
    while (vm->nforgotten) {
        wr_item *item = &vm->forgotten[--vm->nforgotten];
        lua_rawgeti(vm->L, LUA_REGISTRYINDEX, item->table);
        lua_pushnil(vm->L);
        lua_rawseti(vm->L, -2, item->index);
        lua_pop(vm->L, 1);
    }
}

int wr_fast(wr_vm *vm, lua_State *L, int kind)
{
    switch (kind) {
    case WR_FAST_NEW: return fast_new(vm, L);
    case WR_FAST_COLLECT: return fast_collect(vm, L);
    case WR_FAST_CLIENT: return fast_client(vm, L);
    case WR_FAST_PEEK: return fast_peek(vm, L);
    case WR_FAST_SPAWN: return wr_fastspawn(vm, L);
    case WR_FAST_WAIT: return wr_fastwait(vm, L);
    }
    if (vm->fast.may == 0) return WR_ASK;
    return kind == WR_FAST_SEND ? fast_send(vm, L) : fast_line(vm, L);
}
