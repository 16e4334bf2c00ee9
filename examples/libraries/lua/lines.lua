-- A server of lines: the first word of each names a command, the rest are its arguments.

local M = {}

function M.serve(commands)
    local sock = assert(ngx.req.socket(true))
    while true do
        local line = sock:receive()
        if not line then
            return
        end
        local words = {}
        for word in line:gmatch("%S+") do
            words[#words + 1] = word
        end
        local command = commands[words[1]]
        local answer = "unknown command"
        if command then
            local ok, result = pcall(command, sock, unpack(words, 2))
            answer = ok and result or "error: " .. tostring(result)
        end
        sock:send(answer .. "\n")
    end
end

return M
