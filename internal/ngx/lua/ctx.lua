local p = ...
local base = p.base
local shared, set = base.shared, p.ctx_set
local type, error = type, error

-- Tables by request number. Requests keep them alive, numbers are not used again.
local tables = setmetatable({}, { __mode = "v" })

local function get()
    local id = shared.id
    local t = tables[id]
    if t then return t end
    if id == 0 then error("no request found") end
    t = {}
    set(t)
    tables[id] = t
    return t
end

base.getters.ctx = get
base.get_ctx_table = get

base.setters.ctx = function(t)
    if type(t) ~= "table" then
        error("ctx should be a table while getting a " .. type(t))
    end
    local id = shared.id
    if id == 0 then error("no request found") end
    set(t)
    tables[id] = t
end
