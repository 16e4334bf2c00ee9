local memcached = require "resty.memcached"
local lines = require "lines"

local M = {}

local host, port

-- Calls use(memc) with a connection from the pool, which goes back there when use has not failed.
local function with_memcached(use)
    local memc = assert(memcached:new())
    memc:set_timeout(1000)
    assert(memc:connect(host, port))
    local result = use(memc)
    assert(memc:set_keepalive(10000, 16))
    return result
end

local commands = {}

function commands.set(_, key, value)
    return with_memcached(function(memc)
        assert(memc:set(key, value))
        return "kept"
    end)
end

function commands.get(_, key)
    return with_memcached(function(memc)
        local value, _, err = memc:get(key)
        return value or err or "none"
    end)
end

-- Several keys at once.
function commands.all(_, ...)
    local keys = { ... }
    return with_memcached(function(memc)
        local found = assert(memc:get(keys))
        for i, key in ipairs(keys) do
            keys[i] = key .. "=" .. (found[key] and found[key][1] or "none")
        end
        return table.concat(keys, " ")
    end)
end

-- Adds to a note, unless somebody else was faster; then again.
function commands.append(_, key, text)
    return with_memcached(function(memc)
        for _ = 1, 100 do
            local value, flags, cas, err = memc:gets(key)
            if not value then
                return err or "none"
            end
            if memc:cas(key, value .. text, cas, 0, flags) then
                return "appended"
            end
        end
        return "too many others"
    end)
end

function commands.count(_, key)
    return with_memcached(function(memc)
        memc:add(key, 0)
        return tostring(assert(memc:incr(key, 1)))
    end)
end

function M.serve(memcached_host, memcached_port)
    host, port = memcached_host, memcached_port
    lines.serve(commands)
end

return M
