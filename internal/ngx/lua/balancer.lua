local p = ...
local shared = p.base.shared
local type, error, tonumber = type, error, tonumber

local M = { version = "0.1.33" }

local function check_request()
    if shared.id == 0 then error("no request found", 3) end
end

function M.set_current_peer(addr, port, host)
    check_request()
    port = port and tonumber(port) or 0
    if host ~= nil then
        error("bad argument #3 to 'set_current_peer' ('host' not yet implemented in stream subsystem)", 2)
    end
    if type(addr) ~= "string" then
        error("bad argument #1 to 'set_current_peer' (string expected, got " .. type(addr) .. ")", 2)
    end
    return p.balancer_set_peer(addr, port)
end

function M.enable_keepalive()
    error("'enable_keepalive' not yet implemented in stream subsystem", 2)
end

function M.set_more_tries(count)
    check_request()
    return p.balancer_more_tries(count)
end

function M.get_last_failure()
    check_request()
    return p.balancer_failure()
end

local function milliseconds(seconds, name)
    if not seconds then return 0 end
    if type(seconds) ~= "number" or seconds <= 0 then error("bad " .. name .. " timeout", 3) end
    return seconds * 1000
end

function M.set_timeouts(connect, send, read)
    check_request()
    local c, s, r = milliseconds(connect, "connect"), milliseconds(send, "send"), milliseconds(read, "read")
    local ok, err = p.balancer_timeouts(c, s, r)
    if ok then return true end
    return false, err
end

function M.bind_to_local_addr(addr)
    check_request()
    if type(addr) ~= "string" then
        error("bad argument #1 to 'bind_to_local_addr' (string expected, got " .. type(addr) .. ")")
    end
    return p.balancer_bind(addr)
end

return M
