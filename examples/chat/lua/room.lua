-- A room: its members, and the lines that wait for each of them.

local semaphore = require "ngx.semaphore"

local most_lines = 1000 -- that wait for a member who does not read; what comes then is lost to them
local long = 3600       -- seconds: a semaphore's wait must end some time, and is begun again

local members = {}

local M = {}

function M.join(name)
    local member = { name = name, lines = {}, filled = semaphore.new() }
    members[member] = true
    return member
end

function M.leave(member)
    members[member] = nil
end

-- Hands a line to everybody but its author.
function M.tell(author, line)
    for member in pairs(members) do
        local lines = member.lines
        if member ~= author and #lines < most_lines then
            lines[#lines + 1] = line .. "\n"
            if #lines == 1 then
                member.filled:post()
            end
        end
    end
end

-- Waits until there are lines for a member, and takes them.
function M.take(member)
    while #member.lines == 0 do
        member.filled:wait(long)
    end
    local lines = member.lines
    member.lines = {}
    return lines
end

return M
