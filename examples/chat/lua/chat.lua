-- A client's session: one light thread reads what is typed, another writes what the others have said.

local room = require "room"
local spawn, wait = ngx.thread.spawn, ngx.thread.wait

local M = {}

local function read(client, member)
    while true do
        local line = client:receive()
        if not line then
            return
        end
        room.tell(member, member.name .. ": " .. line)
    end
end

local function write(client, member)
    while client:send(room.take(member)) do
    end
end

function M.serve()
    local client = assert(ngx.req.socket(true))
    client:settimeouts(1000, 10 * 1000, 24 * 3600 * 1000) -- connect, send, read
    client:send("Who are you? ")
    local name = client:receive()
    if not name then
        return
    end

    local member = room.join(name)
    room.tell(member, "* " .. name .. " is here")
    wait(spawn(read, client, member), spawn(write, client, member)) -- whichever ends first
    room.leave(member)
    room.tell(member, "* " .. name .. " has left")
    ngx.exit(ngx.OK) -- ends the other thread
end

return M
