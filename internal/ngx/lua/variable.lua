-- ngx.var.

local p = ...
local base = p.base
local shared, phases = base.shared, base.phases
local get, set, type, tostring = p.var_get, p.var_set, type, tostring
local clear = require "table.clear"

-- Variables that do not change while a session has Lua code running.
local constant = {}
for _, name in ipairs { "binary_remote_addr", "connection", "hostname", "nginx_version", "pid", "protocol", "remote_addr",
    "remote_port", "server_addr", "server_port" } do
    constant[name] = true
end

-- Their values in the request that has asked last.
local kept, kept_by = {}, nil

local function has_session(phase)
    return phase > phases.init_worker and phase ~= phases.timer
end

local function index(t, name)
    local id = shared.id
    if id == kept_by then
        local value = kept[name]
        if value then return value end
    end
    if not constant[name] or not has_session(shared.phase) then return get(t, name) end
    if id ~= kept_by then
        clear(kept)
        kept_by = id
    end
    local value = get(t, name)
    kept[name] = value
    return value
end

ngx.var = setmetatable({}, {
    __index = index,
    __newindex = function(t, name, value)
        if value ~= nil and type(value) ~= "string" then value = tostring(value) end
        return set(t, name, value)
    end,
})
