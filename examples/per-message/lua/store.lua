-- A peer: set KEY VALUE, get KEY, and slow KEY, which takes a moment. Every answer begins with the store's name.
local M = {}

local commands = {}

function commands.set(values, key, value)
    values:set(key, value)
    return "stored"
end

function commands.get(values, key)
    return values:get(key) or "nothing"
end

function commands.slow()
    ngx.sleep(0.2)
    return "at last"
end

function M.serve(name)
    local sock = assert(ngx.req.socket(true))
    local values = ngx.shared[name]
    sock:settimeout(600000)
    while true do
        local line = sock:receive()
        if not line then
            return
        end
        local command, key, value = line:match("^(%a+) (%S+) ?(.*)$")
        local run = commands[command] or function() return "what?" end
        if not sock:send { name, ": ", run(values, key, value), "\n" } then
            return
        end
    end
end

return M
