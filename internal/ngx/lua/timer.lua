local p = ...
local base = p.base
local timer, counts = p.timer, p.timer_counts
local select, type, error, tonumber, unpack = select, type, error, tonumber, unpack
local getinfo = debug.getinfo

-- The user's function of a closure that holds its arguments.
local origins = setmetatable({}, { __mode = "k" })

p.timer_keep(function(f)
    local info = getinfo(origins[f] or f, "S")
    return info.source, info.linedefined
end)

local function bind(f, n, a, ...)
    if n == 0 then return f end
    local g
    if n == 1 then
        g = function(premature) return f(premature, a) end
    else
        local args = { a, ... }
        g = function(premature) return f(premature, unpack(args, 1, n)) end
    end
    origins[g] = f
    return g
end

local function checked(n, name, delay, f)
    if n < 2 then
        error("expecting at least 2 arguments but got " .. n, 3)
    end
    local seconds = tonumber(delay)
    if not seconds then
        error("bad argument #1 to '" .. name .. "' (number expected, got " .. type(delay) .. ")", 3)
    end
    local ms = seconds * 1000
    ms = ms - ms % 1
    if name == "every" and ms == 0 then error("delay cannot be zero", 3) end
    if type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error("bad argument #2 to '" .. name .. "' (Lua function expected)", 3)
    end
    return ms
end

ngx.timer = {
    at = function(...)
        local n = select("#", ...)
        local delay, f = ...
        local ms = checked(n, "at", delay, f)
        return timer(ms, bind(f, n - 2, select(3, ...)), false)
    end,
    every = function(...)
        local n = select("#", ...)
        local delay, f = ...
        local ms = checked(n, "every", delay, f)
        return timer(ms, bind(f, n - 2, select(3, ...)), true)
    end,
    running_count = function() return (counts()) end,
    pending_count = function()
        local _, pending = counts()
        return pending
    end,
}
