local redis = require "resty.redis"
local lines = require "lines"

local M = {}

local host, port

-- Calls use(red) with a connection from the pool, which goes back there when use has not failed.
local function with_redis(use)
    local red = redis:new()
    red:set_timeout(5000)
    assert(red:connect(host, port))
    local result = use(red)
    assert(red:set_keepalive(10000, 16))
    return result
end

local commands = {}

function commands.pay(_, name, amount)
    return with_redis(function(red)
        return tostring(assert(red:incrby(name, amount)))
    end)
end

-- All in one round trip.
function commands.show(_, ...)
    local names = { ... }
    return with_redis(function(red)
        red:init_pipeline(#names)
        for _, name in ipairs(names) do
            red:get(name)
        end
        local balances = assert(red:commit_pipeline())
        for i, balance in ipairs(balances) do
            balances[i] = names[i] .. "=" .. (balance == ngx.null and "none" or balance)
        end
        return table.concat(balances, " ")
    end)
end

-- Both or none, and only if nobody has changed the payer's balance since it was read.
function commands.move(_, from, to, amount)
    return with_redis(function(red)
        for tries = 1, 50 do
            assert(red:watch(from))
            local balance = assert(red:get(from))
            if balance == ngx.null or tonumber(balance) < tonumber(amount) then
                assert(red:unwatch())
                return "not enough"
            end
            assert(red:multi())
            assert(red:decrby(from, amount) == "QUEUED")
            assert(red:incrby(to, amount) == "QUEUED")
            local done = assert(red:exec())
            if done ~= ngx.null then
                assert(red:publish("moves", from .. " " .. to .. " " .. amount))
                return "moved"
            end
        end
        return "too many have changed it"
    end)
end

-- Tells of the next moves, as many as asked for.
function commands.watch(sock, count)
    return with_redis(function(red)
        assert(red:subscribe("moves"))
        sock:send("watching\n")
        for _ = 1, tonumber(count) do
            local message = assert(red:read_reply())
            sock:send(message[3] .. "\n")
        end
        assert(red:unsubscribe("moves"))
        return "done"
    end)
end

function commands.reused()
    return with_redis(function(red)
        return red:get_reused_times() > 0 and "yes" or "no"
    end)
end

function M.serve(redis_host, redis_port)
    host, port = redis_host, redis_port
    lines.serve(commands)
end

return M
