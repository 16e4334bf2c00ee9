local balancer = require "ngx.balancer"
local roundrobin = require "resty.roundrobin"
local swrr = require "resty.swrr"
local chash = require "resty.chash"

local M = {}

-- Ports and their weights.
local peers = { ["7047"] = 3, ["7048"] = 2, ["7049"] = 1 }

local in_turns, smoothly, by_hash = roundrobin:new(peers), swrr:new(peers), chash:new(peers)

local function choose(port)
    assert(balancer.set_current_peer(ngx.var.server_addr, tonumber(port)))
end

function M.turns()
    choose(in_turns:find())
end

function M.smooth()
    choose(smoothly:find())
end

-- A client's address always leads to the same peer.
function M.hashed()
    choose(by_hash:find(ngx.var.remote_addr))
end

return M
