-- ngx.shared.*: the whole API over weir_shdict.h, without a crossing into Go.
--
-- The chunk returns a function build(env), which returns a function new(handle) that makes one dictionary object
-- from the lightuserdata or number that Dict.Handle gave. env.now, if there, returns the worker's clock in ms since the epoch.
-- Words and argument checks are those of lua-resty-core's shdict.lua and ngx_stream_lua_shdict.c.

local ffi = require "ffi"
local C = ffi.C
local ffi_string, ffi_cast, ffi_istype = ffi.string, ffi.cast, ffi.istype
local type, tostring, tonumber, error, select, pairs = type, tostring, tonumber, error, select, pairs

if not pcall(ffi.typeof, "weir_shdict_value_t") then
    ffi.cdef[[
    typedef struct weir_shdict weir_shdict_t;
    typedef struct weir_shdict_value {
        int type; int stale; int32_t flags; uint32_t len; double num; char *buf; size_t cap;
    } weir_shdict_value_t;
    int weir_shdict_get(weir_shdict_t *d, const char *key, size_t key_len, int stale, int64_t now,
                        weir_shdict_value_t *v);
    int weir_shdict_store(weir_shdict_t *d, int op, const char *key, size_t key_len, int type, const char *str,
                          size_t str_len, double num, int64_t exptime, int32_t flags, int64_t now);
    int weir_shdict_incr(weir_shdict_t *d, const char *key, size_t key_len, double by, int has_init, double init,
                         int64_t init_ttl, int64_t now, weir_shdict_value_t *v);
    int weir_shdict_push(weir_shdict_t *d, int left, const char *key, size_t key_len, int type, const char *str,
                         size_t str_len, double num, int64_t now, weir_shdict_value_t *v);
    int weir_shdict_pop(weir_shdict_t *d, int left, const char *key, size_t key_len, int64_t now,
                        weir_shdict_value_t *v);
    int weir_shdict_llen(weir_shdict_t *d, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v);
    int weir_shdict_ttl(weir_shdict_t *d, const char *key, size_t key_len, int64_t now, weir_shdict_value_t *v);
    int weir_shdict_expire(weir_shdict_t *d, const char *key, size_t key_len, int64_t exptime, int64_t now);
    void weir_shdict_flush_all(weir_shdict_t *d, int64_t now);
    int64_t weir_shdict_flush_expired(weir_shdict_t *d, int64_t max, int64_t now);
    char *weir_shdict_keys(weir_shdict_t *d, int64_t max, int64_t now, size_t *count);
    void weir_shdict_keys_free(char *keys);
    size_t weir_shdict_capacity(weir_shdict_t *d);
    size_t weir_shdict_free_space(weir_shdict_t *d);
    ]]
end

local ADD, REPLACE, SAFE = 1, 2, 4
local NO_MEMORY, GROW, FORCED = 3, 8, 0x100
local NIL, BOOLEAN, NUMBER, STRING = 0, 1, 3, 4

local messages = {
    "not found", "exists", "no memory", "not a number", "value is a list", "value not a list",
    "attempt to add or replace nil values",
}

local dict_ptr = ffi.typeof("weir_shdict_t *")
local bytes_ptr = ffi.typeof("const unsigned char *")
local chars = ffi.typeof("char[?]")
local count = ffi.new("size_t[1]")

-- What an operation reads, and the room for a string; a VM runs one operation at a time.
local v = ffi.new("weir_shdict_value_t")
local room = chars(4096)
v.buf, v.cap = room, 4096

local function grow()
    local cap = tonumber(v.cap) * 2
    if cap < v.len then
        cap = v.len
    end
    room = chars(cap)
    v.buf, v.cap = room, cap
end

-- Making the string may run a finalizer that uses a dictionary itself: all else is read before.
local function value()
    local t = v.type
    if t == STRING then
        return ffi_string(room, v.len)
    elseif t == NUMBER then
        return v.num
    elseif t == BOOLEAN then
        return v.num ~= 0
    end
    return nil
end

-- Errors name the line that called the method: level 3 is beyond the check and the method.
local function handle(zone)
    local d = type(zone) == "table" and zone[1]
    if not d or not ffi_istype(dict_ptr, d) then
        error('bad "zone" argument', 3)
    end
    return d
end

-- Returns the key as a string, or nil and why not.
local function check(key)
    if key == nil then
        return nil, "nil key"
    end
    if type(key) ~= "string" then
        key = tostring(key)
    end
    if #key == 0 then
        return nil, "empty key"
    end
    if #key > 65535 then
        return nil, "key too long"
    end
    return key
end

-- A value as C takes it: type, text, its length, number. Nothing when it cannot be stored.
local function parts(val)
    local t = type(val)
    if t == "string" then
        return STRING, val, #val, 0
    elseif t == "number" then
        return NUMBER, nil, 0, val
    elseif t == "boolean" then
        return BOOLEAN, nil, 0, val and 1 or 0
    elseif val == nil then
        return NIL, nil, 0, 0
    end
end

return function(env)
    local now = env and env.now or function() return 0 end
    local methods = {}

    local function read(d, key, stale)
        local rc = C.weir_shdict_get(d, key, #key, stale, now(), v)
        while rc == GROW do
            grow()
            rc = C.weir_shdict_get(d, key, #key, stale, now(), v)
        end
        return rc
    end

    function methods.get(zone, key)
        local d, err = handle(zone)
        key, err = check(key)
        if not key then
            return nil, err
        end
        local rc = read(d, key, 0)
        if rc ~= 0 then
            return nil, messages[rc]
        end
        local flags = v.flags
        local val = value()
        if val ~= nil and flags ~= 0 then
            return val, flags
        end
        return val
    end

    function methods.get_stale(zone, key)
        local d, err = handle(zone)
        key, err = check(key)
        if not key then
            return nil, err
        end
        local rc = read(d, key, 1)
        if rc ~= 0 then
            return nil, messages[rc]
        end
        local flags, is_stale = v.flags, v.stale ~= 0
        local val = value()
        if val == nil then
            return nil
        end
        return val, flags ~= 0 and flags or nil, is_stale
    end

    local function store(zone, op, key, val, exptime, flags)
        local d, err = handle(zone)
        if not exptime then
            exptime = 0
        elseif exptime < 0 then
            error('bad "exptime" argument', 2)
        end
        key, err = check(key)
        if not key then
            return nil, err
        end
        local t, str, len, num = parts(val)
        if not t then
            return nil, "bad value type"
        end
        local rc = C.weir_shdict_store(d, op, key, #key, t, str, len, num, exptime * 1000, flags or 0, now())
        if rc == 0 then
            return true, nil, false
        end
        local forced = rc >= FORCED
        if forced then
            rc = rc - FORCED
            if rc == 0 then
                return true, nil, true
            end
        end
        return false, messages[rc], forced
    end

    -- Tail calls: the level of the method is gone when an error looks for its caller.
    for name, op in pairs { set = 0, safe_set = SAFE, add = ADD, safe_add = ADD + SAFE, replace = REPLACE } do
        methods[name] = function(zone, key, val, exptime, flags)
            return store(zone, op, key, val, exptime, flags)
        end
    end

    function methods.delete(zone, key)
        return store(zone, 0, key, nil)
    end

    function methods.incr(zone, key, by, init, init_ttl)
        local d, err = handle(zone)
        key, err = check(key)
        if not key then
            return nil, err
        end
        if type(by) ~= "number" then
            by = tonumber(by) or error('bad "value" argument: number expected', 2)
        end
        if init and type(init) ~= "number" then
            init = tonumber(init) or error("bad init arg: number expected, got " .. type(init), 2)
        end
        if init_ttl ~= nil then
            if type(init_ttl) ~= "number" then
                init_ttl = tonumber(init_ttl)
                    or error("bad init_ttl arg: number expected, got " .. type(init_ttl), 2)
            end
            if init_ttl < 0 then
                error('bad "init_ttl" argument', 2)
            end
            if not init then
                error('must provide "init" when providing "init_ttl"', 2)
            end
        end
        local rc = C.weir_shdict_incr(d, key, #key, by, init and 1 or 0, init or 0, (init_ttl or 0) * 1000, now(), v)
        local forced = rc >= FORCED
        if forced then
            rc = rc - FORCED
        end
        if rc ~= 0 then
            return nil, messages[rc]
        end
        if not init then
            return v.num
        end
        return v.num, nil, forced
    end

    -- The list operations, flush_expired and get_keys count their arguments (they are C functions in OpenResty).
    local function arguments(n, want)
        if n ~= want then
            error("expecting " .. want .. " arguments, but only seen " .. n, 3)
        end
    end

    local function list_key(key, name)
        if key ~= nil and type(key) ~= "string" and type(key) ~= "number" then
            error("bad argument #1 to '" .. name .. "' (string expected, got " .. type(key) .. ")", 3)
        end
        return check(key)
    end

    local function push(left, name, zone, key, val)
        local d, err = handle(zone)
        key, err = list_key(key, name)
        if not key then
            return nil, err
        end
        local t, str, len, num = parts(val)
        if t ~= STRING and t ~= NUMBER then
            return nil, "bad value type"
        end
        local rc = C.weir_shdict_push(d, left, key, #key, t, str, len, num, now(), v)
        if rc == 0 then
            return v.num
        end
        if rc == NO_MEMORY then
            return false, messages[rc]
        end
        return nil, messages[rc]
    end

    local function pop(left, name, zone, key)
        local d, err = handle(zone)
        key, err = list_key(key, name)
        if not key then
            return nil, err
        end
        local rc = C.weir_shdict_pop(d, left, key, #key, now(), v)
        while rc == GROW do
            grow()
            rc = C.weir_shdict_pop(d, left, key, #key, now(), v)
        end
        if rc ~= 0 then
            return nil, messages[rc]
        end
        return value()
    end

    for side, left in pairs { l = 1, r = 0 } do
        local push_name, pop_name = side .. "push", side .. "pop"
        methods[push_name] = function(...)
            arguments(select("#", ...), 3)
            return push(left, push_name, ...)
        end
        methods[pop_name] = function(...)
            arguments(select("#", ...), 2)
            return pop(left, pop_name, ...)
        end
    end

    local function llen(zone, key)
        local d, err = handle(zone)
        key, err = list_key(key, "llen")
        if not key then
            return nil, err
        end
        local rc = C.weir_shdict_llen(d, key, #key, now(), v)
        if rc ~= 0 then
            return nil, messages[rc]
        end
        return v.num
    end

    function methods.llen(...)
        arguments(select("#", ...), 2)
        return llen(...)
    end

    function methods.ttl(zone, key)
        local d, err = handle(zone)
        key, err = check(key)
        if not key then
            return nil, err
        end
        local rc = C.weir_shdict_ttl(d, key, #key, now(), v)
        if rc ~= 0 then
            return nil, messages[rc]
        end
        return v.num / 1000
    end

    function methods.expire(zone, key, exptime)
        local d, err = handle(zone)
        if not exptime then
            error('bad "exptime" argument', 2)
        end
        key, err = check(key)
        if not key then
            return nil, err
        end
        local rc = C.weir_shdict_expire(d, key, #key, exptime * 1000, now())
        if rc ~= 0 then
            return nil, messages[rc]
        end
        return true
    end

    function methods.flush_all(zone)
        C.weir_shdict_flush_all(handle(zone), now())
    end

    local function limit(n, max, default, name)
        if n ~= 1 and n ~= 2 then
            error("expecting 1 or 2 argument(s), but saw " .. n, 3)
        end
        if n == 1 then
            return default
        end
        return tonumber(max)
            or error("bad argument #1 to '" .. name .. "' (number expected, got " .. type(max) .. ")", 3)
    end

    function methods.flush_expired(...)
        local zone, max = ...
        local d = handle(zone)
        max = limit(select("#", ...), max, 0, "flush_expired")
        return tonumber(C.weir_shdict_flush_expired(d, max, now()))
    end

    function methods.get_keys(...)
        local zone, max = ...
        local d = handle(zone)
        max = limit(select("#", ...), max, 1024, "get_keys")
        local packed = C.weir_shdict_keys(d, max, now(), count)
        if packed == nil then
            error("no memory", 2)
        end
        local keys, p = {}, ffi_cast(bytes_ptr, packed)
        for i = 1, tonumber(count[0]) do
            local len = p[0] + p[1] * 256
            keys[i] = ffi_string(p + 2, len)
            p = p + 2 + len
        end
        C.weir_shdict_keys_free(packed)
        return keys
    end

    function methods.capacity(zone)
        return tonumber(C.weir_shdict_capacity(handle(zone)))
    end

    function methods.free_space(zone)
        return tonumber(C.weir_shdict_free_space(handle(zone)))
    end

    methods.__index = methods -- programs look for it in dictionaries themselves, as OpenResty's have it

    return function(address)
        if type(address) == "number" then
            address = ffi_cast("uintptr_t", address)
        end
        return setmetatable({ ffi_cast(dict_ptr, address) }, methods)
    end
end
