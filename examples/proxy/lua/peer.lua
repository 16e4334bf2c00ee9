-- A server to proxy to: it says which it is, then sends back what it gets.

local M = {}

function M.serve(name)
    local client = assert(ngx.req.socket(true))
    client:settimeout(60000)
    client:send("peer " .. name .. "\n")
    while true do
        local line = client:receive()
        if not line then
            return
        end
        client:send(line .. "\n")
    end
end

return M
