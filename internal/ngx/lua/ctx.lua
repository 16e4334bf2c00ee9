local p = ...
local base = p.base
local shared = base.shared
local type, error = type, error

-- Tables by request number; numbers are not used again.
local tables = {}

local function forget()
    for i = 0, shared.gone_count - 1 do tables[shared.gone[i]] = nil end
    shared.gone_count = 0
end
p.ctx_keep(forget)

local function keep(id, t)
    if id == 0 then error("no request found", 3) end
    if shared.gone_count > 0 then forget() end
    shared.ctx = 1
    tables[id] = t
    return t
end

local function get()
    local id = shared.id
    local t = tables[id]
    if t then return t end
    return keep(id, {})
end

base.getters.ctx = get
base.get_ctx_table = get

base.setters.ctx = function(t)
    if type(t) ~= "table" then
        error("ctx should be a table while getting a " .. type(t))
    end
    keep(shared.id, t)
end
