local p = ...
local base = p.base
local shared = base.shared
local type, error = type, error

-- By the slots of the requests that have one.
local tables = {}
p.ctx_keep(tables)

local function keep(slot, t)
    if slot == 0 then error("no request found", 3) end
    shared.ctx = 1
    tables[slot] = t
    return t
end

local function get()
    local slot = shared.slot
    local t = tables[slot]
    if t then return t end
    return keep(slot, {})
end

base.getters.ctx = get
base.get_ctx_table = get

base.setters.ctx = function(t)
    if type(t) ~= "table" then
        error("ctx should be a table while getting a " .. type(t))
    end
    keep(shared.slot, t)
end
