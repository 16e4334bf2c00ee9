-- Module "ngx.process". There is one process, which is master and worker: init_by_lua* runs before there are workers,
-- all else in one. Checks and words: lua-resty-core's process.lua.

local p = ...
local get_phase = ngx.get_phase
local type = type

local M = { version = "0.1.33", get_master_pid = p.process_pid, signal_graceful_exit = p.process_quit }

function M.type()
    return get_phase() == "init" and "master" or "worker"
end

function M.enable_privileged_agent(connections)
    if get_phase() ~= "init" then
        return nil, "API disabled in the current context"
    end
    connections = connections or 512
    if type(connections) ~= "number" or connections < 0 then
        return nil, "bad 'connections' argument: number expected and greater than 0"
    end
    return nil, "there is no privileged agent: weir is one process"
end

return M
