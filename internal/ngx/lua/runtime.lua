local p = ...
local error, tostring, type, xpcall, rawset, rawget = error, tostring, type, xpcall, rawset, rawget
local setmetatable, getmetatable, traceback = setmetatable, getmetatable, debug.traceback
local log, ERR = p.log, ngx.ERR

-- Beyond OpenResty: pairs(ngx.worker) does not show them.
setmetatable(ngx.worker, { __index = { slow_slices = p.slow_slices, memory_limit = p.memory_limit } })

-- Code that has a limit is interpreted (internal/luajit/vm.c).
local compile = jit.on
function jit.on(...)
    if p.memory_limit() == 0 then return compile(...) end
end

-- The process is all workers': nobody's code ends it. In init_by_lua* the error ends the start.
function os.exit(code)
    error("os.exit(" .. (code == nil and "" or tostring(code)) .. "): Lua code cannot end the process", 2)
end

-- LuaJIT throws a finalizer's error wherever the collector happens to work, and on the way out of compiled code there
-- is nobody to catch it: the process would crash. So finalizers are called by a function that catches it, where they are set
-- by the usual means: what replaces a __gc that is there already is not seen.
local function describe(err)
    if type(err) ~= "string" then return "unknown reason" end
    return traceback(err, 2)
end

local guards = setmetatable({}, { __mode = "kv" }) -- a guard lives as long as the object that has it

local function guarded(finalizer)
    local kind = type(finalizer)
    if kind ~= "function" and kind ~= "table" then return finalizer end
    local guard = guards[finalizer]
    if guard then return guard end
    guard = function(object)
        local ok, err = xpcall(finalizer, describe, object)
        if not ok then log(ERR, "lua finalizer failed: ", tostring(err)) end
    end
    guards[finalizer], guards[guard] = guard, guard
    return guard
end

local function guard_metatable(mt)
    if type(mt) == "table" and rawget(mt, "__gc") ~= nil then rawset(mt, "__gc", guarded(rawget(mt, "__gc"))) end
    return mt
end

local ffi = require "ffi"
local gc, metatype = ffi.gc, ffi.metatype
function ffi.gc(object, finalizer) return gc(object, guarded(finalizer)) end
function ffi.metatype(ct, mt) return metatype(ct, guard_metatable(mt)) end

-- The metatable that newproxy makes gets its __gc later.
local proxies = {
    __newindex = function(mt, key, value)
        rawset(mt, key, key == "__gc" and guarded(value) or value)
    end,
}
local newproxy_raw = newproxy
function newproxy(like)
    local proxy = newproxy_raw(like)
    if like == true then setmetatable(getmetatable(proxy), proxies) end
    return proxy
end

local set_any = debug.setmetatable
function debug.setmetatable(value, mt) return set_any(value, guard_metatable(mt)) end
