-- Who may come in, by the first byte and the client's address. The byte is only peeked at: the peer will read it.

local M = {}

local trusted = {}

function M.trust(addresses)
    for _, address in ipairs(addresses) do
        trusted[address] = true
    end
end

local function refuse(why)
    ngx.ctx.refused = true
    ngx.log(ngx.WARN, "refused: ", why)
    ngx.say("go away: ", why)
    ngx.exit(403)
end

function M.check()
    local client = assert(ngx.req.socket(true))
    local first = client:peek(1)
    if not first then
        return ngx.exit(400)
    end
    if first == "\22" then -- what a TLS client begins with
        return refuse("no TLS here")
    end
    if first ~= "!" then
        ngx.ctx.group = "public"
        return
    end
    if not trusted[ngx.var.remote_addr] then
        return refuse("not from " .. ngx.var.remote_addr)
    end
    ngx.ctx.group = "admin"
end

return M
