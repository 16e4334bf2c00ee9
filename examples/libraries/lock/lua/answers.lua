local lock = require "resty.lock"

local M = {}

local answers = ngx.shared.answers

-- What takes long. The answer tells how often it was asked for.
local function ask(question)
    ngx.sleep(0.2)
    return question .. "? " .. answers:incr("asked " .. question, 1, 0)
end

local function get(question)
    local answer = answers:get(question)
    if answer then
        return answer
    end
    local guard = assert(lock:new("locks", { timeout = 5 }))
    assert(guard:lock(question))
    answer = answers:get(question) -- somebody may have been faster
    if not answer then
        answer = ask(question)
        answers:set(question, answer, 60)
    end
    assert(guard:unlock())
    return answer
end

function M.serve()
    local sock = assert(ngx.req.socket(true))
    local question = assert(sock:receive())
    sock:send(get(question) .. " (worker " .. ngx.worker.id() .. ")\n")
end

return M
