-- What libraries require by name and OpenResty has in files: "resty.core" and its parts, "tablepool", and the modules
-- of lua-resty-core that refuse the stream subsystem.

local p = ...
local base = require "resty.core.base"
local loaded, preload = package.loaded, package.preload
local error, setmetatable = error, setmetatable
local new_tab, clear_tab = base.new_tab, base.clear_tab

-- All of ngx.* is there from the beginning: requiring a part has nothing to do.
for _, part in ipairs {
    "base64", "coroutine", "ctx", "exit", "hash", "misc", "param", "phase", "regex", "request", "response", "shdict",
    "socket", "time", "uri", "utils", "var", "worker",
} do
    local name = "resty.core." .. part
    loaded[name] = loaded[name] or { version = base.version, _VERSION = base.version }
end
loaded["resty.core"] = { version = base.version }

-- A resty/core.lua of the user's own takes our place; lua-resty-core itself, which needs nginx's symbols, does not: it
-- has resty/core/base.lua beside it.
local own = package.searchpath("resty.core", package.path)
local parts = own and io.open((own:gsub("%.lua$", "/base.lua")))
if parts then
    parts:close()
elseif own then
    loaded["resty.core"] = assert(loadfile(own))("resty.core") or true
end

local misc = loaded["resty.core.misc"]

function misc.register_ngx_magic_key_getter(key, f)
    p.base.getters[key] = f
end

function misc.register_ngx_magic_key_setter(key, f)
    p.base.setters[key] = f
end

loaded["resty.core.utils"].str_replace_char = function(s, find, replace)
    return (s:gsub(find:gsub("%p", "%%%0"), (replace:gsub("%%", "%%%%"))))
end

for _, name in ipairs { "resty.core.ndk", "ngx.req", "ngx.resp", "ngx.ocsp" } do
    preload[name] = function() error("unsupported subsystem: stream", 2) end
end

-- tablepool: tables that are used again, by tag. A pool that has handed out many tables begins anew, so that tables
-- that have grown large go.
local MAX_KEPT, MAX_RELEASES = 200, 20000
local pools = {}

local function new_pool(tag)
    local pool = { count = 0, releases = 0 }
    pools[tag] = pool
    return pool
end

loaded.tablepool = {
    fetch = function(tag, narr, nrec)
        local pool = pools[tag] or new_pool(tag)
        local n = pool.count
        if n == 0 then
            return new_tab(narr, nrec)
        end
        local t = pool[n]
        pool[n], pool.count = nil, n - 1
        return t
    end,
    release = function(tag, t, keep)
        if not t then
            error("object empty", 2)
        end
        if not keep then
            setmetatable(t, nil)
            clear_tab(t)
        end
        local pool = pools[tag] or new_pool(tag)
        pool.releases = pool.releases + 1
        if pool.releases >= MAX_RELEASES then
            new_pool(tag)
            return
        end
        local n = pool.count + 1
        if n <= MAX_KEPT then
            pool[n], pool.count = t, n
        end
    end,
}
