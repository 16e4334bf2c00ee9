local p = ...
local set, type, tostring = p.var_set, type, tostring

ngx.var = setmetatable({}, {
    __index = p.var_get,
    __newindex = function(t, name, value)
        if value ~= nil and type(value) ~= "string" then value = tostring(value) end
        return set(t, name, value)
    end,
})
