local p = ...
local base = p.base
local ffi = require "ffi"
local debug, select, xpcall, type, error, tostring = debug, select, xpcall, type, error, tostring
local getinfo, concat, insert = debug.getinfo, table.concat, table.insert
local ipairs = ipairs

ffi.cdef [[
typedef struct {
    double id; int32_t phase, slot, ctx, exposed; void *record;
} weir_shared;
]]
-- What Go tells without a call: the request that runs, and its phase (machine.go: shared).
local shared = ffi.cast("weir_shared *", p.shared_state())
base.shared = shared

-- The phases' bits (phase.go).
base.phases = {
    init = 1, init_worker = 2, access = 4, preread = 8, content = 16,
    balancer = 32, log = 64, timer = 128, ssl_client_hello = 256,
    ssl_cert = 512,
}
local phase_names = {}
for name, bit in pairs(base.phases) do phase_names[bit] = name end

-- The current request as C code knows it (fdapi.go), nil where there is none.
function base.get_request()
    if shared.id == 0 then return nil end
    if shared.exposed == 0 then
        p.flush_late() -- what was sent goes before what the caller may write
        shared.exposed = 1
    end
    return shared.record
end

-- Modules are compiled when they are required: what nobody requires is not there to be collected around.
local loadstring, assert, setfenv, globals = loadstring, assert, setfenv, _G
local function preload(name, file)
    package.preload[name] = function(...)
        local chunk = assert(loadstring(p.module_source(file), "=" .. file))
        return setfenv(chunk, globals)(p, ...)
    end
end

local function traceback(message)
    if type(message) == "number" then message = tostring(message) end
    if type(message) ~= "string" then return false end
    local debug = _G.debug
    if type(debug) ~= "table" or type(debug.traceback) ~= "function" then return message end
    local text = debug.traceback(message, 2)
    -- The last two frames are xpcall and what called it.
    return (text:gsub("\n\t%[builtin#%d+%]: at 0x%x+\n\t%[C%]: at 0x%x+$", ""))
end

local function protect(f, ...) return xpcall(f, traceback, ...) end

local function where(info)
    if info.namewhat ~= "" then return " in function '" .. info.name .. "'" end
    if info.what == "main" then return " in main chunk" end
    if info.what == "C" or info.what == "tail" then return " ?" end
    return " in function <" .. info.short_src .. ":" .. info.linedefined .. ">"
end

local max_depth = 22

-- The way of the last error that coroutine.wrap has passed on: at each step from which coroutine to which. It is of use
-- until the error has been told; nothing is kept alive by it.
local weak = { __mode = "v" }
local passed = { steps = 0, from = setmetatable({}, weak), to = setmetatable({}, weak), err = setmetatable({}, weak) }
base.passed = passed

-- A traceback of the coroutine that the error came from, of those it was passed on to up to the light thread, then of
-- the one that has spawned that, and so on.
local function backtrace(err, ...)
    local all = { ... }
    local step = passed.steps
    while step > 0 and passed.to[step] == all[1] and passed.err[step] == err and passed.from[step] and #all < 5 do
        insert(all, 1, passed.from[step])
        step = step - 1
    end
    local text = { "stack traceback:" }
    for i, co in ipairs(all) do
        text[#text + 1] = "\ncoroutine " .. (i - 1) .. ":"
        for level = 0, max_depth do
            local info = getinfo(co, level, "Snl")
            if not info then break end
            if level == max_depth then
                text[#text + 1] = "\n\t..."
                break
            end
            local line = info.currentline > 0 and info.currentline .. ":" or ""
            text[#text + 1] = "\n\t" .. info.short_src .. ":" .. line .. where(info)
        end
    end
    return concat(text)
end

p.keep_core(preload, protect, backtrace)

ngx = {
    OK = 0, ERROR = -1, AGAIN = -2, DONE = -4, DECLINED = -5,

    STDERR = 0, EMERG = 1, ALERT = 2, CRIT = 3, ERR = 4, WARN = 5, NOTICE = 6, INFO = 7, DEBUG = 8,
    config = {
        debug = false, subsystem = "stream", nginx_version = 1031003, ngx_lua_version = 18,
        prefix = p.prefix, nginx_configure = function() return " --with-stream" end,
    },
}
ngx.null = p.null()
package.loaded.ngx = ngx

function ngx.get_phase() return phase_names[shared.phase] end
function ngx._phase_ctx() return shared.id, shared.phase end

require "thread.exdata"

-- Keys of ngx that are read and written by functions, such as ngx.ctx.
local getters, setters = {}, {}
base.getters, base.setters = getters, setters
-- What ngx has beyond OpenResty's stream subsystem; pairs does not show it.
local more = {}
base.more = more
local rawset = rawset
setmetatable(ngx, {
    __index = function(_, key)
        local get = getters[key]
        if get then return get() end
        return more[key]
    end,
    __newindex = function(t, key, value)
        local set = setters[key]
        if set then return set(value) end
        rawset(t, key, value)
    end,
})
