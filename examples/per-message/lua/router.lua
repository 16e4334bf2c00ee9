-- Sends each line to the peer that its key hashes to. Lines are not kept waiting for the answers to those before: one
-- light thread passes them on, and another collects the answers in their order.
local semaphore = require "ngx.semaphore"
local connect, spawn = ngx.upstream.connect, ngx.thread.spawn

local M = {}

local IDLE = 60000 -- milliseconds that a connection to a peer is kept for
local MOST = 32 -- lines of a client that are under way

local function ask(group, line)
    local key = line:match("^%a+ (%S+)")
    if not key then
        return nil, "no key"
    end
    local peer, err = connect(group, { key = key, timeout = 2000 })
    if not peer then
        return nil, err
    end
    peer:settimeouts(2000, 5000, 5000)
    local sent
    sent, err = peer:send { line, "\n" }
    if not sent then
        return nil, err
    end
    return peer
end

local function answer_of(peer)
    local answer, err = peer:receive()
    if not answer then
        peer:close()
        return nil, err
    end
    peer:setkeepalive(IDLE)
    return answer
end

function M.serve(group)
    local client = assert(ngx.req.socket(true))
    client:settimeouts(0, 5000, 600000)
    local asked, first, last = {}, 1, 0
    local waiting, room = semaphore.new(0), semaphore.new(MOST)

    local function collect()
        while waiting:wait(600) do
            local question = asked[first]
            if not question then
                return -- the client has finished
            end
            asked[first], first = nil, first + 1
            local answer, err = question.err, nil
            if question.peer then
                answer, err = answer_of(question.peer)
            end
            if not client:send { answer or "error: " .. err, "\n" } then
                return
            end
            room:post(1)
        end
    end

    local collector = spawn(collect)
    while room:wait(60) do
        local line = client:receive()
        if not line then
            break
        end
        local peer, err = ask(group, line)
        last = last + 1
        asked[last] = { peer = peer, err = err and "error: " .. err }
        waiting:post(1)
    end
    waiting:post(1)
    ngx.thread.wait(collector)
end

return M
