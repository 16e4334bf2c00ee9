-- What happened lately, sent as one line to a collector. log_by_lua may not wait, so it only counts, and leaves the
-- sending to a timer.

local M = {}

local host, port, interval
local counts
local pending = false

local function reset()
    counts = { sessions = 0, refused = 0, retried = 0, received = 0, sent = 0 }
end

function M.send_to(to_host, to_port, seconds)
    host, port, interval = to_host, to_port, seconds
    reset()
end

local function send(premature)
    pending = false
    if premature then -- the server is ending
        return
    end
    local line = string.format("sessions=%d refused=%d retried=%d received=%d sent=%d\n",
        counts.sessions, counts.refused, counts.retried, counts.received, counts.sent)
    reset()

    local collector = ngx.socket.tcp()
    collector:settimeout(1000)
    local ok, err = collector:connect(host, port)
    if ok then
        ok, err = collector:send(line)
    end
    if not ok then
        ngx.log(ngx.ERR, "summary is lost: ", err)
    end
    collector:close()
end

function M.count()
    local ctx, var = ngx.ctx, ngx.var
    counts.sessions = counts.sessions + 1
    counts.refused = counts.refused + (ctx.refused and 1 or 0)
    counts.retried = counts.retried + (ctx.tried or 0)
    counts.received = counts.received + var.bytes_received
    counts.sent = counts.sent + var.bytes_sent
    if not pending then
        pending = assert(ngx.timer.at(interval, send))
    end
end

return M
