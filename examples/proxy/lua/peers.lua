-- Which peer a session goes to: those of its group in turn, and the next one when a peer cannot be reached.

local balancer = require "ngx.balancer"

local M = {}

local groups

function M.set(by_name)
    groups = by_name
    for _, group in pairs(groups) do
        group.turn = 0
    end
end

function M.choose()
    local ctx = ngx.ctx
    local group = groups[ctx.group]
    if not ctx.turn then
        ctx.turn, ctx.tried = group.turn, 0
        group.turn = group.turn + 1
        assert(balancer.set_more_tries(#group - 1))
    else
        ctx.tried = ctx.tried + 1
        ngx.log(ngx.NOTICE, "another peer, as the last one ", (balancer.get_last_failure()))
    end
    local peer = group[(ctx.turn + ctx.tried) % #group + 1]
    assert(balancer.set_current_peer(peer[1], peer[2]))
end

return M
